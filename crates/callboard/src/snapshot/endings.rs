//! Statistics of how requests ended and how long their askers waited.

use std::time::Duration;

use crate::outcome::End;
use crate::registry::{Ending, Requests, time_bounds};

/// The numbers of ended requests, by how they ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EndingsSnapshot {
    /// The completion rule was met.
    pub met: u64,
    /// The rule could not be met any more.
    pub unreachable: u64,
    /// The timeout passed.
    pub timed_out: u64,
    /// The bus was closed, before or during the request.
    pub closed: u64,
    /// The request could not be made, or would have waited for itself: every other
    /// [`RequestError`](crate::RequestError).
    pub refused: u64,
    /// The asker dropped the future.
    pub given_up: u64,
    /// The total time of all requests made, from the first poll to the end. Requests are timed from
    /// the first snapshot of their bus.
    pub total_time: Duration,
    /// A histogram of these times: the buckets in use, shortest times first, each with its
    /// [bound](Self::bounds) and count.
    pub times: Vec<(Duration, u64)>,
}

impl EndingsSnapshot {
    /// The bounds of all buckets: the longest time that falls into each, from 100 µs to 100 s. The
    /// last bucket also counts longer times.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::EndingsSnapshot;
    ///
    /// let seconds: Vec<f64> = EndingsSnapshot::bounds().map(|it| it.as_secs_f64()).collect();
    /// assert_eq!(seconds[..4], [0.000_1, 0.000_25, 0.000_5, 0.001]);
    /// assert_eq!(seconds.last(), Some(&100.0));
    /// ```
    pub fn bounds() -> impl ExactSizeIterator<Item = Duration> {
        time_bounds()
    }

    pub(super) fn of(requests: &Requests) -> Self {
        requests.endings.watch();
        let count = |ending| requests.endings.of(ending);
        Self {
            met: count(Ending::Gathered(End::Met)),
            unreachable: count(Ending::Gathered(End::Unreachable)),
            timed_out: count(Ending::Gathered(End::TimedOut)),
            closed: count(Ending::Gathered(End::Closed)),
            refused: count(Ending::Refused),
            given_up: count(Ending::GivenUp),
            total_time: requests.endings.total_time(),
            times: requests.endings.buckets(),
        }
    }
}
