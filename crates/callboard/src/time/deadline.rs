//! Deadlines: an instant at which waiting ends, or none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::{Clock, Sleep};

/// A pollable deadline: the first poll that has to wait creates the sleep.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// `None` if it is too far away for an `Instant`.
    at: Option<Instant>,
    /// Whether it was in the future when it was set.
    ahead: bool,
    sleep: Option<Sleep>,
}

impl Deadline {
    /// The instant `timeout` after `now`.
    pub(crate) fn from(now: Instant, timeout: Duration) -> Self {
        Self { at: now.checked_add(timeout), ahead: !timeout.is_zero(), sleep: None }
    }

    /// The instant `timeout` from now.
    pub(crate) fn after(clock: &dyn Clock, timeout: Duration) -> Self {
        Self::from(clock.now(), timeout)
    }

    /// An instant in the future; `None` never comes.
    pub(crate) fn until(at: Option<Instant>) -> Self {
        Self { at, ahead: true, sleep: None }
    }

    /// Drops the sleep, which belongs to the task that polled it. The next poll creates another
    /// one.
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
