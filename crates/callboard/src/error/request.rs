//! Errors of requests.

use std::fmt;

use crate::outcome::{CYCLE_CURE, End, Outcome};
use crate::report::count;

/// Why a request could not be made at all.
///
/// Getting fewer answers than requested is not an error: see [`Gathered`](crate::Gathered).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// No responder was named with [`expect`](crate::RequestBuilder::expect).
    NobodyExpected {
        /// The request's type.
        request: &'static str,
    },
    /// More answers are required than responders are expected.
    TooFewExpected {
        /// The number of required answers.
        at_least: usize,
        /// The number of distinct expected responders.
        expected: usize,
    },
    /// The bus is closed.
    Closed,
    /// The request closes a cycle of responders that wait for one another, through any chain of
    /// requests. The youngest request in the cycle fails; the others continue.
    ///
    /// A request fails only if its rule can't be met without the responders in the cycle, even if
    /// that only becomes true while it waits. [`settled`](crate::RequestBuilder::settled) needs
    /// every expected responder, so one of them in the cycle is enough.
    ///
    /// A handler counts as waiting for its requests until it ends, whichever task awaits the
    /// answer. A handler that does not wait for the answer must make the request, including the
    /// call of [`Bus::request`](crate::Bus::request), in a separate task.
    Cycle {
        /// The responders' names along the cycle, each asking the next; the last repeats the first.
        /// Names that lead to the cycle precede it.
        chain: Vec<String>,
    },
}

impl RequestError {
    /// A short name of the error.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NobodyExpected { .. } => "nobody expected",
            Self::TooFewExpected { .. } => "too few expected",
            Self::Closed => "closed",
            Self::Cycle { .. } => "cycle",
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyExpected { request } => {
                write!(f, "request `{request}` names no expected responder; add `.expect([\"…\"])`")
            }
            Self::TooFewExpected { at_least, expected } => write!(
                f,
                "at least {} wanted of {}; at most {expected} can come",
                count(*at_least, "answer"),
                count(*expected, "expected responder"),
            ),
            Self::Closed => f.write_str("the bus is closed"),
            Self::Cycle { chain } => {
                write!(f, "request cycle: {}; {CYCLE_CURE}", chain.join(" → "))
            }
        }
    }
}

impl std::error::Error for RequestError {}

/// Not every expected responder has answered; see
/// [`Gathered::into_all`](crate::Gathered::into_all).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    pub(crate) request: &'static str,
    pub(crate) responded: usize,
    pub(crate) end: End,
    pub(crate) missing: Vec<(String, Outcome)>,
}

impl Incomplete {
    /// The request's type.
    pub fn request(&self) -> &'static str {
        self.request
    }

    /// Why the request ended.
    pub fn end(&self) -> End {
        self.end
    }

    /// The expected responders that have not answered, and why, in the order in which they were
    /// named. There is at least one.
    pub fn missing(&self) -> &[(String, Outcome)] {
        &self.missing
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, responded, end, missing } = self;
        let expected = responded + missing.len();
        let missing: Vec<_> = missing.iter().map(|(name, why)| format!("`{name}` {why}")).collect();
        let missing = missing.join(", ");
        // The outcomes imply every other end.
        let end = if *end == End::Closed { " before the bus was closed" } else { "" };
        write!(f, "{responded} of {expected} responders answered `{request}`{end}: {missing}")
    }
}

impl std::error::Error for Incomplete {}

/// Why [`Bus::ask`](crate::Bus::ask) returned no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskError {
    /// The request could not be made.
    Request(RequestError),
    /// The responder did not answer.
    NoAnswer {
        /// The responder's name.
        responder: String,
        /// The request's type.
        request: &'static str,
        /// What the responder did instead.
        outcome: Outcome,
        /// Why the request ended.
        end: End,
    },
}

impl AskError {
    /// What the responder did instead of answering, if the request could be made.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::NoAnswer { outcome, .. } => Some(outcome),
            Self::Request(_) => None,
        }
    }

    /// Why the request ended, if it could be made.
    pub fn end(&self) -> Option<End> {
        match self {
            Self::NoAnswer { end, .. } => Some(*end),
            Self::Request(_) => None,
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::NoAnswer { responder, request, outcome, end: End::Closed } => {
                write!(f, "the bus was closed before `{responder}` answered `{request}`")?;
                if *outcome == Outcome::NotAwaited { Ok(()) } else { write!(f, ": {outcome}") }
            }
            Self::NoAnswer { responder, request, outcome, .. } => {
                write!(f, "`{responder}` did not answer `{request}`: {outcome}")
            }
        }
    }
}

impl std::error::Error for AskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::NoAnswer { .. } => None,
        }
    }
}

impl From<RequestError> for AskError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}
