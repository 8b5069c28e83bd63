//! The methods common to all forms of received events.

use std::fmt;

use super::Receipt;
use crate::log::Stamp;

/// Adds metadata to the `Debug` of a received event: the sequence number, and the missed count and
/// the cause if there are any.
pub(crate) fn describe(shown: &mut fmt::DebugStruct<'_, '_>, stamp: &Stamp, receipt: &Receipt) {
    shown.field("sequence", &stamp.sequence);
    if receipt.missed() > 0 {
        shown.field("missed", &receipt.missed());
    }
    if stamp.cause() != 0 {
        shown.field("cause", &stamp.cause());
    }
}

/// Defines the methods common to all forms of received events, on top of the method `stamp` and the
/// field `receipt`.
macro_rules! metadata {
    () => {
        /// How many events this subscription lost immediately before this one; usually 0. Events of
        /// its types that the start buffer dropped count too.
        ///
        /// A component whose state is built from events must resynchronise if it is not 0.
        pub fn missed(&self) -> u64 {
            self.receipt.missed()
        }

        /// The event's sequence number. It counts all accepted events of the bus that have a
        /// subscriber, from 1. The same event has the same number for all its readers.
        pub fn sequence(&self) -> u64 {
            self.stamp().sequence
        }

        /// The [`sequence`](Self::sequence) of the event that led to this one, if the bus knows it:
        /// this event was published inside a handler that [`serve`](crate::Subscription::serve) runs
        /// on the same bus, or with [`publish_caused_by`](crate::Bus::publish_caused_by), or it
        /// answers a request.
        pub fn cause(&self) -> Option<u64> {
            let cause = self.stamp().cause();
            (cause != 0).then_some(cause)
        }

        /// The [`sequence`](Self::sequence) of the first event of the chain of causes that led to
        /// this one; its own if there is no [`cause`](Self::cause). Events with the same origin
        /// result from the same event.
        ///
        /// A new chain starts if the cause is given as a bare number, or is more than two billion
        /// events old.
        pub fn origin(&self) -> u64 {
            self.stamp().origin()
        }

        /// When the event was published, on the bus's clock; `None` unless the bus keeps time
        /// (see [`BusBuilder::timestamps`](crate::BusBuilder::timestamps)). Events with ascending
        /// [`sequence`](Self::sequence) numbers have ascending times, or equal ones.
        pub fn published_at(&self) -> Option<::std::time::Instant> {
            self.stamp().published_at()
        }

        /// When the event was published, by the system's clock; `None` unless the bus keeps time.
        ///
        /// It is [`published_at`](Self::published_at) plus a constant offset, since the process
        /// reads both clocks together once. The distance of two events is that of their
        /// `published_at`, and later changes of the system's clock have no effect. This holds for
        /// every clock: a [`ManualClock`](crate::testing::ManualClock) shows its creation time plus
        /// the time it was advanced by.
        pub fn published_at_system_time(&self) -> Option<::std::time::SystemTime> {
            self.stamp().published_at_system_time()
        }

        /// How long the event waited from its publication until it was received; `None` unless the
        /// bus keeps time. The events of a [`Batch`](crate::Batch) count as received when the batch
        /// begins.
        pub fn queued_for(&self) -> Option<::std::time::Duration> {
            self.receipt.waited()
        }
    };
}

pub(crate) use metadata;
