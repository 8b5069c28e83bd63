//! A reader of one log, which takes no lock.

use super::cursors::Place;
use super::{Mailbox, Next};
use crate::event::Priority;
use crate::log::LogCursor;

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
