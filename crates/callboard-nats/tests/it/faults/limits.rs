//! Payloads that are too large, credentials that are wrong, and clocks that jump.

use std::fs;
use std::path::Path;

use callboard::Bus;
use callboard_nats::{LinkDrop, NatsLink};

use crate::support::Server;
use crate::world::{Node, Order, order, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_one_byte_more_than_a_mebibyte_is_dropped_and_counted() {
    let Some(server) = Server::start() else { return };
    let a = Node::start(&server.url(), "a", |link| link.export::<Order>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Order>()).await;
    let mut orders = b.bus.subscribe::<Order>("audit");
    a.meets(&["b"]).await;
    let connections = a.link.snapshot().connections;
    let large = |id, length| Order { id, text: "x".repeat(length) };
    a.bus.publish(large(1, 1024 * 1024 + 1));
    // A little less passes, with what the link adds.
    a.bus.publish(large(2, 1024 * 1024 - 1_024));
    a.bus.publish(order(3));
    assert_eq!(*soon("the large one", orders.recv()).await.unwrap(), large(2, 1024 * 1024 - 1_024));
    assert_eq!(*soon("the small one", orders.recv()).await.unwrap(), order(3));
    let link = a.link.snapshot();
    let account = link.export("order.placed").unwrap();
    assert_eq!((account.published, account.sent), (3, 2));
    assert_eq!(account.dropped.of(LinkDrop::TooLarge), 1);
    // The server closes the connection of whoever sends too much.
    assert_eq!(link.connections, connections);
    [&a, &b].into_iter().for_each(Node::assert_balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused_with_the_reason() {
    let config = "authorization { user: node, password: right }";
    let Some(server) = Server::start_with(config) else { return };
    let link = |password: &str| {
        let options = async_nats::ConnectOptions::with_user_and_password(
            "node".to_owned(),
            password.to_owned(),
        );
        NatsLink::builder(&Bus::new(), server.url()).options(options)
    };
    for wrong in [link("wrong"), NatsLink::builder(&Bus::new(), server.url())] {
        let error = soon("the refusal", wrong.connect()).await.unwrap_err();
        assert!(!error.is_configuration());
        assert!(error.to_string().contains("authorization violation"), "{error}");
        assert!(error.to_string().contains(&server.url()), "{error}");
    }
    let _link = soon("the connection", link("right").connect()).await.unwrap();
}

/// A link measures time with `Instant`, which a change of the system's time does not move, and sends no
/// time to another node. So clocks that jump, or differ between machines, have no effect. The one other
/// use is a seed for when the system has no randomness.
#[test]
fn no_source_reads_a_clock_that_can_jump() {
    fn check(folder: &Path, files: &mut usize) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check(&path, files);
                continue;
            }
            *files += 1;
            let source = fs::read_to_string(&path).unwrap();
            let allowed = if path.ends_with("builder/connect.rs") { 1 } else { 0 };
            let found = source.matches("SystemTime::now").count();
            assert!(found <= allowed, "{} reads the system's time", path.display());
        }
    }
    let mut files = 0;
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files > 20, "{files}");
}
