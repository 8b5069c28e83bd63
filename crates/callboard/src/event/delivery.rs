//! Received events, owned and borrowed.

use std::fmt;
use std::ops::Deref;

use super::{Event, Receipt, describe, metadata};
use crate::log::{Kept, Loan, Stamp};

/// An event as a subscriber receives it: owned, `'static`, cheap to clone (the event itself is
/// shared), and dereferencing to the event.
///
/// The event is dropped when its last reader is done and its last `Delivery` is dropped. Its memory
/// may be shared with a few dozen events published at about the same time, and is only freed with
/// the last of them. To keep few of many events for long, copy the needed data.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Delivery, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// let bus = Bus::new();
/// let mut ticks = bus.subscriber("clock").capacity(1).subscribe::<Tick>();
/// bus.start();
/// for n in 1..=3 {
///     bus.publish(Tick(n));
/// }
/// let first: Delivery<Tick> = ticks.try_recv().unwrap();
/// assert_eq!((first.0, first.missed()), (1, 0));
/// bus.publish(Tick(4));
/// let fourth = ticks.try_recv().unwrap();
/// assert_eq!((fourth.0, fourth.missed()), (4, 2), "2 and 3 did not fit");
/// assert!(fourth.sequence() > first.sequence());
/// assert_eq!(format!("{fourth:?}"), "Delivery { event: Tick(4), sequence: 4, missed: 2 }");
/// ```
pub struct Delivery<E: 'static> {
    event: Kept<E>,
    pub(super) receipt: Receipt,
}

impl<E: Event> Delivery<E> {
    pub(crate) fn new(event: Kept<E>, receipt: Receipt) -> Self {
        Self { event, receipt }
    }

    metadata!();

    pub(crate) fn stamp(&self) -> &Stamp {
        self.event.stamp()
    }
}

impl<E: 'static> Deref for Delivery<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}

/// Shows the event and its sequence number, and the missed count and the cause if there are any.
impl<E: fmt::Debug + 'static> fmt::Debug for Delivery<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Delivery");
        shown.field("event", &*self.event);
        describe(&mut shown, self.event.stamp(), &self.receipt);
        shown.finish()
    }
}

/// Shows the event alone, as its own `Display` does.
impl<E: fmt::Display + 'static> fmt::Display for Delivery<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(&self.event, f)
    }
}

impl<E: 'static> Clone for Delivery<E> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), receipt: self.receipt.clone() }
    }
}

/// An event borrowed from a [`Batch`](crate::Batch): like a [`Delivery`], without the cost of
/// keeping it. It dereferences to the event.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Delivery, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// let bus = Bus::new();
/// let mut ticks = bus.subscribe::<Tick>("clock");
/// bus.start();
/// bus.publish(Tick(1));
/// let mut kept: Vec<Delivery<Tick>> = Vec::new();
/// for tick in ticks.try_recv_batch()? {
///     assert_eq!((tick.0, tick.missed()), (1, 0));
///     kept.push(tick.keep());
/// }
/// assert_eq!(kept[0].0, 1);
/// # Ok::<(), callboard::TryRecvError>(())
/// ```
pub struct EventRef<'a, E: 'static> {
    event: Loan<'a, Kept<E>>,
    pub(super) receipt: Receipt,
}

impl<'a, E: 'static> EventRef<'a, E> {
    pub(crate) fn new(event: Loan<'a, Kept<E>>, receipt: Receipt) -> Self {
        Self { event, receipt }
    }

    /// Keeps the event beyond the batch.
    #[must_use]
    pub fn keep(self) -> Delivery<E> {
        Delivery { event: self.event.keep(), receipt: self.receipt }
    }

    metadata!();

    pub(crate) fn stamp(&self) -> &Stamp {
        self.event.stamp()
    }
}

/// Shows what the `Debug` of a [`Delivery`] shows.
impl<E: fmt::Debug + 'static> fmt::Debug for EventRef<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("EventRef");
        shown.field("event", &**self.event);
        describe(&mut shown, self.event.stamp(), &self.receipt);
        shown.finish()
    }
}

/// Shows the event alone, as its own `Display` does.
impl<E: fmt::Display + 'static> fmt::Display for EventRef<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(&self.event, f)
    }
}

impl<E: 'static> From<Delivery<E>> for EventRef<'_, E> {
    fn from(delivery: Delivery<E>) -> Self {
        Self { event: delivery.event.into(), receipt: delivery.receipt }
    }
}

impl<E: 'static> Deref for EventRef<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}
