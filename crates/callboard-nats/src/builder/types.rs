//! The types that a link carries, and their directions.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use callboard::{Event, Request};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LinkBuilder;
use super::lane::{
    Asked, BeginExport, Begun, Exported, Imported, Lane, PUMP_CAPACITY, Receiving, Start, Task,
    Way, subscribe,
};
use crate::cloudevents;
#[cfg(feature = "jetstream")]
use crate::durable::{self, Consuming, Position};
use crate::error::Error;
use crate::inbound::{Import, Receiver, receive};
use crate::outbound::{Export, Outbox, Pump, pump};
use crate::requests::{Asks, Serve, Served, ask};
use crate::shared::Shared;
use crate::subject::{check_event_type, check_subject, check_token};

/// The types of a link.
#[derive(Default)]
pub(super) struct Types {
    pub(super) exports: Vec<Exported>,
    pub(super) imports: Vec<Imported>,
    pub(super) asks: Vec<Asked>,
    pub(super) serves: HashMap<&'static str, Box<dyn Served>>,
    pub(super) lanes: Vec<Lane>,
    /// The first mistake.
    pub(super) wrong: Option<Error>,
}

impl Types {
    /// Records a problem of one more type.
    fn check(&mut self, what: &'static str, name: &'static str, is_there: bool) {
        let wrong =
            if is_there { Some(Error::twice(what, name)) } else { check_event_type(name).err() };
        self.wrong = self.wrong.take().or(wrong);
    }

    /// Records a problem of a name for the server.
    fn check_name(&mut self, what: &'static str, name: &str) {
        self.wrong = self.wrong.take().or(check_token(what, name).err());
    }

    /// Records a problem of a subject for CloudEvents.
    fn check_subject(&mut self, subject: &str) {
        self.wrong = self.wrong.take().or(check_subject(subject).err());
    }

    fn add(&mut self, lane: Lane) {
        let same = |of: &Lane| of.event_type == lane.event_type && of.way == lane.way;
        let is_there = self.lanes.iter().any(same);
        self.check(lane.way.name(), lane.event_type, is_there);
        self.lanes.push(lane);
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exports: Vec<_> = self.exports.iter().map(|of| of.event_type).collect();
        let imports: Vec<_> = self.imports.iter().map(|of| of.event_type).collect();
        let asks: Vec<_> = self.asks.iter().map(|of| of.request_type).collect();
        let lanes: Vec<_> = self.lanes.iter().map(|of| (of.event_type, of.way)).collect();
        f.debug_struct("Types")
            .field("exports", &exports)
            .field("imports", &imports)
            .field("asks", &asks)
            .field("serves", &self.serves.keys())
            .field("lanes", &lanes)
            .finish()
    }
}

impl LinkBuilder {
    /// Sends events of this type to the nodes that import it.
    pub fn export<E: Event + Serialize>(self) -> Self {
        self.export_with::<E>(Export::new())
    }

    /// Like [`export`](Self::export), with other settings than the defaults.
    pub fn export_with<E: Event + Serialize>(mut self, export: Export<E>) -> Self {
        let is_there = self.types.exports.iter().any(|of| of.event_type == E::TYPE);
        self.types.check("exported", E::TYPE, is_there);
        let declare = move |outbox: &Outbox| -> BeginExport {
            let of = outbox.declare(E::TYPE, export.version, export.offline);
            Box::new(move |start| {
                let outbox = Arc::clone(&start.shared.outbox);
                begin_pump(export, outbox, of, start)
            })
        };
        self.types.exports.push(Exported { event_type: E::TYPE, declare: Box::new(declare) });
        self
    }

    /// Publishes events of this type from other nodes on this bus.
    pub fn import<E: Event + DeserializeOwned>(self) -> Self {
        self.import_with::<E>(Import::new())
    }

    /// Like [`import`](Self::import), but the nodes of a group share the events: each goes to one
    /// of them.
    pub fn import_shared<E: Event + DeserializeOwned>(self, group: impl Into<String>) -> Self {
        self.import_with::<E>(Import::new().group(group))
    }

    /// Like [`import`](Self::import), with other settings than the defaults.
    pub fn import_with<E: Event + DeserializeOwned>(mut self, import: Import<E>) -> Self {
        let is_there = self.types.imports.iter().any(|of| of.event_type == E::TYPE);
        self.types.check("imported", E::TYPE, is_there);
        let group = import.group.clone();
        group.iter().for_each(|group| self.types.check_name("group", group));
        let begin = move |Start { shared, echoes, .. }: Start, receiving: Receiving| -> Task {
            let Receiving { messages, tails, streams } = receiving;
            Box::pin(receive(Receiver { messages, tails, streams, import, echoes }, shared))
        };
        self.types.imports.push(Imported { event_type: E::TYPE, group, begin: Box::new(begin) });
        self
    }

    /// Lets the responders of this bus answer requests of this type from other nodes.
    pub fn serve<Q>(mut self) -> Self
    where
        Q: Request + DeserializeOwned,
        Q::Response: Serialize,
    {
        let is_there = self.types.serves.contains_key(Q::TYPE);
        self.types.check("served", Q::TYPE, is_there);
        self.types.serves.insert(Q::TYPE, Box::new(Serve::<Q>::new()));
        self
    }

    /// Lets requests of this type on this bus reach the responders of other nodes that they expect
    /// by name.
    pub fn ask<Q>(mut self) -> Self
    where
        Q: Request + Serialize,
        Q::Response: DeserializeOwned,
    {
        let is_there = self.types.asks.iter().any(|of| of.request_type == Q::TYPE);
        self.types.check("asked", Q::TYPE, is_there);
        let begin = |shared: Arc<Shared>, commands| -> Task {
            let asks = Asks::<Q>::new(commands, Arc::clone(&shared.standins));
            Box::pin(ask(asks, shared))
        };
        self.types.asks.push(Asked { request_type: Q::TYPE, begin: Box::new(begin) });
        self
    }

    /// Stores events of this type in JetStream, for the consumers of
    /// [`import_durable`](Self::import_durable). Until they are stored, they wait in a separate
    /// ring, without a time limit.
    #[cfg(feature = "jetstream")]
    pub fn export_durable<E: Event + Serialize>(self) -> Self {
        self.export_durable_with::<E>(Export::new())
    }

    /// Like [`export_durable`](Self::export_durable), with other settings than the defaults. The
    /// setting for times without a connection is ignored: events wait.
    #[cfg(feature = "jetstream")]
    pub fn export_durable_with<E: Event + Serialize>(mut self, export: Export<E>) -> Self {
        let (ring, replicas) = (self.ring, self.replicas);
        let begin = move |start: Start| -> BoxFuture<'static, _> {
            Box::pin(async move {
                let shared = Arc::clone(&start.shared);
                let stream = durable::Stored { replicas, retry: start.retry };
                stream.at_once(&shared).await?;
                let outbox = Arc::new(durable::outbox(ring, &shared));
                let of = outbox.declare(E::TYPE, export.version, durable::KEEP);
                shared.lanes.add(Arc::clone(&outbox));
                let pumps = begin_pump(export, Arc::clone(&outbox), of, start);
                let subject = shared.subjects.durable(E::TYPE);
                let tasks: Vec<Task> =
                    vec![Box::pin(durable::store(outbox, subject, stream, shared))];
                Ok(Begun { pumps: pumps.into_iter().collect(), tasks })
            })
        };
        self.types.add(Lane { event_type: E::TYPE, way: Way::Store, begin: Box::new(begin) });
        self
    }

    /// Publishes on this bus the events of this type that JetStream has stored, in order and at
    /// least once, through the durable consumer of this name. A new consumer begins at that
    /// position; an existing one continues where it was. Nodes that name the same consumer share
    /// its events, one message at a time.
    ///
    /// An event is published when the bus runs, the type has a subscriber, and each subscriber has
    /// room; it is acknowledged when each has taken it.
    /// [Lossy](callboard::SubscriberBuilder::lossy) subscribers don't count. Events not
    /// acknowledged when a process ends are delivered again.
    #[cfg(feature = "jetstream")]
    pub fn import_durable<E>(self, consumer: impl Into<String>, position: Position) -> Self
    where
        E: Event + DeserializeOwned,
    {
        self.import_durable_with::<E>(consumer, position, Import::new())
    }

    /// Like [`import_durable`](Self::import_durable), with other settings than the defaults. A
    /// [group](Import::group) is ignored; use the consumer's name instead.
    #[cfg(feature = "jetstream")]
    pub fn import_durable_with<E>(
        mut self,
        consumer: impl Into<String>,
        position: Position,
        import: Import<E>,
    ) -> Self
    where
        E: Event + DeserializeOwned,
    {
        let (consumer, replicas) = (consumer.into(), self.replicas);
        self.types.check_name("durable consumer", &consumer);
        let begin = move |Start { shared, echoes, retry, .. }: Start| -> BoxFuture<'static, _> {
            Box::pin(async move {
                let stream = durable::Stored { replicas, retry };
                stream.at_once(&shared).await?;
                shared.lanes.declare(&consumer, E::TYPE);
                let consuming = Consuming { stream, consumer, position, import, echoes };
                let tasks: Vec<Task> = vec![Box::pin(durable::consume(consuming, shared))];
                Ok(Begun { tasks, ..Begun::default() })
            })
        };
        self.types.add(Lane { event_type: E::TYPE, way: Way::Consume, begin: Box::new(begin) });
        self
    }

    /// Sends events of this type to this subject as CloudEvents, for programs that are not nodes.
    pub fn export_cloudevents<E: Event + Serialize>(mut self, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        self.types.check_subject(&subject);
        let begin = move |start: Start| -> BoxFuture<'static, _> {
            Box::pin(async move {
                let Start { shared, echoes, ending, .. } = start;
                shared.cloudevents.declare(&subject, E::TYPE, true);
                let Some(bus) = shared.bus.upgrade() else { return Ok(Begun::default()) };
                let subscriber = bus.subscriber(&*shared.name).capacity(PUMP_CAPACITY).late();
                let inbox = subscriber.subscribe::<E>();
                let sending = cloudevents::Sending { inbox, subject, echoes, ending };
                let pumps: Vec<Task> =
                    vec![Box::pin(cloudevents::send(sending, Arc::clone(&shared)))];
                Ok(Begun { pumps, ..Begun::default() })
            })
        };
        self.types.add(Lane {
            event_type: E::TYPE,
            way: Way::CloudEventsOut,
            begin: Box::new(begin),
        });
        self
    }

    /// Publishes CloudEvents of this type from this subject on this bus. Events without an id or a
    /// source, of another type, or with unreadable data are dropped and counted, and so are
    /// duplicates.
    pub fn import_cloudevents<E>(mut self, subject: impl Into<String>) -> Self
    where
        E: Event + DeserializeOwned,
    {
        let subject = subject.into();
        self.types.check_subject(&subject);
        let begin = move |Start { shared, echoes, .. }: Start| -> BoxFuture<'static, _> {
            Box::pin(async move {
                shared.cloudevents.declare(&subject, E::TYPE, false);
                let messages = subscribe(&shared.client, subject.clone(), None).await?;
                let receiving = cloudevents::receive::<E>(messages, subject, echoes, shared);
                let tasks: Vec<Task> = vec![Box::pin(receiving)];
                Ok(Begun { tasks, ..Begun::default() })
            })
        };
        self.types.add(Lane {
            event_type: E::TYPE,
            way: Way::CloudEventsIn,
            begin: Box::new(begin),
        });
        self
    }
}

/// Starts moving the events of a type from the bus to an outbox; `None` if the bus is gone.
fn begin_pump<E: Event + Serialize>(
    export: Export<E>,
    outbox: Arc<Outbox>,
    of: usize,
    Start { shared, echoes, ending, .. }: Start,
) -> Option<Task> {
    let bus = shared.bus.upgrade()?;
    let subscriber = bus.subscriber(&*shared.name).capacity(PUMP_CAPACITY).late();
    let inbox = subscriber.subscribe::<E>();
    Some(Box::pin(pump(Pump { inbox, outbox, of, export, echoes, ending }, shared)))
}
