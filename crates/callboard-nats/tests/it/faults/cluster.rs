//! A cluster of three whose servers die, one by one, under the publisher and under the subscriber.

use super::flow::Flow;
use super::short_or_long;
use crate::support::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_dies_under_the_publisher_then_under_the_subscriber_then_each_in_turn() {
    let Some(mut cluster) = tokio::task::block_in_place(|| Cluster::start(3)) else { return };
    // One address each, so that it is known who is where; the servers tell of the others.
    let flow = Flow::start(&cluster.urls()[0], &cluster.urls()[1]).await;
    let before = [&flow.a, &flow.b].map(|node| node.link.snapshot().connections);
    cluster.kill(0);
    flow.a.until("another connection", |link| link.connections > before[0]).await;
    flow.moves().await;
    tokio::task::block_in_place(|| cluster.restart(0));
    // The subscriber is still where it was.
    assert_eq!(flow.b.link.snapshot().connections, before[1]);
    cluster.kill(1);
    flow.b.until("another connection", |link| link.connections > before[1]).await;
    flow.moves().await;
    tokio::task::block_in_place(|| cluster.restart(1));
    for _ in 0..short_or_long(1, 5) {
        for node in 0..3 {
            tokio::task::block_in_place(|| cluster.restart(node));
            flow.moves().await;
        }
    }
    let ended = flow.end().await;
    println!("of {}: {:?}", ended.published, ended.account);
}
