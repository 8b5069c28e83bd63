//! `start_when_ready` waits for components of other nodes, and loses nothing.

use callboard::Bus;

use crate::support::Server;
use crate::world::{LONG, Node, Order, order, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_of_five_nodes_in_any_order_loses_no_first_event() {
    let Some(server) = Server::start() else { return };
    let names = ["n0", "n1", "n2", "n3", "n4"];
    let url = server.url();
    let start = |me: usize| {
        let url = url.clone();
        async move {
            let others = (0..5).filter(move |other| *other != me);
            let expected: Vec<String> =
                others.clone().map(|other| format!("audit-{other}")).collect();
            let bus = Bus::builder().expect_subscribers(expected).build().unwrap();
            let mut inbox =
                bus.subscriber(format!("audit-{me}")).capacity(1_000).subscribe::<Order>();
            for id in 0..20 {
                bus.publish(Order { id, text: names[me].to_owned() });
            }
            let both = |link: callboard_nats::LinkBuilder| link.export::<Order>().import::<Order>();
            let node = Node::on(bus, &url, names[me], both).await;
            node.bus
                .start_when_ready(LONG)
                .await
                .unwrap_or_else(|error| panic!("{error}: {:#?}", node.link.snapshot()));
            let mut next = [0; 5];
            for _ in 0..100 {
                let order = soon("a first event", inbox.recv()).await.unwrap();
                let from = names.iter().position(|name| *name == order.text).unwrap();
                assert_eq!(order.id, next[from], "from {}", order.text);
                next[from] += 1;
            }
            assert_eq!(next, [20; 5]);
            node
        }
    };
    let starts = [3, 0, 4, 1, 2].map(|me| tokio::spawn(start(me)));
    for start in starts {
        let node = soon("the start", start).await.unwrap();
        node.assert_balanced();
        // The others may still wait for what is theirs.
        std::mem::forget(node);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_fails_by_naming_who_is_missing_in_another_process() {
    let Some(server) = Server::start() else { return };
    let bus = Bus::builder().expect_subscribers(["@b", "audit"]).build().unwrap();
    let a = Node::on(bus, &server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    a.meets(&["b"]).await;
    let error = a.bus.start_when_ready(std::time::Duration::from_millis(1)).await.unwrap_err();
    assert!(error.missing().eq(["audit"]), "{error}");
    let mut audit = b.bus.subscribe::<Order>("audit");
    a.bus.publish(order(1));
    a.bus.start_when_ready(LONG).await.unwrap();
    assert_eq!(soon("the event", audit.recv()).await.unwrap().id, 1);
}
