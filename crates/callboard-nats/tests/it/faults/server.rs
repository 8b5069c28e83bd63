//! A server that dies, and one that stands still.

use std::time::Duration;

use callboard_nats::LinkState;

use super::flow::Flow;
use super::{lasts, short_or_long};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_comes_back_and_all_is_accounted_for() {
    let Some(mut server) = Server::start() else { return };
    let flow = Flow::start(&server.url(), &server.url()).await;
    for _ in 0..short_or_long(3, 20) {
        server.kill();
        flow.a.until("the loss of the server", |link| link.state == LinkState::Disconnected).await;
        tokio::task::block_in_place(|| server.restart());
        flow.moves().await;
    }
    let connections = flow.a.link.snapshot().connections;
    assert!(connections > 3, "{connections}");
    let ended = flow.end().await;
    println!("of {}: {:?}", ended.published, ended.account);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_noticed_and_goes_on() {
    let Some(server) = Server::start() else { return };
    let flow = Flow::start(&server.url(), &server.url()).await;
    for _ in 0..short_or_long(1, 5) {
        server.stop();
        for node in [&flow.a, &flow.b] {
            node.until("the stall", |link| link.state == LinkState::Stalled).await;
        }
        lasts(short_or_long(Duration::ZERO, Duration::from_secs(10))).await;
        flow.a.until("the end", |link| link.state == LinkState::Disconnected).await;
        server.resume();
        flow.moves().await;
        // Shorter than it takes to be noticed: the connection stays.
        server.stop();
        lasts(Duration::from_millis(300)).await;
        server.resume();
        flow.moves().await;
    }
    let ended = flow.end().await;
    println!("of {}: {:?}", ended.published, ended.account);
}
