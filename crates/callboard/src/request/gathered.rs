//! What a request brought.

use std::fmt;
use std::sync::Arc;

use super::parts::{Part, Parts};
use crate::event::{Delivery, Event};
use crate::outcome::{End, Outcome};
use crate::report::first_of;

/// What a request brought: who answered what, why the others did not, and why it ended.
///
/// A partial result is a result: whether it is enough is for the asker to say.
pub struct Gathered<R: 'static> {
    pub(super) sequence: u64,
    /// Those who have answered first, in the order in which they did.
    pub(super) parts: Parts<R>,
    pub(super) responded: usize,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) end: End,
}

impl<R: Event> Gathered<R> {
    /// The answers of the expected responders, with their names, in the order in which they came.
    pub fn responses(&self) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
        (0..self.responded).map(|place| match self.parts.get(place) {
            Some((name, Part { answer: Some((_, answer)), .. })) => (name, answer),
            _ => unreachable!("those who have answered come first"),
        })
    }

    /// The answers of responders that were not expected. They did not count.
    pub fn unexpected(&self) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
        self.unexpected.iter().map(|(name, answer)| (&**name, answer))
    }

    /// The expected responders that did not answer, and why, in the order in which they were
    /// named.
    pub fn missing(&self) -> impl ExactSizeIterator<Item = (&str, Outcome)> {
        let missing = self.parts.named().skip(self.responded);
        missing.map(|(name, part)| (name, part.outcome(self.end)))
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
            parts: self.parts.clone(),
            responded: self.responded,
            unexpected: self.unexpected.clone(),
            end: self.end,
        }
    }
}

/// Shows the answers as the events they are: all of them have this request as their cause.
impl<R: Event> fmt::Debug for Gathered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Gathered");
        shown.field("end", &self.end);
        shown.field("sequence", &self.sequence);
        shown.field("responses", &ByName::of(self.responses().map(|(name, it)| (name, &**it))));
        if !self.unexpected.is_empty() {
            let unexpected = self.unexpected().map(|(name, it)| (name, &**it));
            shown.field("unexpected", &ByName::of(unexpected));
        }
        shown.field("missing", &ByName::of(self.missing())).finish()
    }
}

/// A map from responders' names, in the order of its entries.
struct ByName<'a, T>(Vec<(&'a str, T)>);

impl<'a, T> ByName<'a, T> {
    fn of(entries: impl Iterator<Item = (&'a str, T)>) -> Self {
        Self(entries.collect())
    }
}

impl<T: fmt::Debug> fmt::Debug for ByName<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, it)| (name, it))).finish()
    }
}

/// How it ended, how many answered, and who did not and why.
impl<R: Event> fmt::Display for Gathered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} answered", self.end, self.responded, self.parts.len())?;
        let missing = self.missing().map(|(name, outcome)| format!("`{name}` {outcome}"));
        if missing.len() > 0 {
            write!(f, "; {}", first_of(missing, ", "))?;
        }
        let strangers = self.unexpected().map(|(name, _)| format!("`{name}`"));
        if strangers.len() > 0 {
            write!(f, "; answered, but not expected: {}", first_of(strangers, ", "))?;
        }
        Ok(())
    }
}
