//! How requests ended, and how long their askers waited.

use std::time::Duration;

use crate::outcome::End;
use crate::sync::{AtomicBool, AtomicU64, CHECKED, Ordering};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a result.
    Gathered(End),
    /// The request could not be made, or would have waited for itself.
    Refused,
    /// Its asker dropped the future.
    GivenUp,
}

impl Ending {
    const COUNT: usize = 6;

    fn place(self) -> usize {
        match self {
            Self::Gathered(End::Met) => 0,
            Self::Gathered(End::Unreachable) => 1,
            Self::Gathered(End::TimedOut) => 2,
            Self::Gathered(End::Closed) => 3,
            Self::Refused => 4,
            Self::GivenUp => 5,
        }
    }
}

/// The upper bounds of the histogram's buckets, in tens of microseconds; the last one also counts
/// longer times.
const BOUNDS: [u32; 19] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// The upper bounds of the histogram's buckets.
pub(crate) fn time_bounds() -> impl ExactSizeIterator<Item = Duration> {
    BOUNDS.iter().map(|bound| Duration::from_micros(10) * *bound)
}

/// Counts of how requests ended and how long their askers waited. Ordering: Relaxed, since all of
/// these are statistics.
#[derive(Default)]
pub(crate) struct Endings {
    /// Whether a snapshot has been taken; until then, requests are not timed, to save reading the
    /// clock.
    timed: AtomicBool,
    counts: [AtomicU64; Ending::COUNT],
    /// How many accepted requests fell into each bucket.
    times: [AtomicU64; BOUNDS.len()],
    nanoseconds: AtomicU64,
}

impl Endings {
    /// Counts a request that ended `time` after it was made.
    pub(crate) fn count(&self, ending: Ending, time: Option<Duration>) {
        self.counts[ending.place()].fetch_add(1, Ordering::Relaxed);
        // Each atomic operation multiplies a model checker's interleavings.
        if let (Some(time), false) = (time, CHECKED) {
            let whole = time.as_secs().saturating_mul(1_000_000_000);
            let nanos = whole.saturating_add(u64::from(time.subsec_nanos()));
            let bucket = time_bounds().position(|bound| time <= bound).unwrap_or(BOUNDS.len() - 1);
            self.times[bucket].fetch_add(1, Ordering::Relaxed);
            self.nanoseconds.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    /// Starts timing requests, since a snapshot is taken.
    pub(crate) fn watch(&self) {
        self.timed.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn are_timed(&self) -> bool {
        self.timed.load(Ordering::Relaxed)
    }

    /// How many requests ended this way.
    pub(crate) fn of(&self, ending: Ending) -> u64 {
        self.counts[ending.place()].load(Ordering::Relaxed)
    }

    /// How many requests ended, in any way.
    pub(crate) fn all(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The buckets in use, shortest times first: the upper bound and the count of each.
    pub(crate) fn buckets(&self) -> Vec<(Duration, u64)> {
        let counts = self.times.iter().map(|count| count.load(Ordering::Relaxed));
        time_bounds().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    pub(crate) fn total_time(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests {
    use std::time::Duration;

    use super::{Ending, Endings};
    use crate::outcome::End;

    #[test]
    fn time_counts_for_the_bucket_that_it_does_not_exceed() {
        let endings = Endings::default();
        let times = [0, 100_000, 100_001, 2_000_000, 3_600_000_000_000];
        for nanos in times {
            endings.count(Ending::Gathered(End::Met), Some(Duration::from_nanos(nanos)));
        }
        endings.count(Ending::Refused, None);
        let bounds = [(100, 2), (250, 1), (2_500, 1), (100_000_000, 1)];
        let bounds = bounds.map(|(micros, count)| (Duration::from_micros(micros), count));
        assert_eq!(endings.buckets(), bounds);
        assert_eq!(endings.total_time(), Duration::from_nanos(times.iter().sum()));
        assert_eq!((endings.of(Ending::Gathered(End::Met)), endings.of(Ending::Refused)), (5, 1));
        assert_eq!(endings.all(), 6);
    }
}
