//! What is said of an event when it is published.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// What is said of an event when it is published: the same for all its readers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// From 1, in the order of acceptance, one count for the whole bus.
    pub(crate) sequence: u64,
    /// The sequence of the event whose handling led to this one; 0 for none.
    pub(crate) cause: u64,
    published_at: Moment,
}

/// An `Option<Instant>` in 8 bytes: nanoseconds before or after the process's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment(i64);

impl Stamp {
    /// Of no event.
    pub(super) const NONE: Self = Self { sequence: 0, cause: 0, published_at: Moment::NONE };

    #[inline]
    pub(crate) fn new(sequence: u64, cause: u64, published_at: Option<Instant>) -> Self {
        let published_at = published_at.map_or(Moment::NONE, Moment::at);
        Self { sequence, cause, published_at }
    }

    pub(crate) fn published_at(&self) -> Option<Instant> {
        match self.published_at.distance()? {
            (after, false) => origin().instant.checked_add(after),
            (before, true) => origin().instant.checked_sub(before),
        }
    }

    /// The same moment by the system's clock; `None` if that can't show it.
    pub(crate) fn published_at_system_time(&self) -> Option<SystemTime> {
        match self.published_at.distance()? {
            (after, false) => origin().system_time.checked_add(after),
            (before, true) => origin().system_time.checked_sub(before),
        }
    }
}

impl Moment {
    const NONE: Self = Self(i64::MIN);

    fn at(instant: Instant) -> Self {
        let origin = origin().instant;
        let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
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

    use super::Stamp;

    #[test]
    fn moments_come_back_as_they_were() {
        let now = Instant::now();
        let far = Duration::from_secs(3_600);
        for moment in [None, Some(now), Some(now - far), Some(now + far)] {
            assert_eq!(Stamp::new(1, 0, moment).published_at(), moment);
        }
    }

    #[test]
    fn both_clocks_show_the_same_distances() {
        let now = Instant::now();
        let far = Duration::from_secs(3_600);
        let shown = |moment| Stamp::new(1, 0, moment).published_at_system_time();
        let Some(at) = shown(Some(now)) else { panic!("it is shown") };
        assert_eq!(shown(None), None);
        assert_eq!(shown(Some(now - far)), Some(at - far));
        assert_eq!(shown(Some(now + far)), Some(at + far));
    }
}
