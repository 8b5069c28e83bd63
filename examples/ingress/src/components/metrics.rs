//! Metrics: counts what happens, asks the bus how it is, and writes both as `metrics.prom`, in Prometheus' text format.
//!
//! The file is for node_exporter's textfile collector or a look with `cat`; no port is opened. It
//! is written after every pass and at the end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::Future;
use std::time::Instant;

use callboard::{AnyEvent, Bus, Overflow, Snapshot, SubscriberSnapshot};

use crate::events::{DeploySucceeded, HaproxyRestarted, ReconcileFailed, ReconcileFinished};
use crate::logic::files::{Access, write_atomic};
use crate::logic::layout::Layout;

/// Its name on the bus.
pub(crate) const NAME: &str = "metrics";

/// Subscribes.
pub(crate) fn run(bus: &Bus, layout: Layout) -> impl Future<Output = ()> + Send + use<> {
    let mut inbox = bus
        .subscriber(NAME)
        .capacity(10_000)
        .overflow(Overflow::DropOldest)
        .lossy()
        .subscribe::<AnyEvent>();
    let bus = bus.clone();
    async move {
        let mut counts = Counts::default();
        while let Some(event) = inbox.recv().await {
            if counts.add(&event) {
                write(&layout, &counts, &bus);
            }
        }
        write(&layout, &counts, &bus);
    }
}

fn write(layout: &Layout, counts: &Counts, bus: &Bus) {
    // A full disk is told by those whose work it stops.
    let _ =
        write_atomic(&layout.metrics, counts.render(&bus.snapshot()).as_bytes(), Access::Public);
}

#[derive(Debug, Default)]
struct Counts {
    events: BTreeMap<&'static str, u64>,
    missed: u64,
    finished: u64,
    failed: u64,
    seconds: f64,
    restarts: u64,
    /// The errors in the configuration in force.
    errors: usize,
    /// When the last configuration went live.
    live: Option<Instant>,
}

impl Counts {
    /// Counts `event`, and says whether it ended a pass.
    fn add(&mut self, event: &AnyEvent) -> bool {
        *self.events.entry(event.event_type()).or_default() += 1;
        self.missed += event.missed();
        if event.is::<HaproxyRestarted>() {
            self.restarts += 1;
        }
        if event.is::<DeploySucceeded>() {
            self.live = event.published_at();
        }
        let total = if let Some(finished) = event.downcast_ref::<ReconcileFinished>() {
            self.finished += 1;
            self.errors = finished.errors;
            finished.durations.total
        } else if let Some(failed) = event.downcast_ref::<ReconcileFailed>() {
            self.failed += 1;
            failed.durations.total
        } else {
            return false;
        };
        self.seconds += total.as_secs_f64();
        true
    }

    fn render(&self, bus: &Snapshot) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, String)]| {
            let _ = writeln!(text, "# HELP ingress_{name} {help}\n# TYPE ingress_{name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "ingress_{name}{labels} {value}");
            }
        };
        let one = |value: String| [(String::new(), value)];
        let events: Vec<_> = self
            .events
            .iter()
            .map(|(name, count)| (format!("{{type=\"{name}\"}}"), count.to_string()))
            .collect();
        family("events_total", "counter", "Events published, by type.", &events);
        family(
            "events_missed_total",
            "counter",
            "Events not counted here.",
            &one(self.missed.to_string()),
        );
        let passes = [("finished", self.finished), ("failed", self.failed)]
            .map(|(outcome, count)| (format!("{{outcome=\"{outcome}\"}}"), count.to_string()));
        family("passes_total", "counter", "Reconciliations, by outcome.", &passes);
        family(
            "pass_seconds_total",
            "counter",
            "Time spent reconciling.",
            &one(format!("{:.6}", self.seconds)),
        );
        family(
            "haproxy_restarts_total",
            "counter",
            "Times HAProxy was brought back.",
            &one(self.restarts.to_string()),
        );
        family(
            "live_errors",
            "gauge",
            "Errors of resources that the configuration in force does without.",
            &one(self.errors.to_string()),
        );
        if let Some(live) = self.live {
            let age = format!("{:.3}", live.elapsed().as_secs_f64());
            family("live_age_seconds", "gauge", "Age of the configuration in force.", &one(age));
        }
        let each = |value: fn(&SubscriberSnapshot) -> u64| -> Vec<_> {
            let sample = |it: &SubscriberSnapshot| {
                (format!("{{subscriber=\"{}\"}}", it.name), value(it).to_string())
            };
            bus.subscribers.iter().map(sample).collect()
        };
        let queued = each(|it| it.queued as u64);
        family("bus_queued", "gauge", "Events a component has not taken yet.", &queued);
        let high = each(|it| it.high_water as u64);
        family("bus_queued_max", "gauge", "The most a component ever had waiting.", &high);
        let lost = each(|it| it.ledger.lost());
        family(
            "bus_lost_total",
            "counter",
            "Events a component should have had and did not get.",
            &lost,
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Durations;

    #[test]
    fn a_pass_is_counted_with_its_time() {
        let bus = Bus::new();
        let mut everything = bus.subscribe::<AnyEvent>("test");
        bus.start();
        let total = std::time::Duration::from_millis(250);
        let durations = Durations { total, ..Durations::default() };
        bus.publish(ReconcileFinished { pass: 1, errors: 2, durations });
        let mut counts = Counts::default();
        assert!(counts.add(&everything.try_recv().unwrap()));
        let text = counts.render(&bus.snapshot());
        for line in [
            "ingress_events_total{type=\"reconcile.finished\"} 1",
            "ingress_passes_total{outcome=\"finished\"} 1",
            "ingress_pass_seconds_total 0.250000",
            "# TYPE ingress_passes_total counter",
            "ingress_live_errors 2",
            "ingress_bus_lost_total{subscriber=\"test\"} 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
