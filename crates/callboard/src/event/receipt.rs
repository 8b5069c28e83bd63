//! Metadata of an event that differs by receiver.

use std::fmt;
use std::time::Duration;

use super::packed::{Packed, Unpacked};
use crate::trace::Trail;

/// The part of an event's metadata that belongs to one receiver; the rest is in its
/// [`Stamp`](crate::log::Stamp). It almost always fits a word, so that a received event is two
/// words.
#[doc(hidden)]
#[derive(Clone)]
pub struct Receipt(Packed<Details>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    missed: u64,
    /// How long the event waited, in nanoseconds, if the bus keeps time.
    waited: Option<u64>,
}

#[derive(Clone)]
struct Details {
    times: Times,
    /// Where its trace continues, if the bus traces.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "no bus traces"))]
    trail: Option<Trail>,
}

/// The lowest bits of a number are the missed count; the bits above are the time waited plus one,
/// or 0.
const MISSED_BITS: u32 = 16;

impl Times {
    #[inline]
    fn pack(self) -> Option<u64> {
        let waited = self.waited.map_or(Some(0), |waited| waited.checked_add(1))?;
        let fits = self.missed >> MISSED_BITS == 0 && waited.leading_zeros() > MISSED_BITS;
        fits.then_some(waited << MISSED_BITS | self.missed)
    }

    #[inline]
    fn unpack(number: u64) -> Self {
        let missed = number & ((1 << MISSED_BITS) - 1);
        Self { missed, waited: (number >> MISSED_BITS).checked_sub(1) }
    }
}

impl Receipt {
    /// A receipt with the number of events missed before, and the nanoseconds waited, if the bus
    /// keeps time.
    #[inline]
    pub(crate) fn new(missed: u64, waited: Option<u64>) -> Self {
        if missed == 0 && waited.is_none() {
            return Self::default();
        }
        let times = Times { missed, waited };
        let packed = times.pack().and_then(Packed::number);
        Self(packed.unwrap_or_else(|| Packed::boxed(Details { times, trail: None })))
    }

    /// Adds the event's tracing context, which the reader holds.
    #[cold]
    pub(crate) fn trace(&mut self, trail: Trail) {
        self.0 = Packed::boxed(Details { times: self.times(), trail: Some(trail) });
    }

    /// The span of handling the event, if the bus traces.
    #[cfg(feature = "tracing")]
    pub(crate) fn span(&self, event_type: &'static str, sequence: u64) -> Option<tracing::Span> {
        match self.0.get() {
            Unpacked::Boxed(details) => Some(details.trail.as_ref()?.span(event_type, sequence)),
            _ => None,
        }
    }

    #[inline]
    fn times(&self) -> Times {
        match self.0.get() {
            Unpacked::Nothing => Times::default(),
            Unpacked::Number(number) => Times::unpack(number),
            Unpacked::Boxed(details) => details.times,
        }
    }

    #[inline]
    pub(crate) fn missed(&self) -> u64 {
        self.times().missed
    }

    pub(crate) fn waited(&self) -> Option<Duration> {
        self.times().waited.map(Duration::from_nanos)
    }
}

impl Default for Receipt {
    #[inline]
    fn default() -> Self {
        Self(Packed::NOTHING)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.times().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Receipt;

    #[test]
    fn what_was_missed_and_waited_comes_back() {
        let times = [None, Some(0), Some(1), Some(1 << 40), Some(1 << 47), Some(u64::MAX)];
        for missed in [0, 1, (1 << 16) - 1, 1 << 16, u64::MAX] {
            for waited in times {
                let receipt = Receipt::new(missed, waited);
                let waited = waited.map(Duration::from_nanos);
                assert_eq!((receipt.missed(), receipt.waited()), (missed, waited));
            }
        }
    }
}
