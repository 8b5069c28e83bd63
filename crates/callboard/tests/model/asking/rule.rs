//! When a request is complete, and how it ends.

use std::sync::Arc;

use callboard::{End, Outcome};

use super::{Dispatch, Gather, Stage};

/// When a gather is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    All,
    First,
    AtLeast(usize),
    /// Until a predicate has seen this many answers.
    Until(usize),
    Settled,
}

impl Gather {
    pub(super) fn stage(&self, name: &str) -> Option<&Stage> {
        self.slots.iter().filter(|slot| slot.name == name).map(|slot| &slot.stage).max()
    }

    /// How many answers it needs.
    pub(super) fn needed(&self) -> usize {
        match self.rule {
            Rule::All | Rule::Settled => self.expected.len(),
            Rule::First => 1,
            Rule::AtLeast(answers) => answers,
            Rule::Until(answers) => answers.max(1),
        }
    }

    /// Its end, if it is certain without a look at the clock.
    pub(super) fn decided(&self) -> Option<End> {
        if self.frozen.is_some() {
            return self.frozen;
        }
        let (mut responded, mut pending) = (0, 0);
        for name in &self.expected {
            match self.stage(name) {
                Some(Stage::Responded) => responded += 1,
                Some(Stage::Queued | Stage::Handling) => pending += 1,
                None if self.dispatch == Dispatch::Waiting => pending += 1,
                _ => {}
            }
        }
        if responded >= self.needed() || (self.rule == Rule::Settled && pending == 0) {
            return Some(End::Met);
        }
        // Nobody knows what a predicate will say.
        let hopeless = match self.rule {
            Rule::Until(_) | Rule::Settled => pending == 0,
            _ => responded + pending < self.needed(),
        };
        hopeless.then_some(End::Unreachable)
    }

    /// Whether its asker is woken by nothing but its end.
    pub(crate) fn sleeps_soundly(&self) -> bool {
        !matches!(self.rule, Rule::Until(_))
    }

    pub(super) fn outcome(&self, name: &str, end: End, present: bool) -> Outcome {
        let timed_out = end == End::TimedOut;
        match self.stage(name) {
            Some(Stage::Responded) => Outcome::Responded,
            Some(Stage::Declined(why)) => Outcome::Declined(Arc::clone(why)),
            Some(Stage::Abandoned) => Outcome::Abandoned,
            Some(Stage::Full) => Outcome::QueueFull,
            None if self.dispatch == Dispatch::Refused => Outcome::QueueFull,
            None if self.dispatch == Dispatch::Done || !present => Outcome::NoSuchResponder,
            Some(Stage::Handling) if timed_out => Outcome::TimedOutHandling,
            Some(Stage::Queued) | None if timed_out => Outcome::TimedOutQueued,
            Some(Stage::Handling | Stage::Queued) | None => Outcome::NotAwaited,
        }
    }
}
