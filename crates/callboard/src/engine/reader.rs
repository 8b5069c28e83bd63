//! One subscription as its reader sees it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::cursors::Place;
use super::lending::{Lender, LentEvents, LentMerged};
use super::log_reader::LogReader;
use super::merged::MergedReader;
use super::{Horizon, Mailbox, Taken};
use crate::error::TryRecvError;
use crate::event::{Delivery, Event, Receipt};
use crate::log::{LogCursor, Moment};
use crate::sync::{WaitList, discard_any};
use crate::trace::Hand;

/// One subscription as its reader sees it.
#[doc(hidden)]
pub struct Reader {
    pub(crate) mailbox: Arc<Mailbox>,
    ends: Ends,
    /// The context that its handling continues, if the bus traces: then all events come through its
    /// inbox.
    pub(crate) hand: Hand,
    /// Notified when the reader has drained.
    changed: Arc<WaitList>,
    /// Whether the bus keeps time.
    timed: bool,
    /// How many events the reader has taken since it last asked. More than one only in a batch.
    taken: u32,
}

/// How a reader reads.
enum Ends {
    /// All its events are in its inbox: a queue, or cursors, or both.
    Inbox,
    /// One log; events that can't go through it are in the queue.
    Log(LogReader),
    /// Several logs; events that can't go through them are in the queue.
    Logs(Box<MergedReader>),
}

/// Where the next event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// In the one log that it reads.
    Log,
    /// In the queue or in one of the logs that it merges; if these are behind a lock, only perhaps.
    Found,
    Empty,
    Closed,
}

impl Reader {
    /// `cursor` is that of the one log that it reads, if it reads one by itself.
    pub(crate) fn new(
        mailbox: Arc<Mailbox>,
        changed: Arc<WaitList>,
        cursor: Option<LogCursor>,
        horizon: &Arc<Horizon>,
        timed: bool,
    ) -> Self {
        let ends = match (cursor, &mailbox.signals) {
            (Some(cursor), _) => Ends::Log(LogReader { cursor, due: Place::NONE }),
            (None, Some(signals)) => {
                let (signals, horizon) = (Arc::clone(signals), Arc::clone(horizon));
                Ends::Logs(Box::new(MergedReader::new(signals, horizon)))
            }
            (None, None) => Ends::Inbox,
        };
        Self { mailbox, ends, hand: Hand::default(), changed, timed, taken: 1 }
    }

    /// Where the next event is. A reader that asks has finished the events that it took before.
    #[inline]
    pub(crate) fn next(&mut self, now: Moment) -> Next {
        // Check first whether it is closed: the events that it holds by then are all there will be.
        let closed = self.mailbox.is_closed();
        match self.look() {
            Next::Empty => {
                self.mailbox.finish_current_and_fence(self.taken, now);
                self.mailbox.note_empty();
                if closed { Next::Closed } else { Next::Empty }
            }
            next => {
                if self.has_inbox_only() {
                    self.hand.release();
                    self.mailbox.finish_current(self.taken, now);
                }
                next
            }
        }
    }

    /// Where the next event is. Looking does not count as asking for it.
    #[inline]
    pub(crate) fn look(&mut self) -> Next {
        match &mut self.ends {
            Ends::Log(log) => log.next(&self.mailbox),
            Ends::Logs(logs) => logs.next(&self.mailbox),
            Ends::Inbox => Next::Found,
        }
    }

    /// Whether an event waits. Looking does not count as asking for it.
    pub(crate) fn has_more(&mut self) -> bool {
        let in_log = match &mut self.ends {
            Ends::Log(log) => log.cursor.look_and_note(),
            Ends::Logs(logs) => logs.has_more(&self.mailbox),
            Ends::Inbox => false,
        };
        in_log || self.mailbox.inbox().has_more()
    }

    /// Whether all its events come through its inbox.
    #[inline]
    pub(crate) fn has_inbox_only(&self) -> bool {
        matches!(self.ends, Ends::Inbox)
    }

    /// Takes the next event, if it is certainly in one of the logs that it merges, and the time is
    /// known if the bus keeps it.
    #[inline(always)]
    pub(crate) fn take_merged(&mut self, now: Moment) -> Option<Taken> {
        match &mut self.ends {
            Ends::Logs(logs) if self.timed == now.is_known() => {
                let taken = logs.take_next(&self.mailbox, self.taken, now);
                if taken.is_some() && now.is_known() {
                    self.taken = 1;
                }
                taken
            }
            _ => None,
        }
    }

    /// Finishes the current event and takes the next, for a reader that has no log.
    #[inline]
    pub(crate) fn finish_and_take(&mut self, now: Moment) -> Result<Taken, TryRecvError> {
        self.hand.release();
        let finished = std::mem::replace(&mut self.taken, 1);
        self.mailbox.finish_and_take(finished, now, &mut self.hand)
    }

    /// Like [`finish_and_take`](Self::finish_and_take), for a reader of one type.
    #[inline]
    pub(crate) fn finish_and_take_one<E: Event>(
        &mut self,
        now: Moment,
    ) -> Result<Delivery<E>, TryRecvError> {
        self.hand.release();
        let finished = std::mem::replace(&mut self.taken, 1);
        self.mailbox.take_one(Some(finished), now, &mut self.hand)
    }

    /// Stores the waker of a reader that has no log, to be woken by the next event, unless an event
    /// is queued or none will come. Returns whether the reader may sleep. `register_waiter` adds
    /// the mailbox to the waiters of its logs.
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

    /// Takes the next event, which was [found](Self::next), but not in the one log that it reads.
    pub(crate) fn take_found(&mut self, now: Moment) -> Result<Taken, TryRecvError> {
        let finished = std::mem::replace(&mut self.taken, 1);
        self.take_from(Some(finished), now)
    }

    /// Like [`take_found`](Self::take_found), in a batch that began at `now`.
    pub(crate) fn take_in_batch(&mut self, now: Moment) -> Result<Taken, TryRecvError> {
        self.hand.release();
        let taken = self.take_from(None, now);
        self.taken += u32::from(taken.is_ok());
        taken
    }

    /// Like [`take_in_batch`](Self::take_in_batch), for a reader of one type.
    pub(crate) fn take_one_in_batch<E: Event>(
        &mut self,
        now: Moment,
    ) -> Result<Delivery<E>, TryRecvError> {
        if !self.has_inbox_only() {
            return self.take_in_batch(now).map(Taken::into_delivery);
        }
        self.hand.release();
        let taken = self.mailbox.take_one(None, now, &mut self.hand);
        self.taken += u32::from(taken.is_ok());
        taken
    }

    /// `finished` is how many events the reader has finished; `None` within a batch.
    #[inline]
    fn take_from(&mut self, finished: Option<u32>, now: Moment) -> Result<Taken, TryRecvError> {
        let Self { mailbox, ends, hand, .. } = self;
        let place = match ends {
            Ends::Inbox => None,
            Ends::Log(log) => Some(log.due),
            Ends::Logs(logs) => match logs.take_found(mailbox, finished, now) {
                Ok(taken) => return taken.ok_or(TryRecvError::Empty),
                Err(place) => place,
            },
        };
        mailbox.take(finished, now, place, hand)
    }

    /// Whether the next event is certainly in the log, and the time is known if the bus keeps it.
    /// This is how ordinary traffic is read, and it is short.
    #[inline]
    pub(crate) fn finds_log(&mut self, now: Moment) -> bool {
        match &mut self.ends {
            // The log first: see `LogReader::next`.
            Ends::Log(LogReader { cursor, .. }) if self.timed == now.is_known() => {
                cursor.look_and_note() && cursor.progress().queued() == 0
            }
            _ => false,
        }
    }

    /// Takes the next event of the log.
    #[inline]
    pub(crate) fn take_logged<E: Event>(&mut self, now: Moment) -> Option<Delivery<E>> {
        let Ends::Log(log) = &mut self.ends else { return None };
        self.mailbox.finish_and_mark(self.taken, now);
        if now.is_known() {
            self.taken = 1;
        }
        let (kept, missed) = log.cursor.take::<E>()?;
        let receipt = Receipt::new(missed, kept.stamp().waited_until(now));
        Some(Delivery::new(kept, receipt))
    }

    /// The next events of the log that may be lent.
    #[inline]
    pub(crate) fn lend<E: Event>(&mut self, now: Moment) -> Option<LentEvents<'_, E>> {
        let Self { mailbox, ends: Ends::Log(LogReader { cursor, .. }), changed, taken, .. } = self
        else {
            return None;
        };
        mailbox.finish_and_mark(std::mem::replace(taken, 0), now);
        // After the next event of the log, a queued one may be due: a retained event, or a replay that
        // was handed over.
        let most = if cursor.progress().queued() > 0 { 1 } else { usize::MAX };
        let stretch = cursor.stretch(most)?;
        Some(LentEvents { stretch, lender: Lender { mailbox, changed, taken, now } })
    }

    /// Whether the next event was [found](Self::next) in one of the logs that it merges.
    pub(crate) fn found_in_logs(&self) -> bool {
        matches!(&self.ends, Ends::Logs(logs) if logs.found_in_log())
    }

    /// The events that were [found](Self::next) in the logs that it merges, to be lent.
    #[inline]
    pub(crate) fn lend_merged(&mut self, now: Moment) -> Option<LentMerged<'_>> {
        self.begin_batch(now);
        let Self { mailbox, ends: Ends::Logs(logs), changed, taken, .. } = self else {
            return None;
        };
        Some(logs.lend(Lender { mailbox, changed, taken, now }))
    }

    /// Begins a batch that is not lent by one log.
    pub(crate) fn begin_batch(&mut self, now: Moment) {
        self.mailbox.finish_and_mark(std::mem::replace(&mut self.taken, 0), now);
    }

    /// Ends a batch: the reader has finished its last event. The caller notifies the threads that
    /// wait for the reader.
    pub(crate) fn end_batch(&mut self, now: Moment) {
        self.hand.release();
        self.mailbox.finish_current_and_fence(self.taken, now);
    }

    /// Like [`next`](Self::next), but certain about an event in the queue.
    #[inline]
    pub(crate) fn ready(&mut self, now: Moment) -> Next {
        match self.next(now) {
            Next::Found if self.has_inbox_only() => {
                let next = self.mailbox.ready();
                if next != Next::Found {
                    self.mailbox.note_empty();
                }
                next
            }
            next => next,
        }
    }

    /// Waits until there is an event. `register_waiter` adds the mailbox to the waiters of its
    /// logs.
    #[inline]
    pub(crate) fn poll_ready(
        &mut self,
        now: Moment,
        context: &mut Context<'_>,
        register_waiter: impl FnOnce(&Arc<Mailbox>),
    ) -> Poll<Next> {
        match self.ready(now) {
            Next::Empty => {}
            ready => return Poll::Ready(ready),
        }
        self.sleep(context, register_waiter);
        // An event that arrived before the waker was set is seen now; a later one wakes it.
        match self.ready(now) {
            Next::Empty => Poll::Pending,
            ready => {
                self.forget_waker();
                Poll::Ready(ready)
            }
        }
    }

    /// Stores the task's waker, to be woken by the next event.
    fn sleep(&self, context: &Context<'_>, register_waiter: impl FnOnce(&Arc<Mailbox>)) {
        if !self.mailbox.wakes(context.waker()) {
            // Cloning and dropping a waker runs user code: not under the lock.
            let waker = Waker::clone(context.waker());
            discard_any(self.mailbox.set_waker(Some(waker)));
        }
        // The publisher first clears the flag and then takes the waker, so it finds the one set
        // above.
        if !self.mailbox.is_registered_everywhere() {
            register_waiter(&self.mailbox);
        }
    }

    /// Removes the waker: the reader's future was dropped.
    pub(crate) fn forget_waker(&self) {
        discard_any(self.mailbox.set_waker(None));
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.mailbox.settings.name).finish()
    }
}
