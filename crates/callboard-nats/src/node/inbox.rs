//! Receiving messages other than events.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Event, Message, Subscriber};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::requests::AskCommand;
use crate::shared::Shared;
use crate::wire::{Codec, Directed, System};

/// The problem of a hello that is not bounded.
const TOO_MANY: &str = "it has too many names";

/// A message to the task of the node.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// An event of the client's connection.
    Client(Event),
    /// A mark of this node returned.
    Mark {
        mark: u64,
        round_trip: Duration,
    },
    System {
        node: String,
        system: System,
    },
    Directed {
        node: String,
        directed: Directed,
    },
}

/// The channel to the task of the node.
pub(crate) type ToNode = mpsc::Sender<Incoming>;

/// Passes on messages of nodes to all nodes.
pub(crate) async fn listen_system(mut messages: Subscriber, shared: Arc<Shared>, to: ToNode) {
    while let Some(message) = messages.next().await {
        let Some((node, system)) = read::<System>(&message, &shared) else { continue };
        if matches!(&system, System::Hello(hello) if !hello.is_bounded()) {
            shared.malformed(&message.subject, TOO_MANY);
            continue;
        }
        let incarnation = match &system {
            System::Hello(hello) => hello.incarnation,
            System::Beat(beat) => beat.incarnation,
            System::Bye { incarnation } => *incarnation,
        };
        if node == shared.subjects.node() {
            if incarnation != shared.incarnation {
                shared.conflict();
            }
        } else if to.send(Incoming::System { node, system }).await.is_err() {
            return;
        }
    }
}

/// Passes on messages of nodes to this one. Requests and answers take the shortest path.
pub(crate) async fn listen_directed(mut messages: Subscriber, shared: Arc<Shared>, to: ToNode) {
    while let Some(message) = messages.next().await {
        let Some((node, directed)) = read::<Directed>(&message, &shared) else { continue };
        if node == shared.subjects.node() {
            continue;
        }
        match directed {
            Directed::Ask(ask) => match shared.serves.get(&*ask.request_type) {
                Some(served) => served.serve(&node, ask, &shared),
                None => {
                    let why = format!("`{}` is not served here", ask.request_type);
                    shared.malformed(&message.subject, &why);
                }
            },
            Directed::Withdraw { incarnation, id } => {
                shared.serving.withdraw(&node, incarnation, id);
            }
            Directed::Reply(reply) if reply.incarnation == shared.incarnation => {
                if let Some(asks) = shared.asks.get(&*reply.request_type) {
                    let _ended = asks.send(AskCommand::Reply { node, reply });
                }
            }
            Directed::Reply(_) => {}
            Directed::Hello(hello) if !hello.is_bounded() => {
                shared.malformed(&message.subject, TOO_MANY);
            }
            directed => {
                if to.send(Incoming::Directed { node, directed }).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Passes on this node's own marks.
pub(crate) async fn listen_marks(mut messages: Subscriber, shared: Arc<Shared>, to: ToNode) {
    while let Some(message) = messages.next().await {
        let numbers: Option<&[u8; 32]> = message.payload.as_ref().try_into().ok();
        let Some(bytes) = numbers else {
            shared.malformed(&message.subject, "it is no mark");
            continue;
        };
        let mut numbers = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let (incarnation, mark, sent, session) = (next(), next(), next(), next());
        if incarnation != shared.incarnation {
            shared.conflict();
            continue;
        }
        // The client may have kept a mark across a lost connection, but not everything that was
        // sent before it.
        let mark = if session == shared.session() { mark } else { 0 };
        let round_trip = shared.began.elapsed().saturating_sub(Duration::from_nanos(sent));
        if to.send(Incoming::Mark { mark, round_trip }).await.is_err() {
            return;
        }
    }
}

/// Reads a message. Returns its sender and its contents.
fn read<T: DeserializeOwned>(message: &Message, shared: &Shared) -> Option<(String, T)> {
    let subject = message.subject.as_str();
    let Some(node) = shared.subjects.origin(subject) else {
        shared.malformed(subject, "its subject names no node");
        return None;
    };
    match Codec::MessagePack.decode(&message.payload) {
        Ok(said) => Some((node.to_owned(), said)),
        Err(problem) => {
            shared.malformed(subject, &problem);
            None
        }
    }
}
