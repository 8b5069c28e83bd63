//! One subscription as its publishers see it: its queue under a lock, and its sleeping reader.

mod owner;
mod reading;
mod sleeping;
mod taking;

use std::panic::Location;
use std::sync::Arc;

use super::inbox::{Account, Inbox, State};
use super::queue::{Admission, Entry};
use super::slow::Behind;
use super::sources::Signals;
use super::{Deferred, Envelope, Routed, SlowWatch};
use crate::event::TypeInfo;
use crate::log::ReaderProgress;
use crate::overflow::{DropReason, Dropped, Importance, Overflow};
use crate::sync::{self, AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering};

/// The settings a subscription was opened with.
#[derive(Clone)]
pub(crate) struct MailboxSettings {
    pub(crate) name: Arc<str>,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) importance: Importance,
    pub(crate) call_site: &'static Location<'static>,
    /// Excluded from `settle`.
    pub(crate) excluded_from_settle: bool,
    /// Notified when the reader falls behind, and when it has caught up.
    pub(crate) watch: Arc<SlowWatch>,
}

/// One subscription as its publishers see it: its queue under a lock, and its sleeping reader.
pub(crate) struct Mailbox {
    pub(crate) id: u64,
    pub(crate) settings: MailboxSettings,
    /// How many calls the owner handles at once: as set when opened, later as served. Ordering:
    /// Relaxed, since it is a hint for the cycle check and guards nothing.
    concurrency: AtomicUsize,
    /// If it reads the log of its type: the state shared by its reader and the log's writer.
    pub(super) progress: Option<sync::Arc<ReaderProgress>>,
    /// The number of that type.
    type_number: u32,
    /// If its reader has cursors of its own: what the reader sees without a lock.
    pub(super) signals: Option<Arc<Signals>>,
    /// The reader took an event and has not asked for the next one. Only the reader sets it.
    /// Ordering: Relaxed where the inbox is locked, since it is locked where both are read.
    pub(super) in_hand: AtomicBool,
    /// No more events arrive.
    pub(super) closed: AtomicBool,
    /// It is among the waiters of its log. Set and cleared under the registry's lock.
    pub(super) registered: AtomicBool,
    pub(super) behind: Behind,
    inbox: Mutex<Inbox>,
}

impl Mailbox {
    pub(crate) fn new(
        id: u64,
        settings: MailboxSettings,
        concurrency: usize,
        members: impl Iterator<Item = &'static TypeInfo>,
        log: Option<(usize, sync::Arc<ReaderProgress>)>,
        merges_unlocked: bool,
    ) -> Self {
        // A bus has no room for enough types to overflow the number.
        let (type_number, progress) =
            log.map_or((0, None), |(number, progress)| (number as u32, Some(progress)));
        let mut inbox = Inbox::new(settings.capacity, settings.overflow, DropReason::Full);
        inbox.accounts = members.map(Account::new).collect();
        Self {
            id,
            settings,
            concurrency: AtomicUsize::new(concurrency),
            progress,
            type_number,
            signals: merges_unlocked.then(Arc::default),
            in_hand: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            registered: AtomicBool::new(false),
            behind: Behind::default(),
            inbox: Mutex::new(inbox),
        }
    }

    /// Locks the inbox. No user code may run while it is locked.
    #[inline]
    pub(crate) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock()
    }

    /// If it reads the log of its type: the state shared by its reader and the log's writer.
    pub(crate) fn progress(&self) -> Option<&ReaderProgress> {
        self.progress.as_deref()
    }

    /// Whether the reader took an event and has not asked for the next one.
    pub(crate) fn in_hand(&self) -> bool {
        self.in_hand.load(Ordering::Acquire)
    }

    /// Opens an account for one more type. Returns its member number.
    pub(crate) fn add_member(&self, info: &'static TypeInfo) -> usize {
        let accounts = &mut self.inbox().accounts;
        accounts.push(Account::new(info));
        accounts.len() - 1
    }

    /// Offers an event. The caller holds the registry's lock, which gives all mailboxes one order.
    pub(crate) fn offer(
        self: &Arc<Self>,
        entry: Entry,
        admission: Admission,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let mut inbox = self.inbox();
        if inbox.state != State::Open {
            drop(inbox);
            deferred.discard(self.id, entry, DropReason::Unsubscribed);
            return Routed::default();
        }
        let offered = inbox.offer(entry, admission);
        if offered.queued
            && let Some(waker) = inbox.waker.take()
        {
            inbox.woken = true;
            deferred.wake(Some(waker));
        }
        self.publish_progress(&inbox);
        self.show(&inbox);
        drop(inbox);
        let dropped = usize::from(offered.lost.is_some());
        if let Some((entry, reason)) = offered.lost {
            self.lose(entry, reason, deferred);
        }
        Routed { delivered: usize::from(offered.queued), dropped }
    }

    /// Notes that the reader lost this many events before the next one.
    pub(crate) fn add_lost(&self, lost: u64) {
        self.inbox().gap += lost;
    }

    /// Takes over an event that did not fit.
    #[inline(never)]
    fn lose(self: &Arc<Self>, entry: Entry, reason: DropReason, deferred: &mut Deferred<'_>) {
        let Envelope { info, held, .. } = &entry.envelope;
        deferred.bury(info, held, Some((&self.settings.name, reason)));
        self.report(info, entry.sequence(), reason, deferred);
        if self.falls_behind() {
            deferred.tell_slow(self);
        }
        deferred.discard(self.id, entry, reason);
    }

    /// Accounts for an event that does not fit, for the reader of a log.
    pub(super) fn refuse(&self) {
        let ledger = &mut self.inbox().accounts[0].ledger;
        ledger.offered += 1;
        ledger.count_drop(DropReason::Full);
    }

    /// Whether the loss of an event is an incident.
    #[inline]
    pub(super) fn is_critical(&self) -> bool {
        self.settings.importance == Importance::Critical
    }

    /// The loss of an event, for a report.
    pub(super) fn dropped(
        &self,
        info: &'static TypeInfo,
        sequence: u64,
        reason: DropReason,
    ) -> Dropped {
        Dropped {
            event_type: info.name,
            subscriber: Arc::clone(&self.settings.name),
            capacity: self.settings.capacity,
            reason,
            sequence,
        }
    }

    /// Reports the loss of an event if it is an incident.
    pub(super) fn report(
        &self,
        info: &'static TypeInfo,
        sequence: u64,
        reason: DropReason,
        deferred: &mut Deferred<'_>,
    ) {
        if self.is_critical() && deferred.count_drops(1) {
            deferred.report(self.dropped(info, sequence, reason));
        }
    }

    /// Tells the writer of the log, and the reader, how many events the queue holds, and how many
    /// were taken from it.
    fn publish_progress(&self, inbox: &Inbox) {
        if let (Some(progress), [account]) = (&self.progress, &inbox.accounts[..]) {
            progress.set_queued(inbox.len(), account.ledger.delivered);
        }
    }

    /// Whether no more events arrive.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `close`: everything that came before is
        // visible.
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the mailbox with the bus: no more events arrive.
    pub(crate) fn close(&self, deferred: &mut Deferred<'_>) {
        let mut inbox = self.inbox();
        if inbox.state == State::Open {
            inbox.state = State::Closed;
        }
        // Ordering: Release pairs with the Acquire in `is_closed`.
        self.closed.store(true, Ordering::Release);
        deferred.wake(inbox.waker.take());
    }

    /// Drops the queue after the reader was dropped. Returns the final accounts.
    pub(crate) fn leave(&self, deferred: &mut Deferred<'_>) -> Vec<Account> {
        let mut inbox = self.inbox();
        inbox.state = State::Gone;
        self.in_hand.store(false, Ordering::Relaxed);
        deferred.wake(inbox.waker.take());
        if let Some(sources) = inbox.sources.take() {
            deferred.drop_cursors(sources);
        }
        for entry in inbox.take_all(Some(DropReason::Unsubscribed)) {
            deferred.discard(self.id, entry, DropReason::Unsubscribed);
        }
        self.publish_progress(&inbox);
        std::mem::take(&mut inbox.accounts)
    }
}
