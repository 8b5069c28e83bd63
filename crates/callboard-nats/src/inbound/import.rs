//! Importing events: a task per type decodes packets and publishes events.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use async_nats::{Message, Subscriber};
use callboard::{Event, Publisher};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::held::Held;
use super::streams::{Seen, Streams, Tail, Taken};
use crate::guard::fenced;
use crate::outbound::Echoes;
use crate::shared::Shared;
use crate::wire::{self, Codec, Directed, Header, Packet, PacketKind};

/// How events of a type are imported. Pass it to
/// [`LinkBuilder::import_with`](crate::LinkBuilder::import_with).
pub struct Import<E> {
    pub(crate) version: u32,
    pub(crate) group: Option<String>,
    migrations: BTreeMap<u32, Migration<E>>,
}

type Migration<E> = Box<dyn Fn(Codec, &[u8]) -> Result<E, String> + Send + Sync>;

impl<E: Event> Import<E> {
    /// Version 1, every event.
    #[must_use]
    pub fn new() -> Self {
        Self { version: 1, group: None, migrations: BTreeMap::new() }
    }

    /// The version of the type's fields in this program; see
    /// [`Export::version`](crate::Export::version). Default: 1. Events of another version are read
    /// as if they were of this one, unless there is a [migration](Self::migrate); unreadable events
    /// are dropped, counted and reported.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads events of this version as `Old`, and converts them to this program's type.
    #[must_use]
    pub fn migrate<Old: DeserializeOwned>(
        mut self,
        version: u32,
        migrate: impl Fn(Old) -> E + Send + Sync + 'static,
    ) -> Self {
        let read = move |codec: Codec, body: &[u8]| codec.decode(body).map(&migrate);
        self.migrations.insert(version, Box::new(read));
        self
    }

    /// The nodes that import the type with the same group share its events: each event goes to one
    /// of them. If a node disappears, some of its events may be lost, and after a disconnect an
    /// event may arrive twice.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }
}

impl<E: Event + DeserializeOwned> Import<E> {
    pub(crate) fn read(&self, header: &Header, body: &[u8]) -> Result<E, String> {
        match self.migrations.get(&header.schema) {
            Some(migration) if header.schema != self.version => {
                fenced(|| migration(header.codec, body))
            }
            _ => header.codec.decode(body),
        }
    }
}

impl<E: Event> Default for Import<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Import<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("version", &self.version)
            .field("group", &self.group)
            .field("migrations", &self.migrations.keys())
            .finish()
    }
}

/// Why a message of one more node is dropped.
const TOO_MANY: &str = "there are more nodes than this one keeps accounts of";

/// The state of a receiver.
pub(crate) struct Receiver<E> {
    pub(crate) messages: Subscriber,
    pub(crate) tails: mpsc::Receiver<Tail>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) import: Import<E>,
    /// The echoes of the type's export, if it is exported too.
    pub(crate) echoes: Option<Arc<Echoes>>,
}

/// Receives until the subscription ends.
pub(crate) async fn receive<E>(mut receiver: Receiver<E>, shared: Arc<Shared>)
where
    E: Event + DeserializeOwned,
{
    let mut held = Held::default();
    loop {
        let deadline = held.deadline().map(tokio::time::Instant::from_std);
        // Messages first: a tail is evaluated only after everything that arrived before it.
        tokio::select! {
            biased;
            message = receiver.messages.next() => match message {
                Some(message) => receiver.arrive(message, &mut held, &shared),
                None => return,
            },
            Some(tail) = receiver.tails.recv() => receiver.tail(&tail, &mut held, &shared),
            () = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        while let Some(origin) = held.overdue(Instant::now()) {
            receiver.release(&origin, &mut held, &shared, |_, _| true);
        }
    }
}

fn seen(shared: &Shared) -> Seen {
    let connection = shared.connection.load(Ordering::Relaxed);
    Seen { connection, slow: shared.slow.load(Ordering::Relaxed) }
}

impl<E: Event + DeserializeOwned> Receiver<E> {
    /// Takes a message, or holds it back until earlier ones arrive.
    fn arrive(&self, message: Message, held: &mut Held, shared: &Shared) {
        let origin = shared.subjects.origin(&message.subject);
        let header = Packet::read(&message.payload).map(|packet| packet.header);
        let (Some(origin), Ok(header)) = (origin, header) else {
            return self.take(&message, shared);
        };
        let Header { kind, incarnation, first, .. } = header;
        let ahead = |streams: &Streams| streams.is_ahead(origin, incarnation, first, seen(shared));
        if kind == PacketKind::Events && origin != shared.subjects.node() && ahead(&self.streams) {
            let origin = origin.to_owned();
            return held.push(&origin, message, incarnation, first);
        }
        if !held.is_empty() {
            // Held-back packets are of an earlier incarnation, or the server had everything before
            // them.
            let probe = kind == PacketKind::Probe;
            self.release(origin, held, shared, |of, waits| {
                of != incarnation || probe && waits < first
            });
        }
        self.take(&message, shared);
        self.follow(origin, held, shared);
    }

    /// Handles a node's report of the last events that the server has.
    fn tail(&self, tail: &Tail, held: &mut Held, shared: &Shared) {
        let Tail { origin, incarnation, last } = tail;
        self.release(origin, held, shared, |of, first| of == *incarnation && first <= *last);
        self.streams.tail(tail, seen(shared));
        self.follow(origin, held, shared);
    }

    /// Takes the held-back packets that are next.
    fn follow(&self, origin: &str, held: &mut Held, shared: &Shared) {
        self.release(origin, held, shared, |incarnation, first| {
            !self.streams.is_ahead(origin, incarnation, first, seen(shared))
        });
    }

    /// Takes the held-back packets of this node, while their incarnation and first sequence match.
    fn release(
        &self,
        origin: &str,
        held: &mut Held,
        shared: &Shared,
        such: impl Fn(u64, u64) -> bool,
    ) {
        while let Some(message) = held.pop_if(origin, &such) {
            self.take(&message, shared);
        }
    }

    fn take(&self, message: &Message, shared: &Shared) {
        let subject = message.subject.as_str();
        let Some(origin) = shared.subjects.origin(subject) else {
            return shared.malformed(subject, "its subject names no node");
        };
        let packet = match Packet::read(&message.payload) {
            Ok(packet) => packet,
            Err(malformed) => return shared.malformed(subject, malformed.0),
        };
        let header = packet.header;
        if origin == shared.subjects.node() {
            // The server returns this node's own messages.
            if header.incarnation != shared.incarnation {
                shared.conflict();
            }
            return;
        }
        match header.kind {
            PacketKind::Probe => {
                if !self.streams.probed(origin, header.incarnation, header.first, seen(shared)) {
                    return shared.malformed(subject, TOO_MANY);
                }
                let (incarnation, event_type) = (header.incarnation, E::TYPE.to_owned());
                let heard = Directed::Heard { incarnation, event_type };
                shared.send(shared.subjects.directed(origin).into(), wire::write(&heard));
            }
            PacketKind::Events => self.events(origin, packet, subject, shared),
        }
    }

    fn events(&self, origin: &str, mut packet: Packet<'_>, subject: &str, shared: &Shared) {
        let header = packet.header;
        let Some(skip) = self.streams.open(origin, header.incarnation, header.first) else {
            return shared.malformed(subject, TOO_MANY);
        };
        let publisher = shared.bus.upgrade().map(|bus| bus.publisher::<E>(&*shared.name));
        let (mut events, mut taken) = (0, Taken::default());
        for event in &mut packet {
            let (metadata, body) = match event {
                Ok(parts) => parts,
                Err(malformed) => {
                    shared.malformed(subject, malformed.0);
                    break;
                }
            };
            events += 1;
            if events <= skip {
                continue;
            }
            match self.import.read(&header, body) {
                Ok(event) => {
                    let span = shared.propagation.extract(metadata);
                    if span.in_scope(|| self.publish(publisher.as_ref(), event)) {
                        taken.delivered += 1;
                    } else {
                        taken.refused += 1;
                    }
                }
                Err(problem) => {
                    taken.undecodable += 1;
                    let (name, version) = (E::TYPE, header.schema);
                    shared.problem(format!(
                        "`{name}` of version {version} from node `{origin}` can't be read: {problem}"
                    ));
                }
            }
        }
        if events > 0 {
            self.streams.close(origin, header.first, events, taken, seen(shared));
        }
    }

    /// Publishes an event; `false` if the bus is closed.
    fn publish(&self, publisher: Option<&Publisher<E>>, event: E) -> bool {
        let Some(publisher) = publisher else { return false };
        publish(publisher, event, self.echoes.as_deref())
    }
}

/// Publishes an event that must not be sent back; `false` if the bus is closed.
pub(crate) fn publish<E: Event>(
    publisher: &Publisher<E>,
    event: E,
    echoes: Option<&Echoes>,
) -> bool {
    let published = match echoes {
        Some(echoes) => echoes.publish(|| publisher.publish(event)),
        None => publisher.publish(event),
    };
    !published.closed()
}
