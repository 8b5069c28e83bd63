//! What travels, and the nodes between which it does.

use std::time::Duration;

use async_nats::{Client, Subscriber, ToSubject};
use bytes::Bytes;
use callboard::{Bus, Event, Request};
use callboard_nats::{LinkBuilder, LinkSnapshot, LinkState, NatsLink, PeerState};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

use super::support::{PATIENCE, Server};
use crate::events::Message;
use crate::harness::runtime;
use crate::row::Sample;

/// How many bytes an event takes in a packet, and a payload of plain async-nats.
pub(super) const BYTES: usize = 128;

/// How many bytes the text has, so that the event has [`BYTES`] with the names of its fields and a
/// number from 2¹⁶ to 2³².
const TEXT: usize = 109;

/// An event that takes 128 bytes on the wire.
#[derive(Debug, Clone, Event, Serialize, Deserialize)]
#[event(type = "bench.wire")]
pub(super) struct Wire {
    value: u64,
    text: String,
}

impl Message for Wire {
    fn new(value: u64) -> Self {
        Self { value, text: "x".repeat(TEXT) }
    }

    fn value(&self) -> u64 {
        self.value
    }
}

/// The answer to a [`Question`].
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(type = "bench.answer")]
pub(super) struct Answer {
    pub(super) value: u64,
}

/// A request; its responders answer with one more.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(type = "bench.question", response = Answer)]
pub(super) struct Question {
    pub(super) value: u64,
}

/// A bus and its link.
pub(super) struct Node {
    pub(super) bus: Bus,
    pub(super) link: NatsLink,
}

impl Node {
    /// Links a bus that has started.
    pub(super) async fn start(
        server: &Server,
        name: &str,
        build: impl FnOnce(LinkBuilder) -> LinkBuilder,
    ) -> Self {
        let bus = Bus::new();
        bus.start();
        Self::on(bus, &server.url(), name, build).await
    }

    /// Links this bus.
    pub(super) async fn on(
        bus: Bus,
        url: &str,
        name: &str,
        build: impl FnOnce(LinkBuilder) -> LinkBuilder,
    ) -> Self {
        let builder = NatsLink::builder(&bus, url).namespace("bench").node(name);
        let link = build(builder).connect().await.expect("the server takes the link");
        Self { bus, link }
    }

    /// Waits until the picture of the link is as wanted.
    pub(super) async fn until(&self, what: &str, wanted: impl FnMut(&LinkSnapshot) -> bool) {
        soon(what, self.link.wait_until(wanted)).await;
    }

    /// Waits until the link sends, and the nodes of these names are present.
    pub(super) async fn meets(&self, others: &[&str]) {
        let present = |link: &LinkSnapshot, name: &str| {
            link.peer(name).is_some_and(|peer| peer.state == PeerState::Present)
        };
        self.until("the nodes to meet", |link| {
            link.state == LinkState::Online && others.iter().all(|name| present(link, name))
        })
        .await;
    }

    /// Waits until responders of these names can be asked on this bus.
    pub(super) async fn finds(&self, names: &[&str]) {
        let found = |name: &&str| self.bus.snapshot().subscriber(name).is_some();
        self.until("the responders", |_| names.iter().all(found)).await;
    }
}

/// What a future returns.
///
/// # Panics
/// When it has not within [`PATIENCE`].
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

/// Longer than anything takes that ends.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A client of plain async-nats.
pub(super) async fn client(server: &Server) -> Client {
    async_nats::connect(server.url()).await.expect("the server takes the client")
}

/// A subscription that the server knows.
pub(super) async fn subscribe(client: &Client, subject: impl ToSubject) -> Subscriber {
    let subscriber = client.subscribe(subject).await.expect("a subject");
    // The server takes what one connection sends in its order, so it knows the subscription once a
    // message has come back.
    let inbox = client.new_inbox();
    let mut back = client.subscribe(inbox.clone()).await.expect("a subject");
    client.publish(inbox, Bytes::new()).await.expect("it is connected");
    soon("the server", back.next()).await.expect("it is connected");
    subscriber
}

/// A contestant that is opened with its first turn, and has its turns as tasks.
pub(super) fn turns<T, Opening, Taking>(
    open: fn() -> Opening,
    turn: fn(T, u64) -> Taking,
) -> impl FnMut(u64) -> Sample
where
    T: Send + 'static,
    Opening: Future<Output = T> + Send + 'static,
    Taking: Future<Output = (T, Sample)> + Send + 'static,
{
    let mut opened = None;
    move |events| {
        let before = opened.take();
        let task = runtime().spawn(async move {
            let contestant = match before {
                Some(contestant) => contestant,
                None => open().await,
            };
            turn(contestant, events).await
        });
        let (contestant, sample) = runtime().block_on(task).expect("a turn does not panic");
        opened = Some(contestant);
        sample
    }
}

/// A payload of [`BYTES`] bytes that begins with a number.
pub(super) fn payload(value: u64) -> Bytes {
    let mut bytes = [b'x'; BYTES];
    bytes[..8].copy_from_slice(&value.to_le_bytes());
    Bytes::copy_from_slice(&bytes)
}

/// The number that a payload begins with.
pub(super) fn number(payload: &[u8]) -> u64 {
    let bytes = payload.first_chunk().expect("a payload has a number");
    u64::from_le_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Message, Wire};

    #[test]
    fn an_event_takes_as_many_bytes_as_a_payload() {
        let bytes = rmp_serde::to_vec_named(&Wire::new(70_000)).unwrap();
        assert_eq!(bytes.len(), BYTES);
    }
}
