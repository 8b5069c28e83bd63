//! The future that receives one event.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{EventSet, Subscription};
use crate::engine::Next;
use crate::log::Moment;

/// The future of [`Subscription::recv`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Recv<'a, S: EventSet> {
    pub(super) subscription: &'a mut Subscription<S>,
    /// Whether the mailbox holds this future's waker.
    pub(super) waiting: bool,
}

impl<S: EventSet> Recv<'_, S> {
    /// Waits for an event without taking it.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<(Next, Moment)> {
        if self.subscription.may_go_on() && self.subscription.reader.finds_log(Moment::NONE) {
            return Poll::Ready((Next::Log, Moment::NONE));
        }
        if self.subscription.should_yield(context) {
            return Poll::Pending;
        }
        let now = self.subscription.core.moment();
        let polled = self.subscription.poll_ready(now, context);
        self.waiting = polled.is_pending();
        polled.map(|next| (next, now))
    }
}

impl<S: EventSet> Future for Recv<'_, S> {
    type Output = Option<S::Item>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.subscription.poll_recv(context);
        self.waiting = polled.is_pending();
        polled
    }
}

impl<S: EventSet> fmt::Debug for Recv<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("name", &self.subscription.name()).finish_non_exhaustive()
    }
}

impl<S: EventSet> Drop for Recv<'_, S> {
    fn drop(&mut self) {
        if self.waiting {
            self.subscription.reader.forget_waker();
        }
    }
}
