//! What the bus says of a received event, whatever form it has.

use std::time::{Duration, Instant};

use super::{AnyEvent, Delivery, Event, EventRef};

/// What the bus says of an event to its receiver. Get one from [`Received::metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The name of the event's type: its [`Event::TYPE`].
    pub event_type: &'static str,
    /// The event's number; see [`Delivery::sequence`].
    pub sequence: u64,
    /// How many events the subscription lost immediately before this one.
    pub missed: u64,
    /// The number of the event that led to this one, where the bus knows; see [`Delivery::cause`].
    pub cause: Option<u64>,
    /// The number of the first event of the chain of causes; see [`Delivery::origin`].
    pub origin: u64,
    /// When the event was published, if the bus keeps time.
    pub published_at: Option<Instant>,
    /// How long the event waited until it was received, if the bus keeps time.
    pub queued_for: Option<Duration>,
}

/// A received event of whatever form: a [`Delivery`], a [`Call`](crate::Call), an [`AnyEvent`], an
/// [`EventRef`] of a batch, or an enum with `#[derive(EventSet)]`, whichever variant it is.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Delivery, Event, EventSet, Received};
///
/// #[derive(Debug, Event)]
/// struct ConfigParsed;
/// #[derive(Debug, Event)]
/// struct ConfigGone;
///
/// #[derive(Debug, EventSet)]
/// enum Inbox {
///     Parsed(Delivery<ConfigParsed>),
///     Gone(Delivery<ConfigGone>),
/// }
///
/// let bus = Bus::new();
/// let mut inbox = bus.subscribe::<Inbox>("reconciler");
/// bus.start();
/// bus.publish(ConfigParsed);
/// bus.publish(ConfigGone);
/// let seen: Vec<_> = inbox.try_iter().map(|item| (item.event_type(), item.sequence())).collect();
/// assert_eq!(seen, [("config.parsed", 1), ("config.gone", 2)]);
/// ```
pub trait Received {
    /// Everything that the bus says of the event.
    fn metadata(&self) -> Metadata;

    /// The name of the event's type.
    fn event_type(&self) -> &'static str {
        self.metadata().event_type
    }

    /// The event's number; see [`Delivery::sequence`].
    fn sequence(&self) -> u64 {
        self.metadata().sequence
    }

    /// How many events the subscription lost immediately before this one.
    fn missed(&self) -> u64 {
        self.metadata().missed
    }

    /// The number of the event that led to this one, where the bus knows.
    fn cause(&self) -> Option<u64> {
        self.metadata().cause
    }

    /// The number of the first event of the chain of causes; see [`Delivery::origin`].
    fn origin(&self) -> u64 {
        self.metadata().origin
    }

    /// When the event was published, if the bus keeps time.
    fn published_at(&self) -> Option<Instant> {
        self.metadata().published_at
    }

    /// How long the event waited until it was received, if the bus keeps time.
    fn queued_for(&self) -> Option<Duration> {
        self.metadata().queued_for
    }
}

/// Implements [`Received`] for a form that has the methods of `metadata!`.
macro_rules! received {
    ($item:ident => $event_type:expr) => {
        fn metadata(&self) -> $crate::event::Metadata {
            let $item = self;
            $crate::event::Metadata {
                event_type: $event_type,
                sequence: self.sequence(),
                missed: self.missed(),
                cause: self.cause(),
                origin: self.origin(),
                published_at: self.published_at(),
                queued_for: self.queued_for(),
            }
        }
    };
}

pub(crate) use received;

impl<E: Event> Received for Delivery<E> {
    received!(_item => E::TYPE);
}

impl<E: Event> Received for EventRef<'_, E> {
    received!(_item => E::TYPE);
}

impl Received for AnyEvent {
    received!(item => item.event_type());
}
