//! The reading end of a log.

use super::memory::{Held, Kept, Lending, Lendings, Loan, Walk};
use super::progress::Head;
use super::{ReaderProgress, Stamp};
use crate::sync::{Arc, Ordering, discard};

/// One reader's cursor in a log. It takes no lock except at gaps, and writes to nothing that
/// another reader reads.
#[derive(Debug)]
pub(crate) struct LogCursor {
    pub(super) walk: Walk,
    counts: Counts,
}

/// Counts of the events that a reader does not get.
#[derive(Debug)]
struct Counts {
    /// How many of the positions so far were not for it.
    skipped: u64,
    /// How many events were lost before the next one.
    missed: u64,
}

impl Counts {
    /// Notes that the walk has passed a gap of this width, with so many losses.
    fn note_passed(&mut self, (width, lost): (u64, u64)) {
        self.skipped += width;
        self.missed += lost;
    }

    /// Notes that the walk has taken an event. Returns how many were missed before it.
    #[inline]
    fn note_taken(&mut self, walk: &Walk) -> u64 {
        let taken = walk.position() - self.skipped;
        if walk.known() > 0 {
            walk.progress.set_taken(taken);
        } else {
            walk.progress.set_taken_and_drained(taken);
        }
        if self.missed == 0 { 0 } else { std::mem::take(&mut self.missed) }
    }
}

impl LogCursor {
    pub(super) fn new(walk: Walk) -> Self {
        let counts = Counts { skipped: walk.position(), missed: 0 };
        Self { walk, counts }
    }

    #[inline]
    pub(crate) fn progress(&self) -> &Arc<ReaderProgress> {
        &self.walk.progress
    }

    /// Checks for an event, and notes how many wait.
    #[inline]
    pub(crate) fn look_and_note(&mut self) -> bool {
        let Some(waiting) = self.walk.look() else {
            return self.note_behind_gap();
        };
        if waiting == 0 {
            return false;
        }
        if waiting > self.progress().high_water() as u64 {
            self.note_waiting();
        }
        true
    }

    /// Checks for an event.
    #[inline]
    pub(crate) fn look(&mut self) -> bool {
        match self.walk.look() {
            Some(waiting) => waiting > 0,
            None => self.pass_gap(),
        }
    }

    /// Like [`look_and_note`](Self::look_and_note), at a gap.
    #[cold]
    fn note_behind_gap(&mut self) -> bool {
        let waits = self.pass_gap();
        self.note_waiting();
        waits
    }

    /// Notes how many are known to wait, in the log and in the reader's own queue.
    #[cold]
    pub(crate) fn note_waiting(&self) {
        note_waiting(&self.walk);
    }

    /// Continues after the gap that it has reached, if that is closed.
    #[cold]
    fn pass_gap(&mut self) -> bool {
        let Some(passed) = self.walk.pass_gap(false) else {
            return false;
        };
        self.counts.note_passed(passed);
        self.look()
    }

    /// The stamp of the next event, if there is one.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<&Stamp> {
        if self.look() { self.walk.peek() } else { None }
    }

    /// Whether no event is known, but some may follow behind a gap.
    #[inline]
    pub(crate) fn hides_more(&self) -> bool {
        self.walk.known() == 0 && self.walk.position() == self.walk.progress.next_gap()
    }

    /// The stamp of the next event, if that is known.
    #[inline]
    pub(crate) fn peek_known(&self) -> Option<&Stamp> {
        self.walk.peek()
    }

    /// Whether the last event taken was the last known one.
    #[inline]
    pub(crate) fn drained(&self) -> bool {
        self.walk.known() == 0
    }

    /// Notes that the walk has passed a gap, and looks behind it.
    pub(super) fn note_passed(&mut self, passed: (u64, u64)) {
        self.counts.note_passed(passed);
        self.walk.look();
    }

    /// Takes the next event, if there is one, with the count of events missed before it.
    #[inline]
    pub(crate) fn take<E: 'static>(&mut self) -> Option<(Kept<E>, u64)> {
        if self.drained() && !self.look_and_note() {
            return None;
        }
        let held = self.walk.take()?;
        let missed = self.counts.note_taken(&self.walk);
        Some((held.downcast().ok()?, missed))
    }

    /// Takes the next event of any type, if there is one. `drains` says that it is the last that
    /// its reader knows of, in any log, and that it is taken without a lock, so that only the stored
    /// count shows it to others.
    #[inline]
    pub(crate) fn take_any(&mut self, drains: bool) -> Option<Held> {
        if self.drained() && !self.look() {
            return None;
        }
        let held = self.walk.take()?;
        self.show_taken(drains);
        Some(held)
    }

    /// Shows others how many events were taken.
    #[inline]
    fn show_taken(&self, drains: bool) {
        let taken = self.walk.position() - self.counts.skipped;
        if drains {
            self.walk.progress.set_taken_and_drained(taken);
        } else {
            self.walk.progress.set_taken(taken);
        }
    }

    /// The events of several cursors, to be lent while these are borrowed.
    pub(crate) fn lend_all(cursors: &mut [Self]) -> Lendings<'_> {
        Lendings::new(cursors)
    }

    /// The reader's progress, for other threads.
    pub(crate) fn meter(&self) -> Meter {
        Meter { head: Arc::clone(&self.walk.head), progress: Arc::clone(&self.walk.progress) }
    }

    /// How many events the reader saw waiting at its last look.
    pub(crate) fn known(&self) -> u64 {
        self.walk.known()
    }

    /// The events that are available, up to `most` and to the end of their block, lent while the
    /// cursor is borrowed. `None` if there is none.
    #[inline]
    pub(crate) fn stretch<E: 'static>(&mut self, most: usize) -> Option<Stretch<'_, E>> {
        if self.drained() && !self.look_and_note() {
            return None;
        }
        let lending = self.walk.lend(most)?;
        Some(Stretch { lending, counts: &mut self.counts })
    }
}

/// Notes how many events are known to wait, in the log and in the reader's own queue.
#[cold]
fn note_waiting(walk: &Walk) {
    let waiting = usize::try_from(walk.known()).unwrap_or(usize::MAX);
    walk.progress.raise_high_water(waiting.saturating_add(walk.progress.queued()));
}

impl Drop for LogCursor {
    /// Drops the waiting events. The reader has left the log.
    fn drop(&mut self) {
        while self.look() {
            self.walk.skip_known();
            if let Some(held) = self.walk.take() {
                discard(held);
            }
        }
    }
}

/// A reader's progress, for code that does not have its cursor.
#[derive(Debug)]
pub(crate) struct Meter {
    head: Arc<Head>,
    progress: Arc<ReaderProgress>,
}

impl Meter {
    /// How many events wait. The writer's lock is held.
    pub(crate) fn waiting(&self) -> u64 {
        // Ordering: Relaxed. The lock shows what the writer has done, and the reader may be ahead.
        let head = self.head.0.0.load(Ordering::Relaxed);
        self.progress.admitted(head).saturating_sub(self.progress.taken())
    }

    /// Whether some waiting events may lie behind a gap, where the reader can't see them. The
    /// writer's lock is held.
    pub(crate) fn overlooks(&self) -> bool {
        self.progress.overlooks()
    }

    /// How many events the reader has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.progress.taken()
    }

    /// The reader's place in the log.
    pub(crate) fn place(&self) -> usize {
        self.progress.place()
    }
}

/// Several events in one block, each taken as it is handed out.
#[derive(Debug)]
pub(crate) struct Stretch<'a, E: 'static> {
    lending: Lending<'a, E>,
    counts: &'a mut Counts,
}

impl<'a, E: 'static> Stretch<'a, E> {
    /// How many events are left, at least and at most.
    pub(crate) fn left(&self) -> (usize, usize) {
        self.lending.left()
    }

    /// Takes the next event, with the count of events missed before it. Calls `drained` if it is
    /// the last known one.
    #[inline]
    pub(crate) fn take(&mut self, drained: impl FnOnce()) -> Option<(Loan<'a, Kept<E>>, u64)> {
        let loan = match self.lending.take() {
            Some(loan) => loan,
            None => {
                self.pass_gap()?;
                self.lending.take()?
            }
        };
        let walk = self.lending.walk();
        let missed = self.counts.note_taken(walk);
        if walk.known() == 0 {
            drained();
        }
        Some((loan, missed))
    }

    /// Continues after the gap that it has reached, if it can, and notes how many events wait.
    #[cold]
    fn pass_gap(&mut self) -> Option<()> {
        self.counts.note_passed(self.lending.pass_gap()?);
        note_waiting(self.lending.walk());
        Some(())
    }
}

impl<'a> Lendings<'a> {
    /// The cursor of this index.
    #[inline]
    pub(crate) fn cursor(&self, index: usize) -> Option<&LogCursor> {
        self.cursors().get(index)
    }

    /// Takes the next event of the cursor of this index, if that is known and can be lent. `drains`
    /// as in [`LogCursor::take_any`].
    #[inline]
    pub(crate) fn lend(&mut self, index: usize, drains: bool) -> Option<Loan<'a, Held>> {
        let loan = self.take(index)?;
        self.cursor(index)?.show_taken(drains);
        Some(loan)
    }

    /// Whether the known events of some cursor end at a gap, behind which there may be more.
    pub(crate) fn end_at_gap(&self) -> bool {
        self.cursors().iter().any(|cursor| cursor.walk.ends_at_gap())
    }
}
