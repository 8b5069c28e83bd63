//! The predicate of `until` and the answers it was called with.

use std::sync::Arc;

use super::builder::Predicate;
use super::parts::Parts;
use crate::event::{Delivery, Event};
use crate::sync::discard;

/// A predicate and the answers it was called with.
pub(super) struct PredicateState<R: 'static> {
    /// `Some` until the predicate is dropped.
    predicate: Option<Predicate<R>>,
    answers: Vec<(Arc<str>, Delivery<R>)>,
    /// How many of the answers it was called with.
    pub(super) judged: usize,
}

impl<R: Event> PredicateState<R> {
    pub(super) fn new(predicate: Predicate<R>) -> Self {
        Self { predicate: Some(predicate), answers: Vec::new(), judged: 0 }
    }

    /// Copies the answers that arrived since the last call.
    pub(super) fn fetch(&mut self, parts: &Parts<R>) {
        let known = self.answers.len();
        let answers = parts.named().filter_map(|(name, part)| Some((name, part.answer.as_ref()?)));
        let mut fresh: Vec<_> = answers.filter(|(_, (arrival, _))| *arrival >= known).collect();
        fresh.sort_unstable_by_key(|(_, (arrival, _))| *arrival);
        let copies = fresh.into_iter().map(|(name, (_, answer))| (name.into(), answer.clone()));
        self.answers.extend(copies);
    }

    /// Calls the predicate for each new answer. Returns whether it holds.
    pub(super) fn is_content(&mut self) -> bool {
        let Some(predicate) = &mut self.predicate else { return false };
        while self.judged < self.answers.len() {
            self.judged += 1;
            if predicate(&self.answers[..self.judged]) {
                return true;
            }
        }
        false
    }
}

impl<R: 'static> Drop for PredicateState<R> {
    fn drop(&mut self) {
        self.answers.drain(..).for_each(discard);
        discard(self.predicate.take());
    }
}
