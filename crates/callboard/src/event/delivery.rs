//! An event in its reader's hands.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Event;

/// What the bus says of an event beyond its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    /// From 1, in the order of acceptance, one count for the whole bus.
    pub(crate) sequence: u64,
    /// The sequence of the event whose handling led to this one; 0 for none.
    pub(crate) cause: u64,
    pub(crate) missed: u64,
    pub(crate) published_at: Option<Instant>,
    pub(crate) taken_at: Option<Instant>,
}

impl Meta {
    pub(crate) fn cause(&self) -> Option<u64> {
        (self.cause != 0).then_some(self.cause)
    }

    pub(crate) fn queued_for(&self) -> Option<Duration> {
        Some(self.taken_at?.saturating_duration_since(self.published_at?))
    }
}

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
pub struct Delivery<E> {
    event: Arc<E>,
    meta: Meta,
}

impl<E: Event> Delivery<E> {
    pub(crate) fn new(event: Arc<E>, meta: Meta) -> Self {
        Self { event, meta }
    }

    /// How many events this subscription lost immediately before this one: 0 almost always.
    ///
    /// A component whose state is built from events must resynchronise when it is not.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.meta.missed
    }

    /// The event's number: from 1, in the order in which the bus accepted events, one count for
    /// the whole bus. The same event has the same number for all its readers.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.meta.sequence
    }

    /// The [`sequence`](Self::sequence) of the event that led to this one, where the bus knows:
    /// it was published inside a handler run by [`serve`](crate::Subscription::serve), by
    /// [`publish_caused_by`](crate::Bus::publish_caused_by), or it answers that request.
    #[must_use]
    pub fn cause(&self) -> Option<u64> {
        self.meta.cause()
    }

    /// When the event was published, on the bus's clock; `None` unless the bus keeps time (see
    /// [`BusBuilder::timestamps`](crate::BusBuilder::timestamps)).
    #[must_use]
    pub fn published_at(&self) -> Option<Instant> {
        self.meta.published_at
    }

    /// How long the event waited from its publication until it was received; `None` unless the
    /// bus keeps time.
    #[must_use]
    pub fn queued_for(&self) -> Option<Duration> {
        self.meta.queued_for()
    }

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

impl<E> AsRef<E> for Delivery<E> {
    fn as_ref(&self) -> &E {
        &self.event
    }
}

impl<E> Clone for Delivery<E> {
    fn clone(&self) -> Self {
        Self { event: Arc::clone(&self.event), meta: self.meta }
    }
}

impl<E: fmt::Debug> fmt::Debug for Delivery<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("event", &self.event)
            .field("sequence", &self.meta.sequence)
            .field("missed", &self.meta.missed)
            .finish_non_exhaustive()
    }
}
