//! A moment after which waiting ends, or none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::{Clock, Sleep};

/// A poll-able deadline: the sleep is made by the first poll that has to wait.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// `None`: further away than time can be told.
    at: Option<Instant>,
    /// It was still to come when it was set.
    ahead: bool,
    sleep: Option<Sleep>,
}

impl Deadline {
    /// The moment `timeout` after `now`.
    pub(crate) fn from(now: Instant, timeout: Duration) -> Self {
        Self { at: now.checked_add(timeout), ahead: !timeout.is_zero(), sleep: None }
    }

    /// The moment `timeout` from now.
    pub(crate) fn after(clock: &dyn Clock, timeout: Duration) -> Self {
        Self::from(clock.now(), timeout)
    }

    /// A moment that is still to come; `None` never comes.
    pub(crate) fn until(at: Option<Instant>) -> Self {
        Self { at, ahead: true, sleep: None }
    }

    /// Drops the sleep, which belongs to the task that polled it. The next poll makes another one.
    pub(crate) fn forget_sleep(&mut self) {
        self.sleep = None;
    }

    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Ready once the deadline has passed; otherwise the task is woken then.
    pub(crate) fn poll(&mut self, clock: &dyn Clock, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        if let Some(sleep) = &mut self.sleep {
            return Pin::new(sleep).poll(context);
        }
        let sleep = self.sleep.insert(clock.sleep_until(at));
        if self.ahead && sleep.set(context) {
            return Poll::Pending;
        }
        Pin::new(sleep).poll(context)
    }
}
