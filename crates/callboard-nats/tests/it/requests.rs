//! A request of one node is answered by responders of others, with the results of one process.

use std::time::{Duration, Instant};

use callboard::{Bus, Call, End, OpenRequest, Outcome};

use crate::support::{Proxy, Server};
use crate::world::{Check, LONG, Node, Verdict, soon};

/// Answers on this bus, under this name.
fn respond(bus: &Bus, name: &'static str, mut answer: impl FnMut(Call<Check>) + Send + 'static) {
    let mut inbox = bus.responder::<Check>(name);
    tokio::spawn(async move {
        while let Some(call) = inbox.recv().await {
            answer(call);
        }
    });
}

fn agree(call: Call<Check>) {
    let by = call.responder().to_owned();
    call.respond(Verdict { by });
}

/// Waits until an open request of this bus has two answers.
async fn both_answered(bus: &Bus) {
    let is_answer = |(_, outcome): &&(String, Outcome)| *outcome == Outcome::Responded;
    let two = |open: &OpenRequest| open.outcomes.iter().filter(is_answer).count() == 2;
    while !bus.snapshot().requests.open.iter().any(two) {
        tokio::task::yield_now().await;
    }
}

/// A bus whose responder "hold" keeps its calls, and says when it has one.
fn holding() -> (Bus, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let bus = Bus::new();
    bus.start();
    let mut held = Vec::new();
    let (took, taken) = tokio::sync::mpsc::unbounded_channel();
    respond(&bus, "hold", move |call| {
        held.push(call);
        took.send(()).unwrap();
    });
    (bus, taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_of_one_process_is_that_of_another() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.ask::<Check>()).await;
    let b_bus = Bus::new();
    b_bus.start();
    respond(&b_bus, "yes", agree);
    respond(&b_bus, "no", |call| call.decline("not today"));
    respond(&b_bus, "drop", drop);
    let mut held = Vec::new();
    respond(&b_bus, "hold", move |call| held.push(call));
    let _deaf = b_bus.responder::<Check>("deaf");
    let b = Node::on(b_bus, &server.url(), "b", |link| link.serve::<Check>()).await;
    a.meets(&["b"]).await;
    let names = ["yes", "no", "drop", "hold", "deaf"];
    let ready = || names.iter().all(|name| a.bus.snapshot().subscriber(name).is_some());
    crate::support::wait_for("the stand-ins", || ready().then_some(()));

    let request = a.bus.request(Check { id: 1 }).expect(names).expect(["nobody"]);
    let gathered = request.timeout(Duration::from_millis(700)).settled().await.unwrap();
    assert_eq!(gathered.end(), End::TimedOut);
    assert_eq!(gathered.get("yes").unwrap().by, "yes");
    for (name, outcome) in [
        ("no", Outcome::Declined("not today".into())),
        ("drop", Outcome::Abandoned),
        ("hold", Outcome::TimedOutHandling),
        ("deaf", Outcome::TimedOutQueued),
        ("nobody", Outcome::NoSuchResponder),
    ] {
        assert_eq!(gathered.outcome(name), Some(outcome), "{name}");
    }

    let request = a.bus.request(Check { id: 2 }).expect(names).at_least(1);
    assert_eq!(soon("an answer", request.gather()).await.unwrap().end(), End::Met);
    // Nobody waits any more, here or there.
    let none = |node: &Node| node.bus.snapshot().requests.open.is_empty();
    soon("no request to be open", async {
        while !(none(&a) && none(&b) && a.link.snapshot().open_requests == 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_whose_node_vanishes_is_gone_at_once() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.ask::<Check>()).await;
    let proxy = Proxy::to(&server.address());
    let (b_bus, mut taken) = holding();
    let b = Node::on(b_bus, &proxy.url(), "b", |link| link.serve::<Check>()).await;
    a.meets(&["b"]).await;
    a.has_stand_in("hold");
    let gather = a.bus.request(Check { id: 1 }).expect(["hold"]).timeout(LONG).gather();
    let asked = tokio::spawn(gather);
    soon("the request to arrive", taken.recv()).await.unwrap();
    let cut = Instant::now();
    proxy.cut();
    let gathered = soon("the end", asked).await.unwrap().unwrap();
    assert_eq!(gathered.outcome("hold"), Some(Outcome::Gone));
    assert_eq!(gathered.end(), End::Unreachable);
    assert!(cut.elapsed() < LONG, "before the request's own time was over");
    let gathered = a.bus.request(Check { id: 2 }).expect(["hold"]).gather().await.unwrap();
    assert_eq!(gathered.outcome("hold"), Some(Outcome::NoSuchResponder));
    proxy.heal();
    a.meets(&["b"]).await;
    drop(b);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_responders_are_unreachable() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let a = Node::start(&proxy.url(), "a", |link| link.ask::<Check>()).await;
    let (b_bus, mut taken) = holding();
    let _b = Node::on(b_bus, &server.url(), "b", |link| link.serve::<Check>()).await;
    a.meets(&["b"]).await;
    a.has_stand_in("hold");
    let gather = a.bus.request(Check { id: 1 }).expect(["hold"]).timeout(LONG).gather();
    let asked = tokio::spawn(gather);
    soon("the request to arrive", taken.recv()).await.unwrap();
    proxy.cut();
    let gathered = soon("the end", asked).await.unwrap().unwrap();
    assert_eq!(gathered.outcome("hold"), Some(Outcome::Unreachable));
    let gathered = a.bus.request(Check { id: 2 }).expect(["hold"]).gather().await.unwrap();
    assert_eq!(gathered.outcome("hold"), Some(Outcome::Unreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_for_itself_across_nodes_is_refused_with_the_circle() {
    let Some(server) = Server::start() else { return };
    // "a" asks "b" of the other node, whose handler asks "a" again, which handles one call at a time.
    // Two others of that node have answered by then.
    let a_bus = Bus::new();
    let b_bus = Bus::new();
    let (found, mut finds) = tokio::sync::mpsc::unbounded_channel();
    for (bus, name, other) in [(&a_bus, "a", "b"), (&b_bus, "b", "a")] {
        bus.start();
        let (bus, first, found) = (bus.clone(), a_bus.clone(), found.clone());
        let inbox = bus.responder::<Check>(name);
        tokio::spawn(async move {
            inbox
                .serve(|call| {
                    let (bus, first, found) = (bus.clone(), first.clone(), found.clone());
                    async move {
                        let request = bus.request(Check { id: call.id + 1 }).expect([other]);
                        let request = if name == "a" {
                            request.expect(["answers", "quick"])
                        } else {
                            soon("the others' answers", both_answered(&first)).await;
                            request
                        };
                        let gathered = request.timeout(LONG).gather().await;
                        let outcome = gathered.map(|gathered| gathered.outcome(other));
                        found.send((name, outcome)).unwrap();
                        agree(call);
                    }
                })
                .await;
        });
    }
    respond(&b_bus, "answers", agree);
    respond(&b_bus, "quick", agree);
    let both = |link: callboard_nats::LinkBuilder| link.ask::<Check>().serve::<Check>();
    let a = Node::on(a_bus, &server.url(), "a", both).await;
    let b = Node::on(b_bus, &server.url(), "b", both).await;
    a.meets(&["b"]).await;
    b.meets(&["a"]).await;
    let ready = |node: &Node, name| {
        node.bus.snapshot().subscribers.iter().filter(|of| of.name == name).count() == 1
    };
    let ready = || ready(&b, "a") && ["answers", "b", "quick"].iter().all(|it| ready(&a, it));
    crate::support::wait_for("the stand-ins", || ready().then_some(()));

    let begun = Instant::now();
    let gathered = a.bus.request(Check { id: 0 }).expect(["a"]).timeout(LONG).gather();
    let gathered = soon("the answer", gathered).await.unwrap();
    assert_eq!(gathered.get("a").unwrap().by, "a");
    assert!(begun.elapsed() < LONG / 2, "it did not run into its time");
    let (name, outcome) = soon("the refusal", finds.recv()).await.unwrap();
    assert_eq!(name, "b");
    let Ok(Some(Outcome::Declined(reason))) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("a → b → a"), "{reason}");
    let (name, outcome) = finds.recv().await.unwrap();
    assert_eq!((name, outcome), ("a", Ok(Some(Outcome::Responded))));
}

#[tokio::test(flavor = "multi_thread")]
async fn scatter_to_five_nodes_gathers_five_answers() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.ask::<Check>()).await;
    let mut others = Vec::new();
    for (node, name) in [("n1", "r1"), ("n2", "r2"), ("n3", "r3"), ("n4", "r4"), ("n5", "r5")] {
        let bus = Bus::new();
        bus.start();
        respond(&bus, name, agree);
        others.push(Node::on(bus, &server.url(), node, |link| link.serve::<Check>()).await);
    }
    a.meets(&["n1", "n2", "n3", "n4", "n5"]).await;
    let names = ["r1", "r2", "r3", "r4", "r5"];
    for id in 0..200 {
        let gathered =
            a.bus.request(Check { id }).expect(names).timeout(LONG).gather().await.unwrap();
        let all = gathered.into_all().unwrap();
        assert!(all.iter().all(|(name, verdict)| verdict.by == **name), "{all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_that_wait_for_each_other_from_two_nodes_end_in_time_and_are_named() {
    let Some(server) = Server::start() else { return };
    let both = |link: callboard_nats::LinkBuilder| link.ask::<Check>().serve::<Check>();
    let (a_bus, b_bus) = (Bus::new(), Bus::new());
    let met = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    for (bus, name, other) in [(&a_bus, "pa", "qb"), (&b_bus, "qb", "pa")] {
        bus.start();
        let (weak, met) = (bus.downgrade(), std::sync::Arc::clone(&met));
        let inbox = bus.responder::<Check>(name);
        tokio::spawn(inbox.serve(move |call: Call<Check>| {
            let (bus, met) = (weak.upgrade(), std::sync::Arc::clone(&met));
            async move {
                let Some(bus) = bus else { return };
                if call.id == 0 {
                    // Each handles one call before either asks.
                    met.wait().await;
                    let request = bus.request(Check { id: 1 }).expect([other]);
                    _ = request.timeout(Duration::from_millis(800)).gather().await;
                }
                agree(call);
            }
        }));
    }
    let a = Node::on(a_bus, &server.url(), "a", both).await;
    let b = Node::on(b_bus, &server.url(), "b", both).await;
    a.meets(&["b"]).await;
    b.meets(&["a"]).await;
    let has = |node: &Node, name| node.bus.snapshot().subscriber(name).is_some();
    crate::support::wait_for("the stand-ins", || (has(&a, "qb") && has(&b, "pa")).then_some(()));
    let ask = |node: &Node, name| {
        let request = node.bus.request(Check { id: 0 }).expect([name]).timeout(LONG);
        tokio::spawn(request.gather())
    };
    let (at_a, at_b) = (ask(&a, "pa"), ask(&b, "qb"));
    assert!(soon("a's answer", at_a).await.unwrap().unwrap().is_complete());
    assert!(soon("b's answer", at_b).await.unwrap().unwrap().is_complete());
    let circles = |link: &callboard_nats::LinkSnapshot| link.circles.len();
    let named = || circles(&a.link.snapshot()) + circles(&b.link.snapshot()) > 0;
    crate::support::wait_for("the circle to be named", || named().then_some(()));
    let findings = [&a, &b].map(|node| node.bus.diagnose().to_string()).join("\n");
    assert!(findings.contains("wait for each other: `order.check`: `"), "{findings}");
}
