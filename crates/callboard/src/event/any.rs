//! Type-erased events.

use std::fmt;

use super::{Delivery, Event, EventRef, Receipt, TypeInfo, metadata};
use crate::log::{Held, Loan, Stamp};

/// The type-erased view of an event: what a subscriber to everything, or to a pattern, receives.
///
/// It carries what a [`Delivery`] carries, and turns into one with
/// [`downcast`](Self::downcast). Its `Debug` is the event's own.
///
/// # Examples
///
/// ```
/// use callboard::{AnyEvent, Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct ConfigParsed { version: u64 }
///
/// let bus = Bus::new();
/// let mut everything = bus.subscribe::<AnyEvent>("commentator");
/// bus.start();
/// bus.publish(ConfigParsed { version: 1 });
///
/// let event = everything.try_recv().unwrap();
/// assert_eq!(event.event_type(), "config.parsed");
/// assert!(event.is::<ConfigParsed>());
/// assert_eq!(event.downcast_ref::<ConfigParsed>().unwrap().version, 1);
/// assert_eq!(format!("{event:?}"), "ConfigParsed { version: 1 }");
/// ```
#[derive(Clone)]
pub struct AnyEvent {
    info: &'static TypeInfo,
    event: Held,
    pub(super) receipt: Receipt,
}

impl AnyEvent {
    pub(crate) fn new(info: &'static TypeInfo, event: Held, receipt: Receipt) -> Self {
        Self { info, event, receipt }
    }

    pub(crate) fn info(&self) -> &'static TypeInfo {
        self.info
    }

    /// The name of the event's type: its [`Event::TYPE`].
    pub fn event_type(&self) -> &'static str {
        self.info.name
    }

    /// Whether the event is an `E`.
    pub fn is<E: Event>(&self) -> bool {
        self.event.is::<E>()
    }

    /// The event, if it is an `E`.
    pub fn downcast_ref<E: Event>(&self) -> Option<&E> {
        self.event.get()
    }

    /// The event as a typed delivery.
    ///
    /// # Errors
    ///
    /// Returns `self` unchanged if the event is not an `E`.
    pub fn downcast<E: Event>(self) -> Result<Delivery<E>, Self> {
        let Self { info, event, receipt } = self;
        match event.downcast() {
            Ok(event) => Ok(Delivery::new(event, receipt)),
            Err(event) => Err(Self { info, event, receipt }),
        }
    }

    metadata!();

    pub(crate) fn stamp(&self) -> &Stamp {
        self.event.stamp()
    }
}

impl fmt::Debug for AnyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.debug(&self.event, f)
    }
}

/// A type-erased event lent by a [`Batch`](crate::Batch) for as long as the subscription is
/// borrowed: what an [`EventRef`] is for one type. [`keep`](Self::keep) turns it into an
/// [`AnyEvent`].
///
/// # Examples
///
/// ```
/// use callboard::{AnyEvent, Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// let bus = Bus::new();
/// let mut everything = bus.subscribe::<AnyEvent>("commentator");
/// bus.start();
/// bus.publish(Tick(1));
/// let mut kept: Vec<AnyEvent> = Vec::new();
/// for event in everything.try_recv_batch()? {
///     assert_eq!((event.event_type(), event.sequence()), ("tick", 1));
///     assert_eq!(event.downcast_ref::<Tick>().unwrap().0, 1);
///     kept.push(event.keep());
/// }
/// assert!(kept[0].is::<Tick>());
/// # Ok::<(), callboard::TryRecvError>(())
/// ```
pub struct AnyEventRef<'a> {
    info: &'static TypeInfo,
    event: Loan<'a, Held>,
    pub(super) receipt: Receipt,
}

impl<'a> AnyEventRef<'a> {
    pub(crate) fn new(info: &'static TypeInfo, event: Loan<'a, Held>, receipt: Receipt) -> Self {
        Self { info, event, receipt }
    }

    /// Keeps the event beyond the batch.
    #[must_use]
    pub fn keep(self) -> AnyEvent {
        AnyEvent::new(self.info, self.event.keep(), self.receipt)
    }

    /// The event's type, as its [`Event`] implementation names it.
    pub fn event_type(&self) -> &'static str {
        self.info.name
    }

    /// Whether the event is an `E`.
    pub fn is<E: Event>(&self) -> bool {
        self.event.get::<E>().is_some()
    }

    /// The event, if it is an `E`.
    pub fn downcast_ref<E: Event>(&self) -> Option<&E> {
        self.event.get()
    }

    /// Converts it into a borrowed event of type `E`.
    ///
    /// # Errors
    ///
    /// If the event is not an `E`, it is returned unchanged.
    pub fn downcast<E: Event>(self) -> Result<EventRef<'a, E>, Self> {
        let Self { info, event, receipt } = self;
        match event.downcast() {
            Ok(event) => Ok(EventRef::new(event, receipt)),
            Err(event) => Err(Self { info, event, receipt }),
        }
    }

    metadata!();

    pub(crate) fn stamp(&self) -> &Stamp {
        self.event.stamp()
    }
}

/// Shows the event, as its own `Debug` does.
impl fmt::Debug for AnyEventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.debug(&self.event, f)
    }
}

impl From<AnyEvent> for AnyEventRef<'_> {
    fn from(event: AnyEvent) -> Self {
        let AnyEvent { info, event, receipt } = event;
        Self { info, event: event.into(), receipt }
    }
}
