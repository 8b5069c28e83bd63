//! An event in its reader's hands.

use std::ops::Deref;
use std::sync::Arc;

use super::{Event, Meta, metadata};

/// An event as a subscriber receives it: owned, `'static`, cheap to clone (the event itself is
/// shared), and dereferencing to the event.
///
/// The event's memory is freed when the last `Delivery` of it is dropped.
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
/// ```
#[derive(Debug)]
pub struct Delivery<E> {
    event: Arc<E>,
    meta: Meta,
}

impl<E: Event> Delivery<E> {
    pub(crate) fn new(event: Arc<E>, meta: Meta) -> Self {
        Self { event, meta }
    }

    metadata!();

    /// The event, shared with its other readers.
    #[must_use]
    pub fn into_inner(self) -> Arc<E> {
        self.event
    }
}

impl<E> Deref for Delivery<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}

impl<E> Clone for Delivery<E> {
    fn clone(&self) -> Self {
        Self { event: Arc::clone(&self.event), meta: self.meta }
    }
}
