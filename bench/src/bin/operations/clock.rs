//! A clock whose cost is not counted.

use std::future::pending;
use std::time::Instant;

use callboard::{Clock, Sleep};

/// A clock that stands still. The system's would start the thread of its timer for the deadline of a
/// request, and read the processor's.
#[derive(Debug)]
pub(crate) struct StoppedClock(Instant);

impl StoppedClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Instant {
        self.0
    }

    fn sleep_until(&self, _deadline: Instant) -> Sleep {
        Sleep::from_future(pending())
    }
}
