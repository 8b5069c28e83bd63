//! When events were published that wait in a log.

use std::collections::VecDeque;

use super::Moment;
use crate::sync::CHECKED;

/// When the events of a log were published, from the oldest that waits for any reader on. A log of a
/// bus that keeps no time has none.
///
/// The slots of the events hold the same moments, but only readers may look at those: a block is there
/// as long as its readers keep it.
pub(super) struct Moments {
    /// The position of the first.
    first: u64,
    list: VecDeque<Moment>,
    /// At this length, those that are taken are removed: each event then costs the same on average.
    trimmed_at: usize,
}

const SHORTEST: usize = if CHECKED { 1 } else { 64 };

impl Default for Moments {
    fn default() -> Self {
        Self { first: 0, list: VecDeque::new(), trimmed_at: SHORTEST }
    }
}

impl Moments {
    /// Adds the event of this position. `oldest` is the position of the oldest event that waits.
    #[inline]
    pub(super) fn push(&mut self, position: u64, moment: Moment, oldest: impl FnOnce() -> u64) {
        if self.list.len() >= self.trimmed_at {
            self.trim(oldest());
        }
        if self.list.is_empty() {
            self.first = position;
        }
        // A clock that panicked left events without a moment.
        while self.first + (self.list.len() as u64) < position {
            self.list.push_back(Moment::NONE);
        }
        self.list.push_back(moment);
    }

    #[cold]
    fn trim(&mut self, oldest: u64) {
        let taken = usize::try_from(oldest.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let taken = taken.min(self.list.len());
        self.list.drain(..taken);
        self.first += taken as u64;
        self.trimmed_at = SHORTEST.max(2 * self.list.len());
        self.list.shrink_to(self.trimmed_at);
    }

    /// When the event of this position was published.
    pub(super) fn at(&self, position: u64) -> Option<Moment> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        self.list.get(index).copied()
    }
}

#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Moment, Moments, SHORTEST};

    #[test]
    fn moments_are_kept_from_the_oldest_event_that_waits_on() {
        let begin = Instant::now();
        let moment = |position| Moment::at(begin + Duration::from_nanos(position));
        let mut moments = Moments::default();
        for position in 5_u64..2_000 {
            // The reader is always 100 events behind.
            let oldest = || u64::max(5, position.saturating_sub(100));
            moments.push(position, moment(position), oldest);
            let ends = [oldest(), position];
            assert!(ends.map(|at| moments.at(at) == Some(moment(at))) == [true; 2]);
            assert!(moments.list.len() <= 2 * 101 + SHORTEST, "{} are kept", moments.list.len());
        }
        assert_eq!((moments.at(4), moments.at(2_000)), (None, None));
    }

    #[test]
    fn event_without_a_moment_leaves_a_hole() {
        let (now, none) = (Moment::at(Instant::now()), || unreachable!("it is short"));
        let mut moments = Moments::default();
        moments.push(7, now, none);
        moments.push(9, now, none);
        assert_eq!([7, 8, 9].map(|at| moments.at(at)), [Some(now), Some(Moment::NONE), Some(now)]);
    }
}
