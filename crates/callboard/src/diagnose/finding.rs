//! The kinds of findings and their display.

use std::fmt;

/// A mistake in how a bus is used: what it is, which component causes it, and how to fix it.
///
/// Its `Display` is one line: the culprit, what was seen, the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Finding {
    /// The kind of the mistake.
    pub kind: FindingKind,
    /// The cause: the name of a subscriber, of an event type, or of a part of the bus.
    pub culprit: String,
    /// What was observed, with the figures.
    pub seen: String,
    /// How to fix it.
    pub cure: String,
    /// The recommended capacity, in events, if the cure is a different capacity.
    pub advice: Option<usize>,
}

/// The kinds of mistakes in using a bus, most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum FindingKind {
    /// Events are buffered, and the bus has never been started.
    NotStarted,
    /// Events are buffered, and the bus was paused.
    Paused,
    /// The bus is draining, and refuses publications from outside handlers.
    Draining,
    /// Handlers still published when the bus was closed.
    CutOff,
    /// Something was published outside handlers after [`drain`](crate::Bus::drain) had closed the
    /// bus, perhaps by a task that a handler spawned.
    Refused,
    /// A subscriber or responder that is expected, or that was asked, has not signed in.
    NotSignedIn,
    /// The buffer dropped events before a start.
    BufferTooSmall,
    /// The start replayed more events to a subscriber than its capacity, and it lost later events
    /// until it had read them.
    ReplayBeyondCapacity,
    /// A link to other processes is not connected, or has another problem.
    LinkInTrouble,
    /// A link to other processes lost events.
    LinkLost,
    /// Two event types share a name.
    NameClash,
    /// Several responders of one request type share a name, so only their first answer counts.
    DuplicateResponder,
    /// A handler run by [`serve`](crate::Subscription::serve) panicked.
    HandlerPanicked,
    /// A function given to [`publish_every`](crate::Bus::publish_every) panicked, and its ticks
    /// were skipped.
    TickFailed,
    /// A blocking call was made on the only thread of a runtime, which stops everything on it.
    BlocksRuntime,
    /// A subscriber was given an invalid pattern.
    BadPattern,
    /// A subscription was opened after the start without being declared late.
    SubscribedLate,
    /// A subscriber took an event, has more queued, and does not ask for the next.
    HandlerBlocks,
    /// A subscription is full and never read.
    NotReading,
    /// A request could only have been answered by a responder that waits for it.
    RequestCycle,
    /// A request ended without its rule being met.
    RequestFailed,
    /// A subscriber lost events that a larger capacity would have held.
    CapacityTooSmall,
    /// A subscriber constantly loses events, since more arrive than it takes.
    TooSlow,
    /// A subscription is to coalesce, and no event of its types has a key.
    NothingCoalesces,
    /// A subscriber has never used more than a small part of a large capacity.
    CapacityTooLarge,
    /// A queue, the buffer, or kept deliveries of a type hold much memory.
    MemoryHeld,
    /// Handlers publish in a cycle: events of this type lead to others that lead back to it.
    PublishCycle,
    /// Requests of this type are made or observed, but have no responder.
    NoResponder,
    /// Events of this type are published, but never had a subscriber.
    Unheard,
    /// This type has subscribers, but was never published, and no publisher has declared it.
    NeverPublished,
    /// Several subscriptions to the same events share a name. Subscriptions of one name to
    /// different events are not reported, since a component may have several.
    DuplicateSubscriber,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}; {}", self.culprit, self.seen, self.cure)
    }
}
