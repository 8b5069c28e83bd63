//! How a reader takes its events, and marks itself as busy with them.

use std::sync::Arc;

use super::Mailbox;
use crate::engine::cursors::Place;
use crate::engine::inbox::{Inbox, State};
use crate::engine::{Next, Taken};
use crate::error::TryRecvError;
use crate::event::{Delivery, Event};
use crate::log::Moment;
use crate::sync::{Ordering, fence};
use crate::trace::{Context, Hand, Trail};

impl Mailbox {
    /// The reader asks for the next event: it has finished the events that it took before. Returns
    /// whether it had taken any.
    #[inline]
    pub(in crate::engine) fn finish_current(&self, events: u32, now: Moment) -> bool {
        let in_hand = self.in_hand.load(Ordering::Relaxed);
        if now.is_known() {
            self.inbox().note_finished(if in_hand { events } else { 0 }, now, false);
        }
        if in_hand {
            // Ordering: Release pairs with the Acquire in `in_hand`: a thread that sees that the reader
            // is done sees what it did.
            self.in_hand.store(false, Ordering::Release);
        }
        in_hand
    }

    /// Like [`finish_current`](Self::finish_current), when there is no event, or at the end of a batch.
    /// The caller notifies the threads that wait for readers.
    #[inline]
    pub(in crate::engine) fn finish_current_and_fence(&self, events: u32, now: Moment) {
        if self.finish_current(events, now) {
            // Ordering: a thread that waits for readers has such a fence between its registration
            // and its check of them: either it sees that this reader is done, or the reader sees
            // that it waits.
            fence(Ordering::SeqCst);
        }
    }

    /// Marks the reader as busy, before it takes an event: a thread that sees that the event is
    /// gone sees the mark.
    #[inline]
    pub(crate) fn hand(&self) {
        if !self.in_hand.load(Ordering::Relaxed) {
            // Ordering: Relaxed. The taken count is released after this, and acquired by a thread
            // that sees that the event is gone; a queue is locked.
            self.in_hand.store(true, Ordering::Relaxed);
        }
    }

    /// How many of the events that it took last the reader has finished now: none if it has handed
    /// them to a handler.
    fn finished(&self, taken: u32) -> u32 {
        if self.in_hand.load(Ordering::Relaxed) { taken } else { 0 }
    }

    /// The reader takes the next event without a lock, and has finished the events that it took
    /// before.
    #[inline]
    pub(in crate::engine) fn finish_and_mark(&self, events: u32, now: Moment) {
        if now.is_known() {
            self.inbox().note_finished(self.finished(events), now, true);
        }
        self.hand();
    }

    /// Takes the next event, or the one in this place of the queue unless that was withdrawn.
    /// `finished` is how many events the reader has finished; `None` within a batch.
    pub(in crate::engine) fn take(
        self: &Arc<Self>,
        finished: Option<u32>,
        now: Moment,
        place: Option<Place>,
        hand: &mut Hand,
    ) -> Result<Taken, TryRecvError> {
        let mut inbox = self.inbox();
        inbox.woken = false;
        let taken = inbox.take(self, now, place, |context| self.keep(context, hand));
        if taken.is_ok() {
            if let Some(events) = finished.filter(|_| now.is_known()) {
                inbox.note_finished(self.finished(events), now, true);
            }
            self.hand();
        }
        if self.progress.is_some() {
            // The reader of a log doesn't come back to a queue that it has emptied.
            inbox.shrink_if_empty();
        }
        self.publish_progress(&inbox);
        self.show(&inbox);
        taken
    }

    /// Keeps the context of an event that the reader takes.
    #[cold]
    fn keep(&self, context: Context, hand: &mut Hand) -> Trail {
        let trail = Trail::new(&context, &self.settings.name);
        hand.hold(context);
        trail
    }

    /// Finishes the current event and takes the next, for a reader that has no log.
    // Inline, so that the taken event is moved once.
    #[inline]
    pub(in crate::engine) fn finish_and_take(
        self: &Arc<Self>,
        finished: u32,
        now: Moment,
        hand: &mut Hand,
    ) -> Result<Taken, TryRecvError> {
        let mut inbox = self.inbox();
        let taken = inbox.take(self, now, None, |context| self.keep(context, hand));
        self.note_take(&mut inbox, finished, now, taken.is_ok());
        taken
    }

    /// Like [`finish_and_take`](Self::finish_and_take), for a reader of one type: usually, all its
    /// events are in the log of that type. `finished` is `None` within a batch.
    #[inline]
    pub(in crate::engine) fn take_one<E: Event>(
        self: &Arc<Self>,
        finished: Option<u32>,
        now: Moment,
        hand: &mut Hand,
    ) -> Result<Delivery<E>, TryRecvError> {
        let mut inbox = self.inbox();
        let taken = match inbox.take_from_only_log(now) {
            Some(delivery) => Ok(delivery),
            None => {
                let taken = inbox.take(self, now, None, |context| self.keep(context, hand));
                taken.map(Taken::into_delivery)
            }
        };
        match finished {
            Some(finished) => self.note_take(&mut inbox, finished, now, taken.is_ok()),
            None => {
                inbox.woken = false;
                // Before unlocking: a batch that was asked again after its end is not marked as busy.
                if taken.is_ok() {
                    self.hand();
                }
            }
        }
        taken
    }

    /// Notes that a reader that has no log has finished the events that it took before, and whether
    /// it has taken another.
    #[inline]
    fn note_take(&self, inbox: &mut Inbox, finished: u32, now: Moment, takes: bool) {
        let in_hand = self.in_hand.load(Ordering::Relaxed);
        inbox.woken = false;
        if takes != in_hand {
            self.in_hand.store(takes, Ordering::Relaxed);
        }
        if now.is_known() {
            inbox.note_finished(if in_hand { finished } else { 0 }, now, takes);
        }
    }

    /// Whether the queue holds an event, for a reader that asks for the next one.
    pub(in crate::engine) fn ready(&self) -> Next {
        let mut inbox = self.inbox();
        inbox.woken = false;
        let state = inbox.state;
        match state {
            _ if inbox.has_more() => Next::Found,
            State::Open => Next::Empty,
            State::Closed | State::Gone => Next::Closed,
        }
    }
}
