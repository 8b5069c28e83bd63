//! How a request ended, for the whole and for each responder.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What came of one expected responder's part in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Outcome {
    /// It answered.
    Responded,
    /// It declined, for this reason.
    Declined(#[cfg_attr(feature = "serde", serde(serialize_with = "as_str"))] Arc<str>),
    /// It took the request and dropped it unanswered (a panic, an early return), or left with
    /// the request still queued.
    Abandoned,
    /// Nobody of that name had signed in as a responder of this type when the request was handed
    /// out; or, if it never left the start buffer, when it ended or the bus closed.
    NoSuchResponder,
    /// Its queue was full.
    QueueFull,
    /// It is in another process, which vanished while it had the request.
    Gone,
    /// It is in another process, to which there is no connection.
    Unreachable,
    /// Time was over before it took the request from its queue.
    TimedOutQueued,
    /// Time was over while it handled the request.
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
    /// The rule could no longer be met, whatever the responders still out would have said.
    Unreachable,
    /// The time was over.
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

/// What to do about requests that wait for each other.
pub(crate) const CYCLE_CURE: &str = "answer before asking, or serve concurrently, or, if the \
    handler does not wait for the answer, ask in a task of its own";

/// A request that did not get what it wanted.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TroubledRequest {
    /// The request's type.
    pub event_type: String,
    /// Its number; `None` if it was never accepted.
    pub sequence: Option<u64>,
    /// Where it was asked, if by a blocking call.
    pub blocking_at: Option<String>,
    /// Whether it ended while it waited for the start, so that no responder had it yet.
    pub before_start: bool,
    /// What was wrong.
    pub kind: Troubled,
}

/// What was wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Troubled {
    /// It ended without its rule being met.
    Ended {
        /// Why it ended.
        end: End,
        /// Each expected responder's outcome.
        outcomes: Vec<(String, Outcome)>,
    },
    /// It could only have been answered by somebody who waits for it.
    Cycle {
        /// The responders' names.
        chain: Vec<String>,
    },
}

/// A request as it is remembered, so that a waterfall of the last ones can be drawn: a bar for the
/// request, and one for each responder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RequestTrace {
    /// The request's type.
    pub event_type: String,
    /// Its number; `None` if it was never accepted.
    pub sequence: Option<u64>,
    /// The subscriber whose handler asks, if it is a nested request.
    pub asker: Option<String>,
    /// The number of the event, or of the request, that this handler was handling: a nested request
    /// is drawn under the one of that [`sequence`](Self::sequence).
    pub parent: Option<u64>,
    /// When it is complete, in words: `all of 3`.
    pub rule: String,
    /// When it was made, counted from when the bus was built.
    pub began: Duration,
    /// How long its asker waited; `None` while it waits.
    pub took: Option<Duration>,
    /// How long its asker would wait at most; `None` for ever.
    pub timeout: Option<Duration>,
    /// How it ended, in words: as an [`End`] shows itself, `withdrawn`, or `in a circle`. `None` while
    /// it is open.
    pub end: Option<String>,
    /// Those that are expected, in the order in which they were named or, once it has ended, in
    /// which they answered; then others that took it.
    pub responders: Vec<ResponderTrace>,
}

/// One responder's part in a request that is remembered. Times are counted from when the request was
/// made; while [`Bus::trace_requests`](crate::Bus::trace_requests) is off they are unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ResponderTrace {
    /// Its name.
    pub name: String,
    /// What came of its part, as an [`Outcome`] shows itself, or how far it has come: `queued`,
    /// `being handled`, `waits for the start`.
    pub outcome: String,
    /// Whether its answer was awaited.
    pub expected: bool,
    /// When it took the request from its queue; `None` if it has not.
    pub taken: Option<Duration>,
    /// When it answered, declined or dropped the request; `None` if it had not when the request
    /// ended.
    pub ended: Option<Duration>,
}

/// Writes a shared text as a plain one.
#[cfg(feature = "serde")]
fn as_str<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
