//! Taking events from a durable lane.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{AckKind, Message, stream::Stream};
use callboard::Event;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::taken::{has_room, is_taken};
use super::{Position, Stored};
use crate::inbound::{Import, publish};
use crate::outbound::Echoes;
use crate::shared::Shared;
use crate::wire::Packet;
use std::sync::Arc;

/// How long the stream waits for an acknowledgement before it sends a message again. In that time
/// it is notified three times that the message is in progress.
const ACK_WAIT: Duration = Duration::from_secs(10);

/// How many messages this process remembers, to detect duplicates.
const REMEMBERED: usize = 16_384;

/// How long to wait after the stream could not be read.
const RETRY: Duration = Duration::from_millis(250);

/// The state of a consumer.
pub(crate) struct Consuming<E> {
    pub(crate) stream: Stored,
    pub(crate) consumer: String,
    pub(crate) position: Position,
    pub(crate) import: Import<E>,
    /// The echoes of the type's export, if it is exported too.
    pub(crate) echoes: Option<Arc<Echoes>>,
}

/// The messages that were published here: node, incarnation and first sequence.
#[derive(Default)]
struct Remembered {
    known: HashSet<(String, u64, u64)>,
    order: VecDeque<(String, u64, u64)>,
}

impl Remembered {
    fn has(&self, message: &(String, u64, u64)) -> bool {
        self.known.contains(message)
    }

    fn add(&mut self, message: (String, u64, u64)) {
        self.known.insert(message.clone());
        self.order.push_back(message);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Takes events until the bus is gone.
pub(crate) async fn consume<E>(consuming: Consuming<E>, shared: Arc<Shared>)
where
    E: Event + DeserializeOwned,
{
    let mut remembered = Remembered::default();
    let stream = consuming.stream.in_time(&shared).await;
    let consumer = &consuming.consumer;
    loop {
        match messages(&consuming, &stream, &shared).await {
            Ok(mut messages) => {
                while let Some(message) = messages.next().await {
                    match message {
                        Ok(message) => {
                            if !take(&consuming, &message, &mut remembered, &shared).await {
                                return;
                            }
                        }
                        Err(error) => {
                            shared.problem(format!("durable consumer `{consumer}`: {error}"));
                            break;
                        }
                    }
                }
            }
            Err(problem) => shared.problem(format!("durable consumer `{consumer}`: {problem}")),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn messages<E: Event>(
    consuming: &Consuming<E>,
    stream: &Stream,
    shared: &Shared,
) -> Result<pull::Stream, String> {
    let config = pull::Config {
        durable_name: Some(consuming.consumer.clone()),
        deliver_policy: consuming.position.policy(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        // Unacknowledged messages are delivered again before any later one.
        max_ack_pending: 1,
        filter_subject: shared.subjects.all_durable(E::TYPE),
        ..pull::Config::default()
    };
    let consumer = stream.get_or_create_consumer(&consuming.consumer, config).await;
    let consumer = consumer.map_err(|error| error.to_string())?;
    let stream = consumer.stream().max_messages_per_batch(1).messages().await;
    stream.map_err(|error| error.to_string())
}

/// Publishes the events of a message, and acknowledges it once they are taken. Returns `false` once
/// the bus is gone.
async fn take<E: Event + DeserializeOwned>(
    consuming: &Consuming<E>,
    message: &Message,
    remembered: &mut Remembered,
    shared: &Shared,
) -> bool {
    let subject = message.subject.as_str();
    let origin = shared.subjects.origin(subject);
    let (origin, packet) = match (origin, Packet::read(&message.payload)) {
        (Some(origin), Ok(packet)) => (origin.to_owned(), packet),
        (None, _) => return refuse(message, subject, "its subject names no node", shared).await,
        (_, Err(malformed)) => return refuse(message, subject, malformed.0, shared).await,
    };
    let header = packet.header;
    let id = (origin, header.incarnation, header.first);
    let change = |change: &dyn Fn(&mut crate::snapshot::DurableSnapshot)| {
        shared.lanes.change(&consuming.consumer, change);
    };
    if remembered.has(&id) {
        change(&|account| account.duplicates += 1);
        return acknowledge(message, AckKind::Ack, shared).await;
    }
    let mut progress = tokio::time::interval(ACK_WAIT / 3);
    let publishing = async {
        for event in packet {
            let Ok((metadata, body)) = event else {
                shared.malformed(subject, "it ends within an event");
                break;
            };
            let event = match consuming.import.read(&header, body) {
                Ok(event) => event,
                Err(problem) => {
                    change(&|account| account.undecodable += 1);
                    let (name, version) = (E::TYPE, header.schema);
                    shared
                        .problem(format!("`{name}` of version {version} can't be read: {problem}"));
                    continue;
                }
            };
            change(&|account| account.waits_for = Some("room".to_owned()));
            if !has_room::<E>(shared).await {
                return false;
            }
            let Some(bus) = shared.bus.upgrade() else { return false };
            let publisher = bus.publisher::<E>(&*shared.name);
            let span = shared.propagation.extract(metadata);
            let echoes = consuming.echoes.as_deref();
            if !span.in_scope(|| publish(&publisher, event, echoes)) {
                return false;
            }
            change(&|account| account.delivered += 1);
        }
        change(&|account| account.waits_for = Some("the subscribers to take it".to_owned()));
        is_taken::<E>(shared).await
    };
    tokio::pin!(publishing);
    let taken = loop {
        tokio::select! {
            taken = &mut publishing => break taken,
            _ = progress.tick() => {
                // If it is lost, the next one serves.
                let _sent = message.ack_with(AckKind::Progress).await;
            }
        }
    };
    if !taken {
        return false;
    }
    change(&|account| account.waits_for = None);
    remembered.add(id);
    acknowledge(message, AckKind::Ack, shared).await
}

/// Refuses a message that can't be read, so that it is never sent again.
async fn refuse(message: &Message, subject: &str, why: &str, shared: &Shared) -> bool {
    shared.malformed(subject, why);
    acknowledge(message, AckKind::Term, shared).await
}

async fn acknowledge(message: &Message, kind: AckKind, shared: &Shared) -> bool {
    // If it is lost, the message is delivered again, and recognized as a duplicate.
    if let Err(error) = message.ack_with(kind).await {
        shared.problem(format!("an acknowledgement could not be sent: {error}"));
    }
    true
}
