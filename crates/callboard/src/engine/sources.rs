//! The logs that a subscription reads by cursors, as its publishers and the registry see them.

use std::sync::Arc;

use super::cursors::{Cursors, Due, Input};
use super::horizon::Horizon;
use crate::event::TypeInfo;
use crate::log::{LogCursor, Meter};
use crate::overflow::{DropReason, Ledger};
use crate::sync::{AtomicBool, AtomicUsize};

/// The logs that a subscription reads by [`Cursors`].
#[derive(Debug)]
pub(crate) struct Sources {
    list: Vec<Source>,
    /// The cursors; if they are in the reader, those that it has not fetched yet.
    pub(super) cursors: Cursors,
    /// Whether the cursors are in the reader.
    pub(super) read_unlocked: bool,
    /// How many events the reader had taken at the last call of `takes`.
    took: u64,
    horizon: Arc<Horizon>,
}

/// One log.
#[derive(Debug)]
pub(crate) struct Source {
    meter: Meter,
    pub(crate) info: &'static TypeInfo,
    /// The number of its type on the bus, and its member number in the subscription.
    pub(crate) type_number: usize,
    pub(crate) member: usize,
    /// Whether the subscription is among the waiters of the log. Changed with the registry's lock
    /// held as well.
    pub(super) registered: bool,
    pub(crate) removed: Removed,
}

/// How many events were taken from a log for another reason than being read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Removed {
    /// Dropped, to make room for newer ones.
    pub(super) evicted: u64,
    /// Moved to the queue, to be merged there.
    pub(super) fetched: u64,
}

impl Removed {
    /// Corrects the ledger of a log, in which they count as delivered.
    pub(crate) fn correct(self, ledger: &mut Ledger) {
        ledger.delivered -= self.evicted + self.fetched;
        ledger.offered -= self.fetched;
        ledger.count_drops(DropReason::Oldest, self.evicted);
    }
}

/// What a reader that has its cursors sees without a lock.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// There are cursors to fetch. Ordering: Relaxed, set before the horizon passes the first event
    /// of the new log, and read after the horizon was acquired; or read under the mailbox's lock.
    pub(super) arrived: AtomicBool,
    /// How many events are in its queue. Ordering: Relaxed, as `arrived`. To take one, the reader
    /// locks the mailbox.
    pub(super) queued: AtomicUsize,
    /// A waiting event has a loss to report. Ordering: Relaxed, as `arrived`.
    pub(super) reports: AtomicBool,
    /// The reader was woken by an event, and has not looked for it yet. Ordering: Relaxed; the
    /// cycle check uses it as a hint.
    pub(super) woken: AtomicBool,
    /// The most events that were seen waiting. Ordering: Relaxed; it is only reported.
    pub(super) high_water: AtomicUsize,
}

impl Source {
    pub(super) fn lane(&self) -> usize {
        self.info.rank.lane()
    }

    /// How many events wait in the log. The registry's lock is held.
    pub(super) fn waiting(&self) -> u64 {
        self.meter.waiting()
    }

    /// The reader's place in the log.
    pub(crate) fn place(&self) -> usize {
        self.meter.place()
    }
}

impl Sources {
    pub(super) fn new(read_unlocked: bool, horizon: &Arc<Horizon>) -> Self {
        let (cursors, horizon) = (Cursors::default(), Arc::clone(horizon));
        Self { list: Vec::new(), cursors, read_unlocked, took: 0, horizon }
    }

    /// The next event, if the cursors are not in its reader.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Due> {
        if self.read_unlocked { None } else { self.cursors.next(&self.horizon) }
    }

    /// Adds a log. Returns its index.
    pub(super) fn add(
        &mut self,
        cursor: LogCursor,
        info: &'static TypeInfo,
        type_number: usize,
        member: usize,
    ) -> usize {
        let index = self.list.len();
        let (meter, registered, removed) = (cursor.meter(), false, Removed::default());
        self.list.push(Source { meter, info, type_number, member, registered, removed });
        self.cursors.add(cursor, Input::new(info, member, index), type_number);
        index
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Source> {
        self.list.get_mut(index)
    }

    /// Notes that an event was moved from a log to the queue.
    pub(super) fn note_fetched(&mut self, index: usize) {
        self.list[index].removed.fetched += 1;
    }

    /// How many events wait. The registry's lock is held.
    pub(super) fn waiting(&self) -> u64 {
        self.list.iter().map(Source::waiting).sum()
    }

    /// Whether some waiting events may lie behind a gap, where the reader can't see them. The
    /// registry's lock is held.
    pub(super) fn overlooks(&self) -> bool {
        self.list.iter().any(|source| source.meter.overlooks())
    }

    /// Whether the reader has taken an event, without a lock, since the last call.
    pub(super) fn takes(&mut self) -> bool {
        let taken = self.list.iter().map(|source| source.meter.taken()).sum();
        self.read_unlocked && std::mem::replace(&mut self.took, taken) != taken
    }
}
