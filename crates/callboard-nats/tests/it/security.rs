//! Nodes with TLS and keys, held to their own names by the shipped server configuration.

use async_nats::Event as ClientEvent;
use callboard::Bus;
use callboard_nats::{LinkSnapshot, NatsLink, PeerState};
use tokio::sync::mpsc;

use crate::support::Deployment;
use crate::world::{Check, Node, Order, Verdict, order, soon};

/// A node of the deployment.
async fn node(
    deployment: &Deployment,
    bus: Bus,
    name: &str,
    build: impl FnOnce(callboard_nats::LinkBuilder) -> callboard_nats::LinkBuilder,
) -> Node {
    bus.start();
    let secured = |link: callboard_nats::LinkBuilder| {
        build(link.namespace("shop").options(deployment.options(name)))
    };
    Node::on(bus, &deployment.url(), name, secured).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_tls_and_keys_exchange_events_and_requests() {
    let Some(deployment) = Deployment::start() else { return };
    let a_side = |link: callboard_nats::LinkBuilder| link.export::<Order>().ask::<Check>();
    let b_side = |link: callboard_nats::LinkBuilder| link.import::<Order>().serve::<Check>();
    let a = node(&deployment, Bus::new(), "eu-1", a_side).await;
    let bus = Bus::new();
    let mut orders = bus.subscribe::<Order>("audit");
    let inbox = bus.responder::<Check>("checker");
    tokio::spawn(inbox.serve(|call| async move {
        call.respond(Verdict { by: "checker".to_owned() });
    }));
    let b = node(&deployment, bus, "eu-2", b_side).await;
    a.meets(&["eu-2"]).await;
    b.meets(&["eu-1"]).await;
    a.bus.publish(order(1));
    assert_eq!(*soon("the event", orders.recv()).await.unwrap(), order(1));
    let asked = a.bus.request(Check { id: 1 }).expect(["checker"]).gather();
    assert_eq!(soon("the answer", asked).await.unwrap().get("checker").unwrap().by, "checker");
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_can_not_speak_under_the_name_of_another() {
    let Some(deployment) = Deployment::start() else { return };
    let b = node(&deployment, Bus::new(), "eu-2", |link| link.import::<Order>()).await;
    let mut orders = b.bus.subscribe::<Order>("audit");
    let a = node(&deployment, Bus::new(), "eu-1", |link| link.export::<Order>()).await;
    a.meets(&["eu-2"]).await;
    let before = b.link.snapshot();

    // With the key of eu-3, whatever it says as eu-1 is refused.
    let (events, mut inbox) = mpsc::unbounded_channel();
    let options = deployment.options("eu-3").event_callback(move |event| {
        _ = events.send(event);
        std::future::ready(())
    });
    let thief = options.connect(deployment.url()).await.unwrap();
    for subject in ["e.eu-1.order.placed", "s.eu-1", "n.eu-1.eu-2", "m.eu-1", "m.eu-2"] {
        let subject = format!("cb.shop.{subject}");
        thief.publish(subject.clone(), "forged".into()).await.unwrap();
        loop {
            let event = soon("the refusal", inbox.recv()).await.unwrap();
            let ClientEvent::ServerError(error) = event else { continue };
            let said = error.to_string().to_lowercase();
            assert!(said.contains("permissions violation") && said.contains(&subject), "{said}");
            break;
        }
    }
    // What it says under its own name arrives, so it is after everything before.
    thief.publish("cb.shop.s.eu-3", "no message".into()).await.unwrap();
    b.until("what eu-3 may say", |link| link.malformed > before.malformed).await;
    let after = b.link.snapshot();
    assert_eq!((after.malformed, after.conflicts), (before.malformed + 1, 0));
    a.bus.publish(order(1));
    assert_eq!(*soon("the event of the real eu-1", orders.recv()).await.unwrap(), order(1));
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_the_key_of_another_node_is_heard_by_nobody_and_says_why() {
    let Some(deployment) = Deployment::start() else { return };
    let b = node(&deployment, Bus::new(), "eu-2", |link| link.import::<Order>()).await;
    let bus = Bus::new();
    bus.start();
    let link = NatsLink::builder(&bus, deployment.url()).namespace("shop").node("eu-1");
    let link = link.options(deployment.options("eu-3")).export::<Order>();
    let a = Node { link: link.connect().await.unwrap(), bus };
    let says = |link: &LinkSnapshot| {
        link.last_problem
            .as_ref()
            .is_some_and(|it| it.to_lowercase().contains("permissions violation"))
    };
    a.until("the reason", says).await;
    let c = node(&deployment, Bus::new(), "eu-3", |link| link.export::<Order>()).await;
    c.meets(&["eu-2"]).await;
    assert!(b.link.snapshot().peer("eu-1").is_none_or(|peer| peer.state == PeerState::Gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_links_without_tls_are_refused() {
    let Some(deployment) = Deployment::start() else { return };
    let link = || NatsLink::builder(&Bus::new(), deployment.url()).namespace("shop").node("eu-1");
    for refused in [link().options(deployment.stranger("eu-1")), link()] {
        let error = soon("the refusal", refused.connect()).await.unwrap_err();
        assert!(!error.is_configuration() && error.to_string().contains("tls://"), "{error}");
    }
}
