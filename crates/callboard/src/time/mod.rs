//! Time: how the bus reads the clock and waits.
//!
//! A bus reads the time from a [`Clock`] and waits with the [`Sleep`]s it creates, so that a test
//! can control both. [`SystemClock`] is the default; it needs no runtime, since one thread per
//! process, started by the first timeout, serves every bus. With the feature `tokio`, a bus inside
//! a tokio runtime uses tokio's timer instead, which a test can pause.

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

/// The source of a bus's time.
///
/// Set one with [`BusBuilder::clock`](crate::BusBuilder::clock). The crate's own are
/// [`SystemClock`], [`testing::ManualClock`](crate::testing::ManualClock) and, with the feature
/// `tokio`, `TokioClock`.
///
/// A clock that goes back makes durations 0 and timeouts longer; one that jumps ahead ends the
/// timeouts that have passed. Neither loses an event.
///
/// # Panics
///
/// A clock that panics does not stop publishing, receiving or handling; the time is then treated as
/// unknown. The panic propagates to callers that wait with a timeout or take a snapshot.
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
    /// Returns the current instant. It never goes back.
    fn now(&self) -> Instant;

    /// Returns a future that is ready once [`now`](Self::now) has reached `deadline`.
    ///
    /// It must wake without holding a lock that the clock's functions take: the wake of a
    /// [scheduled](crate::Bus::publish_after) event publishes it, and sleeps again.
    fn sleep_until(&self, deadline: Instant) -> Sleep;
}

/// A future that waits until an instant, created by a [`Clock`].
///
/// # Cancel safety
///
/// Dropping it cancels the alarm at once.
#[must_use = "a sleep does nothing until it is awaited"]
pub struct Sleep(Kind);

enum Kind {
    Alarm(Alarm),
    Other(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Sleep {
    /// Wraps the sleep of a custom timer.
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

    /// Sets the alarm without reading the clock first, if this kind of sleep can.
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
/// timeout, or cancelling one, does not wake it. It calls the wakers of elapsed timeouts, so a
/// waker that blocks delays all timeouts of the process.
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

/// Whether this thread drives a current-thread runtime, so that parking it stops everything on that
/// runtime.
#[cfg(not(feature = "tokio"))]
pub(crate) fn is_driven_by_this_thread() -> bool {
    false
}
#[cfg(feature = "tokio")]
pub(crate) use tokio_clock::is_driven_by_this_thread;

/// Runs `code` as it is: without the feature `tokio` there is no runtime that could end.
#[cfg(not(feature = "tokio"))]
pub(crate) fn unattended<R>(code: impl FnOnce() -> R) -> R {
    code()
}

/// The default clock of a bus.
#[cfg(not(feature = "tokio"))]
pub(crate) use self::SystemClock as DefaultClock;
#[cfg(feature = "tokio")]
pub(crate) use self::TokioClock as DefaultClock;
