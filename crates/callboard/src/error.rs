//! What can go wrong, an enum per operation.

use std::fmt;

use crate::report::first_of;

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
    /// None came in time.
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

/// An argument that [`BusBuilder::build`](crate::BusBuilder::build) can't build a bus from.
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
    /// The time was over before everybody expected had signed in.
    NotReady {
        /// The expected subscribers, then the expected responders, that have not.
        missing: Vec<String>,
    },
    /// The bus is closed.
    Closed,
}

impl StartError {
    /// Everybody who is missing.
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
                write!(f, "not everybody signed in in time; missing: {missing}")
            }
            Self::Closed => f.write_str("the bus is closed"),
        }
    }
}

impl std::error::Error for StartError {}

/// Who had not finished when [`close_and_drain`](crate::Bus::close_and_drain) ran out of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainError {
    pub(crate) unfinished: Vec<Unfinished>,
}

/// A subscriber that has not finished its work, and what it still has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The subscriber's name.
    pub subscriber: String,
    /// How many events wait in its queue.
    pub queued: u64,
    /// How many events it was handed and has not come back from.
    pub in_hand: u64,
}

impl DrainError {
    /// Who did not finish, in the order in which they subscribed.
    pub fn unfinished(&self) -> &[Unfinished] {
        &self.unfinished
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
        write!(f, "not everybody finished in time: {}", first_of(self.unfinished.iter(), ", "))
    }
}

impl std::error::Error for DrainError {}

/// A request that could not be made at all.
///
/// A request that was made and got fewer answers than it wanted is not an error: see
/// [`Gathered`](crate::Gathered).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// No responder was named with [`expect`](crate::RequestBuilder::expect).
    NobodyExpected {
        /// The request's type.
        request: &'static str,
    },
    /// More answers are wanted than responders are expected.
    TooFewExpected {
        /// The answers wanted.
        at_least: usize,
        /// The distinct responders expected.
        expected: usize,
    },
    /// The bus is closed.
    Closed,
    /// The request could only be answered by a responder that is itself handling, through the
    /// requests that led to this one, a call that waits for this one to end. (What a handler asks counts as
    /// what it waits for, until it ends. One that leaves a request behind, and answers without it, lets
    /// another task make that request.)
    Cycle {
        /// The responders' names, from the first to handle a request to the one that would have
        /// to handle two at once; that one is first met earlier in the chain.
        chain: Vec<String>,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyExpected { request } => {
                write!(f, "request `{request}` names no expected responder; add `.expect([\"…\"])`")
            }
            Self::TooFewExpected { at_least, expected } => write!(
                f,
                "at least {at_least} answers wanted of {expected} expected responders; \
                 at most {expected} can come"
            ),
            Self::Closed => f.write_str("the bus is closed"),
            Self::Cycle { chain } => write!(
                f,
                "request cycle: {}; answer before asking, or serve concurrently",
                chain.join(" → ")
            ),
        }
    }
}

impl std::error::Error for RequestError {}
