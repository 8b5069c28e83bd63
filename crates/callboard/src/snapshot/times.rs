//! The distribution of handling times.

use std::fmt;
use std::time::Duration;

use crate::engine::Times;

/// How long the handlings of a subscription took, since it was opened.
///
/// The percentiles are upper bounds of a histogram's buckets: at most 12.5 % above the true value,
/// and never below it. Times up to 1.024 µs share the first bucket.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
/// # use std::future::Future;
///
/// #[derive(Debug, Event)]
/// struct Tick;
///
/// let bus = Bus::new();
/// let ticks = bus.subscribe::<Tick>("clock");
/// bus.start();
/// bus.publish(Tick);
/// let mut serving = Box::pin(ticks.serve_async(async |_| ()));
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// assert!(serving.as_mut().poll(&mut context).is_pending());
///
/// let snapshot = bus.snapshot();
/// let times = snapshot.subscriber("clock").unwrap().handler_times.as_ref().unwrap();
/// assert_eq!(times.count, 1);
/// assert!(times.p50 <= times.p99 && times.p99 <= times.max);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HandlerTimes {
    /// How many handlings have ended.
    pub count: u64,
    /// The median: half of them took at most this long.
    pub p50: Duration,
    /// 90 % of them took at most this long.
    pub p90: Duration,
    /// 99 % of them took at most this long.
    pub p99: Duration,
    /// The longest of them, exactly.
    pub max: Duration,
    /// The histogram's buckets in use, shortest times first: the longest time that falls into each,
    /// and its count. With the feature `serde` the bound is a number of nanoseconds.
    #[cfg_attr(feature = "serde", serde(serialize_with = "in_nanoseconds"))]
    pub buckets: Vec<(Duration, u64)>,
}

impl HandlerTimes {
    /// Reads a histogram; `None` if it is empty. `max` is its longest time.
    pub(super) fn of(times: &Times, max: Duration) -> Option<Self> {
        let buckets: Vec<(Duration, u64)> = times.buckets().collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let percentile = |percent: u64| {
            // The one-based rank of the percentile.
            let rank = (u128::from(count) * u128::from(percent)).div_ceil(100);
            let mut seen = 0;
            let reaches = |(_, count): &&(Duration, u64)| {
                seen += u128::from(*count);
                seen >= rank
            };
            buckets.iter().find(reaches).map_or(max, |(bound, _)| max.min(*bound))
        };
        let (p50, p90, p99) = (percentile(50), percentile(90), percentile(99));
        (count > 0).then_some(Self { count, p50, p90, p99, max, buckets })
    }
}

impl fmt::Display for HandlerTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p90, p99, max, .. } = self;
        write!(f, "{count} handled: p50 {p50:.1?}, p90 {p90:.1?}, p99 {p99:.1?}, max {max:.1?}")
    }
}

/// Serializes each bound in nanoseconds.
#[cfg(feature = "serde")]
fn in_nanoseconds<S: serde::Serializer>(
    buckets: &[(Duration, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let nanoseconds = |time: &Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    serializer.collect_seq(buckets.iter().map(|(bound, count)| (nanoseconds(bound), count)))
}
