//! What users' code and names do wrong is counted and named, and harms nothing else.

use callboard::{Bus, Event};
use callboard_nats::{Import, LinkDrop, NatsLink, Position};
use serde::{Deserialize, Serialize, Serializer};

use crate::support::Server;
use crate::world::{Node, Order, Paid, order, soon};

#[derive(Debug, Clone, Event, Deserialize)]
#[event(type = "mishap.written")]
struct Written(u64);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 1, "it can't be written");
        self.0.serialize(serializer)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_panics_costs_its_own_event_and_no_other() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Paid>().export::<Written>()).await;
    let b = Node::start(&server.url(), "b", |link| {
        let migrated = Import::<Paid>::new().version(2).migrate(1, |old: Paid| {
            assert_ne!(old.id, 1, "it can't be read");
            old
        });
        link.import_with(migrated).import::<Written>()
    })
    .await;
    let mut paid = b.bus.subscribe::<Paid>("audit");
    let mut written = b.bus.subscribe::<Written>("audit");
    a.meets(&["b"]).await;
    for id in 0..4 {
        a.bus.publish(Paid { id });
        a.bus.publish(Written(id));
    }
    for id in [0, 2, 3] {
        assert_eq!(soon("what can be read", paid.recv()).await.unwrap().id, id);
        assert_eq!(soon("what can be written", written.recv()).await.unwrap().0, id);
    }
    b.until("the drop", |link| link.import("order.paid", "a").any(|of| of.last == 4)).await;
    let snapshot = b.link.snapshot();
    let account = snapshot.import("order.paid", "a").next().unwrap();
    assert_eq!((account.delivered, account.dropped.of(LinkDrop::Decode)), (3, 1));
    assert!(snapshot.last_problem.unwrap().contains("it can't be read"));
    let snapshot = a.link.snapshot();
    let account = snapshot.export("mishap.written").unwrap();
    assert_eq!((account.sent, account.dropped.of(LinkDrop::Encode)), (3, 1));
    assert!(snapshot.last_problem.unwrap().contains("it can't be written"));
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_heard_again_when_another_of_its_name_has_ended() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    let mut orders = b.bus.subscriber("audit").capacity(1_000).subscribe::<Order>();
    a.meets(&["b"]).await;
    a.bus.publish(order(1));
    assert_eq!(soon("an event", orders.recv()).await.unwrap().id, 1);

    let other = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    other.meets(&["b"]).await;
    other.bus.publish(order(2));
    assert_eq!(soon("the other's", orders.recv()).await.unwrap().id, 2);
    a.until("a to see the conflict", |link| link.conflicts > 0).await;
    drop(other);
    a.bus.publish(order(3));
    assert_eq!(soon("an event after it", orders.recv()).await.unwrap().id, 3);
    let own = a.link.snapshot().incarnation;
    b.until("the first a to be present", |link| {
        link.peer("a").is_some_and(|peer| peer.incarnation == own)
    })
    .await;
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_on_healthy_nodes() {
    let Some(server) = Server::start() else { return };
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        let both = |link: callboard_nats::LinkBuilder| link.export::<Order>().import::<Order>();
        nodes.push(Node::start(&server.url(), name, both).await);
    }
    let mut readers = Vec::new();
    for node in &nodes {
        readers.push(node.bus.subscriber("audit").late().capacity(10_000).subscribe::<Order>());
    }
    for (node, others) in nodes.iter().zip([["b", "c"], ["a", "c"], ["a", "b"]]) {
        node.meets(&others).await;
    }
    for id in 0..2_000 {
        nodes[0].bus.publish(order(id));
    }
    for (node, reader) in nodes.iter().zip(&mut readers) {
        for _ in 0..2_000 {
            soon("an event", reader.recv()).await.unwrap();
        }
        assert_eq!(reader.try_recv().unwrap_err(), callboard::TryRecvError::Empty);
        let findings = node.bus.diagnose().findings;
        // The reader's own capacity is large for a test.
        let others: Vec<_> = findings.iter().filter(|it| it.culprit != "audit").collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_lane_waits_for_its_first_server() {
    let Some(mut server) = Server::start() else { return };
    server.kill();
    let a = Node::start(&server.url(), "a", |link| {
        link.export_durable::<Order>().retry_on_initial_connect()
    })
    .await;
    let b = Node::start(&server.url(), "b", |link| {
        link.import_durable::<Order>("billing", Position::First).retry_on_initial_connect()
    })
    .await;
    let mut orders = b.bus.subscribe::<Order>("billing");
    a.bus.publish(order(1));
    server.restart();
    assert_eq!(soon("the event", orders.recv()).await.unwrap().id, 1);
}

#[tokio::test]
async fn names_that_the_server_would_refuse_are_refused_before_it_is_asked() {
    let bus = Bus::new();
    let builder = || NatsLink::builder(&bus, "nats://127.0.0.1:1");
    for (builder, said) in [
        (builder().import_shared::<Order>("a b"), "`a b` is no group"),
        (builder().import_shared::<Order>(""), "`` is no group"),
        (builder().import_durable::<Order>("a.b", Position::First), "`a.b` is no durable consumer"),
        (builder().export_cloudevents::<Order>("orders.*"), "`orders.*` is no subject"),
        (builder().import_cloudevents::<Order>("cb.x.e"), "`cb.x.e` is no subject"),
        (builder().ring_lifetime(std::time::Duration::ZERO), "`0ns` is no lifetime"),
    ] {
        let error = builder.connect().await.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(said), "{error}");
    }
}
