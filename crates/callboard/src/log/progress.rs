//! State shared by the writer and one reader.

use std::collections::VecDeque;
use std::ops::Range;

use super::memory::Pin;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering, Padded, fence_of_model};

/// How far the log is written: the position of the next event.
#[derive(Debug, Default)]
pub(super) struct Head(pub(super) Padded<AtomicU64>);

impl Head {
    /// Readers may see the events before this position.
    #[inline]
    pub(super) fn publish(&self, position: u64) {
        // Ordering: Release pairs with the Acquire in `Walk::look`: a reader that sees the position
        // sees the events before it, their blocks, and the gaps before it.
        self.0.0.store(position, Ordering::Release);
    }
}

/// State shared by the writer and one reader.
///
/// Both sides may share a cache line: while the reader flows, the writer looks here only when the
/// reader may be full; and when the writer looks here for every event, the reader is not taking.
/// Two readers must not share one. The words around the counters (the gaps, and an `Arc`'s counts)
/// keep the counters of two readers a line apart; aligning them to lines instead made subscribing
/// a fifth slower.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct ReaderProgress {
    of_reader: OfReader,
    of_writer: OfWriter,
    /// The gaps that the reader has not reached, oldest first; only the last may be open. Locked by
    /// the writer to open or close a gap, and by the reader when it reaches one.
    gaps: Mutex<VecDeque<Gap>>,
}

#[derive(Debug, Default)]
struct OfReader {
    /// How many events the reader has taken. Only the reader stores this.
    taken: AtomicU64,
    /// The most events that have waited for it.
    high_water: AtomicUsize,
    /// How much of the reader's capacity its own queue takes.
    queued: AtomicUsize,
    /// How many events the reader has taken from its own queue.
    taken_from_queue: AtomicU64,
}

#[derive(Debug)]
struct OfWriter {
    /// Where the reader's next gap begins; `NO_GAP` if there is none. Stored with the gaps locked.
    next_gap: AtomicU64,
    /// How many events the reader has lost in the open gap. Only the writer stores this.
    lost: AtomicU64,
    /// The reader's place in the log. Used only by the writer.
    place: AtomicUsize,
    /// Where the open gap begins; `NO_GAP` while the reader flows.
    open_at: AtomicU64,
    /// How many of the positions so far, or up to the open gap, were not for the reader.
    skipped: AtomicU64,
    /// Until the reader has taken this many events, it has a gap ahead that was opened although the
    /// reader was not full. The reader can't see behind that gap, so the writer tracks the high
    /// water.
    overlooks_until: AtomicU64,
}

// The gaps, and the counts of an `Arc`, lie between the counters of two readers.
#[cfg(all(target_pointer_width = "64", not(callboard_loom)))]
const _: () = assert!(size_of::<ReaderProgress>() - size_of::<(OfReader, OfWriter)>() + 16 >= 56);

/// A position that is never reached.
pub(super) const NO_GAP: u64 = u64::MAX;

/// A range of positions that a reader does not get.
#[derive(Debug)]
struct Gap {
    at: u64,
    /// `None` while the gap is open: nothing follows yet.
    end: Option<End>,
}

/// Where and how a reader continues after a gap.
#[derive(Debug)]
pub(super) struct End {
    pub(super) position: u64,
    pub(super) index: usize,
    /// The block to continue in.
    pub(super) pin: Pin,
    /// How many events the reader lost in the gap.
    pub(super) lost: u64,
}

impl ReaderProgress {
    /// The progress of a reader that joins at this position.
    pub(crate) fn new(position: u64) -> Self {
        let of_writer = OfWriter {
            next_gap: AtomicU64::new(NO_GAP),
            lost: AtomicU64::new(0),
            place: AtomicUsize::new(0),
            open_at: AtomicU64::new(NO_GAP),
            skipped: AtomicU64::new(position),
            overlooks_until: AtomicU64::new(0),
        };
        Self {
            of_reader: OfReader::default(),
            of_writer,
            // Room for the gap that every reader begins with.
            gaps: Mutex::new(VecDeque::with_capacity(1)),
        }
    }

    #[inline]
    pub(crate) fn taken(&self) -> u64 {
        self.of_reader.taken.load(Ordering::Acquire)
    }

    /// Stores how many events the reader has taken.
    #[inline]
    pub(super) fn set_taken(&self, taken: u64) {
        // Ordering: Release pairs with the Acquire in `taken`: a thread that sees the count sees what
        // was done before.
        self.of_reader.taken.store(taken, Ordering::Release);
    }

    /// Like [`set_taken`](Self::set_taken), but nothing that the reader does afterwards is ordered
    /// before it: either a thread that waits for the reader to drain sees this count, or the reader
    /// sees that the thread waits.
    #[inline]
    pub(crate) fn set_taken_and_drained(&self, taken: u64) {
        // Ordering: SeqCst; the waiting side has a fence between its registration and its load of
        // this count. An exchange, since a fence takes several times as long on x86.
        self.of_reader.taken.swap(taken, Ordering::SeqCst);
        fence_of_model();
    }

    #[inline]
    pub(super) fn counts(&self) -> (u64, usize) {
        (self.taken(), self.queued())
    }

    #[inline]
    pub(crate) fn high_water(&self) -> usize {
        self.of_reader.high_water.load(Ordering::Relaxed)
    }

    #[cold]
    pub(crate) fn raise_high_water(&self, waiting: usize) {
        self.of_reader.high_water.fetch_max(waiting, Ordering::Relaxed);
    }

    /// How many events wait for the reader in its own queue. Set under the queue's lock; the reader
    /// checks it before each take.
    #[inline]
    pub(crate) fn queued(&self) -> usize {
        // Ordering: Acquire pairs with the Release in `set_queued`: a writer that sees a lower
        // count sees that the reader has taken something. The reader itself needs only the head,
        // which it has acquired, or the lock of its mailbox.
        self.of_reader.queued.load(Ordering::Acquire)
    }

    pub(crate) fn set_queued(&self, waiting: usize, taken: u64) {
        self.of_reader.taken_from_queue.store(taken, Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire in `queued`.
        self.of_reader.queued.store(waiting, Ordering::Release);
    }

    /// How many events the reader has taken, from the log and from its own queue.
    pub(super) fn taken_in_all(&self) -> u64 {
        self.taken() + self.of_reader.taken_from_queue.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn next_gap(&self) -> u64 {
        // Ordering: Relaxed. It is only a position; the reader has acquired a head beyond it.
        self.of_writer.next_gap.load(Ordering::Relaxed)
    }

    /// The reader's place in the log. Read under the writer's lock.
    pub(crate) fn place(&self) -> usize {
        self.of_writer.place.load(Ordering::Relaxed)
    }

    pub(super) fn set_place(&self, place: usize) {
        self.of_writer.place.store(place, Ordering::Relaxed);
    }

    /// How many of the positions so far, or up to the open gap, were not for the reader.
    #[inline]
    pub(super) fn skipped(&self) -> u64 {
        self.of_writer.skipped.load(Ordering::Relaxed)
    }

    /// How many events were for the reader, if the log is written up to this position.
    #[inline]
    pub(super) fn admitted(&self, position: u64) -> u64 {
        let until = position.min(self.of_writer.open_at.load(Ordering::Relaxed));
        until.saturating_sub(self.skipped())
    }

    /// Calls `each` with the ranges of positions that wait for the reader, oldest first, if the log
    /// is written up to `head`. The writer's lock is held.
    pub(super) fn stretches(&self, head: u64, mut each: impl FnMut(Range<u64>)) {
        let gaps = self.gaps.lock();
        let closed = |gap: &Gap| Some(gap.end.as_ref()?.position - gap.at);
        let ahead: u64 = gaps.iter().filter_map(closed).sum();
        let mut from = self.skipped() - ahead + self.taken();
        for gap in gaps.iter() {
            if from < gap.at {
                each(from..gap.at);
            }
            match &gap.end {
                Some(end) => from = end.position,
                None => return,
            }
        }
        if from < head {
            each(from..head);
        }
    }

    /// Whether some waiting events may lie behind a gap, where the reader can't see them.
    #[inline]
    pub(super) fn overlooks(&self) -> bool {
        let until = self.of_writer.overlooks_until.load(Ordering::Relaxed);
        until > 0 && self.taken() < until
    }

    /// Notes that the reader was admitted `until` events before a gap that was opened although it
    /// was not full.
    pub(super) fn set_overlooks(&self, until: u64) {
        self.of_writer.overlooks_until.store(until, Ordering::Relaxed);
    }

    /// How many events the reader has lost since the last one that it will get.
    #[inline]
    pub(crate) fn lost(&self) -> u64 {
        self.of_writer.lost.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn add_lost(&self, lost: u64) {
        // Only the writer stores this, so no atomic addition is needed.
        self.of_writer.lost.store(self.lost() + lost, Ordering::Relaxed);
    }

    /// Takes the count of lost events, to be reported with the next event.
    pub(super) fn take_lost(&self) -> u64 {
        let lost = self.lost();
        self.of_writer.lost.store(0, Ordering::Relaxed);
        lost
    }

    /// Opens a gap: the reader gets nothing from `at` on.
    pub(super) fn open_gap(&self, at: u64) {
        self.of_writer.open_at.store(at, Ordering::Relaxed);
        let mut gaps = self.gaps.lock();
        if gaps.len() == gaps.capacity() {
            // A reader that is always late has as many gaps as events: avoid doubling the capacity.
            let more = gaps.len() / 4 + 1;
            gaps.reserve_exact(more);
        }
        gaps.push_back(Gap { at, end: None });
        if gaps.len() == 1 {
            // Ordering: Relaxed. It comes before the head moves beyond `at`, which is released: a
            // reader that sees the head there sees the gap.
            self.of_writer.next_gap.store(at, Ordering::Relaxed);
        }
    }

    /// Closes the open gap: the reader gets events again.
    pub(super) fn close_gap(&self, end: End) {
        let at = self.of_writer.open_at.swap(NO_GAP, Ordering::Relaxed);
        self.of_writer.skipped.store(self.skipped() + (end.position - at), Ordering::Relaxed);
        let mut gaps = self.gaps.lock();
        if let Some(open) = gaps.back_mut() {
            open.end = Some(end);
        }
    }

    /// Adds the events lost so far to the gap that was closed last, which the reader has not
    /// reached.
    pub(super) fn tell_lost(&self) {
        let lost = self.take_lost();
        if let Some(end) = self.gaps.lock().back_mut().and_then(|gap| gap.end.as_mut()) {
            end.lost += lost;
        }
    }

    /// Passes the reader's next gap, which it has reached, and returns its end, if that `fits`.
    /// `None` while the gap is open or nothing behind it is revealed; until then, losses may be
    /// [added](Self::tell_lost).
    pub(super) fn pass_gap(&self, head: u64, fits: impl FnOnce(&End) -> bool) -> Option<End> {
        let mut gaps = self.gaps.lock();
        let end = gaps.front_mut()?.end.take_if(|end| end.position < head && fits(end))?;
        gaps.pop_front();
        let next = gaps.front().map_or(NO_GAP, |gap| gap.at);
        // Ordering: Relaxed. Only this reader loads it, and the lock orders the stores.
        self.of_writer.next_gap.store(next, Ordering::Relaxed);
        Some(end)
    }
}
