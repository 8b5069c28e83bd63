//! One subscription: its inbox under a lock, and its sleeping reader.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::inbox::{Account, Attendance, Inbox, State, Take};
use super::queue::{Admission, Entry};
use super::{Aftermath, Content, Routed, Taken};
use crate::event::TypeInfo;
use crate::overflow::{DropReason, Dropped, Importance, Overflow};
use crate::sync::{AtomicUsize, Mutex, MutexGuard};

/// What a subscription was opened with.
#[derive(Debug, Clone)]
pub(crate) struct MailboxSettings {
    pub(crate) name: Arc<str>,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) importance: Importance,
    pub(crate) call_site: &'static Location<'static>,
    /// How many calls the owner handles at once; `usize::MAX` if it hands them on.
    pub(crate) concurrency: usize,
    /// Whoever waits for the bus to settle does not wait for this one.
    pub(crate) bystander: bool,
}

/// One subscription: its inbox under a lock, and its sleeping reader.
pub(crate) struct Mailbox {
    pub(crate) id: u64,
    pub(crate) settings: MailboxSettings,
    /// How many calls the owner handles at once, as it turned out. Ordering: Relaxed, since it is
    /// a hint for the cycle check and guards nothing.
    pub(crate) concurrency: AtomicUsize,
    inbox: Mutex<Inbox>,
}

impl Mailbox {
    pub(crate) fn new(id: u64, settings: MailboxSettings, members: &[&'static TypeInfo]) -> Self {
        let mut inbox = Inbox::new(settings.capacity, settings.overflow, DropReason::Full);
        inbox.accounts = members.iter().map(|info| Account::new(info)).collect();
        let concurrency = AtomicUsize::new(settings.concurrency);
        Self { id, settings, concurrency, inbox: Mutex::new(inbox) }
    }

    /// What is in it. No user code may run while this is held.
    pub(crate) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock()
    }

    /// Opens an account for one more type; returns its member number.
    pub(crate) fn add_member(&self, info: &'static TypeInfo) -> usize {
        let accounts = &mut self.inbox().accounts;
        accounts.push(Account::new(info));
        accounts.len() - 1
    }

    /// Offers an event. The caller holds the registry's lock, which is what gives all mailboxes
    /// one order.
    pub(crate) fn offer(
        self: &Arc<Self>,
        entry: Entry,
        admission: Admission,
        aftermath: &mut Aftermath,
    ) -> Routed {
        let member = entry.member;
        let key = entry.envelope.key.clone();
        let mut inbox = self.inbox();
        if inbox.state != State::Open {
            aftermath.discard(self.id, entry, DropReason::Unsubscribed);
            return Routed::default();
        }
        let offered = inbox.offer(entry, admission);
        if offered.queued {
            aftermath.wake(inbox.waker.take());
        }
        drop(inbox);
        if let (true, Some(key)) = (offered.mergeable, key) {
            aftermath.merges.push((Arc::clone(self), member, key));
        }
        let dropped = usize::from(offered.lost.is_some());
        if let Some((entry, reason)) = offered.lost {
            if self.settings.importance == Importance::Critical {
                aftermath.report(Dropped {
                    event_type: entry.envelope.info.name,
                    subscriber: Arc::clone(&self.settings.name),
                    capacity: self.settings.capacity,
                    reason,
                    sequence: entry.envelope.meta.sequence,
                });
            }
            aftermath.discard(self.id, entry, reason);
        }
        Routed { delivered: usize::from(offered.queued), dropped }
    }

    /// Takes the next event. A reader that asks has finished with what it took before.
    pub(crate) fn try_take(&self, now: Option<Instant>) -> Take {
        self.inbox().take(self.id, now)
    }

    /// Takes the next event, or `None` once the bus is closed and all is read, or has the task
    /// woken when there is one of these.
    pub(crate) fn poll_take(
        &self,
        now: Option<Instant>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Taken>> {
        let mut fresh = None;
        loop {
            let mut inbox = self.inbox();
            match inbox.take(self.id, now) {
                Take::Event(taken) => return Poll::Ready(Some(taken)),
                Take::Closed => return Poll::Ready(None),
                Take::Empty => {}
            }
            if matches!(&inbox.waker, Some(waker) if waker.will_wake(context.waker())) {
                return Poll::Pending;
            }
            if let Some(waker) = fresh.take() {
                let old = inbox.waker.replace(waker);
                drop(inbox);
                drop(old);
                return Poll::Pending;
            }
            // Cloning a waker is the user's code: not under the lock.
            drop(inbox);
            fresh = Some(context.waker().clone());
        }
    }

    /// Forgets the sleeping reader: its future was dropped.
    pub(crate) fn forget_waker(&self) {
        let waker = self.inbox().waker.take();
        drop(waker);
    }

    /// Takes back a call that its responder has not taken.
    pub(crate) fn withdraw(&self, sequence: u64, aftermath: &mut Aftermath) {
        let is_call = |entry: &Entry| {
            let call = matches!(entry.envelope.content, Content::Call(_));
            call && entry.envelope.meta.sequence == sequence
        };
        if let Some(entry) = self.inbox().withdraw(is_call) {
            aftermath.discard(self.id, entry, DropReason::Withdrawn);
        }
    }

    /// The bus is closed: nothing more comes in.
    pub(crate) fn close(&self, aftermath: &mut Aftermath) {
        let mut inbox = self.inbox();
        if inbox.state == State::Open {
            inbox.state = State::Closed;
        }
        aftermath.wake(inbox.waker.take());
    }

    /// The reader is gone: gives up everything queued. Returns the final accounts.
    pub(crate) fn leave(&self, aftermath: &mut Aftermath) -> Vec<Account> {
        let mut inbox = self.inbox();
        inbox.state = State::Gone;
        inbox.attendance = Attendance::default();
        aftermath.wake(inbox.waker.take());
        for entry in inbox.take_all(Some(DropReason::Unsubscribed)) {
            aftermath.discard(self.id, entry, DropReason::Unsubscribed);
        }
        std::mem::take(&mut inbox.accounts)
    }
}
