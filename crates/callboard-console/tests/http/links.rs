//! Links to other processes: their figures, and what they mean for the verdict.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard::{AttachedLink, Bus, LinkPeer, LinkStatus};
use callboard_console::Console;
use serde_json::json;

use crate::client::{Stream, console, get, start, wait_until};

/// A made-up link, whose figures the test changes.
fn attach(bus: &Bus) -> (AttachedLink, Arc<Mutex<LinkStatus>>) {
    let mut link = LinkStatus::new("nats:eu-1", "online");
    link.round_trip = Some(Duration::from_micros(400));
    (link.queued, link.queued_bytes, link.capacity_bytes) = (3, 300, 4_096);
    (link.sent, link.received) = (70, 50);
    let mut peer = LinkPeer::new("eu-2", "present", Duration::from_millis(250));
    peer.components = vec!["billing".to_owned()];
    link.peers = vec![peer];
    let link = Arc::new(Mutex::new(link));
    let shown = Arc::clone(&link);
    (bus.attach_link(move || shown.lock().unwrap().clone()), link)
}

#[test]
fn the_snapshot_has_links_and_follows_them() {
    let bus = Bus::new();
    let (_attached, link) = attach(&bus);
    let console = console(&bus);
    let expected = json!([{
        "name": "nats:eu-1", "state": "online", "trouble": null,
        "round_trip": {"secs": 0, "nanos": 400_000},
        "queued": 3, "queued_bytes": 300, "capacity_bytes": 4_096, "sent": 70, "received": 50,
        "dropped": [], "circles": [],
        "peers": [{
            "name": "eu-2", "state": "present", "heard": {"secs": 0, "nanos": 250_000_000},
            "components": ["billing"],
        }],
    }]);
    assert_eq!(get(&console, "/snapshot.json").json()["links"], expected);
    link.lock().unwrap().sent = 71;
    wait_until("the snapshot follows", || {
        get(&console, "/snapshot.json").json()["links"][0]["sent"] == 71
    });
}

#[cfg(feature = "metrics")]
#[test]
fn metrics_have_links() {
    let bus = Bus::new();
    let (_attached, link) = attach(&bus);
    link.lock().unwrap().dropped = vec![("ring full".to_owned(), 2)];
    let console = console(&bus);
    let metrics = get(&console, "/metrics").body;
    for line in [
        r#"callboard_link_up{link="nats:eu-1"} 1"#,
        r#"callboard_link_round_trip_seconds{link="nats:eu-1"} 0.0004"#,
        r#"callboard_link_queued{link="nats:eu-1"} 3"#,
        r#"callboard_link_queued_bytes{link="nats:eu-1"} 300"#,
        r#"callboard_link_capacity_bytes{link="nats:eu-1"} 4096"#,
        r#"callboard_link_sent_total{link="nats:eu-1"} 70"#,
        r#"callboard_link_received_total{link="nats:eu-1"} 50"#,
        r#"callboard_link_dropped_total{link="nats:eu-1",reason="ring_full"} 2"#,
        r#"callboard_link_peers{link="nats:eu-1",state="present"} 1"#,
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} in {metrics}");
    }
    link.lock().unwrap().trouble = Some("for 2 s".to_owned());
    wait_until("the metrics follow", || {
        get(&console, "/metrics").body.contains(r#"callboard_link_up{link="nats:eu-1"} 0"#)
    });
}

#[test]
fn a_state_has_the_key_and_the_rates_of_each_link() {
    let bus = Bus::new();
    let (_attached, link) = attach(&bus);
    let (_namesake, _) = attach(&bus);
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live");
    let state = stream.find("state", |_| true);
    let keys = json!([
        {"key": "nats:eu-1", "name": "nats:eu-1", "index": 0},
        {"key": "nats:eu-1#2", "name": "nats:eu-1", "index": 1},
    ]);
    assert_eq!(state["links"], keys);
    let none = json!({"sent": 0.0, "received": 0.0, "dropped": 0.0});
    assert_eq!(state["rates"]["links"], json!({"nats:eu-1": none, "nats:eu-1#2": none}));
    {
        let mut link = link.lock().unwrap();
        link.sent += 400;
        link.received += 200;
        link.dropped = vec![("ring full".to_owned(), 30), ("gap".to_owned(), 10)];
    }
    let state = stream
        .find("state", |state| state["rates"]["links"]["nats:eu-1"]["sent"].as_f64() > Some(0.0));
    let rate = |of: &str| state["rates"]["links"]["nats:eu-1"][of].as_f64().unwrap();
    let close = |one: f64, other: f64| (one - other).abs() < 1e-6 * other;
    assert!(close(rate("sent"), 2.0 * rate("received")), "{}", state["rates"]["links"]);
    assert!(close(rate("sent"), 10.0 * rate("dropped")), "{}", state["rates"]["links"]);
    assert_eq!(state["rates"]["links"]["nats:eu-1#2"], none);
}

#[test]
fn a_link_in_trouble_makes_the_bus_unwell_and_its_losses_are_earlier_at_last() {
    let bus = Bus::new();
    let (_attached, link) = attach(&bus);
    bus.start();
    let console = start(Console::builder(&bus).recently(Duration::from_secs(2)));
    let mut stream = Stream::open(&console, "/live");
    let mut verdict = |fits: &str| {
        let state = stream.find("state", |state| state["verdict"].to_string().contains(fits));
        state["verdict"].clone()
    };
    assert_eq!(verdict("ok")["ok"], true);
    {
        let mut link = link.lock().unwrap();
        link.state = "disconnected".to_owned();
        link.trouble = Some("for 2 s".to_owned());
        link.dropped = vec![("ring full".to_owned(), 2), ("gap".to_owned(), 0)];
    }
    let now = verdict("`nats:eu-1` is disconnected: for 2 s");
    assert_eq!(now["ok"], false);
    assert!(now["lines"].to_string().contains("`nats:eu-1` lost 2 events: 2 ring full"), "{now}");
    // The loss is past in time, while the link is still in trouble.
    let later = verdict("earlier, 2 s ago: `nats:eu-1` lost 2 events: 2 ring full\"");
    assert_eq!((&later["ok"], later["lines"].as_array().unwrap().len()), (&json!(false), 1));
    link.lock().unwrap().trouble = None;
    assert_eq!(verdict("\"lines\":[]")["ok"], true);
}

#[test]
fn figures_of_any_size_do_no_harm() {
    let bus = Bus::new();
    let (_attached, link) = attach(&bus);
    let (_namesake, other) = attach(&bus);
    let console = console(&bus);
    let mut stream = Stream::open(&console, "/live");
    stream.find("state", |_| true);
    for link in [link, other] {
        let mut link = link.lock().unwrap();
        (link.sent, link.received, link.queued) = (u64::MAX, u64::MAX, u64::MAX);
        (link.queued_bytes, link.capacity_bytes) = (usize::MAX, usize::MAX);
        link.dropped = vec![("gap".to_owned(), u64::MAX), ("ring full".to_owned(), u64::MAX)];
        link.round_trip = Some(Duration::MAX);
        link.peers[0].heard = Duration::MAX;
    }
    let state = stream.find("state", |state| state["snapshot"]["links"][0]["sent"] == u64::MAX);
    assert_eq!(state["verdict"]["ok"], false);
    stream.find("state", |later| later["at_ms"].as_u64() > state["at_ms"].as_u64());
    assert_eq!(get(&console, "/metrics").status, if cfg!(feature = "metrics") { 200 } else { 404 });
}
