//! Events of a durable lane stay until they were taken, through the end of a process.

use callboard::{Bus, Overflow};
use callboard_nats::{LinkBuilder, Position};

use crate::support::Server;
use crate::world::{Node, Order, order, soon};

fn stores(link: LinkBuilder) -> LinkBuilder {
    link.export_durable::<Order>()
}

fn takes(link: LinkBuilder) -> LinkBuilder {
    link.import_durable::<Order>("billing", Position::First)
}

async fn stored(node: &Node, events: u64) {
    let sent = |link: &callboard_nats::LinkSnapshot| link.export("order.placed").unwrap().sent;
    let stored =
        |link: &callboard_nats::LinkSnapshot| sent(link) == events && link.unconfirmed == 0;
    node.until("the events to be stored", stored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_was_away_goes_on_where_it_was() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", stores).await;
    for id in 0..100 {
        a.bus.publish(order(id));
    }
    stored(&a, 100).await;

    // It comes later, and has less room than there are events.
    let b = Node::start(&server.url(), "b", takes).await;
    let mut orders = b.bus.subscriber("billing").capacity(10).subscribe::<Order>();
    for id in 0..50 {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().id, id);
    }
    // It ends without a word, and another takes its place.
    drop(b.link);
    drop(orders);
    for id in 100..200 {
        a.bus.publish(order(id));
    }
    let c = Node::start(&server.url(), "c", takes).await;
    let mut orders = c.bus.subscriber("billing").capacity(10).subscribe::<Order>();
    let first = soon("an event", orders.recv()).await.unwrap().id;
    assert!(first <= 50, "nothing is lost: {first}");
    for id in first + 1..200 {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().id, id);
    }
    a.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_that_a_subscriber_has_not_taken() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", stores).await;
    a.bus.publish(order(1));
    stored(&a, 1).await;
    let b = Node::start(&server.url(), "b", takes).await;
    let waits = |link: &callboard_nats::LinkSnapshot, what: &str| {
        link.durable[0].waits_for.as_ref().is_some_and(|waits| waits.contains(what))
    };
    // Nobody listens: it waits.
    b.until("it to wait for room", |link| waits(link, "room")).await;
    let orders = b.bus.subscribe::<Order>("billing");
    b.until("it to wait to be taken", |link| waits(link, "take")).await;
    drop(b.link);
    drop(orders);
    let c = Node::start(&server.url(), "c", takes).await;
    // A lossy one does not hold it up.
    let lossy = c.bus.subscriber("log").capacity(1).lossy().subscribe::<Order>();
    let mut orders = c.bus.subscribe::<Order>("billing");
    // It comes again once the server takes the first consumer for gone, within 10 seconds.
    assert_eq!(soon("the event", orders.recv()).await.unwrap().id, 1);
    c.until("it to be acknowledged", |link| link.durable[0].waits_for.is_none()).await;
    assert_eq!(lossy.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_loses_no_stored_event_and_doubles_none() {
    let Some(mut server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", stores).await;
    let b = Node::start(&server.url(), "b", takes).await;
    let mut orders = b.bus.subscriber("billing").capacity(50).subscribe::<Order>();
    for id in 0..300 {
        a.bus.publish(order(id));
        if id == 150 {
            server.kill();
            server.restart();
        }
    }
    for id in 0..300 {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().id, id);
    }
    a.until("all to be stored", |link| link.unconfirmed == 0 && link.queued == 0).await;
    assert!(orders.is_empty());
    a.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_is_where_a_new_consumer_begins() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", stores).await;
    for id in 0..10 {
        a.bus.publish(order(id));
        stored(&a, id + 1).await;
    }
    let bus = Bus::new();
    bus.start();
    let subscriber = bus.subscriber("replay").capacity(100).overflow(Overflow::DropOldest);
    let mut orders = subscriber.subscribe::<Order>();
    let from = |link: LinkBuilder| link.import_durable::<Order>("replay", Position::Sequence(8));
    let _b = Node::on(bus, &server.url(), "b", from).await;
    let first = soon("an event", orders.recv()).await.unwrap().id;
    assert_eq!(first, 7, "one message for each event, counted from 1");
    for id in 8..10 {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().id, id);
    }
}
