//! The messages between nodes, other than events. They are MessagePack with field names: unknown
//! fields are ignored, and fields that may be missing have defaults.

use std::collections::BTreeMap;

use bytes::Bytes;
use callboard::Outcome;
use serde::{Deserialize, Serialize};

/// How many names a hello may have, and how many bytes they may have in total.
const MOST_NAMES: usize = 2_048;
const MOST_NAME_BYTES: usize = 64 * 1024;

/// A message to every node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum System {
    Hello(Hello),
    Beat(Beat),
    /// The node leaves gracefully.
    Bye {
        incarnation: u64,
    },
}

/// What a node offers. It is sent again whenever it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) incarnation: u64,
    /// Counts the changes.
    pub(crate) generation: u64,
    /// The types of the events that it sends, and of those that it receives.
    pub(crate) exports: Vec<String>,
    pub(crate) imports: Vec<String>,
    /// The names of its responders, by the type of the requests.
    pub(crate) responders: BTreeMap<String, Vec<String>>,
    /// The names of its subscribers to what it imports.
    pub(crate) subscribers: Vec<String>,
}

impl Hello {
    /// Whether its names are within the limits of what a node remembers of another.
    pub(crate) fn is_bounded(&self) -> bool {
        let responders = self.responders.iter().flat_map(|(of, names)| names.iter().chain([of]));
        let names = self.exports.iter().chain(&self.imports).chain(&self.subscribers);
        let (mut count, mut bytes) = (0, 0);
        for name in names.chain(responders) {
            count += 1;
            bytes += name.len();
        }
        count <= MOST_NAMES && bytes <= MOST_NAME_BYTES
    }
}

/// A sign of life.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) incarnation: u64,
    /// The generation of the last hello.
    pub(crate) generation: u64,
    /// The last sequence sent, by event type.
    pub(crate) tails: BTreeMap<String, u64>,
    /// The nodes, by incarnation, that have acknowledged every probe of this one.
    pub(crate) heard_by: Vec<u64>,
}

/// A message to one node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Directed {
    /// This node does not know the other's hello.
    Who,
    Hello(Hello),
    /// A probe of this type and incarnation was received.
    Heard {
        incarnation: u64,
        event_type: String,
    },
    Ask(Ask),
    /// The asker no longer waits.
    Withdraw {
        incarnation: u64,
        id: u64,
    },
    Reply(Reply),
}

/// A request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// The incarnation of the asker's node.
    pub(crate) incarnation: u64,
    /// Its number on the asker's bus.
    pub(crate) id: u64,
    pub(crate) request_type: String,
    /// The responders that are asked.
    pub(crate) names: Vec<String>,
    /// How long its asker waits, in milliseconds; `None` means forever.
    pub(crate) budget: Option<u64>,
    /// The open requests that wait for this one, across nodes.
    pub(crate) chain: Vec<Hop>,
    /// The names of the handlers that wait for it, on the asker's bus.
    #[serde(default)]
    pub(crate) askers: Vec<String>,
    pub(crate) codec: u8,
    #[serde(default)]
    pub(crate) metadata: Bytes,
    pub(crate) body: Bytes,
}

/// An open request of a node, known by its number there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) node: String,
    pub(crate) incarnation: u64,
    pub(crate) id: u64,
}

/// The outcomes of a request's responders.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// The incarnation and id of the [`Ask`].
    pub(crate) incarnation: u64,
    pub(crate) id: u64,
    pub(crate) request_type: String,
    pub(crate) parts: Vec<(String, Part)>,
}

/// The outcome of one responder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    Answer { codec: u8, body: Bytes },
    Declined(String),
    Abandoned,
    NoSuchResponder,
    QueueFull,
    Gone,
    Unreachable,
    TimedOutQueued,
    TimedOutHandling,
}

impl Part {
    /// Converts the outcome of a responder that did not answer.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Declined(reason) => Self::Declined(reason.to_string()),
            Outcome::NoSuchResponder => Self::NoSuchResponder,
            Outcome::QueueFull => Self::QueueFull,
            Outcome::Gone => Self::Gone,
            Outcome::Unreachable => Self::Unreachable,
            Outcome::TimedOutQueued => Self::TimedOutQueued,
            Outcome::TimedOutHandling => Self::TimedOutHandling,
            _ => Self::Abandoned,
        }
    }

    /// The outcome.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Answer { .. } => Outcome::Responded,
            Self::Declined(reason) => Outcome::Declined(reason.into()),
            Self::Abandoned => Outcome::Abandoned,
            Self::NoSuchResponder => Outcome::NoSuchResponder,
            Self::QueueFull => Outcome::QueueFull,
            Self::Gone => Outcome::Gone,
            Self::Unreachable => Outcome::Unreachable,
            Self::TimedOutQueued => Outcome::TimedOutQueued,
            Self::TimedOutHandling => Outcome::TimedOutHandling,
        }
    }
}

/// Writes a message.
pub(crate) fn write<T: Serialize>(message: &T) -> Bytes {
    // Writing plain data to memory can't fail.
    rmp_serde::to_vec_named(message).map(Into::into).unwrap_or_default()
}
