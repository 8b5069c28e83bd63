//! tokio's time, where there is a tokio.

use std::time::Instant;

use super::{Clock, Sleep, SystemClock};

/// tokio's clock and timer inside a tokio runtime, the system's elsewhere.
///
/// The default clock with the feature `tokio`. Inside a runtime whose time is paused, time on
/// the bus is paused with it.
///
/// # Panics
///
/// A sleep panics inside a tokio runtime built without `enable_time`, as tokio's own does.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        if tokio::runtime::Handle::try_current().is_ok() {
            Sleep::from_future(tokio::time::sleep_until(deadline.into()))
        } else {
            SystemClock.sleep_until(deadline)
        }
    }
}
