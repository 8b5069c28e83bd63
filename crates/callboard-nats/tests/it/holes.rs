//! Packets that come before others: they wait as long as those may come, and no longer.

use callboard_nats::{ImportSnapshot, LinkDrop};
use serde_json::json;

use crate::foreign::{Foreign, packet};
use crate::support::Server;
use crate::world::{Node, Order, order, soon};

const INCARNATION: u64 = 7;

/// A packet of the events from `first` to `last`.
fn events(first: u64, last: u64) -> Vec<u8> {
    packet(INCARNATION, first, &(first..=last).map(order).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_after_a_later_packet_comes_before_it() {
    let Some(server) = Server::start() else { return };
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    let mut orders = b.bus.subscriber("audit").capacity(100).subscribe::<Order>();
    let foreign = Foreign::connect(&server.url()).await;
    let subject = "e.x.order.placed";
    // 3 to 6 are lost with a connection. The client had kept 7 to 9, then everything is sent again.
    for (first, last) in [(1, 2), (7, 8), (9, 9), (3, 4), (5, 6), (7, 8), (9, 9), (10, 10)] {
        foreign.publish(subject, events(first, last)).await;
    }
    for id in 1..=10 {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().id, id);
    }
    let account = |of: &ImportSnapshot| (of.first, of.last, of.delivered, of.duplicates);
    b.until("the account", |link| {
        link.import("order.placed", "x").any(|of| account(of) == (1, 10, 10, 3))
    })
    .await;

    // 11 to 19 do not come. The node says that the server had 20: so they are lost.
    foreign.publish(subject, events(20, 20)).await;
    foreign.publish(subject, events(22, 22)).await;
    let hello = json!({ "Hello": {
        "incarnation": INCARNATION, "generation": 0, "exports": ["order.placed"], "imports": [],
        "responders": {}, "subscribers": [],
    } });
    foreign.say("s.x", &hello).await;
    let tails = json!({ "order.placed": 20 });
    let beat = json!({ "Beat": {
        "incarnation": INCARNATION, "generation": 0, "tails": tails, "heard_by": [],
    } });
    foreign.say("s.x", &beat).await;
    assert_eq!(soon("the event", orders.recv()).await.unwrap().id, 20);
    b.until("what is lost to be counted", |link| {
        link.import("order.placed", "x")
            .any(|of| of.last == 20 && of.dropped.of(LinkDrop::Gap) == 9)
    })
    .await;
    // Of 21 the node says nothing, so 22 waits, but not for ever.
    assert!(orders.is_empty());
    assert_eq!(soon("the event", orders.recv()).await.unwrap().id, 22);
    b.until("the end", |link| {
        link.import("order.placed", "x").any(|of| of.last == 22 && of.dropped.total() == 10)
    })
    .await;
    b.assert_balanced();
}
