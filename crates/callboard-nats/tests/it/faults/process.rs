//! Processes that stand still, die and start.

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_nats::{LinkDrop, PeerState};
use serde_json::Value;

use super::processes::{CROWD, Process};
use super::{lasts, short_or_long};
use crate::support::Server;
use crate::world::{Node, Order, order, soon};

/// What the link of a process says of the events of a node.
fn import<'a>(said: &'a Value, origin: &str) -> Option<&'a Value> {
    said["link"]["imports"].as_array()?.iter().find(|of| of["origin"] == origin)
}

fn number(of: &Value) -> u64 {
    of.as_u64().unwrap_or_else(|| panic!("{of} is no number"))
}

fn dropped(of: &Value) -> u64 {
    of["dropped"].as_object().unwrap().values().map(number).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_stops_reading_holds_up_nobody_and_goes_on() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let mut frozen = Process::start("subscribe", "b", &server.url());
    let other = Node::start(&server.url(), "c", |link| link.import::<Order>()).await;
    let mut orders = other.bus.subscriber("audit").capacity(1_000_000).subscribe::<Order>();
    a.meets(&["b", "c"]).await;
    let mut id = 0;
    for _ in 0..short_or_long(2, 10) {
        frozen.freeze();
        let gone =
            |link: &callboard_nats::LinkSnapshot| link.peer("b").unwrap().state == PeerState::Gone;
        a.until("b to be gone", gone).await;
        // Far more than a socket holds.
        let events = short_or_long(20_000, 100_000);
        for next in id..id + events {
            a.bus.publish(Order { id: next, text: "x".repeat(100) });
            if next % 1_000 == 999 {
                a.until("room", |link| link.queued_bytes < 1_000_000).await;
            }
        }
        for next in id..id + events {
            assert_eq!(soon("an event at c", orders.recv()).await.unwrap().id, next);
        }
        id += events;
        lasts(short_or_long(Duration::ZERO, Duration::from_secs(10))).await;
        frozen.thaw();
        a.meets(&["b"]).await;
    }
    a.bus.publish(order(id));
    a.until("all to be sent", |link| link.unconfirmed + link.queued == 0).await;
    let sent = a.link.snapshot().export("order.placed").unwrap().sent;
    let account = |said: &Value| import(said, "a").is_some_and(|of| number(&of["last"]) == sent);
    let said = tokio::task::block_in_place(|| {
        frozen.until("the account of b", |said| {
            account(said) && said["arrived"] == import(said, "a").unwrap()["delivered"]
        })
    });
    let of = import(&said, "a").unwrap();
    assert_eq!(number(&of["first"]), 1, "{of}");
    assert_eq!(number(&of["delivered"]) + dropped(of), sent, "{of}");
    println!("of {sent}: {of}");
    [&a, &other].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_is_killed_and_started_again_begins_a_new_account() {
    let Some(server) = Server::start() else { return };
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    let mut orders = b.bus.subscriber("audit").capacity(1_000_000).subscribe::<Order>();
    let starts = short_or_long(3, 30);
    let mut publisher = Process::start("publish", "a", &server.url());
    let mut arrived = BTreeMap::new();
    for start in 1..=starts {
        let mut next = 0;
        while next < 2_000 {
            let order = soon("an event", orders.recv()).await.unwrap();
            // What had been sent before the kill comes first; then it begins again.
            if order.id == 0 && next == 0 || next > 0 {
                assert!(order.id >= next, "{} after {next}", order.id);
                next = order.id + 1;
            }
            *arrived.entry(start).or_insert(0_u64) += 1;
        }
        if start < starts {
            drop(publisher);
            publisher = Process::start("publish", "a", &server.url());
        }
    }
    publisher.finish();
    let said = tokio::task::block_in_place(|| {
        publisher.until("all to be sent", |said| {
            number(&said["link"]["queued"]) + number(&said["link"]["unconfirmed"]) == 0
        })
    });
    let incarnation = number(&said["link"]["incarnation"]);
    let sent = number(&said["link"]["exports"][0]["sent"]);
    b.until("the account", |link| {
        link.import("order.placed", "a").any(|of| of.incarnation == incarnation && of.last == sent)
    })
    .await;
    let link = b.link.snapshot();
    let accounts: Vec<_> = link.import("order.placed", "a").collect();
    assert_eq!(accounts.len(), starts.min(17), "{accounts:#?}");
    for of in &accounts {
        assert_eq!(of.first, 1, "{of:?}");
        assert_eq!(of.delivered, of.last, "nothing failed but the publisher: {of:?}");
        assert_eq!(of.dropped.total(), 0, "{of:?}");
    }
    assert!(b.link.snapshot().imports.iter().all(|of| of.dropped.of(LinkDrop::Gap) == 0));
    b.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn five_processes_start_cold_together_and_miss_no_first_event() {
    let Some(server) = Server::start() else { return };
    for round in 0..short_or_long(5, 100) {
        let start = |it: usize| {
            Process::start("join", &format!("n{}", (it * 3 + round) % CROWD), &server.url())
        };
        let crowd: Vec<_> = (0..CROWD).map(start).collect();
        for process in &crowd {
            let said = process.says();
            assert!(said["error"].is_null(), "round {round}: {said:#}");
            let imports = said["link"]["imports"].as_array().unwrap();
            assert_eq!(imports.len(), CROWD - 1);
            for of in imports {
                assert_eq!((number(&of["delivered"]), dropped(of)), (20, 0), "{of}");
            }
        }
    }
}
