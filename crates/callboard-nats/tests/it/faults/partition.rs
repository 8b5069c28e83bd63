//! A network that fails: cuts, freezes and delays, between either node and the server.

use std::time::{Duration, Instant};

use callboard_nats::{LinkDrop, LinkState, PeerState};

use super::flow::Flow;
use super::{lasts, short_or_long};
use crate::support::{Proxy, Server};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_publisher_had_not_delivered_is_sent_again_after_a_cut() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let flow = Flow::start(&proxy.url(), &server.url()).await;
    for round in 0..short_or_long(6, 100) {
        if round % 2 == 1 {
            proxy.delay(Duration::from_millis(20));
            flow.moves().await;
        }
        proxy.cut();
        flow.a.until("the cut", |link| link.state == LinkState::Disconnected).await;
        proxy.heal();
        flow.moves().await;
    }
    let ended = flow.end().await;
    // The subscriber's connection was there all the time.
    assert_eq!(ended.account.dropped.total(), 0, "{:?}", ended.account);
    assert_eq!(ended.account.delivered, ended.account.last);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_client_when_it_is_cut_off_arrives_in_order() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let flow = Flow::start(&proxy.url(), &server.url()).await;
    for _ in 0..short_or_long(4, 50) {
        // More is published than can pass, so it waits in every buffer on the way.
        proxy.throttle(20_000);
        flow.a.until("the ring to fill", |link| link.queued_bytes > 20_000).await;
        proxy.cut();
        proxy.heal();
        flow.moves().await;
    }
    let ended = flow.end().await;
    assert_eq!(ended.account.dropped.total(), 0, "{:?}", ended.account);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_subscriber_misses_during_a_cut_is_counted_as_such() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let flow = Flow::start(&server.url(), &proxy.url()).await;
    for _ in 0..short_or_long(3, 50) {
        proxy.cut();
        flow.b.until("the cut", |link| link.state == LinkState::Disconnected).await;
        let gone =
            |link: &callboard_nats::LinkSnapshot| link.peer("b").unwrap().state == PeerState::Gone;
        flow.a.until("b to be gone", gone).await;
        // Nobody waits for it.
        assert_eq!(flow.a.link.snapshot().state, LinkState::Online);
        proxy.heal();
        flow.a.meets(&["b"]).await;
        flow.moves().await;
    }
    let ended = flow.end().await;
    let dropped = &ended.account.dropped;
    assert!(dropped.total() > 0, "something was published meanwhile");
    assert_eq!(dropped.of(LinkDrop::UnknownAtDisconnect), dropped.total(), "{dropped}");
    assert_eq!(ended.account.delivered + dropped.total(), ended.published);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_faults_in_any_order_leave_balanced_accounts() {
    let Some(mut server) = Server::start() else { return };
    let seed = match std::env::var("CALLBOARD_SEED") {
        Ok(seed) => seed.parse().expect("CALLBOARD_SEED is a number"),
        Err(_) => u64::from(std::process::id()),
    };
    println!("CALLBOARD_SEED={seed}");
    let proxies = [Proxy::to(&server.address()), Proxy::to(&server.address())];
    let flow = Flow::start(&proxies[0].url(), &proxies[1].url()).await;
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let begun = Instant::now();
    let time = short_or_long(Duration::from_secs(8), Duration::from_secs(180));
    while begun.elapsed() < time {
        let proxy = &proxies[random(2) as usize];
        match random(6) {
            0 => proxy.cut(),
            1 => proxy.freeze(),
            2 => proxy.delay(Duration::from_millis(random(200))),
            3 => proxy.throttle(10_000 + random(100_000) as u32),
            4 => {
                // A server that stands still already would not stop once more.
                server.resume();
                server.stop();
            }
            _ => tokio::task::block_in_place(|| server.restart()),
        }
        lasts(Duration::from_millis(random(700))).await;
        if random(2) == 0 {
            server.resume();
            proxies.iter().for_each(Proxy::heal);
        }
    }
    server.resume();
    proxies.iter().for_each(Proxy::heal);
    flow.moves().await;
    let ended = flow.end().await;
    println!("of {}: {:?}", ended.published, ended.account);
}
