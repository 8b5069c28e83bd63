//! Time: where the bus reads the clock, and how it waits.
//!
//! A bus reads time through a [`Clock`] and waits through the [`Sleep`]s it gives out, so that a
//! test can hold both. [`SystemClock`] is the default; it needs no runtime, since one thread per
//! process, started by the first timeout, serves every bus. With the feature `tokio` a bus that
//! waits inside a tokio runtime waits by tokio's timer instead, which a test can pause.

mod deadline;
#[cfg(feature = "tokio")]
mod relay;
mod timer;
#[cfg(feature = "tokio")]
mod tokio_clock;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

pub(crate) use deadline::Deadline;
#[cfg(feature = "tokio")]
pub(crate) use relay::unattended;
use timer::Alarm;
#[cfg(feature = "tokio")]
pub use tokio_clock::TokioClock;

/// Where a bus gets its time from.
///
/// Set one with [`BusBuilder::clock`](crate::BusBuilder::clock). The crate's own are
/// [`SystemClock`], [`testing::ManualClock`](crate::testing::ManualClock) and, with the feature
/// `tokio`, `TokioClock`.
///
/// One that goes back makes durations 0 and timeouts longer; one that leaps ends the timeouts that
/// are over by then. Neither loses an event.
///
/// # Panics
///
/// A clock that panics stops nobody from publishing, receiving or handling: what it was asked is
/// unknown then. Where somebody waits with a timeout, or takes a snapshot, the panic reaches them.
///
/// # Examples
///
/// ```
/// use callboard::{Clock, SystemClock};
/// use std::time::Duration;
///
/// let clock = SystemClock;
/// let before = clock.now();
/// callboard::testing::block_on(clock.sleep_until(before + Duration::from_millis(1)));
/// assert!(clock.now() >= before + Duration::from_millis(1));
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment. It never goes back.
    fn now(&self) -> Instant;

    /// A future that is ready once [`now`](Self::now) has reached `deadline`.
    ///
    /// It wakes without holding a lock that the clock's functions take: the wake of a
    /// [scheduled](crate::Bus::publish_after) event publishes it, and sleeps again.
    fn sleep_until(&self, deadline: Instant) -> Sleep;
}

/// A wait for a moment, given out by a [`Clock`].
///
/// # Cancel safety
///
/// Dropping it forgets the alarm at once.
#[must_use = "a sleep does nothing until it is awaited"]
pub struct Sleep(Kind);

enum Kind {
    Alarm(Alarm),
    Other(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Sleep {
    /// Wraps the sleep of a timer that is not the crate's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::Sleep;
    ///
    /// callboard::testing::block_on(Sleep::from_future(std::future::ready(())));
    /// ```
    pub fn from_future(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Kind::Other(Box::pin(future)))
    }

    /// Has the task woken at its time without looking at the clock first, where that can be done.
    fn set(&mut self, context: &Context<'_>) -> bool {
        match &mut self.0 {
            Kind::Alarm(alarm) => {
                alarm.set(context);
                true
            }
            Kind::Other(_) => false,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Kind::Alarm(alarm) => alarm.poll(context),
            Kind::Other(future) => future.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

/// The system's monotonic clock, and a timer thread shared by the whole process.
///
/// The thread starts with the first timeout and sleeps until the nearest one; setting a later
/// timeout, or cancelling one, does not wake it. It runs the wakers of those whose time has come:
/// one that blocks holds up all timeouts of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep(Kind::Alarm(Alarm::new(deadline)))
    }
}

/// Whether this thread alone drives a runtime: to park it stops everything on that runtime.
#[cfg(not(feature = "tokio"))]
pub(crate) fn is_driven_by_this_thread() -> bool {
    false
}
#[cfg(feature = "tokio")]
pub(crate) use tokio_clock::is_driven_by_this_thread;

/// Sleeps need no care where there is no runtime that could end.
#[cfg(not(feature = "tokio"))]
pub(crate) fn unattended<R>(code: impl FnOnce() -> R) -> R {
    code()
}

/// The clock of a bus whose builder was given none.
#[cfg(not(feature = "tokio"))]
pub(crate) use self::SystemClock as DefaultClock;
#[cfg(feature = "tokio")]
pub(crate) use self::TokioClock as DefaultClock;
