//! What a request brought.

use std::sync::Arc;

use crate::event::{Delivery, Event};
use crate::outcome::{End, Outcome};

/// What a request brought: who answered what, why the others did not, and why it ended.
///
/// A partial result is a result: whether it is enough is for the asker to say.
#[derive(Debug)]
pub struct Gathered<R: 'static> {
    pub(super) sequence: u64,
    pub(super) responses: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) missing: Vec<(Arc<str>, Outcome)>,
    pub(super) end: End,
}

impl<R: Event> Gathered<R> {
    /// The answers of the expected responders, with their names, in the order in which they came.
    pub fn responses(&self) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
        named(&self.responses)
    }

    /// The answers of responders that were not expected. They did not count.
    pub fn unexpected(&self) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
        named(&self.unexpected)
    }

    /// The expected responders that did not answer, and why, in the order in which they were
    /// named.
    pub fn missing(&self) -> impl ExactSizeIterator<Item = (&str, Outcome)> {
        self.missing.iter().map(|(responder, outcome)| (&**responder, outcome.clone()))
    }

    /// The answer of one expected responder.
    pub fn get(&self, responder: &str) -> Option<&Delivery<R>> {
        self.responses().find(|(name, _)| *name == responder).map(|(_, answer)| answer)
    }

    /// What came of one expected responder's part; `None` if it was not expected.
    pub fn outcome(&self, responder: &str) -> Option<Outcome> {
        if self.get(responder).is_some() {
            return Some(Outcome::Responded);
        }
        self.missing().find(|(name, _)| *name == responder).map(|(_, outcome)| outcome)
    }

    /// Why it ended.
    pub fn end(&self) -> End {
        self.end
    }

    /// Whether the completion rule was met.
    pub fn is_complete(&self) -> bool {
        self.end == End::Met
    }

    /// The request's number on the bus, which its answers carry as their
    /// [`cause`](Delivery::cause); 0 if the bus never accepted it.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl<R: 'static> Clone for Gathered<R> {
    fn clone(&self) -> Self {
        Self {
            sequence: self.sequence,
            responses: self.responses.clone(),
            unexpected: self.unexpected.clone(),
            missing: self.missing.clone(),
            end: self.end,
        }
    }
}

fn named<R: 'static>(
    answers: &[(Arc<str>, Delivery<R>)],
) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
    answers.iter().map(|(name, answer)| (&**name, answer))
}
