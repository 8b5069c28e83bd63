//! The metadata of received events in any form.

use std::time::{Duration, Instant};

use super::{AnyEvent, AnyEventRef, Delivery, Event, EventRef, Receipt};

/// The metadata of a received event. Returned by [`Received::metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The name of the event's type: its [`Event::TYPE`].
    pub event_type: &'static str,
    /// The event's number; see [`Delivery::sequence`].
    pub sequence: u64,
    /// How many events the subscription lost immediately before this one.
    pub missed: u64,
    /// The sequence number of the event that led to this one, if known; see [`Delivery::cause`].
    pub cause: Option<u64>,
    /// The number of the first event of the chain of causes; see [`Delivery::origin`].
    pub origin: u64,
    /// When the event was published, if the bus keeps time.
    pub published_at: Option<Instant>,
    /// How long the event waited until it was received, if the bus keeps time.
    pub queued_for: Option<Duration>,
}

/// A received event in any form: a [`Delivery`], a [`Call`](crate::Call), an [`AnyEvent`], an
/// [`EventRef`] of a batch, or any variant of an enum with `#[derive(EventSet)]`.
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
    /// All metadata of the event.
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

    /// The sequence number of the event that led to this one, if known.
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

    #[doc(hidden)]
    fn receipt(&self) -> Option<&Receipt> {
        None
    }

    /// Creates a span for handling the event, for hand-written loops on a bus that
    /// [traces](crate::BusBuilder::trace). It continues the trace of the event's publisher, and is
    /// disabled on any other bus. Handlers run by [`serve`](crate::Subscription::serve) are already
    /// in such a span.
    ///
    /// Call it before receiving the next event: the bus keeps the publisher's span open only until
    /// then, so that a trace is exported even if a component keeps the event. Later, and for
    /// retained, debounced and throttled events, the span begins a new trace.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, Received};
    ///
    /// #[derive(Debug, Event)]
    /// struct OrderPlaced(u32);
    ///
    /// let bus = Bus::builder().trace(true).build()?;
    /// let mut orders = bus.subscribe::<OrderPlaced>("billing");
    /// bus.start();
    /// bus.publish(OrderPlaced(1));
    /// for order in orders.try_iter() {
    ///     // In async code: `handle(order).instrument(span)`.
    ///     let charged = order.span().in_scope(|| order.0 * 100);
    ///     assert_eq!(charged, 100);
    /// }
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    #[cfg(feature = "tracing")]
    fn span(&self) -> tracing::Span {
        let Metadata { event_type, sequence, .. } = self.metadata();
        let span = self.receipt().and_then(|receipt| receipt.span(event_type, sequence));
        span.unwrap_or_else(tracing::Span::none)
    }
}

/// Implements [`Received`] for a type with the methods of `metadata!`.
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

        fn receipt(&self) -> Option<&$crate::event::Receipt> {
            Some(&self.receipt)
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

impl Received for AnyEventRef<'_> {
    received!(item => item.event_type());
}
