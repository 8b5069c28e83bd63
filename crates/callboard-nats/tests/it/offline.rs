//! What happens to events while there is no connection.

use std::time::Duration;

use callboard::{Bus, Event, Priority};
use callboard_nats::{Export, LinkDrop, LinkSnapshot, LinkState};
use serde::{Deserialize, Serialize};

use crate::support::{Proxy, Server};
use crate::world::{Node, Order, Paid, order, soon};

#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "order.alarm")]
struct Alarm {
    id: u64,
}

/// Two nodes, the first of which is reached through a proxy.
async fn pair(
    server: &Server,
    proxy: &Proxy,
    build: impl FnOnce(callboard_nats::LinkBuilder) -> callboard_nats::LinkBuilder,
) -> (Node, Node) {
    let a = Node::start(&proxy.url(), "a", build).await;
    let all = |link: callboard_nats::LinkBuilder| {
        link.import::<Order>().import::<Paid>().import::<Alarm>()
    };
    let b = Node::start(&server.url(), "b", all).await;
    a.meets(&["b"]).await;
    b.meets(&["a"]).await;
    (a, b)
}

/// Cuts the first node off, and waits until it knows.
async fn cut(proxy: &Proxy, a: &Node) {
    proxy.cut();
    a.until("the cut", |link| link.state == LinkState::Disconnected).await;
}

fn published(link: &LinkSnapshot, event_type: &str) -> u64 {
    link.export(event_type).unwrap().published
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_kept_dropped_or_superseded_as_their_type_says() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let (a, b) = pair(&server, &proxy, |link| {
        link.export::<Order>()
            .export_with(Export::<Paid>::new().drop_while_offline())
            .export_with(Export::<Alarm>::new().keep_latest(|alarm| (alarm.id % 3).to_string()))
    })
    .await;
    let mut orders = b.bus.subscriber("orders").capacity(1_000).subscribe::<Order>();
    let mut paid = b.bus.subscriber("paid").capacity(1_000).subscribe::<Paid>();
    let mut alarms = b.bus.subscriber("alarms").capacity(1_000).subscribe::<Alarm>();
    cut(&proxy, &a).await;
    for id in 0..100 {
        a.bus.publish(order(id));
        a.bus.publish(Paid { id });
        a.bus.publish(Alarm { id });
    }
    let types = ["order.placed", "order.paid", "order.alarm"];
    let taken = |link: &LinkSnapshot| types.iter().all(|of| published(link, of) == 100);
    a.until("all to be taken", taken).await;
    let link = a.link.snapshot();
    let account = |of| link.export(of).unwrap();
    assert_eq!(account("order.placed").queued, 100);
    assert_eq!(account("order.paid").dropped.of(LinkDrop::Offline), 100);
    let alarm = account("order.alarm");
    assert_eq!((alarm.queued, alarm.dropped.of(LinkDrop::Superseded)), (3, 97));
    a.assert_balanced();

    proxy.heal();
    for id in 0..100 {
        assert_eq!(soon("what was kept", orders.recv()).await.unwrap().id, id);
    }
    for id in 97..100 {
        assert_eq!(soon("the latest of each key", alarms.recv()).await.unwrap().id, id);
    }
    a.until("the connection", |link| link.state == LinkState::Online).await;
    a.bus.publish(Paid { id: 100 });
    assert_eq!(soon("what comes after", paid.recv()).await.unwrap().id, 100);
    // With a connection, nothing is superseded.
    (200..210).for_each(|id| _ = a.bus.publish(Alarm { id: id * 3 }));
    for id in 200..210 {
        assert_eq!(soon("each", alarms.recv()).await.unwrap().id, id * 3);
    }
    let counted = |link: &LinkSnapshot| {
        link.import("order.alarm", "a").any(|of| of.last == 13 && of.dropped.total() == 0)
    };
    b.until("the account", counted).await;
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ring_is_bounded_in_bytes_and_in_time() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let lifetime = Duration::from_millis(500);
    let (a, b) = pair(&server, &proxy, |link| {
        link.export::<Order>().ring_bytes(10_000).ring_lifetime(lifetime)
    })
    .await;
    let mut orders = b.bus.subscriber("orders").capacity(10_000).subscribe::<Order>();
    cut(&proxy, &a).await;
    (0..1_000).for_each(|id| _ = a.bus.publish(order(id)));
    a.until("all to be taken", |link| published(link, "order.placed") == 1_000).await;
    let link = a.link.snapshot();
    let full = link.export("order.placed").unwrap().dropped.of(LinkDrop::RingFull);
    assert!(link.queued_bytes <= 10_000 && full > 500, "{link:#?}");
    a.until("all to expire", |link| link.queued == 0).await;
    let link = a.link.snapshot();
    let dropped = &link.export("order.placed").unwrap().dropped;
    assert_eq!(dropped.of(LinkDrop::OfflineExpired), 1_000 - full);
    assert_eq!((link.queued_bytes, dropped.total()), (0, 1_000));
    // There is room again, and what is new is sent.
    proxy.heal();
    a.until("the connection", |link| link.state == LinkState::Online).await;
    a.bus.publish(order(1_000));
    assert_eq!(soon("a new one", orders.recv()).await.unwrap().id, 1_000);
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_urgent_is_sent_first_after_an_outage() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let (a, b) = pair(&server, &proxy, |link| {
        link.export_with(Export::<Order>::new().priority(Priority::Low))
            .export::<Paid>()
            .export_with(Export::<Alarm>::new().priority(Priority::High))
    })
    .await;
    cut(&proxy, &a).await;
    for id in 0..500 {
        a.bus.publish(order(id));
        a.bus.publish(Paid { id });
        a.bus.publish(Alarm { id });
    }
    let types = ["order.placed", "order.paid", "order.alarm"];
    let taken = |link: &LinkSnapshot| types.iter().all(|of| published(link, of) == 500);
    a.until("all to be taken", taken).await;
    // The order on the wire, as another client sees it.
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut wire = client.subscribe("cb.test.e.a.>").await.unwrap();
    client.flush().await.unwrap();
    proxy.heal();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let message = soon("a packet", futures_util::StreamExt::next(&mut wire)).await.unwrap();
        let event_type = message.subject.strip_prefix("cb.test.e.a.").unwrap().to_owned();
        // The second byte tells a probe from events.
        if message.payload[1] == 0 && !seen.contains(&event_type) {
            seen.push(event_type);
        }
    }
    assert_eq!(seen, ["order.alarm", "order.paid", "order.placed"]);
    let all =
        |link: &LinkSnapshot| types.iter().all(|of| link.import(of, "a").any(|of| of.last == 500));
    b.until("all", all).await;
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_goes_on_before_there_is_a_server() {
    let Some(mut server) = Server::start() else { return };
    server.kill();
    let url = server.url();
    let bus = Bus::new();
    bus.start();
    let connecting =
        Node::on(bus, &url, "a", |link| link.export::<Order>().retry_on_initial_connect());
    let a = soon("a link without a server", connecting).await;
    assert_eq!(a.link.state(), LinkState::Connecting);
    (0..100).for_each(|id| _ = a.bus.publish(order(id)));
    a.until("all to be kept", |link| link.queued == 100).await;
    let waiting =
        Node::on(Bus::new(), &url, "b", |link| link.import::<Order>().retry_on_initial_connect());
    let b = soon("another one", waiting).await;
    let mut orders = b.bus.subscriber("audit").capacity(1_000).subscribe::<Order>();
    b.bus.start();
    tokio::task::block_in_place(|| server.restart());
    // Nobody is known yet when the connection is there, so nobody is waited for: whatever was sent
    // before the other node heard is in no account of it.
    a.meets(&["b"]).await;
    b.meets(&["a"]).await;
    a.bus.publish(order(100));
    let mut next = 0;
    while next < 101 {
        let order = soon("an event", orders.recv()).await.unwrap();
        assert!(order.id >= next);
        next = order.id + 1;
    }
    let all = |link: &LinkSnapshot| link.import("order.placed", "a").any(|of| of.last == 101);
    b.until("the account", all).await;
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}
