//! The expected responders of a request and their states.

use std::ops::Range;
use std::sync::Arc;

use crate::event::Delivery;
use crate::outcome::{End, Outcome};

/// One part per expected responder. Their names share one string, so three names cost two
/// allocations.
pub(super) struct Parts<R: 'static> {
    names: String,
    parts: Vec<Part<R>>,
}

/// The state of one expected name.
pub(super) struct Part<R: 'static> {
    name: Range<usize>,
    /// The first responder of the name; its mailbox is 0 until it receives the request.
    pub(super) responder: ResponderState,
    /// The first answer by any responder of the name, and its zero-based order of arrival.
    pub(super) answer: Option<(usize, Delivery<R>)>,
}

/// One responder and its stage.
#[derive(Debug, Clone)]
pub(super) struct ResponderState {
    pub(super) mailbox: u64,
    pub(super) stage: Stage,
}

/// The stage of one responder. A greater stage is closer to an answer: if two responders share a
/// name, the greater stage counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    NoSuchResponder,
    Full,
    Abandoned,
    /// A responder in another process is not connected, or has disappeared.
    Unreachable,
    Gone,
    Declined(Arc<str>),
    /// A responder in another process had no time left to take or answer the request. The request
    /// still waits for its timeout, as it would within one process.
    LateQueued,
    LateHandling,
    /// Waits for the start.
    Waiting,
    Queued,
    Handling,
    Responded,
}

/// Room for a name of the usual length.
const ROOM_FOR_NAME: usize = 16;

impl<R: 'static> Parts<R> {
    pub(super) const fn new() -> Self {
        Self { names: String::new(), parts: Vec::new() }
    }

    /// Reserves room for this many more names.
    pub(super) fn reserve(&mut self, names: usize) {
        if self.parts.is_empty() {
            self.names = String::with_capacity(names * ROOM_FOR_NAME);
            self.parts = Vec::with_capacity(names);
        } else {
            self.parts.reserve(names);
        }
    }

    /// Adds a name unless it is present.
    pub(super) fn add(&mut self, name: &str) {
        if self.find(name, 0).is_some() {
            return;
        }
        let start = self.names.len();
        self.names.push_str(name);
        let responder = ResponderState { mailbox: 0, stage: Stage::Waiting };
        self.parts.push(Part { name: start..self.names.len(), responder, answer: None });
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The part at this index, with its name.
    pub(super) fn get(&self, place: usize) -> Option<(&str, &Part<R>)> {
        self.parts.get(place).map(|part| (&self.names[part.name.clone()], part))
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Part<R>> {
        self.parts.get_mut(place)
    }

    pub(super) fn named(&self) -> impl ExactSizeIterator<Item = (&str, &Part<R>)> + Clone {
        self.parts.iter().map(|part| (&self.names[part.name.clone()], part))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Part<R>> {
        self.parts.iter_mut()
    }

    /// The index of a name; the search starts at `hint`.
    pub(super) fn find(&self, name: &str, hint: usize) -> Option<usize> {
        let (names, name) = (self.names.as_bytes(), name.as_bytes());
        // Numbered names differ in their last byte, which saves comparing them.
        let is_it = |part: &Part<R>| {
            let other = &names[part.name.clone()];
            other.last() == name.last() && other == name
        };
        let (before, after) = self.parts.split_at_checked(hint)?;
        let found = after.iter().position(is_it).map(|place| hint + place);
        found.or_else(|| before.iter().position(is_it))
    }

    pub(super) fn responders(&self) -> impl Iterator<Item = &ResponderState> {
        self.parts.iter().map(|part| &part.responder)
    }

    /// Moves the responders that answered to the front, in the order of their answers. Returns
    /// their number.
    pub(super) fn sort(&mut self) -> usize {
        let place = |part: &Part<R>| match &part.answer {
            Some((arrival, _)) => (0, *arrival),
            None => (1, part.name.start),
        };
        if !self.parts.is_sorted_by_key(place) {
            self.parts.sort_unstable_by_key(place);
        }
        self.parts.partition_point(|part| part.answer.is_some())
    }

    /// The answers, in any order.
    pub(super) fn into_answers(self) -> impl Iterator<Item = Delivery<R>> {
        self.parts.into_iter().filter_map(|part| Some(part.answer?.1))
    }
}

impl<R: 'static> Part<R> {
    /// The outcome, if the request ended like this.
    pub(super) fn outcome(&self, end: End) -> Outcome {
        let answered = self.answer.as_ref().map(|_| Outcome::Responded);
        answered.unwrap_or_else(|| self.responder.stage.outcome(end))
    }
}

impl<R: 'static> Clone for Parts<R> {
    fn clone(&self) -> Self {
        Self { names: self.names.clone(), parts: self.parts.clone() }
    }
}

impl<R: 'static> Clone for Part<R> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            responder: self.responder.clone(),
            answer: self.answer.clone(),
        }
    }
}

impl From<Outcome> for Stage {
    /// The final stage of a responder with this outcome.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Declined(reason) => Self::Declined(reason),
            Outcome::NoSuchResponder => Self::NoSuchResponder,
            Outcome::QueueFull => Self::Full,
            Outcome::Gone => Self::Gone,
            Outcome::Unreachable => Self::Unreachable,
            Outcome::TimedOutQueued => Self::LateQueued,
            Outcome::TimedOutHandling => Self::LateHandling,
            Outcome::Responded | Outcome::Abandoned | Outcome::NotAwaited => Self::Abandoned,
        }
    }
}

impl Stage {
    /// Whether an answer is still possible.
    pub(super) fn is_hopeful(&self) -> bool {
        *self >= Self::LateQueued && *self < Self::Responded
    }

    /// The outcome, if the request ended like this.
    pub(super) fn outcome(&self, end: End) -> Outcome {
        match self {
            Self::NoSuchResponder => Outcome::NoSuchResponder,
            Self::Full => Outcome::QueueFull,
            Self::Gone => Outcome::Gone,
            Self::Unreachable => Outcome::Unreachable,
            Self::Abandoned => Outcome::Abandoned,
            Self::Declined(reason) => Outcome::Declined(Arc::clone(reason)),
            Self::Responded => Outcome::Responded,
            _ if end != End::TimedOut => Outcome::NotAwaited,
            Self::Waiting | Self::Queued | Self::LateQueued => Outcome::TimedOutQueued,
            Self::Handling | Self::LateHandling => Outcome::TimedOutHandling,
        }
    }
}
