//! Errors, one type per operation.

mod request;

pub use request::{AskError, Incomplete, RequestError};

use std::fmt;
use std::sync::Arc;

use crate::report::{count, first_of};

/// Why [`try_recv`](crate::Subscription::try_recv) has no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is queued now; more may come.
    Empty,
    /// The bus is closed and everything was received.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no event is queued",
            Self::Closed => "the bus is closed and every event was received",
        })
    }
}

impl std::error::Error for TryRecvError {}

/// Why [`recv_timeout`](crate::Subscription::recv_timeout) has no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// No event arrived in time.
    Timeout,
    /// The bus is closed and everything was received.
    Closed,
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no event came in time",
            Self::Closed => "the bus is closed and every event was received",
        })
    }
}

impl std::error::Error for RecvTimeoutError {}

/// An invalid argument of [`BusBuilder::build`](crate::BusBuilder::build).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The pre-start capacity is 0: everything published before `start` would be lost.
    NoPreStartCapacity,
    /// An expected subscriber or responder has an empty name.
    EmptyName {
        /// The builder's method that was given it.
        argument: &'static str,
    },
    /// A name is expected twice.
    DuplicateName {
        /// The builder's method that was given it.
        argument: &'static str,
        /// The name.
        name: String,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPreStartCapacity => f.write_str(
                "`pre_start_capacity(0)` would lose every event published before `start`; \
                 use at least 1",
            ),
            Self::EmptyName { argument } => {
                write!(f, "`{argument}` was given an empty name; a component needs one")
            }
            Self::DuplicateName { argument, name } => {
                write!(f, "`{argument}` was given `{name}` twice; name each component once")
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// Why [`start_when_ready`](crate::Bus::start_when_ready) did not start the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The timeout passed before all expected components had signed in.
    NotReady {
        /// The missing subscribers, then the missing responders.
        missing: Vec<String>,
    },
    /// The bus is closed.
    Closed,
}

impl StartError {
    /// The missing components.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let Self::NotReady { missing } = self else { return [].iter().map(String::as_str) };
        missing.iter().map(String::as_str)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady { missing } => {
                let missing = first_of(missing.iter().map(|name| format!("`{name}`")), ", ");
                write!(f, "timed out; not signed in: {missing}")
            }
            Self::Closed => f.write_str("the bus is closed"),
        }
    }
}

impl std::error::Error for StartError {}

/// Why [`close_and_drain`](crate::Bus::close_and_drain) or [`drain`](crate::Bus::drain) did not
/// finish in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrainError {
    pub(crate) calling_handler: Option<Arc<str>>,
    pub(crate) unfinished: Vec<Unfinished>,
    pub(crate) requests: Vec<String>,
    pub(crate) buffered: usize,
}

/// A subscriber with unfinished work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The subscriber's name.
    pub subscriber: String,
    /// How many events are in its queue.
    pub queued: u64,
    /// How many events it received and is still handling.
    pub in_hand: u64,
}

impl DrainError {
    /// The subscribers that did not finish, in the order in which they subscribed.
    pub fn unfinished(&self) -> &[Unfinished] {
        &self.unfinished
    }

    /// The types of the requests that were still open; [`drain`](crate::Bus::drain) only.
    pub fn open_requests(&self) -> &[String] {
        &self.requests
    }

    /// How many events were buffered for [`start`](crate::Bus::start); [`drain`](crate::Bus::drain)
    /// only.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// The subscriber whose handler made the call, if that is why it failed at once: the call would
    /// have waited for that handler.
    pub fn calling_handler(&self) -> Option<&str> {
        self.calling_handler.as_deref()
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscriber, queued, in_hand } = self;
        write!(f, "`{subscriber}` ({queued} queued, {in_hand} in hand)")
    }
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.calling_handler {
            return write!(
                f,
                "called by a handler of `{name}`, which it would wait for; call it in a task of its own"
            );
        }
        let mut held_up: Vec<String> = self.unfinished.iter().map(Unfinished::to_string).collect();
        held_up.extend(self.requests.iter().map(|name| format!("request `{name}` is open")));
        if self.buffered > 0 {
            held_up.push(format!("{} waiting for `start`", count(self.buffered, "event")));
        }
        write!(f, "not everybody finished in time: {}", first_of(held_up.iter(), ", "))
    }
}

impl std::error::Error for DrainError {}
