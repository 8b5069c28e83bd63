//! The writer's record of one reader.

use super::memory::{Fill, Flow};

/// The writer's record of one reader.
pub(super) struct ReaderRecord {
    pub(super) flow: Flow,
    pub(super) capacity: u64,
    /// The number of the last event before the open gap, if there is one.
    pub(super) last: u64,
    /// Whether it has a [`Window`](super::Windows), which says whether it is full.
    pub(super) windowed: bool,
    /// `Log::offered` when the reader joined.
    pub(super) offered_before: u64,
    /// How many events it lost because it was full.
    pub(super) dropped: u64,
    /// The reader's counts, and how many events waited, at its last loss.
    pub(super) seen: (u64, usize),
    pub(super) seen_waiting: u64,
    /// How many events it had taken by then, and how many it has lost since it took one.
    pub(super) took: u64,
    pub(super) lost_since_take: u64,
    /// The capacity that would have sufficed until then.
    pub(super) demand: u64,
    /// Until it has taken this many events, a gap lies ahead that was opened although the reader was
    /// not full. The reader can't see behind that gap, so the writer notes the high water.
    pub(super) overlooks_until: u64,
}

/// Counts that no reader has.
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

    /// The position from which on it would be full, if it flows and takes nothing more.
    #[inline]
    pub(super) fn limit(&self) -> u64 {
        let room = self.capacity.saturating_sub(self.flow.progress.queued() as u64);
        (self.flow.progress.skipped() + self.flow.progress.taken()).saturating_add(room)
    }

    /// Whether it may not see all that waits for it.
    #[inline]
    pub(super) fn overlooks(&self) -> bool {
        self.overlooks_until > 0 && self.flow.progress.taken() < self.overlooks_until
    }

    /// The position from which on it is to be looked at, if it flows.
    #[inline]
    pub(super) fn next_look(&self) -> u64 {
        if self.overlooks() { 0 } else { self.limit() }
    }

    /// The event of this position is for it, and is counted here unless it sees that itself.
    #[inline]
    pub(super) fn note_next(&self, position: u64) {
        if self.overlooks() {
            self.flow.progress.raise_high_water(as_usize(self.waiting(position) + 1));
        }
    }

    /// Opens a gap for it behind the event of this number, unless one is open; whether it did.
    pub(super) fn stop(&mut self, fill: &mut Fill, last: u64) -> bool {
        let stops = fill.stop(&mut self.flow);
        if stops {
            self.last = last;
        }
        stops
    }

    /// Whether it has a gap open; otherwise it flows.
    pub(super) fn is_stopped(&self) -> bool {
        self.flow.stopped_at().is_some()
    }

    /// Whether it is as full as when it last lost an event, as far as a short look tells.
    #[inline]
    pub(super) fn stays_full(&self) -> bool {
        self.seen_waiting >= self.capacity && self.seen == self.flow.progress.counts()
    }

    /// Does not get an event, because it is as full as it was.
    #[inline]
    pub(super) fn lose_again(&mut self) {
        self.flow.progress.add_lost(1);
        self.lost_since_take += 1;
    }

    /// Does not get an event, because it is full.
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

    /// What it has lost counts until it takes something, from here or from its own queue.
    fn note_takes(&mut self) {
        self.demand = self.demand();
        let took = self.flow.progress.taken_in_all();
        if took != self.took {
            (self.took, self.lost_since_take) = (took, 0);
        }
    }

    /// Its own queue has got an event, and it may have lost some since it took one.
    pub(super) fn note_queued(&mut self, position: u64) {
        self.note_takes();
        // The counts may become what they were, and yet it has taken something.
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
