//! The event stream beside what the bus itself says.

use std::fmt;
use std::time::Duration;

use callboard::{Bus, Event, Overflow};
use callboard_console::Console;
use serde_json::json;

use crate::client::{Stream, Tick, console, get, start, wait_until};

#[test]
fn hello_comes_first_and_once() {
    let bus = Bus::new();
    let console = start(Console::builder(&bus).title("a title"));
    let mut stream = Stream::open(&console, "/live");
    let (name, hello) = stream.next().unwrap();
    let expected = json!({
        "title": "a title",
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "history_seconds": 600,
        "token_required": false,
    });
    assert_eq!((name.as_str(), hello), ("hello", expected));
    assert_eq!(stream.next().unwrap().0, "state", "at once");
}

#[test]
fn a_state_is_the_snapshot_and_what_it_means() {
    let bus = Bus::new();
    let _slow = bus.subscriber("slow").capacity(2).subscribe::<Tick>();
    let _also = bus.subscriber("slow").capacity(9).subscribe::<Tick>();
    let source = bus.publisher::<Tick>("source");
    bus.start();
    source.publish_all((0..4).map(Tick));
    let console = console(&bus);
    let state = Stream::open(&console, "/live").find("state", |_| true);
    let own = serde_json::to_value(bus.snapshot()).unwrap();
    assert_eq!(state["snapshot"]["subscribers"], own["subscribers"]);
    assert_eq!(state["snapshot"]["types"], own["types"]);
    assert_eq!(state["findings"], serde_json::to_value(bus.diagnose().findings).unwrap());
    let keys = json!([
        {"key": "slow", "name": "slow", "index": 0},
        {"key": "slow#2", "name": "slow", "index": 1},
    ]);
    assert_eq!(state["subscribers"], keys);
    assert_eq!(state["verdict"]["ok"], false);
    let lines = state["verdict"]["lines"].to_string();
    assert!(lines.contains("`slow` lost 2 events"), "{lines}");
    let edges = json!([
        {"from": "c:source", "to": "t:tick", "rate": 0.0, "total": 4, "drops": 0, "seen": true},
        {"from": "t:tick", "to": "c:slow", "rate": 0.0, "total": 8, "drops": 2, "seen": true},
    ]);
    assert_eq!(state["graph"]["edges"], edges);
}

#[test]
fn a_bus_without_trouble_is_well() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    bus.publish(Tick(1));
    ticks.try_recv().unwrap();
    let console = console(&bus);
    let state = Stream::open(&console, "/live").find("state", |_| true);
    assert_eq!(state["verdict"], json!({"ok": true, "lines": [], "earlier": [], "past": []}));
}

#[test]
fn a_loss_of_long_ago_is_told_as_earlier_and_all_is_well() {
    let bus = Bus::new();
    let mut slow = bus.subscriber("slow").capacity(1).subscribe::<Tick>();
    bus.start();
    let mut lose = || {
        bus.publisher::<Tick>("source").publish_all((0..3).map(Tick));
        slow.try_recv().unwrap();
    };
    lose();
    let console = start(Console::builder(&bus).recently(Duration::from_secs(2)));
    let mut stream = Stream::open(&console, "/live");
    let mut verdict = |ok: bool| {
        let state = stream.find("state", |state| state["verdict"]["ok"] == ok);
        (state["verdict"].clone(), state["at_ms"].as_u64().unwrap())
    };
    let (now, _) = verdict(false);
    assert!(now["lines"][0].as_str().unwrap().starts_with("`slow` lost 2 events"), "{now}");
    assert_eq!((&now["earlier"], &now["past"]), (&json!([]), &json!([])));
    let (later, at) = verdict(true);
    assert!(at >= 2_000, "well after {at} ms");
    let earlier = "earlier, 2 s ago: `slow` lost 2 events with capacity 1";
    assert_eq!(later, json!({"ok": true, "lines": [], "earlier": [earlier], "past": [0]}));
    lose();
    let (again, _) = verdict(false);
    assert_eq!(again["earlier"], json!([]), "it goes on");
    assert!(again.to_string().contains("`slow` lost 4 events"), "{again}");
}

#[test]
fn a_bus_that_waits_says_for_whom() {
    let bus = Bus::builder().expect_subscribers(["template"]).build().unwrap();
    bus.publish(Tick(1));
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live");
    let state = stream.find("state", |_| true);
    let lines = [
        "the bus has not started: 1 of 1000 events wait for `start`",
        "`template` is expected and has not signed in; start it, correct the name, or remove it from the expected names",
    ];
    let verdict = json!({"ok": false, "lines": lines, "earlier": [], "past": []});
    assert_eq!(state["verdict"], verdict);
    let _template = bus.subscribe::<Tick>("template");
    bus.start();
    bus.pause();
    bus.publish(Tick(2));
    let line = "the bus is paused: 1 of 1000 events wait for `start`";
    stream.find("state", |state| state["verdict"]["lines"][0] == line);
}

#[test]
fn rates_come_and_go() {
    let bus = Bus::new();
    let _slow = bus.subscriber("slow").capacity(0).subscribe::<Tick>();
    let _lossy = bus.subscriber("lossy").capacity(0).lossy().subscribe::<Tick>();
    bus.start();
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live");
    stream.find("state", |_| true);
    let mut number = 0;
    let state = stream.find("state", |state| {
        (0..100).for_each(|_| _ = bus.publish(Tick(number)));
        number += 1;
        state["rates"]["published"].as_f64() > Some(20.0)
    });
    let rates = &state["rates"];
    for rate in [&rates["types"]["tick"], &rates["dropped_critical"], &rates["dropped_lossy"]] {
        assert_eq!(*rate, rates["published"]);
    }
    assert_eq!(rates["subscribers"]["slow"]["dropped"], rates["published"]);
    assert_eq!(rates["delivered"], 0.0);
    stream.find("state", |state| state["rates"]["published"].as_f64() < Some(20.0));
}

#[test]
fn the_history_is_sent_as_it_is_kept() {
    let bus = Bus::new();
    let _ticks = bus.subscribe::<Tick>("clock");
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live");
    let point = stream.find("history", |_| true);
    let kept = get(&console, "/history.json").json();
    assert!(kept["points"].as_array().unwrap().contains(&point), "{point} in {kept}");
}

#[test]
fn the_tail_shows_events_in_order_and_its_gaps() {
    let bus = Bus::new();
    bus.start();
    let console = start(Console::builder(&bus).tail_limit(10));
    let mut stream = Stream::open(&console, "/live?tail=1");
    wait_until("a tap", || bus.snapshot().subscriber("console").is_some());
    // At once, so that no window ends in between.
    bus.publisher::<Tick>("source").publish_all((0..100).map(Tick));
    let first = stream.find("tail", |_| true);
    let events = first["events"].as_array().unwrap();
    let sequences: Vec<_> = events.iter().map(|of| of["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=10).collect::<Vec<_>>());
    let (event, at) = (&events[3], &events[3]["at_ms"]);
    let expected = json!({
        "sequence": 4, "event_type": "tick", "cause": null, "at_ms": at, "payload": "Tick(3)",
        "cut": false, "queued_us": null,
    });
    assert_eq!(*event, expected);

    wait_until("the tap is open again", || bus.snapshot().subscriber("console").is_some());
    let sequence = bus.snapshot().sequence;
    bus.publish(Tick(100));
    let next = stream.find("tail", |_| true);
    assert_eq!(next["events"][0]["sequence"], sequence + 1);
    assert_eq!(next["missed"], sequence - 10, "what came while it was closed");
}

#[test]
fn watching_the_tail_does_not_show_in_the_figures() {
    let bus = Bus::new();
    let _clock = bus.subscriber("clock").subscribe::<Tick>();
    bus.start();
    let namesake = bus.subscriber("console").late().subscribe::<Tick>();
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live?tail=1");
    wait_until("a tap", || bus.snapshot().subscribers.len() == 3);
    bus.publish(Tick(1));
    bus.publish(Unheard);
    stream.find("tail", |_| true);
    let state = stream.find("state", |state| state["snapshot"]["types"][1]["published"] == 1);
    let names: Vec<_> =
        state["subscribers"].as_array().unwrap().iter().map(|of| &of["key"]).collect();
    assert_eq!(names, ["clock", "console"], "that of the program stays");
    let [tick, unheard] = [0, 1].map(|index| &state["snapshot"]["types"][index]);
    assert_eq!((&tick["subscribers"], &unheard["subscribers"]), (&json!(2), &json!(0)));
    let nothing = json!({"offered": 0, "delivered": 0, "queued": 0, "dropped": {}});
    assert_eq!((&unheard["unheard"], &unheard["ledger"]), (&json!(1), &nothing));
    assert_eq!(tick["ledger"]["queued"], 2);
    assert!(state["findings"].to_string().contains("Unheard"), "{}", state["findings"]);
    drop(namesake);
}

#[derive(Debug, Event)]
#[event(type = "unheard")]
struct Unheard;

#[test]
fn nobody_taps_when_nobody_watches_the_tail() {
    let bus = Bus::new();
    bus.start();
    let console = console(&bus);
    let taps = || bus.snapshot().subscriber("console").is_some();
    let mut state_only = Stream::open(&console, "/live");
    (0..3).for_each(|_| drop(state_only.find("state", |_| true)));
    assert!(!taps(), "a state needs no tap");
    let tail = Stream::open(&console, "/live?tail=1");
    wait_until("a tap", taps);
    let tap = bus.snapshot().subscriber("console").unwrap().clone();
    assert_eq!(tap.overflow, Overflow::DropOldest);
    assert_eq!(tap.importance, callboard::Importance::Lossy);
    assert!(!tap.late, "it means to be late");
    drop(tail);
    wait_until("no tap", || !taps());
}

/// An event whose `Debug` is what a test says.
struct Shown(fn(&mut fmt::Formatter<'_>) -> fmt::Result);

impl Event for Shown {
    const TYPE: &'static str = "shown";
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

#[test]
fn payloads_are_cut_between_characters() {
    let bus = Bus::new();
    bus.start();
    let console = start(Console::builder(&bus).payload_limit(5));
    let mut stream = Stream::open(&console, "/live?tail=1");
    wait_until("a tap", || bus.snapshot().subscriber("console").is_some());
    let endless: fn(&mut fmt::Formatter<'_>) -> fmt::Result = |f| {
        // It ends only because the console has enough.
        loop {
            f.write_str("ä€𝄞")?;
        }
    };
    bus.publish(Shown(|f| f.write_str("ä€𝄞ab")));
    bus.publish(Shown(|f| f.write_str("ä€𝄞abc")));
    bus.publish(Shown(endless));
    bus.publish(Shown(|f| f.write_str(&"𝄞".repeat(1_000_000))));
    bus.publish(Shown(|_| panic!("a Debug that panics")));
    let mut shown = Vec::new();
    while shown.len() < 5 {
        let tail = stream.find("tail", |_| true);
        let events = tail["events"].as_array().unwrap().clone();
        shown.extend(events.iter().map(|of| (of["payload"].clone(), of["cut"].clone())));
    }
    let expected = [
        ("ä€𝄞ab", false),
        ("ä€𝄞ab", true),
        ("ä€𝄞ä€", true),
        ("𝄞𝄞𝄞𝄞𝄞", true),
        ("(its `Debug` panicked)", false),
    ];
    assert_eq!(shown, expected.map(|(payload, cut)| (json!(payload), json!(cut))));
}

#[test]
fn a_bus_that_is_dropped_is_gone() {
    let bus = Bus::new();
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live?tail=1");
    stream.find("state", |_| true);
    drop(bus);
    assert_eq!(stream.find("gone", |_| true), json!({"reason": "the bus was dropped"}));
    assert!(stream.next().is_none(), "and the stream ends");
    let mut again = Stream::open(&console, "/live");
    assert_eq!(again.next().unwrap().0, "hello");
    again.find("gone", |_| true);
}

#[test]
fn a_bus_that_is_closed_is_gone_after_its_last_state() {
    let bus = Bus::new();
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live");
    stream.find("state", |_| true);
    bus.close();
    stream.find("state", |state| state["snapshot"]["phase"] == "Closed");
    assert_eq!(stream.find("gone", |_| true), json!({"reason": "the bus was closed"}));
    assert!(stream.next().is_none());
}

#[test]
fn the_console_does_not_keep_the_bus_open() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    let console = console(&bus);
    let _stream = Stream::open(&console, "/live?tail=1");
    drop(bus);
    assert!(ticks.blocking_recv().is_none());
}
