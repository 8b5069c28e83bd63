//! The rules that decide when a burst is returned.

use std::time::{Duration, Instant};

/// When a burst is returned. An instant that is `None` never comes.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    Debounce {
        quiet: Duration,
        at_most: Duration,
        /// When the first item of the burst was read.
        first: Option<Instant>,
    },
    Throttle {
        period: Duration,
        /// When the last burst was returned.
        last: Option<Instant>,
    },
}

impl Rule {
    pub(super) fn debounce(quiet: Duration, at_most: Duration) -> Self {
        Self::Debounce { quiet, at_most, first: None }
    }

    pub(super) fn throttle(period: Duration) -> Self {
        Self::Throttle { period, last: None }
    }

    /// Changes the debounce times. A burst held back by debouncing keeps the time of its first
    /// item.
    pub(super) fn set_debounce(&mut self, quiet: Duration, at_most: Duration) {
        let first = match *self {
            Self::Debounce { first, .. } => first,
            Self::Throttle { .. } => None,
        };
        *self = Self::Debounce { quiet, at_most, first };
    }

    /// Changes the throttle period. The time of the last burst is kept, if it was throttled.
    pub(super) fn set_throttle(&mut self, period: Duration) {
        let last = match *self {
            Self::Throttle { last, .. } => last,
            Self::Debounce { .. } => None,
        };
        *self = Self::Throttle { period, last };
    }

    /// Whether each item is returned as it arrives.
    pub(super) fn is_immediate(&self) -> bool {
        match self {
            Self::Debounce { quiet, at_most, .. } => quiet.is_zero() || at_most.is_zero(),
            Self::Throttle { period, .. } => period.is_zero(),
        }
    }

    /// When a burst is due if its latest item was read at `now`.
    pub(super) fn due(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Debounce { quiet, at_most, first } => {
                let first = *first.get_or_insert(now);
                let moments = [now.checked_add(*quiet), first.checked_add(*at_most)];
                moments.into_iter().flatten().min()
            }
            Self::Throttle { last: None, .. } => Some(now),
            Self::Throttle { period, last: Some(last) } => last.checked_add(*period),
        }
    }

    /// Records that a burst is returned. `now` is `None` if the clock panics.
    pub(super) fn restart(&mut self, now: impl FnOnce() -> Option<Instant>) {
        match self {
            Self::Debounce { first, .. } => *first = None,
            Self::Throttle { last, .. } => *last = now(),
        }
    }
}
