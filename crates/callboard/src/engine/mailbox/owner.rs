//! The state of the reader: how many events it handles at once, and whether it will receive more.

use std::sync::Arc;

use super::Mailbox;
#[cfg(feature = "tokio")]
use super::State;
use crate::engine::sources::Signals;
use crate::sync::Ordering;

impl Mailbox {
    /// Whether the reader is gone.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_gone(&self) -> bool {
        self.inbox().state == State::Gone
    }

    /// How many events the owner handles at once, as far as known.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.load(Ordering::Relaxed)
    }

    /// Notes that the owner serves its events, up to this many at a time, overriding any earlier
    /// limit.
    pub(crate) fn serve(&self, limit: usize) {
        self.concurrency.store(limit, Ordering::Relaxed);
        self.inbox().handler_stats_mut().served = true;
    }

    /// Whether the owner serves its events.
    pub(crate) fn is_served(&self) -> bool {
        self.inbox().handler_stats().served
    }

    /// Whether the reader waits for the next event. A waker alone doesn't prove it: a stream's may
    /// be left over from an abandoned poll.
    pub(crate) fn sleeps(&self) -> bool {
        !self.in_hand() && self.inbox().waker.is_some()
    }

    /// Whether a hand-written loop waits for its next event, or was woken for it and has not
    /// returned yet.
    pub(crate) fn will_receive(&self) -> bool {
        let inbox = self.inbox();
        let woken = |signals: &Arc<Signals>| signals.woken.load(Ordering::Relaxed);
        let asks = inbox.waker.is_some() || inbox.woken || self.signals.as_ref().is_some_and(woken);
        asks && !self.in_hand() && !inbox.handler_stats().served
    }
}
