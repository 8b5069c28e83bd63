//! Type-erased events.

use std::fmt;

use super::{Delivery, Event, Receipt, TypeInfo, metadata};
use crate::log::{Held, Stamp};

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
