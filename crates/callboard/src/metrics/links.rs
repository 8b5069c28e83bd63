//! Metrics of links to other processes.

use metrics::Unit::{self, Bytes, Count, Seconds};
use metrics::{counter, gauge};

use super::{Series, float};
use crate::link::LinkStatus;
use crate::snapshot::Snapshot;

/// How many links have their own series, and how many drop reasons and peer states of each.
const OWN_SERIES: usize = 32;

/// The state of a closed link, which has no trouble and is not connected.
const CLOSED: &str = "closed";

pub(super) const COUNTERS: [(&str, &str); 3] = [
    ("callboard_link_sent_total", "Events sent to other processes, by link."),
    ("callboard_link_received_total", "Events that came from other processes, by link."),
    ("callboard_link_dropped_total", "Events lost on the way, by link and reason."),
];

pub(super) const GAUGES: [(&str, Unit, &str); 6] = [
    ("callboard_link_up", Count, "1 if the link is connected, 0 if not."),
    ("callboard_link_round_trip_seconds", Seconds, "The last measured time there and back."),
    ("callboard_link_queued", Count, "Events that wait to be sent or confirmed."),
    ("callboard_link_queued_bytes", Bytes, "Memory held by events that wait."),
    ("callboard_link_capacity_bytes", Bytes, "Memory that events that wait may hold."),
    ("callboard_link_peers", Count, "Processes at the other ends, by link and state."),
];

/// The combined figures of links with one name.
#[derive(Default)]
struct OfLink<'a> {
    links: usize,
    up: usize,
    round_trip: Option<f64>,
    queued: u64,
    queued_bytes: usize,
    capacity_bytes: usize,
    sent: u64,
    received: u64,
    dropped: Series<'a, u64, OWN_SERIES>,
    peers: Series<'a, usize, OWN_SERIES>,
}

impl<'a> OfLink<'a> {
    fn add(&mut self, of: &'a LinkStatus) {
        self.links += 1;
        self.up += usize::from(of.trouble.is_none() && of.state != CLOSED);
        let round_trip = of.round_trip.map(|time| time.as_secs_f64());
        self.round_trip = match (self.round_trip, round_trip) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.queued = self.queued.saturating_add(of.queued);
        self.queued_bytes = self.queued_bytes.saturating_add(of.queued_bytes);
        self.capacity_bytes = self.capacity_bytes.saturating_add(of.capacity_bytes);
        self.sent = self.sent.saturating_add(of.sent);
        self.received = self.received.saturating_add(of.received);
        for (reason, events) in &of.dropped {
            let count = self.dropped.of(reason);
            *count = count.saturating_add(*events);
        }
        for peer in &of.peers {
            *self.peers.of(&peer.state) += 1;
        }
    }

    fn record(&self, name: &str) {
        let gauge = |figure: &'static str, value: f64| {
            gauge!(figure, "link" => name.to_owned()).set(value);
        };
        let counter = |figure: &'static str, value: u64| {
            counter!(figure, "link" => name.to_owned()).absolute(value);
        };
        gauge("callboard_link_up", f64::from(u8::from(self.links > 0 && self.up == self.links)));
        if let Some(seconds) = self.round_trip {
            gauge("callboard_link_round_trip_seconds", seconds);
        }
        gauge("callboard_link_queued", float(self.queued));
        gauge("callboard_link_queued_bytes", float(self.queued_bytes));
        gauge("callboard_link_capacity_bytes", float(self.capacity_bytes));
        counter("callboard_link_sent_total", self.sent);
        counter("callboard_link_received_total", self.received);
        for (reason, events) in &self.dropped.0 {
            let labels = [("link", name.to_owned()), ("reason", label(reason))];
            counter!("callboard_link_dropped_total", &labels).absolute(*events);
        }
        for (state, peers) in &self.peers.0 {
            let labels = [("link", name.to_owned()), ("state", label(state))];
            gauge!("callboard_link_peers", &labels).set(float(*peers));
        }
    }
}

impl Snapshot {
    pub(super) fn record_links(&self, earlier: Option<&Self>) {
        let mut present = self.by_link();
        let before = earlier.map_or_else(Series::default, Self::by_link);
        for (name, old) in &before.0 {
            let now = present.0.entry(name).or_default();
            old.peers.0.keys().for_each(|state| _ = now.peers.0.entry(state).or_default());
        }
        present.0.iter().for_each(|(name, of)| of.record(name));
    }

    fn by_link(&self) -> Series<'_, OfLink<'_>, OWN_SERIES> {
        let mut series = Series::default();
        self.links.iter().for_each(|of| OfLink::add(series.of(&of.name), of));
        series
    }
}

/// Converts a link's words to a label value: `ring full` to `ring_full`.
fn label(words: &str) -> String {
    words.replace(' ', "_")
}
