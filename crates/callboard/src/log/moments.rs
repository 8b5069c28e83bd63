//! When the events that wait in a log were published.

use std::collections::VecDeque;
use std::ops::Range;

use super::Moment;
use crate::sync::CHECKED;

/// When the events of a log that wait for any reader were published. Empty if the bus keeps no
/// time.
///
/// The events' slots hold the same moments, but only readers may access those: a block lives only
/// as long as its readers keep it.
#[derive(Default)]
pub(super) struct Moments {
    /// Each with its position, in ascending order.
    list: VecDeque<(u64, Moment)>,
    /// At this length, the moments of events that no longer wait are removed.
    trimmed_at: usize,
}

/// Up to this many moments are kept before a trim, plus this many for each reader, so that the
/// amortized cost of trimming is constant.
const SPARE: usize = if CHECKED { 1 } else { 64 };
const SPARE_PER_READER: usize = 8;

impl Moments {
    /// Whether it is time to [trim](Self::retain) the list.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.trimmed_at
    }

    /// Like [`is_full`](Self::is_full), with `readers` readers left.
    pub(super) fn is_full_for(&self, readers: usize) -> bool {
        self.list.len() > SPARE_PER_READER * readers
    }

    pub(super) fn push(&mut self, position: u64, moment: Moment) {
        self.list.push_back((position, moment));
    }

    /// Removes the moments outside these stretches, which belong to `readers` readers.
    #[cold]
    pub(super) fn retain(&mut self, mut stretches: Vec<Range<u64>>, readers: usize) {
        stretches.retain(|stretch| !stretch.is_empty());
        stretches.sort_unstable_by_key(|stretch| stretch.start);
        let first = stretches.first().map_or(u64::MAX, |stretch| stretch.start);
        self.list.drain(..self.list.partition_point(|(position, _)| *position < first));
        let mut stretches = stretches.into_iter().peekable();
        self.list.retain(|(position, _)| {
            while stretches.next_if(|stretch| stretch.end <= *position).is_some() {}
            stretches.peek().is_some_and(|stretch| stretch.start <= *position)
        });
        self.trimmed_at = (2 * self.list.len()).max(SPARE + SPARE_PER_READER * readers);
        self.list.shrink_to(self.trimmed_at);
    }

    /// When the event at this position was published.
    pub(super) fn at(&self, position: u64) -> Option<Moment> {
        let index = self.list.binary_search_by_key(&position, |(position, _)| *position).ok()?;
        Some(self.list[index].1)
    }
}

#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Moment, Moments};

    #[test]
    fn what_waits_is_retained_and_nothing_else() {
        let begin = Instant::now();
        let moment = |position| Moment::at(begin + Duration::from_nanos(position));
        let mut moments = Moments::default();
        (0..100).for_each(|position| moments.push(position, moment(position)));
        // One reader is stuck at 3, another flows, and a third waits behind a gap.
        moments.retain(vec![90..100, 3..4, 40..42, 41..43, 95..100], 3);
        let kept = (0..101).filter(|position| moments.at(*position) == Some(moment(*position)));
        assert!(kept.eq([3, 40, 41, 42].into_iter().chain(90..100)));
        moments.retain(Vec::new(), 0);
        assert!(moments.list.is_empty() && moments.at(3).is_none());
    }
}
