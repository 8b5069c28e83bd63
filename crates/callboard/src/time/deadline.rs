//! A moment after which waiting ends, or none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::{Clock, Sleep};

/// The moment `timeout` from now, or `None` if that is further away than time can be told.
pub(crate) fn deadline_after(clock: &dyn Clock, timeout: Duration) -> Option<Instant> {
    clock.now().checked_add(timeout)
}

/// A poll-able deadline: the sleep is made by the first poll that has to wait.
#[derive(Debug)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    sleep: Option<Sleep>,
}

impl Deadline {
    pub(crate) fn at(at: Option<Instant>) -> Self {
        Self { at, sleep: None }
    }

    pub(crate) fn after(clock: &dyn Clock, timeout: Duration) -> Self {
        Self::at(deadline_after(clock, timeout))
    }

    /// Ready once the deadline has passed; otherwise the task is woken then.
    pub(crate) fn poll(&mut self, clock: &dyn Clock, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| clock.sleep_until(at));
        Pin::new(sleep).poll(context)
    }
}
