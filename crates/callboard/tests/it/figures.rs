//! `Snapshot::record`: the counts, as the `metrics` facade gets them.
#![cfg(feature = "metrics")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use callboard::{Bus, Event};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit,
};

use crate::support::{lock, poll, publish_all};

#[derive(Debug, Event)]
struct Tick;

mod namesake {
    #[derive(Debug, callboard::Event)]
    #[event(type = "tick")]
    pub(super) struct Tick;
}

/// Keeps what it was told last, by name and labels.
#[derive(Debug, Default)]
struct Figures(Mutex<BTreeMap<String, Arc<Figure>>>);

#[derive(Debug, Default)]
struct Figure(Mutex<f64>);

impl Figures {
    fn figure(&self, key: &Key) -> Arc<Figure> {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Arc::clone(lock(&self.0).entry(name.trim().to_owned()).or_default())
    }
}

impl CounterFn for Figure {
    fn increment(&self, _: u64) {
        unreachable!("the bus counts");
    }

    fn absolute(&self, value: u64) {
        self.set(value as f64);
    }
}

impl GaugeFn for Figure {
    fn increment(&self, _: f64) {
        unreachable!("the bus counts");
    }

    fn decrement(&self, _: f64) {
        unreachable!("the bus counts");
    }

    fn set(&self, value: f64) {
        *lock(&self.0) = value;
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        unreachable!("there are none");
    }
}

#[test]
fn panics_of_handlers_are_a_figure() {
    let bus = Bus::new();
    let mut serving = ["worker", "worker", "idle"].map(|name| {
        Box::pin(bus.subscribe::<Tick>(name).serve(async |_tick| panic!("expected: a handler")))
    });
    bus.start();
    bus.publish(Tick);
    serving[..2].iter_mut().for_each(|serving| assert!(poll(serving).is_pending()));
    let figures = Figures::default();
    metrics::with_local_recorder(&figures, || bus.snapshot().record());
    let figures = lock(&figures.0);
    let figure = |name: &str| *lock(&figures[&format!("callboard_handler_panics_total {name}")].0);
    assert_eq!((figure("worker"), figure("idle")), (2.0, 0.0));
}

#[test]
fn figures_of_namesakes_are_added() {
    let bus = Bus::builder().pre_start_capacity(3).build().unwrap();
    let [mut one, mut other] =
        [5, 7].map(|capacity| bus.subscriber("worker").capacity(capacity).subscribe::<Tick>());
    publish_all(&bus, (0..4).map(|_| Tick));
    bus.start();
    publish_all(&bus, (0..3).map(|_| Tick));
    bus.publish(namesake::Tick);
    assert_eq!(one.try_iter().count() + other.try_iter().take(2).count(), 7);
    let figures = Figures::default();
    metrics::with_local_recorder(&figures, || bus.snapshot().record());
    let figures = lock(&figures.0);
    let figure = |name: &str| {
        let figure = figures.get(name).unwrap_or_else(|| panic!("no {name} in {figures:#?}"));
        *lock(&figure.0)
    };
    assert_eq!(figure("callboard_published_total tick"), 8.0);
    assert_eq!(figure("callboard_unheard_total tick"), 1.0);
    assert_eq!(figure("callboard_delivered_total worker"), 7.0);
    assert_eq!(figure("callboard_queued worker"), 4.0);
    assert_eq!(figure("callboard_queue_high_water worker"), 6.0);
    assert_eq!(figure("callboard_dropped_total worker full"), 1.0);
    assert_eq!(figure("callboard_dropped_total (start buffer) buffer full before start"), 1.0);
    assert!(!figures.contains_key("callboard_queued (start buffer)"));
    assert_eq!(figure("callboard_buffered"), 0.0);
}
