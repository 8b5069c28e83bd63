//! Events of one node are published on the buses of others: each once, in order, none twice.

use callboard_nats::{Codec, Error, LinkDrop, LinkState, NatsLink, PeerState};

use crate::support::Server;
use crate::world::{Node, Order, Paid, order, soon};

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_the_other_node_in_order_and_come_back_to_nobody() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>().import::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.export::<Order>().import::<Order>()).await;
    let mut at_a = a.bus.subscriber("audit").capacity(100_000).subscribe::<Order>();
    let mut at_b = b.bus.subscriber("audit").capacity(100_000).subscribe::<Order>();
    a.meets(&["b"]).await;
    b.meets(&["a"]).await;
    for id in 0..10_000 {
        a.bus.publish(order(id));
    }
    for id in 0..10_000 {
        let at_b = soon("an event at b", at_b.recv()).await.unwrap();
        assert_eq!((at_b.id, at_b.missed()), (id, 0));
        assert_eq!(*at_b, order(id));
    }
    b.bus.publish(order(1_000_000));
    for id in (0..10_000).chain([1_000_000]) {
        assert_eq!(soon("an event at a", at_a.recv()).await.unwrap().id, id);
    }
    assert!(at_a.is_empty() && at_b.recv().await.unwrap().id == 1_000_000 && at_b.is_empty());
    b.until("the account", |link| link.import("order.placed", "a").any(|of| of.last == 10_000))
        .await;
    let account = b.link.snapshot();
    let account = account.import("order.placed", "a").next().unwrap();
    assert_eq!((account.first, account.delivered), (1, 10_000));
    let sent = a.link.snapshot();
    let sent = sent.export("order.placed").unwrap();
    // What came from b is published on a's bus too, but not a's to export.
    assert_eq!((sent.published, sent.sent), (10_000, 10_000));
    a.assert_balanced();
    b.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_exported_and_imported_types_travel() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Paid>().codec(Codec::Json)).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Paid>().import::<Order>()).await;
    let mut all = b.bus.subscribe::<callboard::AnyEvent>("audit");
    a.meets(&["b"]).await;
    a.bus.publish(order(1));
    a.bus.publish(Paid { id: 2 });
    let event = soon("the event", all.recv()).await.unwrap();
    assert_eq!(event.downcast_ref::<Paid>(), Some(&Paid { id: 2 }));
    assert!(all.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn close_sends_what_the_bus_had_for_the_link() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    let mut orders = b.bus.subscriber("audit").capacity(10_000).subscribe::<Order>();
    a.meets(&["b"]).await;
    for id in 0..5_000 {
        a.bus.publish(order(id));
    }
    a.link.close(crate::world::LONG).await.unwrap();
    for id in 0..5_000 {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().id, id);
    }
    let gone = |link: &callboard_nats::LinkSnapshot| {
        link.peer("a").unwrap().state == callboard_nats::PeerState::Gone
    };
    b.until("a to be gone", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_or_is_too_large_is_dropped_counted_and_named() {
    let Some(server) = Server::start_with("max_payload: 65536") else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| {
        link.import_with(
            callboard_nats::Import::<Order>::new().migrate(1, |old: Paid| order(old.id)).version(2),
        )
    })
    .await;
    let mut orders = b.bus.subscribe::<Order>("audit");
    a.meets(&["b"]).await;
    a.bus.publish(order(1));
    a.bus.publish(callboard_nats_text(70_000));
    assert_eq!(*soon("an event", orders.recv()).await.unwrap(), order(1));
    a.until("the drop", |link| link.export("order.placed").unwrap().dropped.total() == 1).await;
    assert_eq!(a.link.snapshot().export("order.placed").unwrap().dropped.of(LinkDrop::TooLarge), 1);

    let c = Node::start(&server.url(), "c", |link| {
        link.import_with(
            callboard_nats::Import::<Order>::new().migrate(1, |(): ()| order(0)).version(2),
        )
    })
    .await;
    a.meets(&["c"]).await;
    a.bus.publish(order(2));
    assert_eq!(soon("an event", orders.recv()).await.unwrap().id, 2);
    c.until("the drop", |link| link.import("order.placed", "a").any(|of| of.dropped.total() == 1))
        .await;
    let snapshot = c.link.snapshot();
    assert_eq!(
        snapshot.import("order.placed", "a").next().unwrap().dropped.of(LinkDrop::Decode),
        1
    );
    let problem = snapshot.last_problem.unwrap();
    assert!(problem.contains("`order.placed` of version 1 from node `a`"), "{problem}");
    [&a, &b, &c].into_iter().for_each(Node::assert_balanced);
}

fn callboard_nats_text(length: usize) -> Order {
    Order { id: 0, text: "x".repeat(length) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_shares_events() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import_shared::<Order>("workers")).await;
    let c = Node::start(&server.url(), "c", |link| link.import_shared::<Order>("workers")).await;
    let mut at_b = b.bus.subscriber("work").capacity(1_000).subscribe::<Order>();
    let mut at_c = c.bus.subscriber("work").capacity(1_000).subscribe::<Order>();
    a.meets(&["b", "c"]).await;
    // One packet each: several events in one packet go to one member.
    for id in 0..300 {
        a.bus.publish(order(id));
        a.until("it to be sent", |link| link.export("order.placed").unwrap().sent == id + 1).await;
    }
    let (mut seen, mut shares) = (Vec::new(), [0, 0]);
    while seen.len() < 300 {
        soon("an event", async {
            tokio::select! {
                order = at_b.recv() => { shares[0] += 1; seen.push(order.unwrap().id) }
                order = at_c.recv() => { shares[1] += 1; seen.push(order.unwrap().id) }
            }
        })
        .await;
    }
    seen.sort_unstable();
    assert!(seen.iter().copied().eq(0..300), "each once");
    assert!(shares.iter().all(|share| *share > 30), "{shares:?}");
    [&a, &b, &c].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test]
async fn bad_values_are_refused_by_name() {
    let bus = callboard::Bus::new();
    let url = "nats://127.0.0.1:1";
    let fails = async |builder: callboard_nats::LinkBuilder| -> Error {
        builder.connect().await.unwrap_err()
    };
    let error = fails(NatsLink::builder(&bus, url).node("a.b")).await;
    assert!(error.is_configuration() && error.to_string().contains("`a.b` is no node"), "{error}");
    let error = fails(NatsLink::builder(&bus, url).namespace("")).await;
    assert!(error.to_string().contains("`` is no namespace"), "{error}");
    let error = fails(NatsLink::builder(&bus, url).export::<Order>().export::<Order>()).await;
    assert_eq!(error.to_string(), "`order.placed` is exported twice");
    let error = fails(NatsLink::builder(&bus, url).heartbeat(std::time::Duration::ZERO)).await;
    assert!(error.to_string().contains("`0ns` is no heartbeat"), "{error}");
    let error = fails(NatsLink::builder(&bus, url).ring_bytes(1)).await;
    assert!(error.to_string().contains("`1` is no size of the ring"), "{error}");
    let error = fails(NatsLink::builder(&bus, url)).await;
    assert!(!error.is_configuration() && error.to_string().contains(url), "{error}");
    let error = fails(NatsLink::builder(&bus, "not a url")).await;
    assert!(error.to_string().contains("not a url"), "{error}");
    let error = fails(NatsLink::builder(&bus, url).credentials_file("/nowhere")).await;
    assert!(error.to_string().contains("/nowhere"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_closes_takes_its_link_along_and_nothing_is_lost_uncounted() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    let c = Node::start(&server.url(), "c", |link| link.import::<Order>()).await;
    let orders = c.bus.subscriber("audit").capacity(10_000).subscribe::<Order>();
    a.meets(&["b", "c"]).await;
    // b draws the line before anything comes, a after it has published.
    b.bus.close();
    for id in 0..1_000 {
        a.bus.publish(order(id));
    }
    a.bus.close();
    let closed = |link: &callboard_nats::LinkSnapshot| link.state == LinkState::Closed;
    a.until("a to leave", closed).await;
    let gone =
        |link: &callboard_nats::LinkSnapshot| link.peer("a").unwrap().state == PeerState::Gone;
    c.until("a to be gone", gone).await;
    // Another task takes the events than the farewell.
    let all = |link: &callboard_nats::LinkSnapshot| {
        link.import("order.placed", "a").any(|of| of.delivered == 1_000)
    };
    c.until("all to arrive", all).await;
    assert_eq!(orders.len(), 1_000);
    b.until("b to leave", closed).await;
    let snapshot = b.link.snapshot();
    if let Some(account) = snapshot.import("order.placed", "a").next() {
        assert_eq!(account.delivered, 0, "{snapshot:#?}");
    }
    [&a, &b, &c].into_iter().for_each(Node::assert_balanced);
}
