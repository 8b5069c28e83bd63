//! Receiving several events at a time.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::receive::retry_with_backoff;
use super::{EventSet, Subscription};
use crate::engine::{LentMerged, Next, Reader};
use crate::error::TryRecvError;
use crate::log::Moment;
use crate::registry::Core;

/// The most events in a batch of a queue, so that a task that reads batches yields regularly.
/// A batch that lends has up to 64.
const LONGEST: usize = 32;

/// An iterator over some of a subscription's queued events. It takes each event as it returns it;
/// events that it has not returned when it is dropped stay queued. A more urgent event that arrives
/// during the iteration is in the next batch.
///
/// A batch has up to 64 events, or 32 with another policy than drop-newest, for calls, and on a bus
/// that traces. It is the cheapest way to receive when several events are queued; when they arrive
/// one by one, [`recv`](Subscription::recv) is. Events are borrowed, without a reference count or a copy: as an
/// [`EventRef`](crate::EventRef) of one type, an [`AnyEventRef`](crate::AnyEventRef) of everything,
/// and of a set as the enum that `#[derive(EventSet)]` makes beside it, with `Ref` at the end of its
/// name. `keep` turns one into a [`Delivery`](crate::Delivery), an [`AnyEvent`](crate::AnyEvent) or
/// an item of the set.
///
/// The reader counts as busy until the batch has returned `None` or the reader receives again: see
/// [`settle`](crate::testing::settle).
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// # callboard::testing::block_on(async {
/// let bus = Bus::new();
/// let mut ticks = bus.subscribe::<Tick>("clock");
/// bus.start();
/// for n in 0..100 {
///     bus.publish(Tick(n));
/// }
/// bus.close();
///
/// let mut sum = 0;
/// while let Some(batch) = ticks.recv_batch().await {
///     for tick in batch {
///         sum += tick.0;
///     }
/// }
/// assert_eq!(sum, 4_950);
/// # });
/// ```
///
/// The items of a set are lent as those of a second enum:
///
/// ```
/// use callboard::{Bus, Delivery, Event, EventSet};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// #[derive(Debug, Event)]
/// struct Alarm(&'static str);
///
/// #[derive(Debug, EventSet)]
/// enum Inbox {
///     Tick(Delivery<Tick>),
///     Alarm(Delivery<Alarm>),
/// }
///
/// let bus = Bus::new();
/// let mut inbox = bus.subscribe::<Inbox>("clock");
/// bus.start();
/// bus.publish(Tick(1));
/// bus.publish(Alarm("late"));
/// bus.publish(Tick(2));
///
/// let (mut sum, mut alarms) = (0, Vec::new());
/// for item in inbox.try_recv_batch()? {
///     match item {
///         InboxRef::Tick(tick) => sum += tick.0,
///         InboxRef::Alarm(alarm) => alarms.push(alarm.keep()),
///     }
/// }
/// assert_eq!((sum, alarms[0].0), (3, "late"));
/// # Ok::<(), callboard::TryRecvError>(())
/// ```
#[must_use = "a batch hands out events only when it is iterated"]
pub struct Batch<'a, S: EventSet> {
    core: &'a Core,
    /// When the batch began, if the bus keeps time.
    now: Moment,
    source: Source<'a, S>,
}

enum Source<'a, S: EventSet> {
    Log(S::Lent<'a>),
    Logs(LentMerged<'a>),
    Queue { reader: &'a mut Reader, left: usize },
}

impl<S: EventSet> Subscription<S> {
    /// Waits for at least one event, then lends the queued events, or the first of them. Returns
    /// `None` once the bus is closed and everything was received. It yields to the executor
    /// regularly, even if an event is queued.
    ///
    /// A batch is empty if its only event was a request that is withdrawn concurrently.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event, and neither does dropping the batch.
    pub async fn recv_batch(&mut self) -> Option<Batch<'_, S>> {
        let mut recv = self.recv();
        let (next, now) = std::future::poll_fn(|context| recv.poll_ready(context)).await;
        drop(recv);
        self.batch(next, now).ok()
    }

    /// Like [`recv_batch`](Self::recv_batch), but parks the thread.
    #[track_caller]
    pub fn blocking_recv_batch(&mut self) -> Option<Batch<'_, S>> {
        let ready = retry_with_backoff(|| {
            let now = self.core.moment();
            match self.reader.ready(now) {
                Next::Empty => Err(TryRecvError::Empty),
                next => Ok((next, now)),
            }
        });
        match ready {
            Ok((next, now)) => self.batch(next, now).ok(),
            Err(_) => {
                let core = Arc::clone(&self.core);
                core.block_on("blocking_recv_batch", Location::caller(), self.recv_batch())
            }
        }
    }

    /// Returns the queued events, or the first of them, without waiting.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) if no event is queued, [`Closed`](TryRecvError::Closed) if
    /// none can arrive any more.
    #[inline]
    pub fn try_recv_batch(&mut self) -> Result<Batch<'_, S>, TryRecvError> {
        if self.reader.finds_log(Moment::NONE) {
            return self.batch(Next::Log, Moment::NONE);
        }
        let now = self.core.moment();
        let next = self.reader.ready(now);
        self.batch(next, now)
    }

    /// Makes a batch from the source that has the next event.
    #[inline]
    fn batch(&mut self, next: Next, now: Moment) -> Result<Batch<'_, S>, TryRecvError> {
        let Self { core, reader, .. } = self;
        let source = match next {
            Next::Log => Source::Log(S::lend(reader, now).ok_or(TryRecvError::Empty)?),
            Next::Found if reader.found_in_logs() => {
                Source::Logs(reader.lend_merged(now).ok_or(TryRecvError::Empty)?)
            }
            Next::Found => {
                reader.begin_batch(now);
                Source::Queue { reader, left: LONGEST }
            }
            Next::Empty | Next::Closed => {
                // It has asked for more, and so is done with what it had.
                core.changed.notify_all();
                let closed = next == Next::Closed;
                return Err(if closed { TryRecvError::Closed } else { TryRecvError::Empty });
            }
        };
        Ok(Batch { core, now, source })
    }
}

impl<'a, S: EventSet> Batch<'a, S> {
    /// Takes the next event of a queue.
    #[inline(never)]
    fn next_queued(&mut self) -> Option<S::Ref<'a>> {
        let Source::Queue { reader, left } = &mut self.source else {
            return None;
        };
        let taken = match reader.look() {
            Next::Found if *left > 0 => S::take_in_batch(reader, self.now).ok(),
            _ => None,
        };
        if taken.is_none() {
            // It has asked for more, and so is done with what it had.
            reader.end_batch(self.core.moment());
        }
        *left = left.saturating_sub(1);
        self.core.changed.notify_all();
        Some(taken?.into())
    }
}

impl<'a, S: EventSet> Iterator for Batch<'a, S> {
    type Item = S::Ref<'a>;

    #[inline]
    fn next(&mut self) -> Option<S::Ref<'a>> {
        match &mut self.source {
            Source::Log(lent) => lent.next(),
            // For a single type this arm is not compiled, which keeps the loop over it short.
            Source::Logs(lent) if !S::TAKES_LOGGED => lent.next().map(S::lent),
            _ => self.next_queued(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.source {
            Source::Log(lent) => lent.size_hint(),
            Source::Logs(lent) => lent.size_hint(),
            Source::Queue { left, .. } => (0, Some(*left)),
        }
    }
}

impl<S: EventSet> fmt::Debug for Batch<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, at_most) = self.size_hint();
        f.debug_struct("Batch")
            .field("left_at_most", &at_most.unwrap_or(LONGEST))
            .finish_non_exhaustive()
    }
}
