//! A compact histogram of handling times.

use std::time::Duration;

/// A histogram of handling times, with a fixed series of buckets.
///
/// The series is log-linear, as in HdrHistogram: each power of two, from 2¹⁰ nanoseconds up, is
/// divided into eight buckets of equal width, so that a bucket's upper bound is at most 12.5 %
/// above any time in it. Counts are kept from the first bucket in use to the last: a few hundred
/// bytes for most subscribers, and 3.5 KB for one whose handlings take from nanoseconds to
/// centuries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    /// The bucket of the first count.
    first: usize,
    counts: Vec<u64>,
}

/// The first bucket holds everything up to 2 to this power, in nanoseconds.
const FIRST_POWER: u32 = 10;

/// Each power of two has 2 to this power buckets.
const CUTS: u32 = 3;

impl Times {
    /// Adds `handlings` handlings that took this many nanoseconds each.
    #[inline]
    pub(super) fn add(&mut self, nanoseconds: u64, handlings: u64) {
        let bucket = bucket(nanoseconds);
        match self.counts.get_mut(bucket.wrapping_sub(self.first)) {
            Some(count) => *count += handlings,
            None => *self.new_count(bucket) = handlings,
        }
    }

    /// The count of a bucket that is not between the first and the last in use.
    #[cold]
    fn new_count(&mut self, bucket: usize) -> &mut u64 {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            self.counts.splice(0..0, std::iter::repeat_n(0, self.first - bucket));
            self.first = bucket;
        }
        let place = bucket - self.first;
        self.counts.resize(self.counts.len().max(place + 1), 0);
        &mut self.counts[place]
    }

    /// The buckets in use, shortest times first: the upper bound of each, and its count.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let counts = (self.first..).zip(&self.counts).filter(|(_, count)| **count > 0);
        counts.map(|(bucket, count)| (upper_bound(bucket), *count))
    }
}

/// The bucket that contains a time.
#[inline]
fn bucket(nanoseconds: u64) -> usize {
    // An upper bound belongs to its bucket.
    let nanoseconds = nanoseconds.saturating_sub(1);
    let Some(power) = (nanoseconds >> FIRST_POWER).checked_ilog2() else {
        return 0;
    };
    let cut = (nanoseconds >> (power + FIRST_POWER - CUTS)) & ((1 << CUTS) - 1);
    1 + ((power as usize) << CUTS) + cut as usize
}

/// The longest time in a bucket.
fn upper_bound(bucket: usize) -> Duration {
    let Some(place) = bucket.checked_sub(1) else {
        return Duration::from_nanos(1 << FIRST_POWER);
    };
    let (power, cut) = (place >> CUTS, place & ((1 << CUTS) - 1));
    let width = 1_u128 << (power + (FIRST_POWER - CUTS) as usize);
    let bound = width * ((1 << CUTS) + cut as u128 + 1);
    Duration::from_nanos(u64::try_from(bound).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Times, bucket, upper_bound};

    /// Times around each power of two, and some between.
    fn samples() -> impl Iterator<Item = u64> {
        (0..64).flat_map(|power| {
            let base = 1_u64 << power;
            [base - 1, base, base + 1, base + base / 3, base + base / 10 * 7]
        })
    }

    #[test]
    fn bound_is_at_most_an_eighth_above_each_time_of_its_bucket() {
        for nanoseconds in samples().filter(|it| *it > 1 << 10) {
            let time = Duration::from_nanos(nanoseconds);
            let bound = upper_bound(bucket(nanoseconds));
            assert!(bound >= time, "{time:?} in a bucket up to {bound:?}");
            assert!(bound - time <= time / 8, "{time:?} in a bucket up to {bound:?}");
        }
    }

    #[test]
    fn buckets_follow_on_each_other() {
        for number in 0..432 {
            let bound = u64::try_from(upper_bound(number).as_nanos()).unwrap();
            assert_eq!(bucket(bound), number, "{bound}");
            assert_eq!(bucket(bound + 1), number + 1, "behind {bound}");
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, 432));
    }

    #[test]
    fn counts_are_kept_from_the_shortest_to_the_longest() {
        let mut times = Times::default();
        for nanoseconds in [5_000, 1, 2_000, 5_000, 70_000] {
            times.add(nanoseconds, 1);
        }
        let counts: Vec<u64> = times.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 1, 2, 1]);
        assert!(times.buckets().is_sorted(), "shortest first");
        assert_eq!(times.counts.len(), bucket(70_000) + 1);
    }
}
