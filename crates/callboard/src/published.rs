//! The outcome of a publication.

use std::fmt;

use crate::engine::Routed;
use crate::registry::Accepted;

/// The outcome of a publication.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick;
///
/// let bus = Bus::new();
/// assert!(bus.publish(Tick).buffered());
/// bus.start();
/// let published = bus.publish(Tick);
/// assert_eq!((published.delivered(), published.dropped()), (0, 0), "nobody listens");
/// bus.close();
/// assert!(bus.publish(Tick).closed());
/// assert_eq!(bus.publish(Tick).to_string(), "refused: the bus is closed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// 0 for none.
    sequence: u64,
    delivered: u32,
    /// The two high bits encode the outcome, so that the result fits into two registers.
    dropped: u32,
}

/// The outcome of a publication, besides the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Routed,
    Buffered,
    Closed,
}

impl Published {
    const FATE_SHIFT: u32 = 30;

    /// It was routed to these subscribers.
    #[inline]
    pub(crate) fn routed(sequence: u64, routed: Routed) -> Self {
        Self::new(sequence, routed, Fate::Routed)
    }

    /// It has no subscriber and was only counted.
    #[inline]
    pub(crate) fn unheard() -> Self {
        Self::routed(0, Routed::default())
    }

    #[inline]
    fn new(sequence: u64, routed: Routed, fate: Fate) -> Self {
        // A subscription takes more than 100 bytes, so there are fewer than 2^30 of them.
        #[expect(clippy::cast_possible_truncation, reason = "it fits, see above")]
        let (delivered, dropped) = (routed.delivered as u32, routed.dropped as u32);
        Self { sequence, delivered, dropped: dropped | ((fate as u32) << Self::FATE_SHIFT) }
    }

    /// The event's sequence number; 0 for none.
    pub(crate) fn number(self) -> u64 {
        self.sequence
    }

    pub(crate) fn of(accepted: Accepted) -> Self {
        let none = Routed::default();
        match accepted {
            Accepted::Routed(sequence, routed) => Self::routed(sequence, routed),
            Accepted::Unheard => Self::unheard(),
            Accepted::Buffered { sequence, .. } => Self::new(sequence, none, Fate::Buffered),
            Accepted::BufferFull => Self::routed(0, Routed { dropped: 1, ..none }),
            Accepted::Closed => Self::new(0, none, Fate::Closed),
        }
    }

    fn fate(&self) -> u32 {
        self.dropped >> Self::FATE_SHIFT
    }

    /// How many subscribers had room for the event, so that it was queued for them. (The
    /// `delivered` of a [`Ledger`](crate::Ledger) counts received events.)
    #[inline]
    pub fn delivered(&self) -> usize {
        self.delivered as usize
    }

    /// How many subscribers lost an event by this publication: this one, or an older one that made
    /// room. Before the start: 1 if the buffer was full.
    #[inline]
    pub fn dropped(&self) -> usize {
        (self.dropped & ((1 << Self::FATE_SHIFT) - 1)) as usize
    }

    /// Whether the event is buffered until the start.
    pub fn buffered(&self) -> bool {
        self.fate() == Fate::Buffered as u32
    }

    /// Whether the event was refused because the bus is closed, or being drained.
    pub fn closed(&self) -> bool {
        self.fate() == Fate::Closed as u32
    }

    /// The event's sequence number (see [`Delivery::sequence`](crate::Delivery::sequence)); `None`
    /// if it was refused, did not fit in the buffer, or has no subscribers.
    pub fn sequence(&self) -> Option<u64> {
        (self.sequence != 0).then_some(self.sequence)
    }
}

/// Shows the methods' results, except those that are `false` or `None`.
impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Published");
        if let Some(sequence) = self.sequence() {
            shown.field("sequence", &sequence);
        }
        match (self.buffered(), self.closed()) {
            (true, _) => shown.field("buffered", &true),
            (_, true) => shown.field("closed", &true),
            _ => shown.field("delivered", &self.delivered()).field("dropped", &self.dropped()),
        };
        shown.finish()
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence() {
            _ if self.closed() => f.write_str("refused: the bus is closed"),
            Some(sequence) if self.buffered() => write!(f, "#{sequence}: buffered"),
            Some(sequence) => {
                write!(f, "#{sequence}: {} delivered, {} dropped", self.delivered(), self.dropped())
            }
            None if self.dropped() > 0 => f.write_str("dropped: the start buffer is full"),
            None => f.write_str("nobody listens"),
        }
    }
}
