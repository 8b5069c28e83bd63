//! Debouncing and throttling: merging bursts of items.

mod adapters;
mod burst;
mod read;
mod rule;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub use burst::Burst;
use rule::Rule;

use super::{EventSet, Subscription};
use crate::engine::Holds;
use crate::sync::{block_on, discard};
use crate::time::Deadline;

/// A subscription that returns the latest of several items. Created by [`Subscription::debounce`]
/// or [`Subscription::throttle`].
///
/// It reads its queue while it is polled, so the capacity does not limit how many items it merges.
/// A newer item replaces and drops the older one; the [`Burst`] reports how many were
/// [merged](Burst::merged), and how many the subscription [missed](Burst::missed) before them. For
/// a set, the latest item of any variant counts.
///
/// - **Time** comes from the bus's [`Clock`](crate::Clock). An item's time is when it was read from
///   the queue, which only happens while the adapter is polled.
/// - **Calls are never merged.** A [`Call`](crate::Call) is returned as soon as it is read. It ends
///   the burst before it, which is returned first, so that the order is kept. If calls end bursts
///   too often, subscribe to the requests separately.
/// - **At the end**, when the bus is closed or drains, a held-back item is returned at once.
/// - **Waiting for it.** A held-back item is in no queue. [`close_and_drain`] waits until it is
///   returned. [`settle`] waits for it only once it is due: before that, with a [`ManualClock`], it
///   would wait forever.
/// - **Dropping it** unsubscribes and drops the held-back item.
///
/// [`close_and_drain`]: crate::Bus::close_and_drain
/// [`settle`]: crate::testing::settle()
/// [`ManualClock`]: crate::testing::ManualClock
///
/// # Examples
///
/// ```
/// use callboard::testing::Sim;
/// use callboard::{Bus, Event};
/// use std::time::Duration;
///
/// #[derive(Debug, Event)]
/// struct FileChanged { version: u32 }
/// #[derive(Debug, Event)]
/// struct Rebuilt { version: u32, changes: u64 }
///
/// async fn builder(bus: Bus) {
///     let changes = bus.subscribe::<FileChanged>("builder");
///     let mut changes = changes.debounce(Duration::from_millis(100), Duration::from_secs(2));
///     while let Some(change) = changes.recv().await {
///         let rebuilt = Rebuilt { version: change.version, changes: change.merged() + 1 };
///         bus.publish_caused_by(rebuilt, change.sequence());
///     }
/// }
///
/// let mut sim = Sim::new(1);
/// let bus = sim.bus();
/// let mut rebuilt = bus.subscribe::<Rebuilt>("test");
/// sim.spawn("builder", builder(bus.clone()));
/// sim.run();
/// bus.start();
/// for version in 1..=10 {
///     bus.publish(FileChanged { version });
/// }
/// sim.run();
/// let once = rebuilt.try_recv().unwrap();
/// assert_eq!((once.version, once.changes), (10, 10));
/// assert!(rebuilt.try_recv().is_err());
/// ```
#[must_use = "a subscription that is dropped unsubscribes"]
pub struct Paced<S: EventSet> {
    subscription: Subscription<S>,
    rule: Rule,
    held: Held<S::Item>,
    /// When the held-back burst is due. Its sleep belongs to the polling task.
    deadline: Option<Deadline>,
}

enum Held<T> {
    Nothing,
    /// Waits for its deadline. Without a deadline it was just read.
    Burst(Burst<T>),
    /// Returned next, whatever the time.
    Call(Burst<T>),
}

impl<S: EventSet> Paced<S> {
    /// Waits for the next burst; `None` once the bus is closed and everything was received.
    ///
    /// # Panics
    ///
    /// If the bus's clock panics. No item is lost.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item and no time: items already read stay in the adapter, with
    /// the same deadline.
    pub async fn recv(&mut self) -> Option<Burst<S::Item>> {
        // A sleep of an earlier stream poll or blocking call does not belong to this task.
        self.forget_sleep();
        Waiting { paced: self, waiting: false }.await
    }

    /// Like [`recv`](Self::recv), but parks the thread. Don't use it in async tasks, where it would
    /// block the executor.
    pub fn blocking_recv(&mut self) -> Option<Burst<S::Item>> {
        block_on(self.recv())
    }

    /// Switches to debouncing with these times; see [`Subscription::debounce`]. For settings that
    /// change while the program runs.
    ///
    /// A held-back item counts as read now: it is returned `quiet` from now, if nothing else
    /// arrives, or `at_most` after the first item of its burst.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # use callboard::testing::block_on;
    /// # use std::time::Duration;
    /// # #[derive(Debug, Event)]
    /// # struct FileChanged;
    /// let bus = Bus::new();
    /// let hour = Duration::from_secs(3600);
    /// let mut changes = bus.subscribe::<FileChanged>("builder").debounce(hour, hour);
    /// bus.start();
    /// bus.publish(FileChanged);
    /// changes.set_debounce(Duration::ZERO, Duration::ZERO);
    /// assert_eq!(block_on(changes.recv()).unwrap().merged(), 0);
    /// ```
    pub fn set_debounce(&mut self, quiet: Duration, at_most: Duration) {
        discard(self.deadline.take());
        self.rule.set_debounce(quiet, at_most);
    }

    /// Switches to throttling with this period; see [`Subscription::throttle`].
    ///
    /// A running period keeps its beginning. A held-back item is returned at its end, or at once if
    /// the period is over or the adapter debounced before.
    pub fn set_throttle(&mut self, period: Duration) {
        discard(self.deadline.take());
        self.rule.set_throttle(period);
    }

    /// The subscriber's name.
    pub fn name(&self) -> &str {
        self.subscription.name()
    }

    /// The underlying subscription, for its counters.
    pub fn get_ref(&self) -> &Subscription<S> {
        &self.subscription
    }

    /// Returns the subscription and the item that the adapter held back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # use std::time::Duration;
    /// # #[derive(Debug, Event)]
    /// # struct Tick;
    /// let bus = Bus::new();
    /// let ticks = bus.subscribe::<Tick>("clock").throttle(Duration::from_secs(1));
    /// let (ticks, held) = ticks.into_inner();
    /// assert!(ticks.is_empty() && held.is_none());
    /// ```
    pub fn into_inner(mut self) -> (Subscription<S>, Option<Burst<S::Item>>) {
        let held = self.take_held();
        (self.subscription, held)
    }

    fn forget_sleep(&mut self) {
        if let Some(deadline) = &mut self.deadline {
            deadline.forget_sleep();
        }
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Burst<S::Item>>> {
        if let Held::Call(_) = self.held {
            return Poll::Ready(self.take_held());
        }
        loop {
            match self.subscription.poll_read(context) {
                Poll::Ready(Some(read)) if read.is_call || self.rule.is_immediate() => {
                    let held = std::mem::replace(&mut self.held, Held::Call(read.burst));
                    return Poll::Ready(match held {
                        Held::Burst(burst) => Some(self.end_burst(burst)),
                        Held::Nothing | Held::Call(_) => self.take_held(),
                    });
                }
                Poll::Ready(Some(read)) => self.merge(read.burst),
                Poll::Ready(None) => return Poll::Ready(self.take_held()),
                Poll::Pending => break,
            }
        }
        if !matches!(self.held, Held::Burst(_)) {
            return Poll::Pending;
        }
        if self.subscription.core.registry().draining {
            return Poll::Ready(self.take_held());
        }
        match self.poll_deadline(context) {
            Poll::Ready(()) => Poll::Ready(self.take_held()),
            Poll::Pending => Poll::Pending,
        }
    }

    fn merge(&mut self, later: Burst<S::Item>) {
        // A panicking destructor must not drop an item that is still to be returned.
        discard(self.deadline.take());
        if let Held::Burst(burst) = &mut self.held {
            return discard(burst.merge(later));
        }
        self.held = Held::Burst(later);
        // Before the queue is read again; otherwise the item would count as handled.
        self.subscription.reader.mailbox.hold(Holds::Due);
    }

    /// Ready once the held-back burst is due.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self { subscription, rule, deadline, .. } = self;
        let clock = &*subscription.core.settings.clock;
        let deadline = match deadline {
            Some(deadline) => deadline,
            None => {
                let now = clock.now();
                let due = rule.due(now);
                if due.is_some_and(|due| due <= now) {
                    return Poll::Ready(());
                }
                subscription.reader.mailbox.hold(due.map_or(Holds::UntilClosed, Holds::Until));
                subscription.core.changed.notify_all();
                deadline.insert(Deadline::until(due))
            }
        };
        deadline.poll(clock, context)
    }

    fn take_held(&mut self) -> Option<Burst<S::Item>> {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => None,
            Held::Burst(burst) => Some(self.end_burst(burst)),
            Held::Call(call) => Some(self.hand_out(call)),
        }
    }

    fn end_burst(&mut self, burst: Burst<S::Item>) -> Burst<S::Item> {
        discard(self.deadline.take());
        let core = &self.subscription.core;
        self.rule.restart(|| core.now());
        self.hand_out(burst)
    }

    /// Passes a burst to the reader; the adapter keeps the contents of `held`.
    fn hand_out(&self, burst: Burst<S::Item>) -> Burst<S::Item> {
        let Subscription { core, reader, .. } = &self.subscription;
        let holds = if let Held::Call(_) = self.held { Holds::Due } else { Holds::Nothing };
        reader.mailbox.release(holds, core.moment());
        core.changed.notify_all();
        burst
    }
}

/// The future of [`Paced::recv`].
struct Waiting<'a, S: EventSet> {
    paced: &'a mut Paced<S>,
    /// Whether the mailbox may hold this future's waker.
    waiting: bool,
}

impl<S: EventSet> Future for Waiting<'_, S> {
    type Output = Option<Burst<S::Item>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiting = true;
        self.paced.poll_recv(context)
    }
}

impl<S: EventSet> Drop for Waiting<'_, S> {
    fn drop(&mut self) {
        self.paced.forget_sleep();
        if self.waiting {
            self.paced.subscription.reader.forget_waker();
        }
    }
}

impl<S: EventSet> futures_core::Stream for Paced<S> {
    type Item = Burst<S::Item>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}

/// Nothing in it is structurally pinned.
impl<S: EventSet> Unpin for Paced<S> {}

/// Shows its queue, and how many items it has read and held back.
impl<S: EventSet> fmt::Debug for Paced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = match &self.held {
            Held::Nothing => 0,
            Held::Burst(burst) | Held::Call(burst) => burst.merged() + 1,
        };
        f.debug_struct("Paced")
            .field("name", &self.name())
            .field("len", &self.subscription.len())
            .field("capacity", &self.subscription.capacity())
            .field("held", &held)
            .finish_non_exhaustive()
    }
}
