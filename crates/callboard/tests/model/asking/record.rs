//! What the bus remembers of requests.

use std::collections::VecDeque;

use callboard::{End, Outcome};

/// What the bus remembers of requests that have ended.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) ended: u64,
    /// Answers that came too late, or by a name that had answered.
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    /// The last ones that did not get what they wanted.
    pub(crate) troubled: VecDeque<Trouble>,
}

/// A request that did not get what it wanted: its number, if it had one, and what was wrong.
pub(crate) type Trouble = (Option<u64>, Wrong);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    Ended(End, Vec<(String, Outcome)>),
    Cycle(Vec<String>),
}

impl Record {
    pub(super) fn remember(&mut self, sequence: Option<u64>, wrong: Wrong) {
        if self.troubled.len() == 16 {
            self.troubled.pop_front();
        }
        self.troubled.push_back((sequence, wrong));
    }
}
