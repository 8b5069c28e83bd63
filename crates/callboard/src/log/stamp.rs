//! What is said of an event when it is published.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

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
        self.published_at.instant()
    }
}

impl Moment {
    const NONE: Self = Self(i64::MIN);

    fn at(instant: Instant) -> Self {
        let origin = origin();
        let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        match instant.checked_duration_since(origin) {
            Some(after) => Self(nanoseconds(after)),
            None => Self(-nanoseconds(origin.duration_since(instant))),
        }
    }

    fn instant(self) -> Option<Instant> {
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        match self {
            Self::NONE => None,
            Self(0..) => origin().checked_add(distance),
            Self(_) => origin().checked_sub(distance),
        }
    }
}

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
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
}
