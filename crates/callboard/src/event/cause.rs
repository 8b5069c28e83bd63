//! The cause of an event, as given by its publisher.

use super::Received;
use crate::log;

/// The cause of an event to publish, for [`Bus::publish_caused_by`](crate::Bus::publish_caused_by).
///
/// It is made from a reference to a received event, or from that event's
/// [`sequence`](crate::Delivery::sequence). A bare number starts a new chain: the event's
/// [`origin`](crate::Delivery::origin) is then its cause, regardless of that event's own origin.
/// `None` means no cause.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Step(u32);
///
/// let bus = Bus::new();
/// let mut steps = bus.subscribe::<Step>("worker");
/// bus.start();
/// bus.publish(Step(1));
/// let first = steps.try_recv().unwrap();
/// bus.publish_caused_by(Step(2), &first);
/// let second = steps.try_recv().unwrap();
/// bus.publish_caused_by(Step(3), &second);
/// bus.publish_caused_by(Step(4), second.sequence());
///
/// let (third, fourth) = (steps.try_recv().unwrap(), steps.try_recv().unwrap());
/// assert_eq!((third.cause(), third.origin()), (Some(2), 1));
/// assert_eq!((fourth.cause(), fourth.origin()), (Some(2), 2));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cause(pub(crate) log::Cause);

impl From<u64> for Cause {
    /// The event with this sequence number; its origin is unknown.
    fn from(sequence: u64) -> Self {
        Self(log::Cause::from(sequence, sequence))
    }
}

impl From<Option<u64>> for Cause {
    fn from(sequence: Option<u64>) -> Self {
        sequence.map_or_else(Self::default, Self::from)
    }
}

impl<R: Received + ?Sized> From<&R> for Cause {
    fn from(received: &R) -> Self {
        let metadata = received.metadata();
        Self(log::Cause::from(metadata.sequence, metadata.origin))
    }
}
