//! Events that a subscriber did not get, as events of their own.

use std::fmt;
use std::sync::Arc;

use crate::event::{Abilities, AnyEvent, Contract, Event, Receipt, TypeInfo};
use crate::log::Held;
use crate::overflow::DropReason;

/// An event that a subscriber lost, or that had no subscriber: for debugging.
///
/// A dead letter is an event itself. The bus publishes dead letters as long as they have a
/// subscriber: [`Bus::dead_letters`](crate::Bus::dead_letters) subscribes, lossily. While it does,
/// publishing an event without subscribers costs about as much as one with. Dropping a
/// subscription, merging events and withdrawing a request produce no dead letters, and neither does
/// losing a dead letter. Events that wait for the start when the bus is closed become none either:
/// a closed bus publishes nothing. They are counted in the snapshot and reported to
/// [`on_drop`](crate::Bus::on_drop), with [`DropReason::Closed`].
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// let bus = Bus::new();
/// let mut dead = bus.dead_letters("debug");
/// let _full = bus.subscriber("clock").capacity(1).late().subscribe::<Tick>();
/// bus.start();
/// bus.publish(Tick(1));
/// bus.publish(Tick(2));
///
/// let letter = dead.try_recv().unwrap();
/// assert_eq!(letter.subscriber(), Some("clock"));
/// assert_eq!(letter.event().downcast_ref::<Tick>().unwrap().0, 2);
/// assert_eq!(letter.to_string(), "`tick` #2 for `clock`: full");
/// ```
#[derive(Clone)]
pub struct DeadLetter {
    event: AnyEvent,
    subscriber: Option<Arc<str>>,
    reason: Option<DropReason>,
}

impl Event for DeadLetter {
    const TYPE: &'static str = "callboard.dead_letter";
    const ABILITIES: Abilities<Self> = Abilities::new().of_the_bus().contract(
        const {
            &Contract::new(
                "An event that a subscriber lost, or that nobody listens to. The bus publishes it \
                 while somebody subscribes to it.",
            )
        },
    );
}

impl DeadLetter {
    pub(super) fn new(
        info: &'static TypeInfo,
        held: Held,
        dropped: Option<(Arc<str>, DropReason)>,
    ) -> Self {
        let event = AnyEvent::new(info, held, Receipt::default());
        let (subscriber, reason) = dropped.unzip();
        Self { event, subscriber, reason }
    }

    /// The event.
    pub fn event(&self) -> &AnyEvent {
        &self.event
    }

    /// The subscriber that lost the event, or [`Dropped::BUFFER`](crate::Dropped::BUFFER); `None`
    /// if the event's type has no subscribers.
    pub fn subscriber(&self) -> Option<&str> {
        self.subscriber.as_deref()
    }

    /// Why the subscriber lost the event; `None` if the event's type has no subscribers.
    pub fn reason(&self) -> Option<DropReason> {
        self.reason
    }
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` #{}", self.event.event_type(), self.event.sequence())?;
        match (&self.subscriber, self.reason) {
            (Some(subscriber), Some(reason)) => write!(f, " for `{subscriber}`: {reason}"),
            _ => f.write_str(": nobody listens"),
        }
    }
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("event", &self.event)
            .field("sequence", &self.event.sequence())
            .field("subscriber", &self.subscriber)
            .field("reason", &self.reason)
            .finish()
    }
}
