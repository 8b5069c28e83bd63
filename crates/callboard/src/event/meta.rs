//! The methods that every form of a received event has.

use std::fmt;

use super::Receipt;
use crate::log::Stamp;

/// Adds to the `Debug` of a received event what its methods return: the sequence, and what was missed
/// and the cause if there is any.
pub(crate) fn describe(shown: &mut fmt::DebugStruct<'_, '_>, stamp: &Stamp, receipt: &Receipt) {
    shown.field("sequence", &stamp.sequence);
    if receipt.missed() > 0 {
        shown.field("missed", &receipt.missed());
    }
    if stamp.cause() != 0 {
        shown.field("cause", &stamp.cause());
    }
}

/// The methods that every form of a received event has, over its method `stamp` and its field
/// `receipt`.
macro_rules! metadata {
    () => {
        /// How many events this subscription lost immediately before this one: 0 almost always.
        /// Events of its types that the start buffer had to drop count too.
        ///
        /// A component whose state is built from events must resynchronise when it is not 0.
        pub fn missed(&self) -> u64 {
            self.receipt.missed()
        }

        /// The event's number: from 1, in the order in which the bus accepted events that somebody
        /// listens to, one count for the whole bus. The same event has the same number for all its
        /// readers.
        pub fn sequence(&self) -> u64 {
            self.stamp().sequence
        }

        /// The [`sequence`](Self::sequence) of the event that led to this one, where the bus
        /// knows: it was published inside a handler run by
        /// [`serve`](crate::Subscription::serve), by
        /// [`publish_caused_by`](crate::Bus::publish_caused_by), or it answers that request.
        pub fn cause(&self) -> Option<u64> {
            let cause = self.stamp().cause();
            (cause != 0).then_some(cause)
        }

        /// The [`sequence`](Self::sequence) of the first event of the chain of causes that led to
        /// this one: its own if there is no [`cause`](Self::cause). What has the same origin came
        /// of the same event.
        ///
        /// A chain begins anew with a cause that was given as a bare number, and with one that is
        /// more than two thousand million events back.
        pub fn origin(&self) -> u64 {
            self.stamp().origin()
        }

        /// When the event was published, on the bus's clock; `None` unless the bus keeps time
        /// (see [`BusBuilder::timestamps`](crate::BusBuilder::timestamps)).
        pub fn published_at(&self) -> Option<::std::time::Instant> {
            self.stamp().published_at()
        }

        /// When the event was published, by the system's clock; `None` unless the bus keeps time.
        ///
        /// It is [`published_at`](Self::published_at) counted from one moment of the process at
        /// which both clocks were read: two events are as far apart as their `published_at` are,
        /// and when the system's clock is set later, these times do not follow. It is the same for
        /// every clock of a bus: a [`ManualClock`](crate::testing::ManualClock) shows the time of
        /// its making and what it was advanced by.
        pub fn published_at_system_time(&self) -> Option<::std::time::SystemTime> {
            self.stamp().published_at_system_time()
        }

        /// How long the event waited from its publication until it was received; `None` unless
        /// the bus keeps time. The events of a [`Batch`](crate::Batch) are received when that begins.
        pub fn queued_for(&self) -> Option<::std::time::Duration> {
            self.receipt.waited()
        }
    };
}

pub(crate) use metadata;
