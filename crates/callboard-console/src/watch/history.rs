//! What was: a point a second, for some minutes, in bounded memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use callboard::Snapshot;
use hyper::body::Bytes;
use serde::Serialize;

use super::json;
use super::keys::keys;

/// How many subscribers a point has.
const SUBSCRIBERS: usize = 256;
/// How many samples there are in all: subscribers × points.
const SAMPLES: usize = 65_536;

/// The points of the last minutes, oldest first.
pub(super) struct History {
    points: VecDeque<Arc<Point>>,
    samples: usize,
    length: usize,
    /// The counts of the last look, to tell what came since.
    counted: HashMap<Arc<str>, (u64, u64)>,
    published: Option<u64>,
    /// The history as JSON, until the next point.
    json: Option<Bytes>,
}

/// One second.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    at_ms: u64,
    subscribers: BTreeMap<Arc<str>, Sample>,
    published: u64,
    /// How many subscribers are left out, those that are best off.
    left_out: usize,
}

/// One subscriber in one second.
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
            json: None,
        }
    }

    /// Adds a point, and lets go of those that are too old or too many.
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

    /// Everything, as JSON. All who ask within a second share it.
    pub(super) fn json(&mut self) -> Bytes {
        let points = &self.points;
        self.json.get_or_insert_with(|| json(&Written { step_ms: 1_000, points })).clone()
    }

    fn point(&mut self, at: Duration, snapshot: &Snapshot) -> Point {
        let published = snapshot.types.iter().map(|of| of.published).sum();
        let before = self.published.replace(published).unwrap_or(published);
        let mut counted = HashMap::with_capacity(snapshot.subscribers.len());
        let mut samples = Vec::with_capacity(snapshot.subscribers.len());
        for (of, key) in snapshot.subscribers.iter().zip(keys(snapshot)) {
            let now = (of.ledger.delivered, of.ledger.lost());
            let (delivered, dropped) = self.counted.get(&key).copied().unwrap_or_default();
            let since = |now: u64, before| now.checked_sub(before).unwrap_or(now);
            let sample = Sample {
                queued: of.queued,
                capacity: of.capacity,
                delivered: since(now.0, delivered),
                dropped: since(now.1, dropped),
                p50_us: None,
                p99_us: None,
            };
            counted.insert(Arc::clone(&key), now);
            samples.push((key, sample));
        }
        self.counted = counted;
        let left_out = samples.len().saturating_sub(SUBSCRIBERS);
        if left_out > 0 {
            // The worst first; of those that are equally well the ones that were there first.
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
    /// How badly off it is.
    fn trouble(&self) -> f64 {
        let full = self.queued as f64 / self.capacity.max(1) as f64;
        full + self.dropped as f64
    }
}
