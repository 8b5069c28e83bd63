//! Rates: events per second, smoothed so that they can be read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use callboard::{Importance, LinkStatus, Snapshot, SubscriberSnapshot, TypeSnapshot};
use serde::Serialize;

use super::keys::{Moves, keys, link_keys};

/// The time constant of the moving average: after this time, a rate has covered 63 % of a change.
const SMOOTHING: Duration = Duration::from_secs(2);

/// The rates of all counts of the last snapshot.
#[derive(Default)]
pub(crate) struct Rates {
    at: Option<Duration>,
    meters: HashMap<What, Meter>,
    totals: Totals,
    moves: Moves,
    /// How many links the last snapshot had.
    links: usize,
}

/// A count of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// Publications of a type.
    Published(Arc<str>),
    /// Publications of a type by a component; the name is empty for publications without one.
    PublishedBy(Arc<str>, Arc<str>),
    /// What a subscription received.
    Delivered(Arc<str>),
    /// What a critical subscription lost.
    Lost(Arc<str>),
    /// What a lossy subscription lost.
    LostLossy(Arc<str>),
    /// What a subscription received of a type.
    DeliveredOf(Arc<str>, Arc<str>),
    /// What the start buffer lost.
    Buffer,
    /// What a link sent to other processes.
    Sent(Arc<str>),
    /// What a link received from other processes.
    Arrived(Arc<str>),
    /// What a link lost.
    LostByLink(Arc<str>),
}

#[derive(Clone, Copy)]
struct Meter {
    count: u64,
    rate: Option<f64>,
    /// Whether the last snapshot has it.
    seen: bool,
}

/// The rates of the bus as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Totals {
    pub(crate) published: f64,
    pub(crate) delivered: f64,
    pub(crate) dropped_critical: f64,
    pub(crate) dropped_lossy: f64,
}

impl Rates {
    /// Adds a snapshot that was taken at this time.
    pub(crate) fn update(&mut self, at: Duration, snapshot: &Snapshot) {
        let elapsed = self.at.map(|last| at.saturating_sub(last));
        if elapsed == Some(Duration::ZERO) {
            // The snapshot was reused.
            return;
        }
        self.at = Some(at);
        self.meters.values_mut().for_each(|meter| meter.seen = false);
        let keys = keys(snapshot);
        let moved = self.moves.since_last(snapshot, &keys);
        // When a link has ended, a namesake may have its key: their counts must not be compared.
        let link_ended = snapshot.links.len() < self.links;
        self.links = snapshot.links.len();
        for (what, count) in counts(snapshot, &keys) {
            // A new count began at zero after the last snapshot. In the first snapshot, the start
            // of the count is unknown.
            let fresh =
                Meter { count: if elapsed.is_some() { 0 } else { count }, rate: None, seen: true };
            let moved = what.is_of(&moved) || (link_ended && what.is_of_link());
            let meter = self.meters.entry(what).or_insert(fresh);
            if moved {
                meter.count = count;
            }
            meter.take(count, elapsed);
        }
        self.meters.retain(|_, meter| meter.seen);
        self.sum();
    }

    /// The rate of a count, per second; 0 before it is known.
    pub(super) fn of(&self, what: &What) -> f64 {
        self.meters.get(what).and_then(|meter| meter.rate).unwrap_or_default()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    fn sum(&mut self) {
        let mut totals = Totals::default();
        for (what, meter) in &self.meters {
            let rate = meter.rate.unwrap_or_default();
            match what {
                What::Published(_) => totals.published += rate,
                What::Delivered(_) => totals.delivered += rate,
                What::Lost(_) | What::Buffer => totals.dropped_critical += rate,
                What::LostLossy(_) => totals.dropped_lossy += rate,
                What::PublishedBy(..)
                | What::DeliveredOf(..)
                | What::Sent(_)
                | What::Arrived(_)
                | What::LostByLink(_) => {}
            }
        }
        self.totals = totals;
    }
}

impl What {
    /// Whether it belongs to one of these subscriptions.
    fn is_of(&self, keys: &HashSet<Arc<str>>) -> bool {
        match self {
            Self::Delivered(key) | Self::Lost(key) | Self::LostLossy(key) => keys.contains(key),
            Self::DeliveredOf(key, _) => keys.contains(key),
            _ => false,
        }
    }

    fn is_of_link(&self) -> bool {
        matches!(self, Self::Sent(_) | Self::Arrived(_) | Self::LostByLink(_))
    }
}

impl Meter {
    fn take(&mut self, count: u64, elapsed: Option<Duration>) {
        self.seen = true;
        if let Some(elapsed) = elapsed {
            let gained = count.saturating_sub(self.count);
            let seconds = elapsed.as_secs_f64();
            let now = gained as f64 / seconds;
            let weight = 1.0 - (-seconds / SMOOTHING.as_secs_f64()).exp();
            let rate = self.rate.map_or(now, |rate| rate + weight * (now - rate));
            // Less than one event in a quarter of an hour counts as none.
            self.rate = Some(if rate < 0.001 { 0.0 } else { rate });
        }
        self.count = count;
    }
}

/// All counts of a snapshot; counts of the same name are added.
fn counts(snapshot: &Snapshot, keys: &[Arc<str>]) -> HashMap<What, u64> {
    let mut counts = HashMap::new();
    let mut add = |what, count| *counts.entry(what).or_default() += count;
    for of in &snapshot.types {
        let event_type: Arc<str> = of.event_type.as_str().into();
        add(What::Published(Arc::clone(&event_type)), of.published);
        for (name, published) in publishers(of) {
            add(What::PublishedBy(name.into(), Arc::clone(&event_type)), published);
        }
        add(What::Buffer, of.buffered.lost());
    }
    for (of, key) in snapshot.subscribers.iter().zip(keys) {
        for account in &of.accounts {
            let event_type = account.event_type.as_str().into();
            add(What::DeliveredOf(Arc::clone(key), event_type), account.ledger.delivered);
        }
        add(What::Delivered(Arc::clone(key)), of.ledger.delivered);
        add(lost_by(of, Arc::clone(key)), of.ledger.lost());
    }
    for (of, key) in snapshot.links.iter().zip(link_keys(snapshot)) {
        add(What::Sent(Arc::clone(&key)), of.sent);
        add(What::Arrived(Arc::clone(&key)), of.received);
        add(What::LostByLink(key), lost_by_link(of));
    }
    counts
}

/// The count of the events that a subscription lost.
pub(super) fn lost_by(of: &SubscriberSnapshot, key: Arc<str>) -> What {
    match of.importance {
        Importance::Critical => What::Lost(key),
        Importance::Lossy => What::LostLossy(key),
    }
}

/// How many events a link has lost. Its figures come from outside of the bus, and may be anything.
pub(super) fn lost_by_link(of: &LinkStatus) -> u64 {
    of.dropped.iter().fold(0, |sum, (_, lost)| sum.saturating_add(*lost))
}

/// How many events of a type each component has published; those without a name have the empty one.
pub(super) fn publishers(of: &TypeSnapshot) -> impl Iterator<Item = (&str, u64)> {
    let named: u64 = of.publishers.iter().map(|publisher| publisher.published).sum();
    // The bus reads the two counts at slightly different moments.
    let unnamed = of.published.saturating_sub(named);
    let named = of.publishers.iter().map(|by| (by.name.as_str(), by.published));
    named.chain((unnamed > 0).then_some(("", unnamed)))
}

#[cfg(test)]
mod tests {
    use callboard::{Bus, Event};

    use super::*;

    #[derive(Debug, Event)]
    struct Tick;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 0.01
    }

    #[test]
    fn a_rate_comes_two_thirds_of_the_way_in_two_seconds() {
        let bus = Bus::new();
        bus.start();
        let (mut rates, of_ticks) = (Rates::default(), What::Published("tick".into()));
        let mut look = |published: u64, at: u64| {
            (0..published).for_each(|_| _ = bus.publish(Tick));
            rates.update(Duration::from_millis(at), &bus.snapshot());
            (rates.of(&of_ticks), rates.totals().published)
        };
        assert_eq!(look(1_000, 0), (0.0, 0.0), "there is no telling since when");
        assert_eq!(look(100, 1_000), (100.0, 100.0), "the first is taken as it is");
        let (rate, total) = look(0, 3_000);
        assert!(close(rate, 100.0 / std::f64::consts::E) && close(rate, total), "{rate}");
        assert_eq!(look(0, 3_000).0, rate, "the same look says nothing new");
        assert_eq!(look(0, 60_000).0, 0.0, "it ends at nothing");
    }

    #[test]
    fn a_namesake_that_takes_a_key_is_no_burst() {
        let bus = Bus::new();
        bus.start();
        let subscribe = || bus.subscriber("worker").late().subscribe::<Tick>();
        let (idle, mut busy) = (subscribe(), subscribe());
        let mut rates = Rates::default();
        rates.update(Duration::ZERO, &bus.snapshot());
        (0..50).for_each(|_| _ = bus.publish(Tick));
        assert_eq!(busy.try_iter().count(), 50);
        rates.update(Duration::from_secs(1), &bus.snapshot());
        assert_eq!(rates.of(&What::Delivered("worker#2".into())), 50.0);
        drop(idle);
        rates.update(Duration::from_secs(2), &bus.snapshot());
        assert_eq!(rates.of(&What::Delivered("worker".into())), 0.0);
    }
    #[test]
    fn a_link_that_ends_leaves_no_burst_to_its_namesake() {
        let bus = Bus::new();
        let link = |sent| {
            bus.attach_link(move || {
                let mut link = LinkStatus::new("nats", "online");
                (link.sent, link.received) = (sent, sent / 2);
                link.dropped = vec![("gap".to_owned(), sent / 10), ("offline".to_owned(), 0)];
                link
            })
        };
        let idle = link(0);
        let mut rates = Rates::default();
        rates.update(Duration::ZERO, &bus.snapshot());
        let _busy = link(100);
        rates.update(Duration::from_secs(1), &bus.snapshot());
        let of = |rates: &Rates, key: &str| {
            [What::Sent, What::Arrived, What::LostByLink].map(|what| rates.of(&what(key.into())))
        };
        assert_eq!(of(&rates, "nats"), [0.0, 0.0, 0.0]);
        assert_eq!(of(&rates, "nats#2"), [100.0, 50.0, 10.0]);
        assert_eq!(rates.totals(), Totals::default(), "they are no events of the bus");
        drop(idle);
        rates.update(Duration::from_secs(2), &bus.snapshot());
        assert_eq!(of(&rates, "nats"), [0.0, 0.0, 0.0]);
    }
}
