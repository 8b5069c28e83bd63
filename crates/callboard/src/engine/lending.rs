//! Batches: a reader lends its events for as long as it is borrowed.

use std::fmt;

use super::cursors::Merge;
use super::sources::Signals;
use super::{LentTaken, Mailbox};
use crate::event::{Event, EventRef, Receipt};
use crate::log::{Kept, Lendings, Loan, Moment, Stretch};
use crate::sync::WaitList;

/// The reader of a batch.
pub(super) struct Lender<'a> {
    pub(super) mailbox: &'a Mailbox,
    /// Notified when the last known event has been taken, and when the next one was asked for.
    pub(super) changed: &'a WaitList,
    /// How many events of the batch were taken.
    pub(super) taken: &'a mut u32,
    /// When the batch began, if the bus keeps time.
    pub(super) now: Moment,
}

impl Lender<'_> {
    /// Ends the batch: the reader has finished its last event.
    #[cold]
    fn end(&mut self) {
        let now = if self.now.is_known() { self.mailbox.now() } else { Moment::NONE };
        self.mailbox.finish_current_and_fence(*self.taken, now);
        self.changed.notify_all();
    }
}

/// Events lent by one log, each taken as it is handed out.
#[doc(hidden)]
pub struct LentEvents<'a, E: 'static> {
    pub(super) stretch: Stretch<'a, E>,
    pub(super) lender: Lender<'a>,
}

impl<'a, E: Event> Iterator for LentEvents<'a, E> {
    type Item = EventRef<'a, E>;

    #[inline]
    fn next(&mut self) -> Option<EventRef<'a, E>> {
        let changed = self.lender.changed;
        let Some((lent, missed)) = self.stretch.take(|| changed.notify_all()) else {
            self.lender.end();
            return None;
        };
        if missed == 0 && !self.lender.now.is_known() {
            return Some(EventRef::new(lent, Receipt::default()));
        }
        Some(self.received(lent, missed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.stretch.left();
        (least, Some(most))
    }
}

impl<'a, E: Event> LentEvents<'a, E> {
    /// An event whose receipt is not empty.
    #[inline(never)]
    fn received(&mut self, lent: Loan<'a, Kept<E>>, missed: u64) -> EventRef<'a, E> {
        *self.lender.taken += 1;
        let waited = lent.stamp().waited_until(self.lender.now);
        EventRef::new(lent, Receipt::new(missed, waited))
    }
}

impl<E: Event> fmt::Debug for LentEvents<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LentEvents").field(&self.stretch).finish()
    }
}

/// Events lent by several logs, each taken as it is handed out.
pub(crate) struct LentMerged<'a> {
    pub(super) logs: Lendings<'a>,
    pub(super) merge: &'a mut Merge,
    pub(super) signals: &'a Signals,
    pub(super) lender: Lender<'a>,
    /// How many more events may be lent.
    pub(super) left: usize,
}

/// The most events in a batch, so that a task that reads batches yields regularly. A batch of one
/// log ends with its block, which has as many slots.
pub(super) const MOST_LENT: usize = 64;

impl<'a> Iterator for LentMerged<'a> {
    type Item = LentTaken<'a>;

    // Always inlined, with its callees: the event would be stored in pieces of 8 bytes and loaded in
    // pieces of 16.
    #[inline(always)]
    fn next(&mut self) -> Option<LentTaken<'a>> {
        let lent = if self.left > 0 { self.merge.lend(&mut self.logs) } else { None };
        let Some((place, loan, input)) = lent else {
            self.lender.end();
            return None;
        };
        let Lender { mailbox, changed, taken, now } = &mut self.lender;
        let receipt = self.signals.receipt(mailbox, place, loan.stamp(), *now);
        let lent = LentTaken { info: input.info, loan, receipt, member: input.member };
        (**taken, self.left) = (**taken + 1, self.left - 1);
        if self.merge.known() == 0 {
            changed.notify_all();
        }
        Some(lent)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let known = usize::try_from(self.merge.known()).unwrap_or(usize::MAX);
        (0, Some(if self.logs.end_at_gap() { self.left } else { known.min(self.left) }))
    }
}
