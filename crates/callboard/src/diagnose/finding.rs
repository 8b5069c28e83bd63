//! What can be found, and how it reads.

use std::fmt;

/// A mistake in how a bus is used: what it is, which component causes it, and how to mend it.
///
/// Its `Display` is one line: the culprit, what was seen, the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// What causes it: the name of a subscriber, of an event type, or of a part of the bus.
    pub culprit: String,
    /// What was seen, with the figures.
    pub seen: String,
    /// What would cure it.
    pub cure: String,
    /// The capacity, in events, that would be right, where that is the cure.
    pub advice: Option<usize>,
}

/// What users of a bus get wrong, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum FindingKind {
    /// Events wait, and the bus has never been started.
    NotStarted,
    /// Events wait, and the bus was paused.
    Paused,
    /// The bus is draining, and refuses what is published outside handlers.
    Draining,
    /// Handlers still published when [`drain`](crate::Bus::drain) had closed the bus.
    CutOff,
    /// Something was published outside handlers when [`drain`](crate::Bus::drain) had closed the bus: by a
    /// task that a handler spawned, perhaps.
    Refused,
    /// A subscriber or responder that is expected, or that was asked, has not signed in.
    NotSignedIn,
    /// The buffer had to drop events before a start.
    BufferTooSmall,
    /// The start gave a subscriber more events than its capacity, and it lost those that came before
    /// it had read them.
    ReplayBeyondCapacity,
    /// A link to other processes has no connection, or another trouble.
    LinkInTrouble,
    /// A link to other processes lost events.
    LinkLost,
    /// Two event types share a name.
    NameClash,
    /// Several responders of one request type share a name: only the first answer of them counts.
    DuplicateResponder,
    /// A handler run by [`serve`](crate::Subscription::serve) panicked.
    HandlerPanicked,
    /// A function given to [`publish_every`](crate::Bus::publish_every) panicked, and its ticks were
    /// skipped.
    TickFailed,
    /// A blocking call was made on the only thread of a runtime, which stops everything on it.
    BlocksRuntime,
    /// A subscriber was given a pattern that is none.
    BadPattern,
    /// A subscriber came after the start without saying that it meant to.
    SubscribedLate,
    /// A subscriber took an event, has more waiting, and does not come back.
    HandlerBlocks,
    /// A subscriber is full and does not read at all.
    NotReading,
    /// A request could only have been answered by a responder that waits for it.
    RequestCycle,
    /// A request ended without its rule being met.
    RequestFailed,
    /// A subscriber lost events that a larger capacity would have held.
    CapacityTooSmall,
    /// A subscriber loses events all the time, since more come than it takes.
    TooSlow,
    /// A subscriber has never used more than a small part of a large capacity.
    CapacityTooLarge,
    /// A queue, the buffer, or kept deliveries of a type hold much memory.
    MemoryHeld,
    /// Handlers publish in a circle: events of this type lead to others that lead back to it.
    PublishCycle,
    /// Requests of this type are made or observed, but have no responder.
    NoResponder,
    /// Events of this type are published, but never had a subscriber.
    Unheard,
    /// This type has subscribers, but was never published, and no publisher has declared it.
    NeverPublished,
    /// Several subscriptions to the same events share a name. Subscriptions of one name to
    /// different events are no finding: a component may have several.
    DuplicateSubscriber,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}; {}", self.culprit, self.seen, self.cure)
    }
}
