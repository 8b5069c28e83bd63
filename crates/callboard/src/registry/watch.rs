//! Noticing that a bus was never started.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::Core;
use crate::sync::{Mutex, discard, isolate, undriven};
use crate::time::Deadline;

/// A bus that has events waiting for this long without being started says so.
const UNSTARTED_WARNING_AFTER: Duration = Duration::from_secs(10);

/// What a panic of the clock leads to.
pub(super) const FORGOTTEN: &str = "there will be no warning if `start` was forgotten";

/// Warns about a bus that has events waiting and is not started.
///
/// It is set by the first event that is buffered, and looks after [`UNSTARTED_WARNING_AFTER`]. Its sleep is
/// polled wherever somebody publishes or wakes it, and no panic of a clock gets out there.
pub(super) struct UnstartedWatch {
    core: Weak<Core>,
    alarm: Mutex<Alarm>,
}

enum Alarm {
    Set(Deadline),
    /// Somebody looks at it, out of the lock. A sleep that wakes from within its poll is not looked at once
    /// more: it is only for a warning.
    Looked,
    Off,
}

impl UnstartedWatch {
    /// # Panics
    ///
    /// If the clock does, when it is asked for the time.
    pub(super) fn set(core: &Arc<Core>) -> Arc<Self> {
        let deadline = Deadline::after(&*core.settings.clock, UNSTARTED_WARNING_AFTER);
        let watch =
            Arc::new(Self { core: Arc::downgrade(core), alarm: Mutex::new(Alarm::Set(deadline)) });
        watch.look();
        watch
    }

    /// Forgets the alarm, which otherwise keeps the watch alive.
    pub(super) fn cancel(&self) {
        // Dropped without the lock: a sleep is the user's code.
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

    /// Unless it was cancelled meanwhile.
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
