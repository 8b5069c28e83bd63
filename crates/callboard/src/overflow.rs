//! Overflow policies, drop reasons, and the ledger of offered events.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What happens to an event when its subscription is full.
///
/// Publishing never waits, whichever policy is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Overflow {
    /// The new event is dropped; queued events stay. The default.
    #[default]
    DropNewest,
    /// The oldest of the least urgent queued events is dropped; if the new event is less urgent
    /// than all queued ones, it is dropped instead.
    DropOldest,
    /// A newer event absorbs a queued one with the same key, whether the queue is full or not (see
    /// [`Coalesce`](crate::Coalesce)). While [`absorb`](crate::Coalesce::absorb) runs, both are
    /// queued. In a full queue, an event with a key of which none is queued is dropped, as by
    /// `DropNewest`, and so is one whose type does not coalesce.
    Coalesce,
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DropNewest => "drop newest",
            Self::DropOldest => "drop oldest",
            Self::Coalesce => "coalesce",
        })
    }
}

/// Whether drops on a subscription are incidents or expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Importance {
    /// A drop is an incident: it is reported to the drop callback. The default.
    #[default]
    Critical,
    /// A drop is expected: it is only counted.
    Lossy,
}

impl fmt::Display for Importance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Critical => "critical",
            Self::Lossy => "lossy",
        })
    }
}

/// Why an event offered to a subscription was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum DropReason {
    /// The subscription was full and this event was the newest.
    Full,
    /// The subscription was full and this event was the oldest.
    Oldest,
    /// The buffer that holds events before `start` was full.
    BufferFull,
    /// The bus was closed before it was started (again).
    Closed,
    /// A newer event with the same key absorbed it. Nothing is lost, and nothing is reported.
    Coalesced,
    /// The subscription ended with the event still queued. Not reported.
    Unsubscribed,
    /// The request ended before this responder took it. Not reported.
    Withdrawn,
}

impl DropReason {
    /// Every reason, in the order in which [`Ledger`]s list them.
    pub const ALL: [Self; 7] = [
        Self::Full,
        Self::Oldest,
        Self::BufferFull,
        Self::Closed,
        Self::Coalesced,
        Self::Unsubscribed,
        Self::Withdrawn,
    ];

    /// Whether an event dropped for this reason is lost: the subscriber should have received it,
    /// and nothing replaces it.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Full | Self::Oldest | Self::BufferFull | Self::Closed)
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Oldest => "oldest made room",
            Self::BufferFull => "buffer full before start",
            Self::Closed => "closed before start",
            Self::Coalesced => "coalesced",
            Self::Unsubscribed => "unsubscribed",
            Self::Withdrawn => "request withdrawn",
        })
    }
}

/// The counts of events offered to one subscription, of one event type, or both, by outcome.
///
/// It always balances: offered = delivered + queued + dropped. What the start buffer dropped was
/// never offered to a subscription: [`missed`](crate::Delivery::missed) counts it, and this does not.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, DropReason, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick;
///
/// let bus = Bus::new();
/// let mut ticks = bus.subscriber("clock").capacity(2).subscribe::<Tick>();
/// bus.start();
/// for _ in 0..5 {
///     bus.publish(Tick);
/// }
/// ticks.try_recv().unwrap();
///
/// let ledger = ticks.ledger();
/// assert_eq!((ledger.offered, ledger.delivered, ledger.queued), (5, 1, 1));
/// assert_eq!(ledger.dropped(DropReason::Full), 3);
/// assert!(ledger.balances());
/// assert_eq!(ledger.to_string(), "5 offered: 1 delivered, 1 queued, 3 dropped (3 full)");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Events offered to the subscription.
    pub offered: u64,
    /// Events that the subscription received.
    pub delivered: u64,
    /// Events that are queued for the subscription.
    pub queued: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Ledger {
    /// How many events were dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// How many events were dropped, for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// How many events were lost: dropped for a reason that [is a loss](DropReason::is_loss).
    pub fn lost(&self) -> u64 {
        self.drops().filter(|(reason, _)| reason.is_loss()).map(|(_, count)| count).sum()
    }

    /// The reasons for which events were dropped, with their counts.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        let counts = self.dropped;
        DropReason::ALL
            .into_iter()
            .map(move |reason| (reason, counts[reason as usize]))
            .filter(|(_, count)| *count > 0)
    }

    /// Whether every offered event is accounted for.
    pub fn balances(&self) -> bool {
        self.offered == self.delivered + self.queued + self.dropped_total()
    }

    pub(crate) fn count_drop(&mut self, reason: DropReason) {
        self.count_drops(reason, 1);
    }

    pub(crate) fn count_drops(&mut self, reason: DropReason, events: u64) {
        self.dropped[reason as usize] += events;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.delivered += other.delivered;
        self.queued += other.queued;
        for (mine, theirs) in self.dropped.iter_mut().zip(other.dropped) {
            *mine += theirs;
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped: BTreeMap<_, _> = self.drops().collect();
        f.debug_struct("Ledger")
            .field("offered", &self.offered)
            .field("delivered", &self.delivered)
            .field("queued", &self.queued)
            .field("dropped", &dropped)
            .finish()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offered, delivered, queued, .. } = self;
        let dropped = self.dropped_total();
        write!(f, "{offered} offered: {delivered} delivered, {queued} queued, {dropped} dropped")?;
        let reasons: Vec<String> =
            self.drops().map(|(reason, count)| format!("{count} {reason}")).collect();
        if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join(", ")) }
    }
}

/// The argument of the drop callback ([`Bus::on_drop`](crate::Bus::on_drop)): an event that was
/// dropped.
#[derive(Debug, Clone)]
pub struct Dropped {
    pub(crate) event_type: &'static str,
    pub(crate) subscriber: Arc<str>,
    pub(crate) capacity: usize,
    pub(crate) reason: DropReason,
    pub(crate) sequence: u64,
}

impl Dropped {
    /// The [`subscriber`](Self::subscriber) of a drop in the start buffer.
    pub const BUFFER: &'static str = "(start buffer)";

    /// The name of the event's type.
    pub fn event_type(&self) -> &'static str {
        self.event_type
    }

    /// The name of the subscriber that did not receive it, or [`Dropped::BUFFER`] if the bus
    /// dropped it before the start.
    pub fn subscriber(&self) -> &str {
        &self.subscriber
    }

    /// The capacity that was reached, in events.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Why the event was dropped.
    pub fn reason(&self) -> DropReason {
        self.reason
    }

    /// The event's sequence number; see [`Delivery::sequence`](crate::Delivery::sequence).
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` #{} for `{}` dropped: {} (capacity {})",
            self.event_type, self.sequence, self.subscriber, self.reason, self.capacity
        )
    }
}
