//! Each route beside what the bus itself says.

use std::time::Duration;

use callboard::{Bus, Delivery, EventSet};
use serde_json::{Value, json};

use crate::client::{Tick, ask, console, get, start, wait_until};

/// A bus on which one of three events waits, and one was lost.
fn busy() -> (Bus, callboard::Subscription<Tick>) {
    let bus = Bus::new();
    let mut ticks = bus.subscriber("clock").capacity(2).subscribe::<Tick>();
    bus.start();
    (0..3).for_each(|number| _ = bus.publish(Tick(number)));
    ticks.try_recv().unwrap();
    (bus, ticks)
}

/// A snapshot without what passes by itself.
fn timeless(mut snapshot: Value) -> Value {
    snapshot["age"] = Value::Null;
    snapshot
}

#[test]
fn snapshot_is_that_of_the_bus() {
    let (bus, _ticks) = busy();
    let console = console(&bus);
    let answer = get(&console, "/snapshot.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let own = serde_json::to_value(bus.snapshot()).unwrap();
    assert_eq!(timeless(answer.json()), timeless(own));
}

#[test]
fn snapshot_follows_the_bus() {
    let (bus, _ticks) = busy();
    let console = console(&bus);
    for published in 4..8 {
        bus.publish(Tick(published));
        wait_until("the snapshot follows", || {
            get(&console, "/snapshot.json").json()["types"][0]["published"] == published
        });
    }
}

#[test]
fn diagnosis_is_that_of_the_bus() {
    let (bus, _ticks) = busy();
    let console = console(&bus);
    let answer = get(&console, "/diagnosis.txt");
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!(answer.body, format!("{}\n", bus.diagnose()));
    assert!(answer.body.contains("`clock` lost 1 event "), "{}", answer.body);
}

#[test]
fn history_has_a_point_a_second() {
    let (bus, _ticks) = busy();
    let console = console(&bus);
    let history = || get(&console, "/history.json").json();
    wait_until("two points", || history()["points"].as_array().unwrap().len() >= 2);
    let history = history();
    assert_eq!(history["step_ms"], 1_000);
    let points = history["points"].as_array().unwrap();
    let at: Vec<_> = points.iter().map(|point| point["at_ms"].as_u64().unwrap()).collect();
    assert!(at.is_sorted_by(|one, next| one < next), "{at:?}");
    assert!(at.len() as u64 <= at[at.len() - 1] / 1_000 + 1, "at most one a second: {at:?}");
    let expected = json!({
        "queued": 1, "capacity": 2, "delivered": 0, "dropped": 0, "p50_us": null, "p99_us": null,
    });
    assert_eq!(points[1]["subscribers"]["clock"], expected, "values are those of its second");
}

#[test]
fn history_is_no_longer_than_it_was_built() {
    let bus = Bus::new();
    let console = start(callboard_console::Console::builder(&bus).history(Duration::from_secs(1)));
    let points = || get(&console, "/history.json").json()["points"].as_array().unwrap().clone();
    wait_until("the first point goes", || {
        points().first().is_some_and(|of| of["at_ms"].as_u64() > Some(900))
    });
    assert_eq!(points().len(), 1);
}

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
}

#[test]
fn graphs_show_who_publishes_and_hears() {
    let bus = Bus::new();
    let _quoted = bus.subscribe::<Inbox>("a \"quoted\"\nname");
    let source = bus.publisher::<Tick>("source");
    bus.start();
    let console = console(&bus);

    let declared = get(&console, "/graph.dot");
    assert!(declared.header("content-type").starts_with("text/vnd.graphviz"));
    assert_eq!(declared.body, bus.wiring().to_dot());

    source.publish(Tick(1));
    wait_until("flowed", || get(&console, "/graph.dot").body == bus.wiring().to_dot());
    let flowed = get(&console, "/graph.mmd");
    assert!(flowed.header("content-type").starts_with("text/plain"));
    assert_eq!(flowed.body, bus.wiring().to_mermaid());
    let described = get(&console, "/asyncapi.json");
    assert!(described.header("content-type").starts_with("application/json"));
    let described: serde_json::Value = serde_json::from_str(&described.body).unwrap();
    assert_eq!(described["asyncapi"], "3.0.0");
    assert!(described["channels"].get("tick").is_some(), "{described}");
    assert_eq!(get(&console, "/graph.mmd").body, flowed.body, "in a stable order");
}

#[test]
fn the_page_loads_nothing_and_runs_its_own_script_only() {
    let bus = Bus::new();
    let console = console(&bus);
    let page = get(&console, "/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.body.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
    assert_eq!(page.body.matches("<script").count(), 1);
    assert_eq!(page.body.matches("<style").count(), 1);
    let again = get(&console, "/");
    assert!(!again.body.contains(nonce), "a nonce is used once");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let (bus, _ticks) = busy();
    let console = console(&bus);
    let address = console.address();
    for path in ["/", "/live", "/snapshot.json", "/history.json", "/diagnosis.txt", "/graph.dot"] {
        let request =
            format!("HEAD {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        let answer = ask(address, &request);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
    }
}

#[test]
fn a_bus_that_is_gone_is_said_to_be() {
    let (bus, ticks) = busy();
    let console = console(&bus);
    wait_until("a point", || !get(&console, "/history.json").json()["points"][0].is_null());
    drop((bus, ticks));
    for path in ["/snapshot.json", "/diagnosis.txt", "/graph.dot", "/graph.mmd"] {
        let answer = get(&console, path);
        assert_eq!((answer.status, answer.body.as_str()), (410, "the bus is gone\n"), "{path}");
    }
    assert_eq!(get(&console, "/").status, 200);
    assert!(!get(&console, "/history.json").json()["points"][0].is_null(), "it is remembered");
}
