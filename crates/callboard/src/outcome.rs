//! How requests and handlers ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How one expected responder's part in a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Outcome {
    /// The responder answered.
    Responded,
    /// The responder declined, for this reason.
    Declined(#[cfg_attr(feature = "serde", serde(serialize_with = "as_str"))] Arc<str>),
    /// The responder took the request and dropped it unanswered (a panic, an early return), or left
    /// with the request still queued.
    Abandoned,
    /// No responder of this type had signed in under this name when the request was sent; or, if
    /// the request never left the start buffer, when it ended or the bus closed.
    NoSuchResponder,
    /// The responder's queue was full.
    QueueFull,
    /// The responder is in another process, which disappeared while it had the request.
    Gone,
    /// The responder is in another process that is not connected.
    Unreachable,
    /// The timeout passed before the responder took the request from its queue.
    TimedOutQueued,
    /// The timeout passed while the responder handled the request.
    TimedOutHandling,
    /// The request ended, by its rule or by the bus closing, before this responder had answered.
    NotAwaited,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Responded => f.write_str("responded"),
            Self::Declined(reason) => write!(f, "declined: {reason}"),
            Self::Abandoned => f.write_str("abandoned the request"),
            Self::NoSuchResponder => f.write_str("no such responder"),
            Self::QueueFull => f.write_str("queue full"),
            Self::Gone => f.write_str("gone: its process has vanished"),
            Self::Unreachable => f.write_str("unreachable: no connection to its process"),
            Self::TimedOutQueued => f.write_str("timed out while queued"),
            Self::TimedOutHandling => f.write_str("timed out while being handled"),
            Self::NotAwaited => f.write_str("not awaited"),
        }
    }
}

/// Why a gather ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum End {
    /// The completion rule was met.
    Met,
    /// The rule could no longer be met, whatever the remaining responders might answer.
    Unreachable,
    /// The timeout passed.
    TimedOut,
    /// The bus was closed.
    Closed,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "complete",
            Self::Unreachable => "out of reach",
            Self::TimedOut => "timed out",
            Self::Closed => "closed",
        })
    }
}

/// The advice for requests that wait for each other.
pub(crate) const CYCLE_CURE: &str = "answer before asking, or serve concurrently, or, if the \
    handler does not wait for the answer, ask in a task of its own";

/// A request that failed or was incomplete.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TroubledRequest {
    /// The request's type.
    pub event_type: String,
    /// Its sequence number; `None` if it was never accepted.
    pub sequence: Option<u64>,
    /// The call site, if the call blocked.
    pub blocking_at: Option<String>,
    /// Whether it ended while it waited for the start, before any responder received it.
    pub before_start: bool,
    /// What went wrong.
    pub kind: Troubled,
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Troubled {
    /// The request ended without its rule being met.
    Ended {
        /// Why it ended.
        end: End,
        /// Each expected responder's outcome.
        outcomes: Vec<(String, Outcome)>,
    },
    /// Only responders that wait for the request could have answered it.
    Cycle {
        /// The responders' names.
        chain: Vec<String>,
    },
}

/// A request that waits for answers.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OpenRequest {
    /// The request's type.
    pub event_type: String,
    /// The component that asks: the one whose handler makes the request, or the name given to
    /// [`RequestBuilder::asker`](crate::RequestBuilder::asker) or
    /// [`CallContext::request`](crate::CallContext::request). `None` if it is unnamed.
    pub asker: Option<String>,
    /// Its sequence number; `None` if the start buffer was full.
    pub sequence: Option<u64>,
    /// For how long it has waited.
    pub age: Duration,
    /// How much longer it will wait; `None` means forever.
    pub remaining: Option<Duration>,
    /// The outcome of each expected responder if the request timed out now.
    pub outcomes: Vec<(String, Outcome)>,
}

/// The trace of a request, for waterfall diagrams with a bar for the request and one for each
/// responder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RequestTrace {
    /// The request's type.
    pub event_type: String,
    /// Its sequence number; `None` if it was never accepted.
    pub sequence: Option<u64>,
    /// The component that asks: the one whose handler makes the request, or the name given to
    /// [`RequestBuilder::asker`](crate::RequestBuilder::asker) or
    /// [`CallContext::request`](crate::CallContext::request). `None` if it is unnamed.
    pub asker: Option<String>,
    /// The sequence number of the event, or of the request, that this handler was handling: a
    /// nested request is drawn under the one with that [`sequence`](Self::sequence).
    pub parent: Option<u64>,
    /// The completion rule, in words: `all of 3`.
    pub rule: String,
    /// When it was made, relative to when the bus was built.
    pub began: Duration,
    /// How long its asker waited; `None` while it waits.
    pub took: Option<Duration>,
    /// The longest time that its asker would wait; `None` means forever.
    pub timeout: Option<Duration>,
    /// How it ended, in words: the `Display` of an [`End`], `withdrawn`, or `in a circle`. `None`
    /// while it is open.
    pub end: Option<String>,
    /// The expected responders, in the order in which they were named or, once the request has
    /// ended, in which they answered; then others that took it.
    pub responders: Vec<ResponderTrace>,
}

/// One responder's part in a traced request. Times are relative to when the request was made; while
/// [`Bus::trace_requests`](crate::Bus::trace_requests) is off they are unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ResponderTrace {
    /// The responder's name.
    pub name: String,
    /// The `Display` of its [`Outcome`] or, before that, its state: `queued`, `being handled`,
    /// `waits for the start`.
    pub outcome: String,
    /// Whether its answer was awaited.
    pub expected: bool,
    /// When it took the request from its queue; `None` if it has not.
    pub taken: Option<Duration>,
    /// When it answered, declined or dropped the request; `None` if it had not by the end of the
    /// request.
    pub ended: Option<Duration>,
}

/// A panic of a handler run by [`serve`](crate::Subscription::serve).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PanicSnapshot {
    /// The type of the event that was being handled.
    pub event_type: String,
    /// The panic's message, truncated if long.
    pub message: String,
}

/// An ended subscription whose handlers panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PanickedSubscriber {
    /// The subscriber's name.
    pub name: String,
    /// How many of its handlers panicked.
    pub panics: u64,
    /// The last of these panics.
    pub last_panic: PanicSnapshot,
}

/// Serializes a shared string as a plain one.
#[cfg(feature = "serde")]
fn as_str<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
