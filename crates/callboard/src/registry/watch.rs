//! The warning about a bus that was never started.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::Core;
use crate::sync::{Mutex, discard, isolate, undriven};
use crate::time::Deadline;

/// A bus that buffers events for this long without being started logs a warning.
const UNSTARTED_WARNING_AFTER: Duration = Duration::from_secs(10);

/// The consequence of a panic of the clock.
pub(super) const FORGOTTEN: &str = "there will be no warning if `start` was forgotten";

/// Warns about a bus that buffers events and is not started.
///
/// The first buffered event sets it; it checks after [`UNSTARTED_WARNING_AFTER`]. Publishing and
/// waking poll its sleep, and a panic of the clock does not propagate there.
pub(super) struct UnstartedWatch {
    core: Weak<Core>,
    alarm: Mutex<Alarm>,
}

enum Alarm {
    Set(Deadline),
    /// Being polled, outside the lock. A sleep that wakes within its own poll is not polled again,
    /// since only a warning depends on it.
    Looked,
    Off,
}

impl UnstartedWatch {
    /// # Panics
    ///
    /// If the clock panics when it is asked for the time.
    pub(super) fn set(core: &Arc<Core>) -> Arc<Self> {
        let deadline = Deadline::after(&*core.settings.clock, UNSTARTED_WARNING_AFTER);
        let watch =
            Arc::new(Self { core: Arc::downgrade(core), alarm: Mutex::new(Alarm::Set(deadline)) });
        watch.look();
        watch
    }

    /// Drops the alarm, which otherwise keeps the watch alive.
    pub(super) fn cancel(&self) {
        // Dropped outside the lock, since a sleep is user code.
        let old = std::mem::replace(&mut *self.alarm.lock(), Alarm::Off);
        if let Alarm::Set(deadline) = old {
            discard(deadline);
        }
    }

    fn look(self: &Arc<Self>) {
        let Some(core) = self.core.upgrade() else {
            return self.cancel();
        };
        let Some(mut deadline) = self.take() else {
            return;
        };
        let waker = Waker::from(Arc::clone(self));
        let clock = &*core.settings.clock;
        let polled = isolate("the clock", FORGOTTEN, || {
            undriven(|| deadline.poll(clock, &mut Context::from_waker(&waker)))
        });
        match polled {
            Some(Poll::Pending) => self.put_back(deadline),
            Some(Poll::Ready(())) => {
                discard(deadline);
                report(&core);
            }
            None => discard(deadline),
        }
    }

    fn take(&self) -> Option<Deadline> {
        let mut alarm = self.alarm.lock();
        match std::mem::replace(&mut *alarm, Alarm::Looked) {
            Alarm::Set(deadline) => Some(deadline),
            other => {
                *alarm = other;
                None
            }
        }
    }

    /// Puts the alarm back unless it was cancelled.
    fn put_back(&self, deadline: Deadline) {
        let mut alarm = self.alarm.lock();
        if matches!(*alarm, Alarm::Looked) {
            *alarm = Alarm::Set(deadline);
            return;
        }
        drop(alarm);
        discard(deadline);
    }
}

fn report(core: &Core) {
    let waiting = core.registry().buffer.describe();
    if let Some(waiting) = waiting {
        crate::report::say!(
            warn,
            "a bus has waited {UNSTARTED_WARNING_AFTER:?} to be started, with events waiting: \
             {waiting}; call `start` once every component has subscribed"
        );
    }
}

impl Wake for UnstartedWatch {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}
