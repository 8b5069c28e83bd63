//! The metadata of an event, set when it is published.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// The metadata of an event, set when it is published: the same for all its readers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// The event's number: starts at 1, counts the whole bus, in the order of acceptance.
    pub(crate) sequence: u64,
    lineage: Lineage,
    pub(super) published_at: Moment,
}

/// The event whose handling led to another, and where the chain of causes began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The sequence of that event; 0 for none.
    pub(crate) sequence: u64,
    /// The distance from that event back to the first event of the chain.
    pub(crate) back: u32,
}

/// A [`Cause`] in 8 bytes, relative to the event that it led to. 0 means none. Otherwise it is the
/// distance to the cause, in 31 bits, and the cause's `back`, in 32; or, if the distance does not
/// fit, the highest bit and the cause alone, and the chain begins anew with the cause.
///
/// So recording the first event of the chain does not make slots larger.
#[derive(Debug, Clone, Copy)]
struct Lineage(u64);

/// An `Option<Instant>` in 8 bytes: nanoseconds before or after the process's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[doc(hidden)]
pub struct Moment(i64);

impl Stamp {
    /// The stamp of no event.
    pub(super) const NONE: Self =
        Self { sequence: 0, lineage: Lineage(0), published_at: Moment::NONE };

    #[inline]
    pub(crate) fn new(sequence: u64, cause: Cause, published_at: Moment) -> Self {
        Self { sequence, lineage: Lineage::new(sequence, cause), published_at }
    }

    /// The sequence of the event whose handling led to this one; 0 for none.
    pub(crate) fn cause(&self) -> u64 {
        self.lineage.cause(self.sequence).sequence
    }

    /// The sequence of the first event of the chain of causes that led to this one; its own if it
    /// has no cause.
    pub(crate) fn origin(&self) -> u64 {
        match self.lineage.cause(self.sequence) {
            Cause { sequence: 0, .. } => self.sequence,
            Cause { sequence, back } => sequence.saturating_sub(back.into()),
        }
    }

    /// This event as the cause of another. A chain that is too long begins anew with this event.
    #[inline]
    pub(crate) fn as_cause(&self) -> Cause {
        if self.lineage.0 == 0 {
            return Cause { sequence: self.sequence, back: 0 };
        }
        Cause::from(self.sequence, self.origin())
    }

    /// The nanoseconds from publication to a moment, if the bus keeps time.
    #[inline]
    pub(crate) fn waited_until(&self, moment: Moment) -> Option<u64> {
        moment.nanoseconds_since(self.published_at)
    }

    pub(crate) fn published_at(&self) -> Option<Instant> {
        self.published_at.instant()
    }

    /// The time of publication by the system's clock; `None` if the clock can't represent it.
    pub(crate) fn published_at_system_time(&self) -> Option<SystemTime> {
        match self.published_at.distance()? {
            (after, false) => origin().system_time.checked_add(after),
            (before, true) => origin().system_time.checked_sub(before),
        }
    }
}

impl Cause {
    /// The event of this sequence, whose chain of causes began with `origin`.
    pub(crate) fn from(sequence: u64, origin: u64) -> Self {
        let back = sequence.checked_sub(origin).and_then(|back| u32::try_from(back).ok());
        Self { sequence, back: back.unwrap_or(0) }
    }
}

impl Lineage {
    const FAR: u64 = 1 << 63;

    #[inline]
    fn new(sequence: u64, cause: Cause) -> Self {
        if cause.sequence == 0 { Self(0) } else { Self::of(sequence, cause) }
    }

    fn of(sequence: u64, Cause { sequence: cause, back }: Cause) -> Self {
        // A program may name a cause that is no earlier event.
        match sequence.checked_sub(cause) {
            Some(distance @ 1..) if distance < 1 << 31 => Self(distance << 32 | u64::from(back)),
            _ => Self(Self::FAR | cause),
        }
    }

    fn cause(self, sequence: u64) -> Cause {
        if self.0 == 0 {
            Cause::default()
        } else if self.0 & Self::FAR != 0 {
            Cause { sequence: self.0 & !Self::FAR, back: 0 }
        } else {
            let back = u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(0);
            Cause { sequence: sequence - (self.0 >> 32), back }
        }
    }
}

impl Default for Moment {
    fn default() -> Self {
        Self::NONE
    }
}

impl Moment {
    pub(crate) const NONE: Self = Self(i64::MIN);

    #[inline]
    pub(crate) fn is_known(self) -> bool {
        self != Self::NONE
    }

    /// How many nanoseconds it is after another moment; 0 if it is before. `None` unless both are
    /// known.
    #[inline]
    pub(crate) fn nanoseconds_since(self, earlier: Self) -> Option<u64> {
        let known = self.is_known() && earlier.is_known();
        // Only a difference of centuries overflows.
        known.then(|| u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub(crate) fn instant(self) -> Option<Instant> {
        match self.distance()? {
            (after, false) => origin().instant.checked_add(after),
            (before, true) => origin().instant.checked_sub(before),
        }
    }

    #[inline]
    pub(crate) fn at(instant: Instant) -> Self {
        let origin = origin().instant;
        let nanoseconds = |time: Duration| {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            seconds.saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into())
        };
        match instant.checked_duration_since(origin) {
            Some(after) => Self(nanoseconds(after)),
            None => Self(-nanoseconds(origin.duration_since(instant))),
        }
    }

    /// The distance from the origin, and whether the moment is before it.
    fn distance(self) -> Option<(Duration, bool)> {
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        (self != Self::NONE).then_some((distance, self.0 < 0))
    }
}

/// The process's first moment, by both clocks.
struct Origin {
    instant: Instant,
    system_time: SystemTime,
}

fn origin() -> &'static Origin {
    static ORIGIN: OnceLock<Origin> = OnceLock::new();
    ORIGIN.get_or_init(|| Origin { instant: Instant::now(), system_time: SystemTime::now() })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Cause, Moment, Stamp};

    fn of(moment: Option<Instant>) -> Moment {
        moment.map_or(Moment::NONE, Moment::at)
    }

    #[test]
    fn moments_come_back_as_they_were() {
        let now = Instant::now();
        let far = Duration::from_secs(3_600);
        for moment in [None, Some(now), Some(now - far), Some(now + far)] {
            assert_eq!(Stamp::new(1, Cause::default(), of(moment)).published_at(), moment);
        }
    }

    #[test]
    fn both_clocks_show_the_same_distances() {
        let now = Instant::now();
        let far = Duration::from_secs(3_600);
        let shown = |moment| Stamp::new(1, Cause::default(), of(moment)).published_at_system_time();
        let Some(at) = shown(Some(now)) else { panic!("it is shown") };
        assert_eq!(shown(None), None);
        assert_eq!(shown(Some(now - far)), Some(at - far));
        assert_eq!(shown(Some(now + far)), Some(at + far));
    }

    /// The cause and the origin of an event that `cause` led to, in a chain that began with
    /// `origin`.
    fn known(sequence: u64, cause: u64, origin: u64) -> (u64, u64) {
        let stamp = Stamp::new(sequence, Cause::from(cause, origin), Moment::NONE);
        (stamp.cause(), stamp.origin())
    }

    #[test]
    fn cause_and_origin_come_back_as_they_were() {
        const FAR: u64 = 1 << 31;
        let none = Stamp::new(7, Cause::default(), Moment::NONE);
        assert_eq!((none.cause(), none.origin()), (0, 7), "it is its own origin");
        for (sequence, cause, origin) in [
            (2, 1, 1),
            (9, 8, 1),
            (FAR, 1, 1),
            (9 * FAR, 9 * FAR - 1, 8 * FAR),
            (9 * FAR, 8 * FAR + 1, 7 * FAR),
            (u64::MAX >> 1, (u64::MAX >> 1) - 1, (u64::MAX >> 1) - FAR),
        ] {
            assert_eq!(known(sequence, cause, origin), (cause, origin), "of {sequence}");
        }
    }

    #[test]
    fn chain_that_is_too_long_begins_anew_with_the_cause() {
        const FAR: u64 = 1 << 31;
        // The cause is too far back, or the origin is.
        assert_eq!(known(FAR + 5, 5, 1), (5, 5));
        assert_eq!(known(3 * FAR, 3 * FAR - 1, 1), (3 * FAR - 1, 3 * FAR - 1));
        // No earlier event at all.
        assert_eq!(known(5, 5, 5), (5, 5));
        assert_eq!(known(5, 40, 40), (40, 40));
        assert_eq!(known(0, 40, 2), (40, 40), "an answer that the bus did not take");
    }
}
