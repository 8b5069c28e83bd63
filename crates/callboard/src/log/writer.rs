//! The writing end of a log.

mod admission;
mod hold;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::memory::{Fill, Flow, Held};
use super::moments::Moments;
use super::record::{NEVER, ReaderRecord, ReaderStats};
use super::{LogCursor, Moment, Payload, Shape, Stamp};
use crate::room;
use crate::sync::CHECKED;

/// The events of one type, and the writer's records of its readers. The owner's lock ensures that
/// there is only one writer.
pub(crate) struct Log {
    shape: &'static Shape,
    fill: Fill,
    /// How many events were offered to the readers.
    offered: u64,
    /// The number of the last event written.
    last: u64,
    readers: Vec<ReaderRecord>,
    /// No flowing reader is full before this position.
    room_until: u64,
    /// For each flowing reader, the first position at which it may be full, and its place; the
    /// lowest on top. Computed at the last check; the true limit rises as the reader takes events.
    limits: BinaryHeap<Reverse<(u64, usize)>>,
    /// No flowing reader with a window is full before the event of this number.
    safe_until: u64,
    /// For each flowing reader with a window, the first event number at which it may be full; like
    /// `limits`.
    windows: BinaryHeap<Reverse<(u64, usize)>>,
    /// Up to this position blocks are small.
    small_until: u64,
    /// Up to this position the last check stands, which found whole blocks to be right.
    dense_until: u64,
    moments: Moments,
    /// The reader that keeps the events held back for the start.
    held_back: Option<(Flow, LogCursor)>,
    /// The places of the readers that have an open gap.
    stopped: Vec<usize>,
    /// `stopped`, `limits` and `windows` are stale.
    unsure: bool,
    /// Some reader lost the last event but not the one before.
    stops: bool,
    /// Readers whose gap the next event closes: place, and free capacity if it has a window. Empty
    /// between two events.
    resuming: Vec<(usize, u64)>,
}

/// A log uses small blocks once its blocks have this many bytes of slots more than
/// [`AMPLE_QUARTERS`] allow for the waiting events: one kept event keeps its whole block.
const AMPLE_BYTES: u64 = 8 * 4_096;
/// [`AMPLE_BYTES`] is multiplied by this if queues get the events: the log can't count those.
const AMPLE_IF_QUEUED: u64 = 8;
/// The blocks may be this many quarters of the size of the waiting events.
const AMPLE_QUARTERS: u64 = if CHECKED { 6 } else { 5 };
/// How many events then go to small blocks, at least.
const SMALL_FOR: u64 = if CHECKED { 2 } else { 64 };

impl Log {
    pub(crate) fn new(shape: &'static Shape) -> Self {
        Self {
            shape,
            fill: Fill::new(shape),
            small_until: 0,
            dense_until: 0,
            moments: Moments::default(),
            held_back: None,
            offered: 0,
            last: 0,
            readers: Vec::new(),
            room_until: 0,
            limits: BinaryHeap::new(),
            safe_until: 0,
            windows: BinaryHeap::new(),
            unsure: false,
            stopped: Vec::new(),
            stops: false,
            resuming: Vec::new(),
        }
    }

    /// Adds a reader, in the next place. It starts with the next event, after a gap.
    pub(crate) fn join(&mut self, capacity: usize) -> LogCursor {
        self.open(capacity, false)
    }

    /// Like [`join`](Self::join), for a reader that has a window.
    pub(crate) fn join_with_window(&mut self) -> LogCursor {
        self.open(0, true)
    }

    fn open(&mut self, capacity: usize, windowed: bool) -> LogCursor {
        let (flow, walk) = self.fill.open();
        let place = self.readers.len();
        flow.progress.set_place(place);
        self.readers.push(ReaderRecord {
            flow,
            capacity: capacity as u64,
            last: 0,
            windowed,
            offered_before: self.offered,
            dropped: 0,
            seen: NEVER,
            seen_waiting: 0,
            took: 0,
            lost_since_take: 0,
            demand: 0,
        });
        self.note_stopped(place);
        LogCursor::new(walk)
    }

    /// Removes the reader in this place: it gets nothing more. The last reader moves to this place.
    pub(crate) fn leave(&mut self, place: usize) {
        // Its cursor may still be read and must find an end: later events are not counted for it.
        self.stop(place);
        self.readers.swap_remove(place);
        if let Some(moved) = self.readers.get(place) {
            moved.flow.progress.set_place(place);
        }
        self.invalidate_limits();
        if self.readers.is_empty() && self.held_back.is_none() {
            self.fill.rest();
        }
        if self.moments.is_full_for(self.readers.len()) {
            self.trim_moments();
        }
        room::shrink_if_sparse(&mut self.readers);
    }

    /// The account of the reader in this place.
    pub(crate) fn stats(&self, place: usize) -> ReaderStats {
        let reader = &self.readers[place];
        let taken = reader.flow.progress.taken();
        ReaderStats {
            offered: self.offered - reader.offered_before,
            taken,
            waiting: reader.admitted(self.fill.position()) - taken,
            dropped: reader.dropped,
            demand: reader.demand(),
        }
    }

    /// How many events wait for the reader in this place, in the log and in its own queue.
    pub(crate) fn waiting(&self, place: usize) -> u64 {
        self.readers[place].waiting(self.fill.position())
    }

    /// The number of the last event that waits for the reader in this place, if there is one.
    pub(crate) fn last(&self, place: usize) -> Option<u64> {
        let reader = &self.readers[place];
        if reader.waiting(self.fill.position()) == 0 {
            return None;
        }
        Some(if reader.is_stopped() { reader.last } else { self.last })
    }

    /// Notes that the reader lost this many events before the next one that it gets.
    pub(crate) fn add_lost(&mut self, place: usize, lost: u64) {
        self.stop_early(place);
        self.readers[place].flow.progress.add_lost(lost);
    }

    /// Takes the count of events that the reader in this place has lost since the last one that it
    /// will get, for the caller to report.
    pub(crate) fn take_lost(&mut self, place: usize) -> u64 {
        self.readers[place].flow.progress.take_lost()
    }

    /// Writes an event that `admitted` readers get. Takes it out of `event` if there are any, or if
    /// `keep` is set; then it is also returned.
    #[inline(always)]
    pub(crate) fn write<E: Payload>(
        &mut self,
        admitted: usize,
        event: &mut Option<E>,
        stamp: Stamp,
        keep: bool,
    ) -> Option<Held> {
        if (admitted == 0 && !keep) || event.is_none() {
            return None;
        }
        if !self.fill.has_room() {
            self.begin_block(keep);
        }
        if !self.resuming.is_empty() {
            self.resume(stamp.sequence);
        }
        self.last = stamp.sequence;
        if stamp.published_at.is_known() {
            self.note_moment(stamp.published_at);
        }
        self.fill.write(stamp, event, keep)
    }

    /// Notes when the next event was published.
    fn note_moment(&mut self, moment: Moment) {
        if self.moments.is_full() {
            self.trim_moments();
        }
        self.moments.push(self.fill.position(), moment);
    }

    #[cold]
    fn trim_moments(&mut self) {
        let (head, position) = (self.fill.revealed(), self.fill.position());
        let mut waiting = Vec::new();
        for reader in &self.readers {
            reader.flow.progress.stretches(head, |stretch| waiting.push(stretch));
        }
        // The events that are held back wait for all readers.
        waiting.push(head..position);
        self.moments.retain(waiting, self.readers.len());
    }

    /// When the oldest event that waits for the reader in this place was published, if the bus
    /// keeps time.
    pub(crate) fn oldest(&self, place: usize) -> Option<Instant> {
        let mut oldest = None;
        self.readers[place].flow.progress.stretches(self.fill.revealed(), |stretch| {
            oldest.get_or_insert(stretch.start);
        });
        self.moments.at(oldest?)?.instant()
    }

    /// Offers an event, for tests that need not be fast.
    #[cfg(all(test, callboard_loom))]
    pub(crate) fn offer<E: Payload>(
        &mut self,
        event: &mut Option<E>,
        stamp: Stamp,
        keep: bool,
    ) -> (usize, Option<Held>) {
        let all = self.admit_as_before(stamp.sequence);
        let admitted = all.unwrap_or_else(|| self.admit_each(stamp.sequence, &mut ()));
        (admitted, self.write(admitted, event, stamp, keep))
    }

    /// Begins a block: a small one if the log's blocks have far more slots than events wait, for its
    /// readers or, if it is `queued`, in queues.
    #[cold]
    fn begin_block(&mut self, queued: bool) {
        let position = self.fill.position();
        if position >= self.small_until.max(self.dense_until) {
            // The check visits each reader, so it is made at most once for as many events.
            let readers = self.readers.len() as u64;
            if self.is_scattered(queued) {
                self.small_until = position + SMALL_FOR.max(readers);
            } else {
                self.dense_until = position + readers;
            }
        }
        self.fill.begin_block(position < self.small_until);
    }

    /// Whether the log's blocks have far more slots than events wait. The events that wait for
    /// flowing readers are the log's last ones, so they overlap; those of a stopped reader may not.
    fn is_scattered(&self, queued: bool) -> bool {
        let ample = if CHECKED { 9 } else { AMPLE_BYTES / self.shape.pace() };
        let ample = if queued { ample * AMPLE_IF_QUEUED } else { ample };
        let [whole, small] = self.fill.blocks();
        let slots = (whole * self.shape.slots() + small) as u64;
        if slots <= ample {
            return false;
        }
        let position = self.fill.position();
        let (mut flowing, mut stopped) = (position - self.fill.revealed(), 0);
        for reader in &self.readers {
            let waiting = reader.waiting(position);
            match reader.flow.stopped_at() {
                None => flowing = flowing.max(waiting),
                Some(_) => stopped += waiting,
            }
        }
        slots - ample > (flowing + stopped) * AMPLE_QUARTERS / 4
    }

    /// Bytes of the blocks that hold its events.
    pub(crate) fn bytes(&self) -> usize {
        let [whole, small] = self.fill.blocks();
        let size = |slots| self.shape.layout(slots).size();
        whole * size(self.shape.slots()) + small * size(1)
    }
}
