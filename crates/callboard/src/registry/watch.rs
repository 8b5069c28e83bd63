//! Noticing that a bus was never started.

use std::sync::{Arc, Weak};
use std::task::{Context, Wake};
use std::time::Duration;

use super::Core;
use crate::sync::Mutex;
use crate::time::Deadline;

/// A bus that has events waiting for this long without being started says so.
const UNSTARTED_WARNING_AFTER: Duration = Duration::from_secs(10);

/// Warns about a bus that has events waiting and is not started.
///
/// It is set by the first event that is buffered, and looks after [`UNSTARTED_WARNING_AFTER`].
pub(super) struct UnstartedWatch {
    core: Weak<Core>,
    deadline: Mutex<Option<Deadline>>,
}

impl UnstartedWatch {
    pub(super) fn set(core: &Arc<Core>) -> Arc<Self> {
        let watch = Arc::new(Self {
            core: Arc::downgrade(core),
            deadline: Mutex::new(Some(Deadline::after(
                &*core.settings.clock,
                UNSTARTED_WARNING_AFTER,
            ))),
        });
        watch.look();
        watch
    }

    /// Forgets the alarm, which otherwise keeps the watch alive.
    pub(super) fn cancel(&self) {
        let deadline = self.deadline.lock().take();
        drop(deadline);
    }

    fn look(self: &Arc<Self>) {
        // Out of the lock: a sleep may wake from within its poll.
        let (Some(core), Some(mut deadline)) = (self.core.upgrade(), self.deadline.lock().take())
        else {
            return;
        };
        let waker = Arc::clone(self).into();
        let clock = &*core.settings.clock;
        if deadline.poll(clock, &mut Context::from_waker(&waker)).is_pending() {
            *self.deadline.lock() = Some(deadline);
            return;
        }
        let waiting = core.registry().buffer.describe();
        if let Some(waiting) = waiting {
            crate::report::say!(
                warn,
                "a bus has waited {UNSTARTED_WARNING_AFTER:?} to be started, with events waiting: \
                 {waiting}; call `start` once every component has subscribed"
            );
        }
    }
}

impl Wake for UnstartedWatch {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}
