//! What a responder does with a call.

use std::time::Duration;

use crate::random::Random;

/// What a responder does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conduct {
    Respond,
    /// Answers after a while, perhaps too late.
    Later(Duration),
    /// Asks others first.
    Nest,
    Decline,
    /// Drops it.
    Abandon,
    /// Its handler, or the whole responder, dies with the call in hand.
    Die,
}

impl Conduct {
    pub(super) fn any(random: &mut Random) -> Self {
        match random.below(64) {
            0..=43 => Self::Respond,
            44..=47 => Self::Later(Duration::from_millis(random.between(1, 12) as u64)),
            48 => Self::Later(Duration::from_millis(random.between(20, 120) as u64)),
            49..=56 => Self::Nest,
            57..=59 => Self::Decline,
            60..=62 => Self::Abandon,
            _ => Self::Die,
        }
    }

    /// What one does that does not wait.
    pub(super) fn at_once(random: &mut Random) -> Self {
        match random.below(8) {
            0 => Self::Decline,
            1 => Self::Abandon,
            _ => Self::Respond,
        }
    }
}
