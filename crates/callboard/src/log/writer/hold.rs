//! Events that are held back for the start.

use super::Log;
use crate::log::memory::Held;
use crate::log::{LogCursor, Payload, Stamp};

impl Log {
    /// Writes an event that no reader sees until it is [revealed](Self::reveal). From the first
    /// such event on, no reader gets anything until all are revealed.
    pub(crate) fn hold_back<E: Payload>(&mut self, event: &mut Option<E>, stamp: Stamp) {
        if self.held_back.is_none() {
            (0..self.readers.len()).for_each(|place| self.stop_early(place));
        }
        if !self.fill.has_room() {
            self.begin_block(false);
        }
        if self.held_back.is_none() {
            let (mut flow, walk) = self.fill.open();
            self.fill.begin_hold(&mut flow);
            self.held_back = Some((flow, LogCursor::new(walk)));
        }
        self.last = stamp.sequence;
        if stamp.published_at.is_known() {
            self.note_moment(stamp.published_at);
        }
        self.fill.write_held(stamp, event);
    }

    /// Resumes every reader at the first event that is held back, before any is revealed. A reader
    /// may get more than its capacity. Returns whether any event is held back.
    pub(crate) fn resume_held(&mut self) -> bool {
        if self.held_back.is_none() {
            return false;
        }
        let (begin, end) = (self.fill.revealed(), self.fill.position());
        for reader in &mut self.readers {
            self.fill.resume_held(&mut reader.flow);
            if !reader.windowed {
                reader.note_queued(end);
            }
        }
        self.offered += end - begin;
        self.invalidate_limits();
        true
    }

    /// Lets readers see the next event that is held back. If `take` is set, returns it as well.
    pub(crate) fn reveal(&mut self, take: bool) -> Option<Held> {
        if self.fill.hides_all() {
            let resumed = self.readers.iter().filter(|reader| !reader.is_stopped());
            resumed
                .filter(|it| it.flow.progress.lost() > 0)
                .for_each(|it| it.flow.progress.tell_lost());
        }
        self.fill.reveal();
        let (_, cursor) = self.held_back.as_mut().filter(|_| take)?;
        cursor.take_any(false)
    }

    /// Ends the hold, when all events are revealed. The returned cursor keeps the events that were
    /// not taken. Dropping it may drop events, so it must not happen under a lock.
    pub(crate) fn end_hold(&mut self) -> Option<LogCursor> {
        let (mut flow, cursor) = self.held_back.take()?;
        self.fill.stop(&mut flow);
        if self.readers.is_empty() {
            self.fill.rest();
        }
        Some(cursor)
    }
}
