//! Times, counted by their size.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times by their size: eight buckets for each power of two, so that a figure read off it is at
/// most an eighth too large.
pub(crate) struct Histogram {
    buckets: Vec<AtomicU64>,
    longest: AtomicU64,
}

const PARTS: u64 = 8;

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: (0..PARTS * u64::from(u64::BITS)).map(|_| AtomicU64::new(0)).collect(),
            longest: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub(crate) fn add(&self, nanos: u64) {
        if let Some(bucket) = self.buckets.get(bucket(nanos)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.longest.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The time that so many in a hundred don't exceed.
    pub(crate) fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut below = 0;
        for (place, bucket) in self.buckets.iter().enumerate() {
            below += bucket.load(Ordering::Relaxed);
            if below >= rank {
                return Duration::from_nanos(limit(place)).min(self.longest());
            }
        }
        self.longest()
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }
}

/// The bucket of a time.
fn bucket(nanos: u64) -> usize {
    let place = match nanos.checked_ilog2() {
        Some(power) if power >= 3 => u64::from(power - 2) * PARTS + (nanos >> (power - 3)) % PARTS,
        _ => nanos,
    };
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The longest time of a bucket.
fn limit(place: usize) -> u64 {
    let place = place as u64;
    match (place / PARTS, place % PARTS) {
        (0, _) => place,
        (power, part) => ((PARTS + part + 1) << (power - 1)) - 1,
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Histogram, bucket, limit};

    #[test]
    fn a_bucket_holds_what_is_not_above_its_limit() {
        for nanos in (0..5_000).chain([1 << 40, (1 << 40) + 12_345]) {
            let place = bucket(nanos);
            assert!(nanos <= limit(place), "{nanos} in {place}");
            assert!(place == 0 || nanos > limit(place - 1), "{nanos} in {place}");
        }
    }

    #[test]
    fn percentiles_are_read_off() {
        let histogram = Histogram::default();
        (1..=100).for_each(|nanos| histogram.add(nanos * 1_000));
        let half = histogram.percentile(50);
        assert!((50_000..=56_250).contains(&half.as_nanos()), "{half:?}");
        assert_eq!(histogram.percentile(100), Duration::from_micros(100));
        assert_eq!((histogram.count(), histogram.longest()), (100, Duration::from_micros(100)));
    }
}
