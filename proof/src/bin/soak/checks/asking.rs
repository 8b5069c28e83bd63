//! What a request brought must fit what was asked.

use std::time::Duration;

use callboard::{End, Gathered, Outcome, RequestError};

use super::{Checked, Fault, holds, same};
use crate::components::Rule;
use crate::events::Question;

/// A request as it was made.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) who: &'a str,
    /// The asker and the number of the question.
    pub(crate) question: (u32, u32),
    pub(crate) expected: &'a [String],
    pub(crate) rule: Rule,
    pub(crate) timeout: Duration,
    /// It was made in order to answer another.
    pub(crate) nested: bool,
}

impl Asked<'_> {
    fn what(&self, of: &str) -> String {
        format!("{of} of request {:?} by `{}`", self.question, self.who)
    }

    /// Checks a result that took so long. `closing`: whether the bus is being closed.
    pub(crate) fn check<Q: Question>(
        &self,
        result: &Result<Gathered<Q::Response>, RequestError>,
        took: Duration,
        closing: bool,
    ) -> Checked {
        match result {
            Ok(gathered) => self.check_gathered::<Q>(gathered, took, closing),
            Err(RequestError::Closed) if closing => Ok(()),
            Err(RequestError::Cycle { .. }) if self.nested => Ok(()),
            Err(error) => Err(Fault::new(self.what("the result"), "answers", error)),
        }
    }

    fn check_gathered<Q: Question>(
        &self,
        gathered: &Gathered<Q::Response>,
        took: Duration,
        closing: bool,
    ) -> Checked {
        let all = || format!("{self:?} brought {gathered:?} after {took:?}");
        for (name, answer) in gathered.responses() {
            same(|| self.what("an answer"), self.question, Q::asked(answer))?;
            holds(
                self.expected.iter().any(|expected| expected == name),
                || self.what("an answer"),
                "one of those expected",
                all,
            )?;
        }
        for (_, answer) in gathered.unexpected() {
            same(|| self.what("an unexpected answer"), self.question, Q::asked(answer))?;
        }
        let (answers, missing) = (gathered.responses().len(), gathered.missing().len());
        same(|| self.what("answers and missing"), self.expected.len(), answers + missing)?;
        let timed_out = |outcome: &Outcome| {
            matches!(outcome, Outcome::TimedOutQueued | Outcome::TimedOutHandling)
        };
        let (end, needed) = (gathered.end(), self.rule.needed(self.expected.len()));
        let fits = match end {
            End::Met => answers >= needed,
            End::Unreachable => answers < needed && !gathered.missing().any(|it| timed_out(&it.1)),
            End::TimedOut => answers < needed && took >= self.timeout,
            End::Closed => closing,
        };
        holds(fits, || self.what("the end"), format_args!("one that fits {:?}", self.rule), all)
    }
}
