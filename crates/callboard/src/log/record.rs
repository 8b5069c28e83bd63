//! The writer's record of one reader.

use super::memory::{Fill, Flow};

/// The writer's record of one reader.
pub(super) struct ReaderRecord {
    pub(super) flow: Flow,
    pub(super) capacity: u64,
    /// The number of the last event before the open gap, if there is one.
    pub(super) last: u64,
    /// Whether its capacity is determined by [`Windows`](super::Windows).
    pub(super) windowed: bool,
    /// `Log::offered` when the reader joined.
    pub(super) offered_before: u64,
    /// How many events it lost because it was full.
    pub(super) dropped: u64,
    /// The reader's counts, and how many events waited, at its last loss.
    pub(super) seen: (u64, usize),
    pub(super) seen_waiting: u64,
    /// How many events it had taken at the last update, and how many it has lost since it took one.
    pub(super) took: u64,
    pub(super) lost_since_take: u64,
    /// The capacity that would have sufficed until then.
    pub(super) demand: u64,
}

/// Counts that no reader can have.
pub(super) const NEVER: (u64, usize) = (u64::MAX, 0);

/// One reader's account.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReaderStats {
    pub(crate) offered: u64,
    pub(crate) taken: u64,
    pub(crate) waiting: u64,
    pub(crate) dropped: u64,
    /// The capacity that would have sufficed at the worst loss.
    pub(crate) demand: u64,
}

impl ReaderRecord {
    /// How many events were admitted for it.
    #[inline]
    pub(super) fn admitted(&self, position: u64) -> u64 {
        self.flow.progress.admitted(position)
    }

    /// How many events wait for it.
    #[inline]
    pub(super) fn waiting(&self, position: u64) -> u64 {
        self.admitted(position) - self.flow.progress.taken() + self.flow.progress.queued() as u64
    }

    /// The position at which it becomes full if it flows and takes nothing more.
    #[inline]
    pub(super) fn limit(&self) -> u64 {
        let room = self.capacity.saturating_sub(self.flow.progress.queued() as u64);
        (self.flow.progress.skipped() + self.flow.progress.taken()).saturating_add(room)
    }

    /// The position at which the writer checks it next, if it flows.
    #[inline]
    pub(super) fn next_look(&self) -> u64 {
        if self.flow.progress.overlooks() { 0 } else { self.limit() }
    }

    /// Updates the high water for the event at this position, if the reader can't see it itself.
    #[inline]
    pub(super) fn note_next(&self, position: u64) {
        if self.flow.progress.overlooks() {
            self.flow.progress.raise_high_water(as_usize(self.waiting(position) + 1));
        }
    }

    /// Opens a gap after the event of this number, unless one is open. Returns whether it did.
    pub(super) fn stop(&mut self, fill: &mut Fill, last: u64) -> bool {
        let stops = fill.stop(&mut self.flow);
        if stops {
            self.last = last;
        }
        stops
    }

    /// Whether it has an open gap; otherwise it flows.
    pub(super) fn is_stopped(&self) -> bool {
        self.flow.stopped_at().is_some()
    }

    /// Whether it is as full as at its last loss, judging by its counts only.
    #[inline]
    pub(super) fn stays_full(&self) -> bool {
        self.seen_waiting >= self.capacity && self.seen == self.flow.progress.counts()
    }

    /// Counts a lost event; the reader is as full as it was.
    #[inline]
    pub(super) fn lose_again(&mut self) {
        self.flow.progress.add_lost(1);
        self.lost_since_take += 1;
    }

    /// Counts a lost event; the reader is full.
    #[inline]
    pub(super) fn lose(&mut self) {
        let counts = self.flow.progress.counts();
        if counts != self.seen {
            self.note_fullness(counts);
        }
        self.lose_again();
    }

    #[cold]
    fn note_fullness(&mut self, counts: (u64, usize)) {
        self.note_takes();
        self.seen = counts;
        self.seen_waiting = self.waiting(u64::MAX);
        self.flow.progress.raise_high_water(as_usize(self.seen_waiting));
    }

    /// Resets the count of losses if the reader has taken something since, from the log or its own
    /// queue.
    fn note_takes(&mut self) {
        self.demand = self.demand();
        let took = self.flow.progress.taken_in_all();
        if took != self.took {
            (self.took, self.lost_since_take) = (took, 0);
        }
    }

    /// Notes that its own queue has got an event; it may have lost some since it last took one.
    pub(super) fn note_queued(&mut self, position: u64) {
        self.note_takes();
        // The counts may return to their old values although the reader has taken something.
        self.seen = NEVER;
        let waiting = self.waiting(position);
        self.demand = self.demand.max(waiting + self.lost_since_take);
        self.flow.progress.raise_high_water(as_usize(waiting));
    }

    /// The capacity that would have sufficed: the most that waited or was lost between two takes.
    pub(super) fn demand(&self) -> u64 {
        self.demand.max(self.seen_waiting + self.lost_since_take)
    }
}

fn as_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
