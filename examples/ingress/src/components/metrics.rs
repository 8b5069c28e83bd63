//! Metrics: counts what happens, asks the bus how it is, and writes both as `metrics.prom`, in Prometheus' text format.
//!
//! The file is for node_exporter's textfile collector or a look with `cat`; no port is opened. It
//! is written after every pass and at the end. What the bus is asked is listed in callboard's guide, in
//! the chapter `watching`.

use std::future::Future;
use std::time::Instant;

use callboard::{AnyEvent, Bus, EndingsSnapshot, Overflow, Snapshot};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusRecorder};

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
    let mut figures = match Figures::new(bus.snapshot()) {
        Ok(figures) => figures,
        Err(error) => unreachable!("there are buckets: {error}"),
    };
    async move {
        while let Some(event) = inbox.recv().await {
            if figures.add(&event) {
                write(&layout, &mut figures, &bus);
            }
        }
        write(&layout, &mut figures, &bus);
    }
}

fn write(layout: &Layout, figures: &mut Figures, bus: &Bus) {
    // A full disk is told by those whose work it stops.
    let _ =
        write_atomic(&layout.metrics, figures.render(bus.snapshot()).as_bytes(), Access::Public);
}

/// What the program counts, and what the bus says, in one recorder of their own.
struct Figures {
    recorder: PrometheusRecorder,
    /// What the recorder knows of the bus.
    told: Snapshot,
    /// When the last configuration went live.
    live: Option<Instant>,
}

impl Figures {
    /// `bus` is how the bus begins: from this snapshot on it times its requests.
    fn new(bus: Snapshot) -> Result<Self, BuildError> {
        let bounds: Vec<f64> = EndingsSnapshot::bounds().map(|it| it.as_secs_f64()).collect();
        let recorder = PrometheusBuilder::new().set_buckets(&bounds)?.build_recorder();
        with_local_recorder(&recorder, || {
            describe();
            // So that a rate knows them before they first happen.
            for outcome in ["finished", "failed"] {
                counter!("ingress_passes_total", "outcome" => outcome).absolute(0);
            }
            counter!("ingress_events_missed_total").absolute(0);
            counter!("ingress_haproxy_restarts_total").absolute(0);
            gauge!("ingress_live_errors").set(0.0);
            bus.record();
        });
        Ok(Self { recorder, told: bus, live: None })
    }

    /// Counts `event`, and says whether it ended a pass.
    fn add(&mut self, event: &AnyEvent) -> bool {
        if event.is::<DeploySucceeded>() {
            self.live = event.published_at();
        }
        with_local_recorder(&self.recorder, || count(event))
    }

    /// Everything there is to tell, as text.
    fn render(&mut self, bus: Snapshot) -> String {
        with_local_recorder(&self.recorder, || {
            if let Some(live) = self.live {
                gauge!("ingress_live_age_seconds").set(live.elapsed().as_secs_f64());
            }
            bus.record_since(&self.told);
        });
        self.told = bus;
        self.recorder.handle().render()
    }
}

/// Counts `event`, and says whether it ended a pass.
fn count(event: &AnyEvent) -> bool {
    counter!("ingress_events_total", "type" => event.event_type()).increment(1);
    counter!("ingress_events_missed_total").increment(event.missed());
    if event.is::<HaproxyRestarted>() {
        counter!("ingress_haproxy_restarts_total").increment(1);
    }
    let (outcome, durations) = if let Some(finished) = event.downcast_ref::<ReconcileFinished>() {
        // No configuration has that many.
        gauge!("ingress_live_errors")
            .set(f64::from(u32::try_from(finished.errors).unwrap_or(u32::MAX)));
        ("finished", finished.durations)
    } else if let Some(failed) = event.downcast_ref::<ReconcileFailed>() {
        ("failed", failed.durations)
    } else {
        return false;
    };
    counter!("ingress_passes_total", "outcome" => outcome).increment(1);
    histogram!("ingress_pass_seconds").record(durations.total.as_secs_f64());
    true
}

fn describe() {
    describe_counter!("ingress_events_total", Unit::Count, "Events published, by type.");
    describe_counter!("ingress_events_missed_total", Unit::Count, "Events not counted here.");
    describe_counter!("ingress_passes_total", Unit::Count, "Reconciliations, by outcome.");
    describe_histogram!("ingress_pass_seconds", Unit::Seconds, "How long reconciliations took.");
    describe_counter!(
        "ingress_haproxy_restarts_total",
        Unit::Count,
        "Times HAProxy was brought back."
    );
    describe_gauge!(
        "ingress_live_errors",
        Unit::Count,
        "Errors of resources that the configuration in force does without."
    );
    describe_gauge!(
        "ingress_live_age_seconds",
        Unit::Seconds,
        "Age of the configuration in force."
    );
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
        let mut figures = Figures::new(bus.snapshot()).unwrap();
        assert!(figures.add(&everything.try_recv().unwrap()));
        // Writing the file again counts nothing twice.
        let (_, text) = (figures.render(bus.snapshot()), figures.render(bus.snapshot()));
        for line in [
            "ingress_events_total{type=\"reconcile.finished\"} 1",
            "ingress_passes_total{outcome=\"finished\"} 1",
            "ingress_passes_total{outcome=\"failed\"} 0",
            "ingress_pass_seconds_sum 0.25",
            "ingress_pass_seconds_bucket{le=\"0.25\"} 1",
            "ingress_pass_seconds_bucket{le=\"0.1\"} 0",
            "# TYPE ingress_passes_total counter",
            "ingress_live_errors 2",
            "callboard_dropped_total{subscriber=\"test\",reason=\"full\"} 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
