//! How long it takes to notice a fault. The figures are printed; the bounds are for loaded machines.

use std::time::{Duration, Instant};

use callboard::{Bus, Call, Outcome};
use callboard_nats::{LinkBuilder, LinkState, PeerState};

use super::short_or_long;
use crate::support::{Proxy, Server};
use crate::world::{Check, LONG, Node, soon};

/// A node that takes requests as `hold` and never answers.
async fn holder(url: &str) -> (Node, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let bus = Bus::new();
    bus.start();
    let mut inbox = bus.responder::<Check>("hold");
    let (took, taken) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut held: Vec<Call<Check>> = Vec::new();
        while let Some(call) = inbox.recv().await {
            held.push(call);
            _ = took.send(());
        }
    });
    (Node::on(bus, url, "b", |link| link.serve::<Check>()).await, taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_and_a_node_that_vanishes_are_noticed_in_time() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link: LinkBuilder| link.ask::<Check>()).await;
    let proxy = Proxy::to(&server.address());
    let (_b, mut taken) = holder(&proxy.url()).await;
    for _ in 0..short_or_long(1, 5) {
        a.meets(&["b"]).await;
        let gather = a.bus.request(Check { id: 1 }).expect(["hold"]).timeout(LONG).gather();
        let asked = tokio::spawn(gather);
        soon("the request", taken.recv()).await.unwrap();
        let begun = Instant::now();
        proxy.freeze();
        let gone =
            |link: &callboard_nats::LinkSnapshot| link.peer("b").unwrap().state == PeerState::Gone;
        a.until("b to be gone", gone).await;
        let noticed = begun.elapsed();
        let gathered = soon("the end", asked).await.unwrap().unwrap();
        let ended = begun.elapsed();
        assert_eq!(gathered.outcome("hold"), Some(Outcome::Gone));
        let next = Instant::now();
        let request = a.bus.request(Check { id: 2 }).expect(["hold"]).timeout(LONG);
        let outcome = request.gather().await.unwrap().outcome("hold");
        assert_eq!(outcome, Some(Outcome::NoSuchResponder));
        let next = next.elapsed();
        println!(
            "dead node: gone after {noticed:.2?}, gather ended after {ended:.2?}, next after {next:.2?}"
        );
        assert!(ended < Duration::from_secs(4) && next < Duration::from_secs(1));
        proxy.heal();
        a.meets(&["b"]).await;

        let gather = a.bus.request(Check { id: 3 }).expect(["hold"]).timeout(LONG).gather();
        let asked = tokio::spawn(gather);
        soon("the request", taken.recv()).await.unwrap();
        let begun = Instant::now();
        server.stop();
        a.until("the stall", |link| link.state == LinkState::Stalled).await;
        let stalled = begun.elapsed();
        a.until("the loss", |link| link.state == LinkState::Disconnected).await;
        let lost = begun.elapsed();
        let gathered = soon("the end", asked).await.unwrap().unwrap();
        let ended = begun.elapsed();
        let outcome = gathered.outcome("hold");
        server.resume();
        println!(
            "dead server: stalled after {stalled:.2?}, disconnected after {lost:.2?}, gather ended after \
             {ended:.2?} ({outcome:?})"
        );
        assert!(stalled < Duration::from_secs(4) && ended < Duration::from_secs(10));
    }
}
