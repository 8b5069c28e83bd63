//! The history: one point per second, in bounded memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use callboard::Snapshot;
use hyper::body::Bytes;
use serde::Serialize;

use super::json;
use super::keys::{Moves, keys};

/// The maximum number of subscribers in a point.
const SUBSCRIBERS: usize = 256;
/// The maximum number of samples in all points together.
const SAMPLES: usize = 65_536;

/// The latest points, oldest first.
pub(super) struct History {
    points: VecDeque<Arc<Point>>,
    samples: usize,
    length: usize,
    /// How many events each subscriber had received and lost at the last point.
    counted: HashMap<Arc<str>, Counted>,
    published: Option<u64>,
    moves: Moves,
    /// The history as JSON, cached until the next point.
    json: Option<Bytes>,
}

/// One second of all subscribers.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    at_ms: u64,
    subscribers: BTreeMap<Arc<str>, Sample>,
    published: u64,
    /// How many subscribers are left out.
    left_out: usize,
}

/// The counts of a subscriber at the last point.
struct Counted {
    /// Events delivered and lost.
    now: (u64, u64),
    /// How long its handlers took: how many did not exceed each bound and exceeded the one before.
    times: Vec<(Duration, u64)>,
}

/// How long the handlers of one second took, in buckets.
struct Times(Vec<(Duration, u64)>);

impl Times {
    fn since(before: &[(Duration, u64)], now: &[(Duration, u64)]) -> Self {
        let new = now.iter().map(|&(bound, count)| {
            let old = before.iter().find(|(other, _)| *other == bound).map_or(0, |(_, old)| *old);
            (bound, count.saturating_sub(old))
        });
        Self(new.collect())
    }

    /// The time in microseconds that this share of the handlers did not exceed, to the upper bound
    /// of its bucket; `None` if no handler ended.
    fn percentile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.0.iter().map(|(_, count)| count).sum();
        let rank = (all as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.0.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        bucket.filter(|_| all > 0).map(|(bound, _)| bound.as_secs_f64() * 1e6)
    }
}

/// One second of one subscriber.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Sample {
    queued: usize,
    capacity: usize,
    delivered: u64,
    dropped: u64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

#[derive(Serialize)]
struct Written<'a> {
    step_ms: u64,
    points: &'a VecDeque<Arc<Point>>,
}

impl History {
    pub(super) fn new(time: Duration) -> Self {
        Self {
            points: VecDeque::new(),
            samples: 0,
            length: time.as_secs() as usize,
            counted: HashMap::new(),
            published: None,
            moves: Moves::default(),
            json: None,
        }
    }

    /// Adds a point, and removes the oldest points that exceed a limit.
    pub(super) fn add(&mut self, at: Duration, snapshot: &Snapshot) -> Arc<Point> {
        self.json = None;
        let point = Arc::new(self.point(at, snapshot));
        self.samples += point.subscribers.len();
        self.points.push_back(Arc::clone(&point));
        while self.points.len() > self.length || (self.samples > SAMPLES && self.points.len() > 1) {
            let oldest = self.points.pop_front();
            self.samples -= oldest.map_or(0, |oldest| oldest.subscribers.len());
        }
        point
    }

    /// The history as JSON. All requests between two points share one buffer.
    pub(super) fn json(&mut self) -> Bytes {
        let points = &self.points;
        self.json.get_or_insert_with(|| json(&Written { step_ms: 1_000, points })).clone()
    }

    fn point(&mut self, at: Duration, snapshot: &Snapshot) -> Point {
        let published = snapshot.types.iter().map(|of| of.published).sum();
        let first = self.published.is_none();
        let before = self.published.replace(published).unwrap_or(published);
        let mut counted = HashMap::with_capacity(snapshot.subscribers.len());
        let mut samples = Vec::with_capacity(snapshot.subscribers.len());
        let keys = keys(snapshot);
        let moved = self.moves.since_last(snapshot, &keys);
        for (of, key) in snapshot.subscribers.iter().zip(keys) {
            let now = (of.ledger.delivered, of.ledger.lost());
            let buckets = of.handler_times.as_ref().map_or(&[][..], |times| &times.buckets);
            let ((delivered, dropped), old) = match self.counted.get(&key) {
                _ if first || moved.contains(&key) => (now, buckets),
                Some(before) => (before.now, &before.times[..]),
                None => Default::default(),
            };
            let times = Times::since(old, buckets);
            let sample = Sample {
                queued: of.queued,
                capacity: of.capacity,
                delivered: now.0.saturating_sub(delivered),
                dropped: now.1.saturating_sub(dropped),
                p50_us: times.percentile(0.5),
                p99_us: times.percentile(0.99),
            };
            counted.insert(Arc::clone(&key), Counted { now, times: buckets.to_vec() });
            samples.push((key, sample));
        }
        self.counted = counted;
        let left_out = samples.len().saturating_sub(SUBSCRIBERS);
        if left_out > 0 {
            // Keep the subscribers with the most trouble; among equals, the earliest.
            samples.sort_by(|(_, one), (_, other)| other.trouble().total_cmp(&one.trouble()));
            samples.truncate(SUBSCRIBERS);
        }
        Point {
            at_ms: at.as_millis() as u64,
            subscribers: samples.into_iter().collect(),
            published: published.saturating_sub(before),
            left_out,
        }
    }
}

impl Sample {
    /// How full the queue is, plus the drops: the order in which subscribers are kept.
    fn trouble(&self) -> f64 {
        let full = self.queued as f64 / self.capacity.max(1) as f64;
        full + self.dropped as f64
    }
}

#[cfg(test)]
mod tests {
    use callboard::{Bus, Event};

    use super::*;

    #[derive(Debug, Event)]
    struct Tick;

    #[test]
    fn a_point_has_what_came_since_the_one_before() {
        let bus = Bus::new();
        let mut ticks = bus.subscriber("clock").capacity(3).subscribe::<Tick>();
        bus.start();
        let mut history = History::new(Duration::from_secs(60));
        let mut point = |published: usize, taken: usize| {
            (0..published).for_each(|_| _ = bus.publish(Tick));
            assert_eq!(ticks.try_iter().take(taken).count(), taken);
            let point = history.add(Duration::from_secs(1), &bus.snapshot());
            let of = &point.subscribers["clock"];
            (point.published, of.queued, of.delivered, of.dropped)
        };
        assert_eq!(point(5, 2), (0, 1, 0, 0), "what was before the console is of no second");
        assert_eq!(point(3, 1), (3, 2, 1, 1));
        assert_eq!(point(0, 0), (0, 2, 0, 0));
    }

    #[test]
    fn percentiles_are_those_of_the_last_second() {
        let micros = Duration::from_micros;
        let before = [(micros(10), 5), (micros(1_000), 1)];
        let now = [(micros(10), 5), (micros(20), 98), (micros(1_000), 3)];
        let times = Times::since(&before, &now);
        assert_eq!((times.percentile(0.5), times.percentile(0.99)), (Some(20.0), Some(1_000.0)));
        assert_eq!(Times::since(&now, &now).percentile(0.5), None, "nothing was handled");
    }

    #[test]
    fn samples_are_bounded_however_many_subscribe() {
        let bus = Bus::new();
        let subscribe = |number| bus.subscriber(format!("s{number}")).subscribe::<Tick>();
        let _all: Vec<_> = (0..300).map(subscribe).collect();
        let mut history = History::new(Duration::from_secs(3_600));
        let snapshot = bus.snapshot();
        (0..400).for_each(|second| _ = history.add(Duration::from_secs(second), &snapshot));
        assert_eq!(history.points.len(), SAMPLES / SUBSCRIBERS);
        assert_eq!(history.points.front().map(|point| point.at_ms), Some(144_000), "the last");
        assert!(history.points.iter().all(|point| point.left_out == 44));
    }
}
