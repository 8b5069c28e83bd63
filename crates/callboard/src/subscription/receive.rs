//! The receiving methods of subscriptions.

use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{EventSet, Recv, Subscription};
use crate::engine::{Mailbox, Next};
use crate::error::{RecvTimeoutError, TryRecvError};
use crate::log::Moment;
use crate::sync::{CHECKED, wake};
use crate::time::Deadline;

/// After this many consecutive events an async reader yields to its executor, even if more are
/// queued. Tokio uses the same number for its channels.
const BEFORE_YIELDING: u32 = 128;

impl<S: EventSet> Subscription<S> {
    /// Waits for the next event. Returns `None` once the bus is closed and everything was received.
    /// It yields to the executor regularly, even if an event is queued.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event: only the poll that returns an event takes it.
    pub fn recv(&mut self) -> Recv<'_, S> {
        Recv { subscription: self, waiting: false }
    }

    /// Returns the next event, if one is queued.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) if no event is queued, [`Closed`](TryRecvError::Closed) if
    /// none can arrive any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, TryRecvError};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// assert_eq!(ticks.try_recv().unwrap_err(), TryRecvError::Empty);
    /// bus.close();
    /// assert_eq!(ticks.try_recv().unwrap_err(), TryRecvError::Closed);
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<S::Item, TryRecvError> {
        match self.take_at_once(Moment::NONE) {
            Some(item) => Ok(item),
            None => self.try_recv_anywhere(),
        }
    }

    /// Takes the next event, if it is certainly in a log that is read without a lock. `now` is the
    /// time, if the bus keeps it; without it, nothing is taken.
    #[inline(always)]
    fn take_at_once(&mut self, now: Moment) -> Option<S::Item> {
        if !S::TAKES_LOGGED {
            return if now.is_known() { self.take_merged_at(now) } else { self.take_merged() };
        }
        let item = if self.reader.finds_log(now) {
            S::take_logged(&mut self.reader, now)?
        } else {
            return None;
        };
        self.after_take();
        Some(item)
    }

    #[inline(never)]
    fn try_recv_anywhere(&mut self) -> Result<S::Item, TryRecvError> {
        let now = self.core.moment();
        if now.is_known()
            && let Some(item) = self.take_at_once(now)
        {
            return Ok(item);
        }
        if self.reader.has_inbox_only() {
            let taken = S::take_locked(&mut self.reader, now);
            self.after_take();
            if taken.is_err() {
                self.reader.mailbox.note_empty();
            }
            return taken;
        }
        loop {
            let next = self.reader.next(now);
            match self.take(next, now) {
                // The event was a call that has since been withdrawn.
                Err(TryRecvError::Empty) if next == Next::Found => {}
                taken => return taken,
            }
        }
    }

    // A separate function with everything inlined into it, so that the event stays in registers.
    #[inline(never)]
    fn take_merged(&mut self) -> Option<S::Item> {
        let item = S::item(self.reader.take_merged(Moment::NONE)?);
        self.after_take();
        Some(item)
    }

    // Another, since without the time the code is shorter.
    #[inline(never)]
    fn take_merged_at(&mut self, now: Moment) -> Option<S::Item> {
        let item = S::item(self.reader.take_merged(now)?);
        self.after_take();
        Some(item)
    }

    /// Takes the next event from its source.
    fn take(&mut self, next: Next, now: Moment) -> Result<S::Item, TryRecvError> {
        let taken = match next {
            Next::Log => S::take_logged(&mut self.reader, now).ok_or(TryRecvError::Empty),
            Next::Found => self.reader.take_found(now).map(S::item),
            Next::Empty => Err(TryRecvError::Empty),
            Next::Closed => Err(TryRecvError::Closed),
        };
        self.after_take();
        taken
    }

    /// Parks the thread until there is an event. Returns `None` once the bus is closed and
    /// everything was received. Don't use it in async tasks, where it would block the executor.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick(u32);
    ///
    /// let bus = Bus::new();
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// let reader = std::thread::spawn(move || ticks.blocking_recv().map(|tick| tick.0));
    /// bus.publish(Tick(1));
    /// assert_eq!(reader.join().unwrap(), Some(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<S::Item> {
        self.blocking_recv_at(Location::caller())
    }

    fn blocking_recv_at(&mut self, site: &'static Location<'static>) -> Option<S::Item> {
        match retry_with_backoff(|| self.try_recv()) {
            Ok(item) => Some(item),
            Err(TryRecvError::Closed) => None,
            Err(TryRecvError::Empty) => {
                let core = Arc::clone(&self.core);
                core.block_on("blocking_recv", site, self.recv())
            }
        }
    }

    /// Parks the thread until there is an event, or until `timeout` has passed on the bus's clock.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout) if no event arrived in time,
    /// [`Closed`](RecvTimeoutError::Closed) if none can arrive any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, RecvTimeoutError};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// let error = ticks.recv_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error, RecvTimeoutError::Timeout);
    /// ```
    #[track_caller]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<S::Item, RecvTimeoutError> {
        let core = Arc::clone(&self.core);
        let clock = &*core.settings.clock;
        let mut deadline = Deadline::after(clock, timeout);
        let in_time = {
            let mut recv = pin!(self.recv());
            let in_time = std::future::poll_fn(|context| match recv.as_mut().poll(context) {
                Poll::Ready(item) => Poll::Ready(Some(item)),
                Poll::Pending => deadline.poll(clock, context).map(|()| None),
            });
            core.block_on("recv_timeout", Location::caller(), in_time)
        };
        if let Some(item) = in_time {
            return item.ok_or(RecvTimeoutError::Closed);
        }
        // Try once more: the last poll may only have yielded.
        self.try_recv().map_err(|nothing| match nothing {
            TryRecvError::Empty => RecvTimeoutError::Timeout,
            TryRecvError::Closed => RecvTimeoutError::Closed,
        })
    }

    /// Waits for at least one event, then appends up to `limit` of the queued events to `buffer`
    /// and returns their number: 0 once the bus is closed and everything was received, or if
    /// `limit` is 0.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event: only the poll that returns fills `buffer`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # #[derive(Debug, Event)]
    /// # struct Tick(u32);
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// for n in 0..5 {
    ///     bus.publish(Tick(n));
    /// }
    /// let mut batch = Vec::new();
    /// assert_eq!(ticks.recv_many(&mut batch, 3).await, 3);
    /// assert_eq!(ticks.recv_many(&mut batch, 100).await, 2);
    /// assert!(batch.iter().map(|tick| tick.0).eq(0..5));
    /// # });
    /// ```
    pub async fn recv_many(&mut self, buffer: &mut Vec<S::Item>, limit: usize) -> usize {
        let before = buffer.len();
        if limit > 0 {
            buffer.extend(self.recv().await);
        }
        // A reader that finds nothing has asked for more, and so is done with its last event.
        self.reader.hand.collect(true);
        while buffer.len() - before < limit && self.reader.has_more() {
            buffer.extend(self.try_recv());
        }
        self.reader.hand.collect(false);
        if buffer.len() > before {
            self.reader.mailbox.hand();
        }
        buffer.len() - before
    }

    /// Returns an iterator that parks the thread for each event. It ends when the bus is closed and
    /// everything was received.
    #[track_caller]
    pub fn iter(&mut self) -> impl Iterator<Item = S::Item> {
        let site = Location::caller();
        std::iter::from_fn(move || self.blocking_recv_at(site))
    }

    /// Returns an iterator over the queued events that ends instead of waiting.
    pub fn try_iter(&mut self) -> impl Iterator<Item = S::Item> {
        std::iter::from_fn(|| self.try_recv().ok())
    }

    /// Counts a poll. Returns whether the reader may continue without yielding. A simulation also
    /// yields at random, in `should_yield`: its bus keeps time, so its readers get there.
    #[inline]
    pub(super) fn may_go_on(&mut self) -> bool {
        self.streak += 1;
        self.streak <= BEFORE_YIELDING
    }

    /// Waits for an event without taking it.
    #[inline]
    pub(super) fn poll_ready(&mut self, now: Moment, context: &mut Context<'_>) -> Poll<Next> {
        let core = &*self.core;
        let register_waiter = |mailbox: &Arc<Mailbox>| core.register_waiter(mailbox);
        let ready = self.reader.poll_ready(now, context, register_waiter);
        if ready.is_pending() {
            self.streak = 0;
            self.after_take();
        }
        ready
    }

    /// Whether to yield to the executor now; schedules the next poll if so.
    #[inline]
    pub(super) fn should_yield(&mut self, context: &Context<'_>) -> bool {
        let should_yield = self.streak > BEFORE_YIELDING
            || self.core.settings.jitter.as_ref().is_some_and(|decides| decides());
        if should_yield {
            self.streak = 0;
            wake(|| context.waker().wake_by_ref());
        }
        should_yield
    }

    #[inline]
    pub(super) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if self.may_go_on()
            && let Some(item) = self.take_at_once(Moment::NONE)
        {
            return Poll::Ready(Some(item));
        }
        self.poll_recv_anywhere(context)
    }

    #[inline(never)]
    fn poll_recv_anywhere(&mut self, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if self.should_yield(context) {
            return Poll::Pending;
        }
        let now = self.core.moment();
        if now.is_known()
            && let Some(item) = self.take_at_once(now)
        {
            return Poll::Ready(Some(item));
        }
        if self.reader.has_inbox_only() {
            return self.poll_queue(now, context);
        }
        loop {
            let Poll::Ready(next) = self.poll_ready(now, context) else {
                return Poll::Pending;
            };
            match self.take(next, now) {
                Ok(item) => return Poll::Ready(Some(item)),
                Err(TryRecvError::Closed) => return Poll::Ready(None),
                // The event was a call that has since been withdrawn.
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    #[inline(never)]
    fn poll_queue(&mut self, now: Moment, context: &Context<'_>) -> Poll<Option<S::Item>> {
        loop {
            let taken = S::take_locked(&mut self.reader, now);
            self.after_take();
            if taken.is_err() {
                self.reader.mailbox.note_empty();
            }
            match taken {
                Ok(item) => return Poll::Ready(Some(item)),
                Err(TryRecvError::Closed) => return Poll::Ready(None),
                Err(TryRecvError::Empty) if self.sleeps_by_queue(context) => {
                    self.streak = 0;
                    return Poll::Pending;
                }
                // An event arrived in the meantime.
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    /// Whether a reader without a log that found nothing may sleep.
    fn sleeps_by_queue(&self, context: &Context<'_>) -> bool {
        self.reader.sleep_by_queue(context.waker(), |mailbox| self.core.register_waiter(mailbox))
    }

    /// Notifies tasks that wait for this subscription to drain.
    #[inline]
    fn after_take(&self) {
        self.core.changed.notify_all();
    }
}

/// Retries for a few microseconds: an event of a burst often arrives before a thread could be
/// parked, which saves waking it. The rounds are those of crossbeam's `Backoff`, but fewer, so that
/// idle subscriptions cost nothing.
pub(super) fn retry_with_backoff<T>(
    mut attempt: impl FnMut() -> Result<T, TryRecvError>,
) -> Result<T, TryRecvError> {
    const SPINS: u32 = 6;
    const YIELDS: u32 = 4;
    // A model checker gains nothing from more attempts.
    let rounds = if CHECKED { 0 } else { SPINS + YIELDS };
    for round in 0..rounds {
        let attempted = attempt();
        if !matches!(attempted, Err(TryRecvError::Empty)) {
            return attempted;
        }
        if round < SPINS {
            (0..1 << round).for_each(|_| std::hint::spin_loop());
        } else {
            std::thread::yield_now();
        }
    }
    attempt()
}

impl<S: EventSet> futures_core::Stream for Subscription<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}
