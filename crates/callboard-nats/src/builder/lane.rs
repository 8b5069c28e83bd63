//! Starting the tasks of one type.

use std::collections::HashMap;
use std::sync::Arc;

use async_nats::{Client, Subscriber};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use crate::error::Error;
use crate::inbound::{Streams, Tail};
use crate::outbound::{Echoes, Outbox};
use crate::requests::AskCommand;
use crate::shared::Shared;

/// How many events of a type may wait for the task that sends them.
pub(super) const PUMP_CAPACITY: usize = 65_536;

pub(super) type Task = BoxFuture<'static, ()>;

/// The inputs of every task.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) shared: Arc<Shared>,
    /// The events that this link itself has published on its bus, of the type and direction of the
    /// task.
    pub(super) echoes: Option<Arc<Echoes>>,
    /// True once the link ends; queued events are still sent.
    pub(super) ending: watch::Receiver<bool>,
    /// Whether there may be no server yet.
    #[cfg(feature = "jetstream")]
    pub(super) retry: bool,
}

/// An exported type.
pub(super) struct Exported {
    pub(super) event_type: &'static str,
    pub(super) declare: Box<dyn FnOnce(&Outbox) -> BeginExport + Send>,
}

pub(super) type BeginExport = Box<dyn FnOnce(Start) -> Option<Task> + Send>;

/// An imported type.
pub(super) struct Imported {
    pub(super) event_type: &'static str,
    pub(super) group: Option<String>,
    pub(super) begin: Box<dyn FnOnce(Start, Receiving) -> Task + Send>,
}

/// The source of an imported type's events, and their accounts.
pub(super) struct Receiving {
    pub(super) messages: Subscriber,
    pub(super) tails: mpsc::Receiver<Tail>,
    pub(super) streams: Arc<Streams>,
}

/// A request type that is asked.
pub(super) struct Asked {
    pub(super) request_type: &'static str,
    pub(super) begin:
        Box<dyn FnOnce(Arc<Shared>, mpsc::UnboundedReceiver<AskCommand>) -> Task + Send>,
}

/// A durable or CloudEvents lane.
pub(super) struct Lane {
    pub(super) event_type: &'static str,
    pub(super) way: Way,
    pub(super) begin: Box<dyn FnOnce(Start) -> BoxFuture<'static, Result<Begun, Error>> + Send>,
}

/// The direction of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Way {
    #[cfg(feature = "jetstream")]
    Store,
    #[cfg(feature = "jetstream")]
    Consume,
    CloudEventsOut,
    CloudEventsIn,
}

impl Way {
    /// The opposite direction.
    pub(super) fn back(self) -> Self {
        match self {
            #[cfg(feature = "jetstream")]
            Self::Store => Self::Consume,
            #[cfg(feature = "jetstream")]
            Self::Consume => Self::Store,
            Self::CloudEventsOut => Self::CloudEventsIn,
            Self::CloudEventsIn => Self::CloudEventsOut,
        }
    }

    /// The outgoing one of the two directions.
    pub(super) fn outward(self) -> Self {
        match self {
            #[cfg(feature = "jetstream")]
            Self::Consume => Self::Store,
            Self::CloudEventsIn => Self::CloudEventsOut,
            outward => outward,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "jetstream")]
            Self::Store => "exported durably",
            #[cfg(feature = "jetstream")]
            Self::Consume => "imported durably",
            Self::CloudEventsOut => "exported as CloudEvents",
            Self::CloudEventsIn => "imported as CloudEvents",
        }
    }
}

/// The tasks of a lane: sending tasks end gracefully with the link, the others at once.
#[derive(Default)]
pub(super) struct Begun {
    pub(super) pumps: Vec<Task>,
    pub(super) tasks: Vec<Task>,
}

/// The echoes of each bidirectional lane.
#[derive(Default)]
pub(super) struct EchoesOf(HashMap<(Way, &'static str), Arc<Echoes>>);

impl EchoesOf {
    pub(super) fn new(lanes: &[Lane]) -> Self {
        let there = |of: &Lane, way| {
            lanes.iter().any(|other| other.event_type == of.event_type && other.way == way)
        };
        let both = lanes.iter().filter(|lane| there(lane, lane.way.back()));
        let echoes = both.map(|lane| ((lane.way.outward(), lane.event_type), Arc::default()));
        Self(echoes.collect())
    }

    pub(super) fn of(&self, lane: &Lane) -> Option<Arc<Echoes>> {
        self.0.get(&(lane.way.outward(), lane.event_type)).cloned()
    }
}

/// Subscribes, and shares the messages with the other members of a group, if there is one.
///
/// # Errors
/// If the client refuses the subject.
pub(super) async fn subscribe(
    client: &Client,
    subject: String,
    group: Option<String>,
) -> Result<Subscriber, Error> {
    let subscribed = match group {
        Some(group) => client.queue_subscribe(subject.clone(), group).await,
        None => client.subscribe(subject.clone()).await,
    };
    subscribed.map_err(|source| Error::subscribe(subject, source))
}
