//! When a request is complete.

use crate::outcome::End;

/// When a request is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// With this many answers from expected responders.
    AtLeast(usize),
    /// Once the asker's predicate holds; the gather decides this.
    Until,
    /// Once the outcome of every expected responder is known.
    Settled,
}

impl Rule {
    /// How the request ends, if the numbers of answers received and still possible decide it.
    pub(super) fn decided(self, responded: usize, pending: usize) -> Option<End> {
        match self {
            Self::AtLeast(needed) if responded >= needed => Some(End::Met),
            Self::AtLeast(needed) => (pending < needed - responded).then_some(End::Unreachable),
            Self::Until => (pending == 0).then_some(End::Unreachable),
            Self::Settled => (pending == 0).then_some(End::Met),
        }
    }

    /// The rule in words, for a request to this number of responders.
    pub(super) fn describe(self, expected: usize) -> String {
        match self {
            Self::AtLeast(needed) if needed == expected => format!("all of {expected}"),
            Self::AtLeast(needed) => format!("at least {needed} of {expected}"),
            Self::Until => "until the predicate holds".to_owned(),
            Self::Settled => format!("until all {expected} are settled"),
        }
    }

    /// How many of the answers still possible must arrive before the request completes.
    pub(super) fn needs(self, responded: usize, pending: usize) -> usize {
        match self {
            Self::AtLeast(needed) => needed.saturating_sub(responded),
            Self::Until => 1,
            Self::Settled => pending,
        }
    }
}
