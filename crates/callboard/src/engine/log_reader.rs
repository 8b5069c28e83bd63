//! A reader of one log, which takes no lock, and the events that it lends.

use std::fmt;

use super::cursors::Place;
use super::{Mailbox, Next};
use crate::event::{Event, EventRef, Priority, Receipt};
use crate::log::{Kept, Loan, LogCursor, Moment, Stretch};
use crate::sync::WaitList;

/// A reader of one log. Events that can't go through the log are in its queue.
pub(super) struct LogReader {
    pub(super) cursor: LogCursor,
    /// The place of the queued event that was found to be next.
    pub(super) due: Place,
}

impl LogReader {
    /// Where the next event is: in the log or in the queue, the more urgent or else the earlier
    /// first.
    #[inline]
    pub(super) fn next(&mut self, mailbox: &Mailbox) -> Next {
        // The log first: a reader that sees an event there also sees the events queued before it.
        let in_log = self.cursor.look_and_note();
        if self.cursor.progress().queued() > 0 {
            return self.compare(mailbox);
        }
        if in_log { Next::Log } else { Next::Empty }
    }

    #[cold]
    fn compare(&mut self, mailbox: &Mailbox) -> Next {
        let rank = mailbox.rank();
        let mut of_log = self.peek(rank);
        self.cursor.note_waiting();
        loop {
            let Some(queued) = mailbox.first_queued() else {
                return if of_log.is_some() { Next::Log } else { Next::Empty };
            };
            if of_log.is_some_and(|of_log| of_log < queued) {
                return Next::Log;
            }
            // The event found in the queue may have been queued after an event of the log that was
            // not there yet when the log was checked.
            if of_log.is_none() {
                of_log = self.peek(rank);
                if of_log.is_some() {
                    continue;
                }
            }
            // It stays the first of its lane until it is taken. A more urgent one may arrive in
            // between, which itself may have come after one of the log.
            self.due = queued;
            return Next::Found;
        }
    }

    fn peek(&mut self, rank: Priority) -> Option<Place> {
        self.cursor.peek().map(|stamp| Place::new(rank, stamp.sequence, false))
    }
}

/// Lent events, each taken as it is handed out.
#[doc(hidden)]
pub struct LentEvents<'a, E: 'static> {
    pub(super) stretch: Stretch<'a, E>,
    pub(super) mailbox: &'a Mailbox,
    /// Notified when the last known event has been taken, and when the next one was asked for.
    pub(super) changed: &'a WaitList,
    pub(super) taken: &'a mut u32,
    /// When the batch began, if the bus keeps time.
    pub(super) now: Moment,
}

impl<'a, E: Event> Iterator for LentEvents<'a, E> {
    type Item = EventRef<'a, E>;

    #[inline]
    fn next(&mut self) -> Option<EventRef<'a, E>> {
        let changed = self.changed;
        let Some((lent, missed)) = self.stretch.take(|| changed.notify_all()) else {
            let now = if self.now.is_known() { self.mailbox.now() } else { Moment::NONE };
            self.mailbox.finish_current_and_fence(*self.taken, now);
            changed.notify_all();
            return None;
        };
        if missed == 0 && !self.now.is_known() {
            return Some(EventRef::new(lent, Receipt::default()));
        }
        Some(self.received(lent, missed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.stretch.left(), Some(self.stretch.left()))
    }
}

impl<'a, E: Event> LentEvents<'a, E> {
    /// An event whose receipt is not empty.
    #[inline(never)]
    fn received(&mut self, lent: Loan<'a, Kept<E>>, missed: u64) -> EventRef<'a, E> {
        *self.taken += 1;
        let waited = lent.stamp().waited_until(self.now);
        EventRef::new(lent, Receipt::new(missed, waited))
    }
}

impl<E: Event> fmt::Debug for LentEvents<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LentEvents").field(&self.stretch).finish()
    }
}
