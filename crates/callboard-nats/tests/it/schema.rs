//! Programs of different versions: fields come and go, and what can't be read is dropped by name.

use callboard::Event;
use callboard_nats::{Codec, Export, Import, LinkDrop, LinkSnapshot};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::support::Server;
use crate::world::{Node, soon};

/// Version N-1.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "stock.changed")]
struct Old {
    item: u64,
    count: u32,
}

/// Version N, with one field more.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "stock.changed")]
struct Added {
    item: u64,
    count: u32,
    #[serde(default)]
    shelf: Option<String>,
}

/// Another version N, with one field less.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "stock.changed")]
struct Removed {
    item: u64,
}

/// Another version N, which serde alone can't read from N-1.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "stock.changed")]
struct Renamed {
    article: String,
    count: u32,
}

/// Sends `event` from a program in which the type is `From` to one in which it is `To`.
async fn pass<From, To>(server: &Server, codec: Codec, event: From) -> To
where
    From: Event + Serialize,
    To: Event + DeserializeOwned + Clone,
{
    let a = Node::start(&server.url(), "a", |link| link.export::<From>().codec(codec)).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<To>()).await;
    let mut inbox = b.bus.subscribe::<To>("audit");
    a.meets(&["b"]).await;
    a.bus.publish(event);
    let read = (*soon("the event", inbox.recv()).await.unwrap()).clone();
    [&a, &b].into_iter().for_each(Node::assert_balanced);
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_come_and_go_without_a_new_version() {
    let Some(server) = Server::start() else { return };
    for codec in [Codec::MessagePack, Codec::Json] {
        let old = Old { item: 1, count: 2 };
        let shelf = Some("top".to_owned());
        let added = Added { item: 1, count: 2, shelf };
        let unset = Added { shelf: None, ..added.clone() };
        assert_eq!(pass::<Old, Added>(&server, codec, old.clone()).await, unset);
        assert_eq!(pass::<Added, Old>(&server, codec, added).await, old);
        assert_eq!(pass::<Old, Removed>(&server, codec, old).await, Removed { item: 1 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_reads_the_version_before_and_both_versions_are_understood() {
    let Some(server) = Server::start() else { return };
    let old = Node::start(&server.url(), "old", |link| link.export::<Old>()).await;
    let renamed = Export::<Renamed>::new().version(2);
    let new = Node::start(&server.url(), "new", |link| link.export_with(renamed)).await;
    let rename = |old: Old| Renamed { article: format!("#{}", old.item), count: old.count };
    let import = Import::<Renamed>::new().version(2).migrate(1, rename);
    let b = Node::start(&server.url(), "b", |link| link.import_with(import)).await;
    let mut inbox = b.bus.subscribe::<Renamed>("audit");
    b.meets(&["old", "new"]).await;
    old.meets(&["b"]).await;
    new.meets(&["b"]).await;
    old.bus.publish(Old { item: 7, count: 2 });
    let read = soon("the old one", inbox.recv()).await.unwrap();
    assert_eq!(*read, Renamed { article: "#7".to_owned(), count: 2 });
    new.bus.publish(Renamed { article: "bolt".to_owned(), count: 3 });
    let read = soon("the new one", inbox.recv()).await.unwrap();
    assert_eq!(*read, Renamed { article: "bolt".to_owned(), count: 3 });
    b.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_counted_and_named_once_and_later_events_come() {
    let Some(server) = Server::start() else { return };
    // A version without a migration, from a newer program, then readable events of another node.
    let renamed = Export::<Renamed>::new().version(2);
    let newer = Node::start(&server.url(), "newer", |link| link.export_with(renamed)).await;
    let same = Node::start(&server.url(), "same", |link| link.export::<Old>()).await;
    let b = Node::start(&server.url(), "b", |link| link.import::<Old>()).await;
    let mut inbox = b.bus.subscribe::<Old>("audit");
    newer.meets(&["b"]).await;
    same.meets(&["b"]).await;
    for count in 0..100 {
        newer.bus.publish(Renamed { article: "bolt".to_owned(), count });
    }
    let dropped = |link: &LinkSnapshot| {
        let mut of = link.import("stock.changed", "newer");
        of.any(|of| of.dropped.of(LinkDrop::Decode) == 100)
    };
    b.until("all to be counted", dropped).await;
    let problem = b.link.snapshot().last_problem.unwrap();
    let named =
        "`stock.changed` of version 2 from node `newer` can't be read: missing field `item`";
    assert!(problem.contains(named), "{problem}");
    same.bus.publish(Old { item: 1, count: 1 });
    assert_eq!(*soon("a later one", inbox.recv()).await.unwrap(), Old { item: 1, count: 1 });
    assert!(inbox.is_empty());
    assert_eq!(b.link.snapshot().malformed, 0, "a version is no malformed message");
    [&newer, &same, &b].into_iter().for_each(Node::assert_balanced);
}
