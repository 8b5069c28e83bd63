//! Links to other processes: the page shows their figures, their troubles and their nodes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard::{AttachedLink, Bus, LinkPeer, LinkStatus};
use serde_json::json;

use crate::browser::look_at;
use crate::traffic::{console_of, watched};

/// A made-up link, whose figures the test changes.
#[derive(Clone)]
pub(crate) struct MadeUp(Arc<Mutex<LinkStatus>>);

impl MadeUp {
    pub(crate) fn attach(bus: &Bus) -> (AttachedLink, Self) {
        let mut link = LinkStatus::new("nats:eu-1", "online");
        link.round_trip = Some(Duration::from_micros(400));
        (link.queued, link.queued_bytes, link.capacity_bytes) = (3, 1 << 20, 4 << 20);
        (link.sent, link.received) = (1_234, 567);
        link.peers = [("eu-2", "present"), ("us-1", "joining"), ("us-2", "present")]
            .map(|(name, state)| LinkPeer::new(name, state, Duration::from_millis(250)))
            .into();
        link.peers[0].components = vec!["billing".to_owned(), "<i>pricing</i>".to_owned()];
        let made_up = Self(Arc::new(Mutex::new(link)));
        let shown = made_up.clone();
        (bus.attach_link(move || shown.0.lock().unwrap().clone()), made_up)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut LinkStatus)) {
        change(&mut self.0.lock().unwrap());
    }
}

const OK: &str = "document.getElementById('verdict').dataset.ok";

#[test]
fn part_is_there_as_long_as_there_is_a_link() {
    let (bus, console) = watched();
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        let shown =
            "['links', 'links-anchor'].map((id) => !document.getElementById(id).hidden).join()";
        assert_eq!(view.get(shown).await, "false,false");
        let (attached, _link) = MadeUp::attach(&bus);
        view.until(&format!("{shown} === 'true,true'")).await;
        drop(attached);
        view.until(&format!("{shown} === 'false,false'")).await;
    });
}

#[test]
fn links_are_shown_with_their_figures_and_nodes() {
    let bus = Bus::new();
    let (_attached, link) = MadeUp::attach(&bus);
    bus.start();
    let console = console_of(&bus, "127.0.0.1:0");
    look_at(async |view| {
        view.open(&console.url()).await;
        let figures = "Object.fromEntries([...document.querySelectorAll('.wire .tile')].map((tile) =>
            [tile.dataset.figure, [...tile.querySelectorAll('.value, .note')].map((of) => of.textContent).join('; ')]))";
        let expected = json!({
            "state": "nats:eu-1; online", "round-trip": "400 µs; there and back",
            "sent": "0/s; 1,234 in all", "received": "0/s; 567 in all",
            "queue": "3 events; 1.0 MiB of 4.0 MiB", "dropped": "–; ",
        });
        assert_eq!(view.get(figures).await, expected);
        let fill = "document.querySelector('.wire .fill').style.width";
        assert_eq!(view.get(fill).await, "25%");
        let nodes = "[...document.querySelectorAll('.remote')].map((node) => [...node.children].map((of) => of.textContent))";
        let expected = json!([
            ["eu-2", "present", "heard 250 ms ago", "billing, <i>pricing</i>"],
            ["us-1", "joining", "heard 250 ms ago", "no components"],
            ["us-2", "present", "heard 250 ms ago", "no components"],
        ]);
        assert_eq!(view.get(nodes).await, expected);
        assert_eq!(view.text("#link-count").await, "1 link; 3 other nodes");

        link.change(|link| {
            link.sent += 10_000;
            (link.queued, link.queued_bytes) = (90, 3 << 20);
            link.dropped = vec![("ring full".to_owned(), 12), ("gap".to_owned(), 0)];
        });
        view.until("document.querySelector('.wire [data-figure=sent] .note').textContent === '11,234 in all'").await;
        view.until(
            "parseFloat(document.querySelector('.wire [data-figure=sent] .value').textContent) > 0",
        )
        .await;
        assert_eq!(view.text(".wire [data-figure=queue] .note").await, "3.0 MiB of 4.0 MiB");
        assert_eq!(view.get(fill).await, "75%");
        assert_eq!(view.text(".wire [data-figure=dropped] .value").await, "12");
        assert_eq!(view.text(".wire [data-figure=dropped] .note").await, "12 ring full");
        view.until(&format!("{OK} === 'no'")).await;
        view.until(
            "document.getElementById('lines').textContent.includes('nats:eu-1 lost 12 events')",
        )
        .await;
    });
}

#[test]
fn lost_connection_turns_the_strip_within_two_seconds() {
    let (bus, console) = watched();
    let (_attached, link) = MadeUp::attach(&bus);
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until(&format!("{OK} === 'yes'")).await;
        link.change(|link| {
            link.state = "disconnected".to_owned();
            link.trouble = Some("for 1.2s, with 3 events that wait".to_owned());
        });
        view.within(Duration::from_secs(2), &format!("{OK} === 'no'")).await;
        let line = view.text("#lines li").await;
        assert!(line.starts_with("nats:eu-1 is disconnected: for 1.2s"), "{line}");
        assert_eq!(
            view.text(".wire [data-figure=state] .note").await,
            "disconnected: for 1.2s, with 3 events that wait"
        );
        assert_eq!(
            view.get("document.querySelector('.wire [data-figure=state]').dataset.level").await,
            "3"
        );

        // The finding leads to the link.
        view.click(".finding[data-level=grave] .culprit").await;
        assert_eq!(view.get("document.activeElement.dataset.key").await, "nats:eu-1");

        link.change(|link| {
            link.state = "online".to_owned();
            link.trouble = None;
        });
        view.within(Duration::from_secs(2), &format!("{OK} === 'yes'")).await;
    });
}

#[test]
fn node_that_is_gone_is_named() {
    let (bus, console) = watched();
    let (_attached, link) = MadeUp::attach(&bus);
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until("document.querySelectorAll('.remote').length === 3").await;
        view.get("window.kept = [...document.querySelectorAll('.remote')];").await;
        link.change(|link| {
            link.peers[2].state = "gone".to_owned();
            link.peers[2].heard = Duration::from_secs(42);
        });
        view.until("document.querySelector('[data-node=us-2]').dataset.state === 'gone'").await;
        assert_eq!(view.text("[data-node=us-2] .heard").await, "heard 42 s ago");
        assert_eq!(view.text("#link-count").await, "1 link; 3 other nodes; gone: us-2");
        let kept = "[...document.querySelectorAll('.remote')].every((node, index) => node === kept[index])";
        assert_eq!(view.get(kept).await, json!(true), "nodes keep their places");
    });
}

#[test]
fn of_many_nodes_those_that_are_there_are_shown() {
    let (bus, console) = watched();
    let (_attached, link) = MadeUp::attach(&bus);
    link.change(|link| {
        let gone = |number: u64| {
            LinkPeer::new(format!("gone-{number:03}"), "gone", Duration::from_secs(1_000 - number))
        };
        link.peers = (0..150).map(gone).collect();
        link.peers.push(LinkPeer::new("z-here", "present", Duration::ZERO));
    });
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until("document.querySelectorAll('.remote').length === 100").await;
        let ends = "[document.querySelector('.remote'), ...[...document.querySelectorAll('.remote')].slice(-1)].map((node) => node.dataset.node)";
        assert_eq!(
            view.get(ends).await,
            json!(["gone-051", "z-here"]),
            "the latest of those that are gone"
        );
        view.until("document.querySelector('.wire .hint').textContent === 'and 51 more nodes'")
            .await;
        let count = view.text("#link-count").await;
        assert!(count.ends_with("gone-007, 142 more"), "{count}");
    });
}
