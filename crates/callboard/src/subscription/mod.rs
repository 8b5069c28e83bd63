//! Subscriptions: opening, receiving, and serving.

mod batch;
mod builder;
mod pace;
mod receive;
mod recv;
mod serve;
mod set;
#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use batch::Batch;
pub(crate) use builder::DEFAULT_CAPACITY;
pub use builder::SubscriberBuilder;
pub use pace::{Burst, Paced};
pub use recv::Recv;
pub use set::{EventSet, Member};

#[cfg(feature = "tokio")]
use crate::engine::Mailbox;
use crate::engine::Reader;
use crate::overflow::Ledger;
use crate::registry::{Core, Figures};

/// A subscriber's receiving handle. Dropping it unsubscribes and frees the queued events.
///
/// All ways of receiving return the same events in the same order and may be mixed:
///
/// | | one event | many |
/// | --- | --- | --- |
/// | at once | [`try_recv`](Self::try_recv) | [`try_iter`](Self::try_iter), [`try_recv_batch`](Self::try_recv_batch) |
/// | await | [`recv`](Self::recv), or as a [`Stream`](futures_core::Stream) | [`recv_many`](Self::recv_many), [`recv_batch`](Self::recv_batch) |
/// | park the thread | [`blocking_recv`](Self::blocking_recv), [`recv_timeout`](Self::recv_timeout) | [`iter`](Self::iter), [`blocking_recv_batch`](Self::blocking_recv_batch) |
/// | run a handler | | [`serve`](Self::serve), [`serve_concurrent`](Self::serve_concurrent) |
///
/// [`debounce`](Self::debounce) and [`throttle`](Self::throttle) reduce bursts of events.
///
/// After the bus is closed, a subscription returns its queued events, then ends.
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
/// bus.publish(Tick(1));
/// assert_eq!(ticks.recv().await.unwrap().0, 1);
/// bus.close();
/// assert!(ticks.recv().await.is_none());
/// # });
/// ```
#[must_use = "a subscription that is dropped unsubscribes"]
pub struct Subscription<S: EventSet> {
    // Dropped first, so that it releases its log events while the bus still exists.
    reader: Reader,
    core: Arc<Core>,
    /// Consecutive polls of `recv` that did not have to wait.
    streak: u32,
    /// Invariant: the registry's entry has exactly this type.
    set: PhantomData<fn(S) -> S>,
}

impl<S: EventSet> Subscription<S> {
    fn new(core: Arc<Core>, reader: Reader) -> Self {
        Self { core, reader, streak: 0, set: PhantomData }
    }

    /// The subscriber's name.
    pub fn name(&self) -> &str {
        &self.reader.mailbox.settings.name
    }

    /// How many undelivered events the subscription may hold.
    pub fn capacity(&self) -> usize {
        self.reader.mailbox.settings.capacity
    }

    /// How many undelivered events the subscription holds.
    pub fn len(&self) -> usize {
        self.figures().queued
    }

    /// Whether the subscription holds no undelivered event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events were lost since the last one queued. The next event to arrive reports them
    /// as [`missed`](crate::Delivery::missed).
    pub fn pending_missed(&self) -> u64 {
        self.figures().missed
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.reader.mailbox
    }

    fn figures(&self) -> Figures {
        self.core.registry().figures(&self.reader.mailbox)
    }

    /// Counts of all events offered to this subscription, by outcome.
    pub fn ledger(&self) -> Ledger {
        self.figures().ledger()
    }
}

impl<S: EventSet> Drop for Subscription<S> {
    fn drop(&mut self) {
        self.core.sign_out(&self.reader.mailbox);
    }
}

impl<S: EventSet> fmt::Debug for Subscription<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("name", &self.name())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
