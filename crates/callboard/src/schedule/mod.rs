//! Scheduled publishing, once or periodically.

mod task;
#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use task::{About, Publish, Task};

use crate::bus::{Bus, publish};
use crate::engine::Origin;
use crate::event::Event;
use crate::publisher::Publisher;
use crate::registry::Core;
use crate::report::say;
use crate::sync::isolate_for_message;

/// A handle to events that are published later; see [`Bus::publish_after`] and
/// [`Bus::publish_every`]. Dropping it cancels the schedule; [`detach`](Self::detach) keeps it.
///
/// A handle does not keep the bus open. When the bus closes, the schedule ends at once and drops
/// what it owns.
///
/// # Examples
///
/// ```
/// use callboard::testing::ManualClock;
/// use callboard::{Bus, Event};
/// use std::time::Duration;
///
/// #[derive(Debug, Event)]
/// struct SessionExpired;
///
/// let clock = ManualClock::new();
/// let bus = Bus::builder().clock(clock.clone()).build()?;
/// let mut expired = bus.subscribe::<SessionExpired>("sessions");
/// bus.start();
///
/// let expiry = bus.publish_after(Duration::from_secs(60), SessionExpired);
/// clock.advance(Duration::from_secs(59));
/// assert!(expiry.cancel(), "it was not published");
/// clock.advance(Duration::from_secs(60));
/// assert!(expired.try_recv().is_err());
/// # Ok::<(), callboard::BuildError>(())
/// ```
#[must_use = "dropping the handle cancels the schedule; call `detach` to keep it"]
pub struct Scheduled {
    task: Arc<Task>,
    detached: bool,
}

impl Scheduled {
    fn start(
        core: &Arc<Core>,
        about: About,
        delay: Duration,
        period: Option<Duration>,
        publish: Publish,
    ) -> Self {
        let task = Task::start(core, about, delay, period, publish);
        Self { task, detached: false }
    }

    fn finished(about: About) -> Self {
        Self { task: Task::finished(about), detached: false }
    }

    /// Cancels the schedule and drops what it owns: the event, or the function that makes events.
    /// Returns whether an event was prevented: `false` if the schedule has finished, or if another
    /// thread is publishing its only event.
    ///
    /// It does not wait for another thread that is making or publishing an event. It may therefore
    /// be called from anywhere, even while that event is published, and one event may still arrive.
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// Keeps the schedule without its handle, until it has published its only event or the bus
    /// closes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::testing::ManualClock;
    /// # use callboard::{Bus, Event};
    /// # use std::time::Duration;
    /// # #[derive(Debug, Event)]
    /// # struct Tick;
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// bus.publish_after(Duration::from_secs(1), Tick).detach();
    /// clock.advance(Duration::from_secs(1));
    /// assert!(ticks.try_recv().is_ok());
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Whether there is nothing left to cancel: the only event was published, the schedule was
    /// cancelled, or the bus is closed. It is already true when a subscriber receives the event.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        if !self.detached {
            self.task.cancel();
        }
    }
}

impl fmt::Debug for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduled")
            .field("event", &self.task.about.event)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// Publishes an event once `delay` has passed on the bus's [`Clock`](crate::Clock), unless the
    /// returned handle is dropped or cancelled before. No runtime is required.
    ///
    /// - The event is published on the thread that wakes the clock's sleepers: the timer thread of
    ///   [`SystemClock`](crate::SystemClock), the caller of
    ///   [`ManualClock::advance`](crate::testing::ManualClock::advance), or, inside a tokio runtime
    ///   with the feature `tokio`, a task of that runtime. If that runtime ends first, the rest of
    ///   the delay passes on the system's clock.
    /// - Its [`cause`](crate::Delivery::cause) is the event being handled when `publish_after` is
    ///   called.
    /// - A `delay` of zero publishes before this returns. A delay beyond the clock's range, such as
    ///   [`Duration::MAX`], never ends.
    /// - If the clock panics, the event is dropped and an error is logged.
    ///
    /// See the [guide](crate::guide::time) for more.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::ManualClock;
    /// use callboard::{Bus, Event};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct RetryDue { attempt: u32 }
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// let mut due = bus.subscribe::<RetryDue>("deployer");
    /// bus.start();
    ///
    /// let retry = bus.publish_after(Duration::from_secs(5), RetryDue { attempt: 2 });
    /// assert!(due.try_recv().is_err());
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(due.try_recv().unwrap().attempt, 2);
    /// assert!(retry.is_finished());
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    #[track_caller]
    pub fn publish_after<E: Event>(&self, delay: Duration, event: E) -> Scheduled {
        let about = About::of::<E>(Location::caller(), self.core().origin());
        after(self.core(), about, delay, event)
    }

    /// Publishes the event that `make` returns each time `period` has passed on the bus's
    /// [`Clock`](crate::Clock), until the returned handle is dropped or cancelled, or the bus
    /// closes. The first event is published after one period.
    ///
    /// - Ticks keep their phase: they are at multiples of `period` after the call. A tick missed
    ///   because the clock jumped or `make` took long is skipped; there is never a burst.
    /// - `make` runs on the thread that publishes (see [`publish_after`](Self::publish_after)). It
    ///   should be quick and never block: on the timer thread it would delay all timeouts of the
    ///   process.
    /// - If `make` panics, that tick is skipped and the schedule continues. The log and
    ///   [`diagnose`](Self::diagnose) report it.
    /// - A `period` of zero is logged as an error, with the call site, and the returned handle has
    ///   finished. A period beyond the clock's range never ends.
    /// - The events' cause is as for `publish_after`. If the clock panics, the schedule ends and an
    ///   error is logged.
    /// - A bus that has not started buffers these events, like all others.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::ManualClock;
    /// use callboard::{Bus, Event};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Heartbeat { number: u32 }
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// let mut beats = bus.subscribe::<Heartbeat>("monitor");
    /// bus.start();
    ///
    /// let mut number = 0;
    /// let _heartbeat = bus.publish_every(Duration::from_secs(1), move || {
    ///     number += 1;
    ///     Heartbeat { number }
    /// });
    /// clock.advance(Duration::from_secs(1));
    /// clock.advance(Duration::from_millis(2_500));    // two ticks have passed: one is skipped
    /// clock.advance(Duration::from_millis(500));      // at four seconds
    /// assert!(beats.try_iter().map(|beat| beat.number).eq([1, 2, 3]));
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    #[track_caller]
    pub fn publish_every<E: Event>(
        &self,
        period: Duration,
        make: impl FnMut() -> E + Send + 'static,
    ) -> Scheduled {
        let about = About::of::<E>(Location::caller(), self.core().origin());
        every(self.core(), about, period, make)
    }
}

impl<E: Event> Publisher<E> {
    /// Publishes an event later under the component's name, as [`Bus::publish_after`] does. The
    /// returned handle does not keep the bus open.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::ManualClock;
    /// use callboard::{Bus, Event};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct RetryDue;
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// let mut due = bus.subscribe::<RetryDue>("deployer");
    /// bus.start();
    /// bus.publisher("deployer").publish_after(Duration::from_secs(5), RetryDue).detach();
    /// clock.advance(Duration::from_secs(5));
    /// assert!(due.try_recv().is_ok());
    /// assert_eq!(bus.snapshot().event_type("retry.due").unwrap().publishers[0].published, 1);
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    #[track_caller]
    pub fn publish_after(&self, delay: Duration, event: E) -> Scheduled {
        after(self.core(), About::of::<E>(Location::caller(), self.origin()), delay, event)
    }

    /// Publishes events periodically under the component's name, as [`Bus::publish_every`] does.
    /// The returned handle does not keep the bus open.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::ManualClock;
    /// use callboard::{Bus, Event};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Heartbeat;
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// bus.start();
    /// let monitor = bus.publisher::<Heartbeat>("monitor");
    /// let _heartbeat = monitor.publish_every(Duration::from_secs(1), || Heartbeat);
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(bus.snapshot().event_type("heartbeat").unwrap().publishers[0].published, 1);
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    #[track_caller]
    pub fn publish_every(
        &self,
        period: Duration,
        make: impl FnMut() -> E + Send + 'static,
    ) -> Scheduled {
        every(self.core(), About::of::<E>(Location::caller(), self.origin()), period, make)
    }
}

fn after<E: Event>(core: &Arc<Core>, about: About, delay: Duration, event: E) -> Scheduled {
    let origin = about.origin;
    if delay.is_zero() {
        let priority = E::ABILITIES.rank(&event);
        publish(core, event, priority, origin);
        return Scheduled::finished(about);
    }
    let mut event = Some(event);
    let publish = move |core: &Arc<Core>| {
        if let Some(event) = event.take() {
            let priority = E::ABILITIES.rank(&event);
            publish(core, event, priority, origin);
        }
    };
    Scheduled::start(core, about, delay, None, Box::new(publish))
}

fn every<E: Event>(
    core: &Arc<Core>,
    about: About,
    period: Duration,
    mut make: impl FnMut() -> E + Send + 'static,
) -> Scheduled {
    if period.is_zero() {
        say!(
            error,
            "`publish_every` at {} was given a period of zero, and publishes no `{}`; give it \
                 the time between two events, such as `Duration::from_secs(1)`",
            about.call_site,
            about.event,
        );
        return Scheduled::finished(about);
    }
    let publish = move |core: &Arc<Core>| match isolate_for_message(&mut make) {
        Ok(event) => {
            let priority = E::ABILITIES.rank(&event);
            publish(core, event, priority, about.origin);
        }
        Err(message) => {
            let About { event, call_site, .. } = about;
            say!(
                error,
                "the function that makes the `{event}` of `publish_every` at {call_site} panicked: \
                 {message}; this tick is skipped",
            );
            let mut failed = core.failed_ticks.lock();
            let (times, last) = failed.entry((event, call_site)).or_default();
            (*times, *last) = (*times + 1, message);
        }
    };
    Scheduled::start(core, about, period, Some(period), Box::new(publish))
}

impl About {
    fn of<E: Event>(call_site: &'static Location<'static>, origin: Origin) -> Self {
        Self { event: E::TYPE, call_site, origin }
    }
}
