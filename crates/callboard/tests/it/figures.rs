//! `Snapshot::record`: the figures, as the `metrics` facade receives them.
#![cfg(feature = "metrics")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{Bus, Event, LinkPeer, LinkStatus, Phase, Request, Snapshot};
use metrics::Unit;
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::support::{poll, publish_all};

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, Event)]
struct Answer;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Question;

mod namesake {
    #[derive(Debug, callboard::Event)]
    #[event(type = "tick")]
    pub(super) struct Tick;
}

/// The metrics that a recorder received, by name and label values.
#[derive(Debug)]
struct Figures {
    values: BTreeMap<String, DebugValue>,
    described: BTreeMap<String, (MetricKind, Option<Unit>, String)>,
}

impl Figures {
    /// The metrics of a recorder after these snapshots.
    fn of(snapshots: &[Snapshot]) -> Self {
        let recorder = DebuggingRecorder::new();
        metrics::with_local_recorder(&recorder, || {
            snapshots.first().into_iter().for_each(Snapshot::record);
            snapshots.windows(2).for_each(|pair| pair[1].record_since(&pair[0]));
        });
        let (mut values, mut described) = (BTreeMap::new(), BTreeMap::new());
        for (key, unit, help, value) in recorder.snapshotter().snapshot().into_vec() {
            let (kind, key) = key.into_parts();
            let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
            let help = help.map(|help| help.to_string()).unwrap_or_default();
            described.insert(key.name().to_owned(), (kind, unit, help));
            values.insert(format!("{} {}", key.name(), labels.join(" ")).trim().into(), value);
        }
        Self { values, described }
    }

    #[track_caller]
    fn value(&self, name: &str) -> f64 {
        match self.values.get(name) {
            Some(DebugValue::Counter(count)) => *count as f64,
            Some(DebugValue::Gauge(value)) => value.0,
            other => panic!("{name} is {other:?} in {:#?}", self.values.keys()),
        }
    }

    #[track_caller]
    fn samples(&self, name: &str) -> Vec<f64> {
        match self.values.get(name) {
            Some(DebugValue::Histogram(samples)) => samples.iter().map(|it| it.0).collect(),
            other => panic!("{name} is {other:?}"),
        }
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
    let figures = Figures::of(&[bus.snapshot()]);
    let value = |figure: &str| {
        ["worker", "idle"].map(|name| figures.value(&format!("callboard_{figure} {name}")))
    };
    assert_eq!(value("handler_panics_total"), [2.0, 0.0]);
    assert_eq!(value("handled_total"), [2.0, 0.0]);
    assert_eq!(value("handlers_running"), [0.0, 0.0]);
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
    let figures = Figures::of(&[bus.snapshot()]);
    for (name, value) in [
        ("callboard_published_total tick", 8.0),
        ("callboard_unheard_total tick", 1.0),
        ("callboard_delivered_total worker", 7.0),
        ("callboard_queued worker", 4.0),
        ("callboard_queue_capacity worker", 12.0),
        ("callboard_queue_high_water worker", 6.0),
        ("callboard_dropped_total worker full", 1.0),
        ("callboard_dropped_total worker oldest", 0.0),
        ("callboard_dropped_total (start buffer) buffer_full", 1.0),
        ("callboard_buffered", 0.0),
        ("callboard_buffer_capacity", 3.0),
        ("callboard_buffer_high_water", 3.0),
    ] {
        assert_eq!(figures.value(name), value, "{name}");
    }
    assert!(!figures.values.contains_key("callboard_queued (start buffer)"));
    assert!(!figures.values.contains_key("callboard_queue_age_seconds worker"), "time is not kept");
}

#[test]
fn phase_is_one_of_four() {
    let bus = Bus::new();
    let mut seen = Vec::new();
    let mut look = || {
        let figures = Figures::of(&[bus.snapshot()]);
        let is = |phase: &&str| figures.value(&format!("callboard_phase {phase}")) == 1.0;
        let phases = ["buffering", "paused", "running", "closed"].into_iter().filter(is);
        seen.push(phases.collect::<Vec<_>>().join(" "));
    };
    look();
    bus.start();
    look();
    bus.pause();
    look();
    bus.close();
    look();
    assert_eq!(seen, ["buffering", "running", "paused", "closed"]);
    assert_eq!(bus.phase(), Phase::Closed);
    bus.publish(Tick);
    assert_eq!(Figures::of(&[bus.snapshot()]).value("callboard_refused_total"), 1.0);
}

#[test]
fn queue_age_is_that_of_the_oldest_event_in_seconds() {
    let clock = ManualClock::new();
    let bus = Bus::builder().timestamps(true).clock(clock.clone()).build().unwrap();
    let _ticks = bus.subscribe::<Tick>("clock");
    let _idle = bus.subscribe::<Answer>("idle");
    bus.start();
    bus.publish(Tick);
    clock.advance(Duration::from_millis(1_500));
    bus.publish(Tick);
    let figures = Figures::of(&[bus.snapshot()]);
    assert_eq!(figures.value("callboard_queue_age_seconds clock"), 1.5);
    assert_eq!(figures.value("callboard_queue_age_seconds idle"), 0.0);
}

#[test]
fn requests_are_counted_by_outcome_and_timed() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let mut oracle = bus.responder::<Question>("oracle");
    bus.start();
    let mut told = vec![bus.snapshot()];
    let ask = || bus.request(Question).expect(["oracle"]).timeout(Duration::from_secs(2));
    for milliseconds in [30, 30, 700] {
        let mut gather = ask().gather();
        assert!(poll(&mut gather).is_pending());
        clock.advance(Duration::from_millis(milliseconds));
        oracle.try_recv().unwrap().respond(Answer);
        assert!(poll(&mut gather).is_ready());
    }
    told.push(bus.snapshot());
    let mut late = ask().gather();
    assert!(poll(&mut late).is_pending());
    clock.advance(Duration::from_secs(2));
    assert!(poll(&mut late).is_ready());
    oracle.try_recv().unwrap_err();
    let mut given_up = ask().gather();
    assert!(poll(&mut given_up).is_pending());
    drop(given_up);
    assert!(poll(&mut bus.request(Question).gather()).is_ready(), "nobody is expected");
    assert!(poll(&mut bus.request(Question).expect(["nobody"]).gather()).is_ready());
    let mut open = ask().gather();
    assert!(poll(&mut open).is_pending());
    told.push(bus.snapshot());
    let figures = Figures::of(&told);
    for (outcome, count) in [
        ("met", 3.0),
        ("unreachable", 1.0),
        ("timed_out", 1.0),
        ("closed", 0.0),
        ("refused", 1.0),
        ("given_up", 1.0),
    ] {
        assert_eq!(
            figures.value(&format!("callboard_requests_total {outcome}")),
            count,
            "{outcome}"
        );
    }
    assert_eq!(figures.value("callboard_requests_open"), 1.0);
    // Each as the bound of its bucket, and once, although three snapshots were recorded.
    let mut samples = figures.samples("callboard_gather_seconds");
    samples.sort_by(f64::total_cmp);
    assert_eq!(samples, [0.000_1, 0.000_1, 0.05, 0.05, 1.0, 2.5]);
    assert_eq!(told[2].requests.endings.total_time, Duration::from_millis(2_760));
}

#[test]
fn handler_seconds_are_those_of_each_handling_and_recorded_once() {
    let clock = ManualClock::new();
    let bus = Bus::builder().timestamps(true).clock(clock.clone()).build().unwrap();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    let mut snapshots = vec![bus.snapshot()];
    for millis in [1, 100] {
        bus.publish(Tick);
        drop(ticks.try_recv().unwrap());
        clock.advance(Duration::from_millis(millis));
        assert!(ticks.try_recv().is_err());
        snapshots.push(bus.snapshot());
    }
    let samples = Figures::of(&snapshots).samples("callboard_handler_seconds clock");
    let [short, long] = samples[..] else { panic!("{samples:?}") };
    assert!((0.001..0.001_126).contains(&short) && (0.1..0.112_6).contains(&long), "{samples:?}");
}

#[test]
fn gauges_of_those_who_left_are_zero() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("clock");
    bus.publish(Tick);
    bus.start();
    let before = bus.snapshot();
    drop(ticks);
    let figures = Figures::of(&[before, bus.snapshot()]);
    assert_eq!(figures.value("callboard_queued clock"), 0.0);
    assert_eq!(figures.value("callboard_queue_capacity clock"), 0.0);
}

#[test]
fn labels_are_bounded() {
    let bus = Bus::new();
    bus.start();
    let sessions: Vec<_> = (0..1_000)
        .map(|n| bus.subscriber(format!("session-{n}")).late().capacity(2).subscribe::<Tick>())
        .collect();
    bus.publish(Tick);
    let figures = Figures::of(&[bus.snapshot()]);
    let queued = figures.values.keys().filter(|key| key.starts_with("callboard_queued "));
    assert_eq!(queued.count(), 251);
    assert_eq!(figures.value("callboard_queued session-0"), 1.0);
    assert_eq!(figures.value("callboard_queued (other)"), 750.0);
    drop(sessions);
}

/// A link with a figure of each kind.
fn a_link(name: &str) -> LinkStatus {
    let mut link = LinkStatus::new(name, "online");
    link.round_trip = Some(Duration::from_millis(500));
    (link.queued, link.queued_bytes, link.capacity_bytes) = (3, 300, 4_096);
    (link.sent, link.received) = (70, 50);
    link.dropped = vec![("ring full".to_owned(), 2), ("gap".to_owned(), 0)];
    let peer = |(name, state)| LinkPeer::new(name, state, Duration::ZERO);
    link.peers = [("eu-2", "present"), ("eu-3", "present"), ("us-1", "gone")].map(peer).into();
    link
}

#[test]
fn links_have_figures() {
    let bus = Bus::new();
    let troubled = Arc::new(AtomicBool::new(false));
    let is_troubled = Arc::clone(&troubled);
    let link = bus.attach_link(move || {
        let mut link = a_link("nats:eu-1");
        if is_troubled.load(Ordering::Relaxed) {
            link.trouble = Some("for 2 s".to_owned());
            link.peers[0].state = "joining".to_owned();
            link.peers[1].state = "joining".to_owned();
        }
        link
    });
    let _closed = bus.attach_link(|| LinkStatus::new("old", "closed"));
    let all = |figures: &Figures, expected: &[(&str, f64)]| {
        for (name, value) in expected {
            assert_eq!(figures.value(&format!("callboard_link_{name}")), *value, "{name}");
        }
    };
    let online = bus.snapshot();
    let figures = Figures::of(std::slice::from_ref(&online));
    all(
        &figures,
        &[
            ("up nats:eu-1", 1.0),
            ("up old", 0.0),
            ("round_trip_seconds nats:eu-1", 0.5),
            ("queued nats:eu-1", 3.0),
            ("queued_bytes nats:eu-1", 300.0),
            ("capacity_bytes nats:eu-1", 4_096.0),
            ("sent_total nats:eu-1", 70.0),
            ("received_total nats:eu-1", 50.0),
            ("dropped_total nats:eu-1 ring_full", 2.0),
            ("dropped_total nats:eu-1 gap", 0.0),
            ("peers nats:eu-1 present", 2.0),
            ("peers nats:eu-1 gone", 1.0),
        ],
    );
    assert!(!figures.values.contains_key("callboard_link_round_trip_seconds old"), "not measured");
    troubled.store(true, Ordering::Relaxed);
    let offline = bus.snapshot();
    let now = [
        ("up nats:eu-1", 0.0),
        ("peers nats:eu-1 joining", 2.0),
        ("peers nats:eu-1 present", 0.0),
        ("peers nats:eu-1 gone", 1.0),
    ];
    all(&Figures::of(&[online.clone(), offline]), &now);
    drop(link);
    let left = [
        ("up nats:eu-1", 0.0),
        ("queued nats:eu-1", 0.0),
        ("sent_total nats:eu-1", 70.0),
        ("peers nats:eu-1 present", 0.0),
    ];
    all(&Figures::of(&[online, bus.snapshot()]), &left);
}

#[test]
fn figures_of_links_of_one_name_are_added_and_bounded() {
    let bus = Bus::new();
    let _two = [false, true].map(|troubled| {
        bus.attach_link(move || {
            let mut link = a_link("nats:eu-1");
            link.trouble = troubled.then(|| "for 2 s".to_owned());
            link.round_trip = link.round_trip.filter(|_| !troubled);
            link.dropped = (0..100).map(|n| (format!("reason {n:03}"), 1)).collect();
            link
        })
    });
    let _many: Vec<_> = (0..100)
        .map(|n| bus.attach_link(move || LinkStatus::new(format!("link {n}"), "online")))
        .collect();
    let figures = Figures::of(&[bus.snapshot()]);
    for (name, value) in [
        ("up nats:eu-1", 0.0),
        ("round_trip_seconds nats:eu-1", 0.5),
        ("sent_total nats:eu-1", 140.0),
        ("peers nats:eu-1 present", 4.0),
        ("dropped_total nats:eu-1 reason_031", 2.0),
        ("dropped_total nats:eu-1 (other)", 136.0),
        ("up (other)", 1.0),
    ] {
        assert_eq!(figures.value(&format!("callboard_link_{name}")), value, "{name}");
    }
    let of = |figure: &str| figures.values.keys().filter(|key| key.starts_with(figure)).count();
    assert_eq!(of("callboard_link_up "), 33);
    assert_eq!(of("callboard_link_dropped_total "), 33);
}

/// Prometheus' conventions: base units as suffixes, `_total` for counters and for nothing else.
#[test]
fn every_figure_is_described_and_named_by_convention() {
    let clock = ManualClock::new();
    let bus = Bus::builder().timestamps(true).clock(clock).build().unwrap();
    let mut oracle = bus.responder::<Question>("oracle");
    bus.start();
    let first = bus.snapshot();
    let mut gather = bus.request(Question).expect(["oracle"]).gather();
    assert!(poll(&mut gather).is_pending());
    oracle.try_recv().unwrap().respond(Answer);
    assert!(poll(&mut gather).is_ready());
    assert!(oracle.try_recv().is_err(), "the handling has ended");
    let _link = bus.attach_link(|| a_link("nats:eu-1"));
    let figures = Figures::of(&[first, bus.snapshot()]);
    assert_eq!(figures.described.len(), 34, "{:#?}", figures.described.keys());
    for (name, (kind, unit, help)) in &figures.described {
        assert!(name.starts_with("callboard_"), "{name}");
        assert!(help.ends_with('.'), "{name} has no help");
        assert_eq!(name.ends_with("_total"), *kind == MetricKind::Counter, "{name}");
        assert_eq!(name.ends_with("_seconds"), *unit == Some(Unit::Seconds), "{name}");
        assert_eq!(name.ends_with("_bytes"), *unit == Some(Unit::Bytes), "{name}");
    }
    let guide = include_str!("../../src/guide/watching.md");
    let told: BTreeSet<&str> = figures.described.keys().map(String::as_str).collect();
    let listed = guide.lines().filter_map(|line| line.strip_prefix("| `callboard_"));
    let listed: BTreeSet<String> =
        listed.filter_map(|line| Some(format!("callboard_{}", line.split_once('`')?.0))).collect();
    assert_eq!(listed, told.into_iter().map(str::to_owned).collect(), "the guide lists them all");
}
