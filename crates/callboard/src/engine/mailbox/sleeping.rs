//! How a reader falls asleep and is woken: see "Sleeping" in [`engine`](crate::engine).

use std::task::Waker;

use super::Mailbox;
use crate::engine::inbox::State;
use crate::sync::{Ordering, discard_any};

impl Mailbox {
    /// Adds it to the waiters of one of its logs, or removes it. Returns whether it was one before.
    pub(in crate::engine) fn set_registered(&self, source: usize, registered: bool) -> bool {
        if self.progress.is_some() {
            return self.registered.swap(registered, Ordering::Relaxed);
        }
        let mut inbox = self.inbox();
        let source = inbox.sources.as_mut().and_then(|sources| sources.get_mut(source));
        source.is_some_and(|source| std::mem::replace(&mut source.registered, registered))
    }

    /// Whether it is among the waiters of one of its logs.
    pub(in crate::engine) fn is_registered(&self, source: usize) -> bool {
        if self.progress.is_some() {
            return self.registered.load(Ordering::Relaxed);
        }
        self.inbox().sources().nth(source).is_some_and(|source| source.registered)
    }

    /// Whether it is among the waiters of all its logs.
    pub(in crate::engine) fn is_registered_everywhere(&self) -> bool {
        if self.progress.is_some() {
            return self.registered.load(Ordering::Relaxed);
        }
        self.inbox().sources().all(|source| source.registered)
    }

    /// A log that it is not a waiter of: the number of the type, and the index of the source.
    pub(crate) fn unregistered_source(&self) -> Option<(usize, usize)> {
        if self.progress.is_some() {
            let unregistered = !self.registered.load(Ordering::Relaxed);
            return unregistered.then_some((self.type_number as usize, 0));
        }
        let inbox = self.inbox();
        let (index, source) = inbox.sources().enumerate().find(|(_, source)| !source.registered)?;
        Some((source.type_number, index))
    }

    /// Stores the waker, to be woken by the next event, unless an event is queued or none will
    /// come. Returns whether the reader may sleep, and whether all its cursors are among the
    /// waiters of their logs.
    pub(in crate::engine) fn sleep(&self, waker: &Waker) -> (bool, bool) {
        // Cloning and dropping a waker runs user code: not under the lock.
        let waker = waker.clone();
        let mut inbox = self.inbox();
        let sleeps = inbox.state == State::Open && !inbox.has_more();
        let (set, spare) = if sleeps { (Some(waker), None) } else { (None, Some(waker)) };
        let old = std::mem::replace(&mut inbox.waker, set);
        inbox.woken = false;
        let registered = inbox.sources().all(|source| source.registered);
        drop(inbox);
        discard_any(old);
        discard_any(spare);
        (sleeps, registered)
    }

    /// Checks again, now that the reader is among all waiters: it goes on if an event has arrived
    /// in between, or none will. Returns whether it may sleep.
    pub(in crate::engine) fn sleep_on(&self) -> bool {
        let mut inbox = self.inbox();
        if inbox.state == State::Open && !inbox.has_more() {
            return true;
        }
        let waker = inbox.waker.take();
        inbox.woken = false;
        drop(inbox);
        discard_any(waker);
        false
    }

    /// Takes the waker, since an event has arrived in a log.
    pub(in crate::engine) fn wake(&self) -> Option<Waker> {
        let mut inbox = self.inbox();
        let waker = inbox.waker.take()?;
        match &self.signals {
            Some(signals) => signals.woken.store(true, Ordering::Relaxed),
            None => inbox.woken = self.progress.is_none(),
        }
        Some(waker)
    }

    /// Whether this waker would be woken.
    pub(in crate::engine) fn wakes(&self, waker: &Waker) -> bool {
        matches!(&self.inbox().waker, Some(known) if known.will_wake(waker))
    }

    /// Replaces the waker. Returns the old one.
    pub(in crate::engine) fn set_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut inbox = self.inbox();
        inbox.woken = false;
        std::mem::replace(&mut inbox.waker, waker)
    }
}
