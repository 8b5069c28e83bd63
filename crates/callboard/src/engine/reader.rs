//! One subscription as its reader sees it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::cursors::Place;
use super::merged::MergedReader;
use super::{Horizon, Mailbox, Taken};
use crate::error::TryRecvError;
use crate::event::{Delivery, Event, EventRef, Priority, Receipt};
use crate::log::{LogCursor, Stretch};
use crate::sync::{WaitList, discard_any};
use crate::trace::Hand;

/// One subscription as its reader sees it.
#[doc(hidden)]
pub struct Reader {
    pub(crate) mailbox: Arc<Mailbox>,
    ends: Ends,
    /// What its handling continues, if the bus traces: then all comes by its inbox.
    pub(crate) hand: Hand,
    /// Told when the reader has drained.
    changed: Arc<WaitList>,
}

/// How a reader reads.
enum Ends {
    /// All that it reads is in its inbox: a queue, or cursors, or both.
    Inbox,
    /// One log; what can't come by that is in the queue.
    Log(LogReader),
    /// Several logs; what can't come by those is in the queue.
    Logs(Box<MergedReader>),
}

struct LogReader {
    cursor: LogCursor,
    /// The place of the event of the queue that was found to be the next.
    due: Place,
}

/// Where the next event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// In the one log that it reads.
    Log,
    /// In the queue or in one of the logs that it merges; if these are behind a lock, perhaps.
    Found,
    Empty,
    Closed,
}

impl Reader {
    pub(crate) fn of_inbox(
        mailbox: Arc<Mailbox>,
        changed: Arc<WaitList>,
        horizon: &Arc<Horizon>,
    ) -> Self {
        let ends = match &mailbox.signals {
            Some(signals) => {
                let (signals, horizon) = (Arc::clone(signals), Arc::clone(horizon));
                Ends::Logs(Box::new(MergedReader::new(signals, horizon)))
            }
            None => Ends::Inbox,
        };
        Self { mailbox, ends, hand: Hand::default(), changed }
    }

    pub(crate) fn of_log(mailbox: Arc<Mailbox>, changed: Arc<WaitList>, cursor: LogCursor) -> Self {
        let ends = Ends::Log(LogReader { cursor, due: Place::NONE });
        Self { mailbox, ends, hand: Hand::default(), changed }
    }

    /// Where the next event is. A reader that asks has finished with what it took before.
    #[inline]
    pub(crate) fn next(&mut self, now: Option<Instant>) -> Next {
        let Self { mailbox, ends, hand, .. } = self;
        // First whether it is closed: what it holds by then is all there will be.
        let closed = mailbox.is_closed();
        let next = match ends {
            Ends::Log(log) => log.next(mailbox),
            Ends::Logs(logs) => logs.next(mailbox),
            Ends::Inbox => {
                hand.release();
                mailbox.finish_current(now);
                return Next::Found;
            }
        };
        match next {
            Next::Empty => {
                mailbox.finish_current_and_fence(now);
                if closed { Next::Closed } else { Next::Empty }
            }
            next => next,
        }
    }

    /// Whether an event waits. To look is not to ask for it.
    pub(crate) fn has_more(&mut self) -> bool {
        let in_log = match &mut self.ends {
            Ends::Log(log) => log.cursor.look_and_note(),
            Ends::Logs(logs) => logs.has_more(&self.mailbox),
            Ends::Inbox => false,
        };
        in_log || self.mailbox.inbox().has_more()
    }

    /// Whether all its events come by its inbox.
    #[inline]
    pub(crate) fn has_inbox_only(&self) -> bool {
        matches!(self.ends, Ends::Inbox)
    }

    /// Takes the next event, if that is surely in one of the logs that it merges.
    #[inline(always)]
    pub(crate) fn take_merged(&mut self, in_batch: bool) -> Option<Taken> {
        let Ends::Logs(logs) = &mut self.ends else { return None };
        logs.take_next(&self.mailbox, in_batch)
    }

    /// The queue of a reader that has no log was found to be empty.
    #[inline]
    pub(crate) fn note_empty(&self) {
        self.mailbox.note_empty();
    }

    /// Asks for the next event, and takes it, for a reader that has no log.
    #[inline]
    pub(crate) fn finish_and_take(&mut self, now: Option<Instant>) -> Result<Taken, TryRecvError> {
        self.hand.release();
        self.mailbox.finish_and_take(now, &mut self.hand)
    }

    /// Has the task of a reader that has no log woken by the next event, unless that has come, or
    /// none will. Whether it may sleep. `register_waiter` puts the mailbox among the waiters of its logs.
    pub(crate) fn sleep_by_queue(
        &self,
        waker: &Waker,
        register_waiter: impl FnOnce(&Arc<Mailbox>),
    ) -> bool {
        let (sleeps, registered) = self.mailbox.sleep(waker);
        if !sleeps || registered {
            return sleeps;
        }
        register_waiter(&self.mailbox);
        self.mailbox.sleep_on()
    }

    /// Takes the next event, which was [found](Self::next) elsewhere than in the one log.
    pub(crate) fn take_found(&mut self, now: Option<Instant>) -> Result<Taken, TryRecvError> {
        let Self { mailbox, ends, hand, .. } = self;
        let place = match ends {
            Ends::Inbox => None,
            Ends::Log(log) => Some(log.due),
            Ends::Logs(logs) => match logs.take_found(mailbox) {
                Ok(taken) => return taken.ok_or(TryRecvError::Empty),
                Err(place) => place,
            },
        };
        mailbox.take(now, place, hand)
    }

    /// Whether the next event is surely one of the log. It is how ordinary traffic is read, and it
    /// is short.
    #[inline]
    pub(crate) fn finds_log(&mut self) -> bool {
        match &mut self.ends {
            // The log first: see `LogReader::next`.
            Ends::Log(LogReader { cursor, .. }) => {
                cursor.look_and_note() && cursor.progress().queued() == 0
            }
            _ => false,
        }
    }

    /// Takes the next event of the log.
    #[inline]
    pub(crate) fn take_logged<E: Event>(&mut self) -> Option<Delivery<E>> {
        let Ends::Log(log) = &mut self.ends else { return None };
        self.mailbox.hand();
        let (kept, missed) = log.cursor.take()?;
        Some(Delivery::new(kept, Receipt::new(missed, None)))
    }

    /// The events that may be lent: the next ones of the log.
    #[inline]
    pub(crate) fn lend<E: Event>(&mut self) -> Option<LentEvents<'_, E>> {
        let Self { mailbox, ends: Ends::Log(LogReader { cursor, .. }), changed, .. } = self else {
            return None;
        };
        mailbox.hand();
        // Behind the next event of the log may be one that comes after what is in the queue: a
        // replay, between what was published before it and what is published now.
        let most = if cursor.progress().queued() > 0 { 1 } else { usize::MAX };
        let stretch = cursor.stretch(most)?;
        Some(LentEvents { stretch, mailbox, changed })
    }

    /// Begins a batch of its queue.
    pub(crate) fn begin_batch(&self) {
        self.mailbox.hand();
    }

    /// Ends a batch: the reader has finished with its last event. The caller notifies those who wait for
    /// the reader.
    pub(crate) fn end_batch(&mut self, now: Option<Instant>) {
        self.hand.release();
        self.mailbox.finish_current_and_fence(now);
    }

    /// As [`next`](Self::next), and whether there is an event in the queue is certain.
    #[inline]
    pub(crate) fn ready(&mut self, now: Option<Instant>) -> Next {
        match self.next(now) {
            Next::Found if self.has_inbox_only() => self.mailbox.ready(),
            next => next,
        }
    }

    /// Waits until there is an event. `register_waiter` puts the mailbox among the waiters of its logs.
    #[inline]
    pub(crate) fn poll_ready(
        &mut self,
        now: Option<Instant>,
        context: &mut Context<'_>,
        register_waiter: impl FnOnce(&Arc<Mailbox>),
    ) -> Poll<Next> {
        match self.ready(now) {
            Next::Empty => {}
            ready => return Poll::Ready(ready),
        }
        self.sleep(context, register_waiter);
        // Whatever came before the waker was set is seen now; what comes later wakes it.
        match self.ready(now) {
            Next::Empty => Poll::Pending,
            ready => {
                self.forget_waker();
                Poll::Ready(ready)
            }
        }
    }

    /// Has the task woken by whatever comes next.
    fn sleep(&self, context: &Context<'_>, register_waiter: impl FnOnce(&Arc<Mailbox>)) {
        if !self.mailbox.wakes(context.waker()) {
            // Cloning a waker, and dropping one, is the user's code: not under the lock.
            let waker = Waker::clone(context.waker());
            discard_any(self.mailbox.set_waker(Some(waker)));
        }
        // The publisher clears the flag first and takes the waker then, so it finds the one set above.
        if !self.mailbox.is_registered_everywhere() {
            register_waiter(&self.mailbox);
        }
    }

    /// Forgets the sleeping reader: its future was dropped.
    pub(crate) fn forget_waker(&self) {
        discard_any(self.mailbox.set_waker(None));
    }
}

impl LogReader {
    /// Where the next event is: the more urgent, or else the earlier, of the log's and the queue's.
    #[inline]
    fn next(&mut self, mailbox: &Mailbox) -> Next {
        // The log first: a reader that sees an event there also sees what was queued before it.
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
            // What was found in the queue may have come behind an event of the log that had not
            // come when the log was looked at.
            if of_log.is_none() {
                of_log = self.peek(rank);
                if of_log.is_some() {
                    continue;
                }
            }
            // It stays the first of its lane until it is taken. One that is more urgent may come
            // meanwhile, which itself may have come behind one of the log.
            self.due = queued;
            return Next::Found;
        }
    }

    fn peek(&mut self, rank: Priority) -> Option<Place> {
        self.cursor.peek().map(|stamp| Place::new(rank, stamp.sequence, false))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.mailbox.settings.name).finish()
    }
}

/// Events that are lent, each taken as it is handed out.
#[doc(hidden)]
pub struct LentEvents<'a, E: 'static> {
    stretch: Stretch<'a, E>,
    mailbox: &'a Mailbox,
    /// Told when the last event that was known to be there has been taken, and when the next was
    /// asked for.
    changed: &'a WaitList,
}

impl<'a, E: Event> Iterator for LentEvents<'a, E> {
    type Item = EventRef<'a, E>;

    #[inline]
    fn next(&mut self) -> Option<EventRef<'a, E>> {
        let changed = self.changed;
        let Some((lent, missed)) = self.stretch.take(|| changed.notify_all()) else {
            self.mailbox.finish_current_and_fence(None);
            changed.notify_all();
            return None;
        };
        Some(EventRef::new(lent, missed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.stretch.left(), Some(self.stretch.left()))
    }
}

impl<E: Event> fmt::Debug for LentEvents<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LentEvents").field(&self.stretch).finish()
    }
}
