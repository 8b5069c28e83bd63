//! One subscription: its queue, its ledger and its sleeping reader.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::queue::{Admission, Entry, Mergeable, Pushed};
use super::{Aftermath, Queue, Taken};
use crate::event::{Key, Priority, TypeInfo};
use crate::overflow::{DropReason, Dropped, Importance, Ledger, Overflow};
use crate::sync::{AtomicUsize, Mutex, Ordering};

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

/// One subscription: its queue, its ledger and its sleeping reader.
#[derive(Debug)]
pub(crate) struct Mailbox {
    id: u64,
    settings: MailboxSettings,
    concurrency: AtomicUsize,
    /// Guards everything a publisher and the reader share.
    inbox: Mutex<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    queue: Queue,
    /// One per member of the set; a reader of everything gets one more per type it meets.
    accounts: Vec<Account>,
    /// Events lost since the last one queued; the next one queued will say so.
    gap: u64,
    high_water: usize,
    /// The capacity that would have sufficed: the most that was queued or lost between two takes.
    demand: usize,
    lost_since_take: usize,
    state: State,
    /// Set while the reader sleeps.
    waker: Option<Waker>,
    attendance: Attendance,
}

/// What a mailbox takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Events come in.
    Open,
    /// The bus is closed: what is queued may still be read.
    Closed,
    /// The reader is gone.
    Gone,
}

/// The ledger of one member.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) info: &'static TypeInfo,
    pub(crate) ledger: Ledger,
}

/// What the reader does with what it takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attendance {
    /// A hand-written loop took an event and has not asked for the next one.
    pub(crate) in_hand: bool,
    /// Served handlers that run.
    pub(crate) handling: u64,
    /// Since when `in_hand`; known only if the bus keeps time.
    pub(crate) in_hand_since: Option<Instant>,
    /// Since when the longest-running of the served handlers runs.
    pub(crate) handling_since: Option<Instant>,
    /// Handlings that ended, with their times in all and the longest.
    pub(crate) handled: u64,
    pub(crate) busy: Duration,
    pub(crate) longest: Duration,
}

/// What the reader still has to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) queued: u64,
    /// Served handlers that run.
    pub(crate) handling: u64,
    /// A hand-written loop took an event and has not asked for the next one.
    pub(crate) in_hand: bool,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) queued: bool,
    /// This event, or an older one in its favour, was lost.
    pub(crate) dropped: bool,
}

/// What a reader that does not wait finds.
#[derive(Debug)]
pub(crate) enum Take {
    Event(Taken),
    Empty,
    Closed,
}

/// A mailbox as a snapshot shows it.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) accounts: Vec<Account>,
    pub(crate) queued: usize,
    pub(crate) queued_bytes: usize,
    pub(crate) high_water: usize,
    pub(crate) demand: usize,
    pub(crate) oldest: Option<Instant>,
    pub(crate) waiting: bool,
    pub(crate) attendance: Attendance,
}

impl Mailbox {
    pub(crate) fn new(id: u64, settings: MailboxSettings, members: &[&'static TypeInfo]) -> Self {
        let account = |info: &&'static TypeInfo| Account { info, ledger: Ledger::default() };
        Self {
            id,
            concurrency: AtomicUsize::new(settings.concurrency),
            inbox: Mutex::new(Inbox {
                queue: Queue::new(settings.capacity, settings.overflow),
                accounts: members.iter().map(account).collect(),
                gap: 0,
                high_water: 0,
                demand: 0,
                lost_since_take: 0,
                state: State::Open,
                waker: None,
                attendance: Attendance::default(),
            }),
            settings,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn settings(&self) -> &MailboxSettings {
        &self.settings
    }

    /// How many calls the owner handles at once.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.load(Ordering::Relaxed)
    }

    pub(crate) fn set_concurrency(&self, calls: usize) {
        self.concurrency.store(calls, Ordering::Relaxed);
    }

    /// Opens an account for one more type; returns its member number.
    pub(crate) fn add_member(&self, info: &'static TypeInfo) -> usize {
        let accounts = &mut self.inbox.lock().accounts;
        accounts.push(Account { info, ledger: Ledger::default() });
        accounts.len() - 1
    }

    /// Offers an event. The caller holds the registry's lock, which is what gives all mailboxes
    /// one order.
    pub(crate) fn offer(
        self: &Arc<Self>,
        mut entry: Entry,
        admission: Admission,
        aftermath: &mut Aftermath,
    ) -> Admitted {
        let member = entry.member;
        let key = entry.envelope.key.clone();
        let mut inbox = self.inbox.lock();
        let inbox = &mut *inbox;
        if inbox.state != State::Open {
            aftermath.discard(self.id, entry, DropReason::Unsubscribed);
            return Admitted { queued: false, dropped: false };
        }
        inbox.accounts[member].ledger.offered += 1;
        let gap = std::mem::take(&mut inbox.gap);
        entry.envelope.meta.missed = gap;
        let mut dropped = None;
        match inbox.queue.push(entry, admission) {
            Pushed::Queued => {}
            Pushed::Mergeable => {
                if let Some(key) = key {
                    aftermath.merges.push((Arc::clone(self), member, key));
                }
            }
            Pushed::Evicted(oldest) => dropped = Some((oldest, DropReason::Oldest)),
            Pushed::Refused(entry) => dropped = Some((entry, DropReason::Full)),
        }
        let queued = !matches!(dropped, Some((_, DropReason::Full)));
        if queued {
            inbox.accounts[member].ledger.queued += 1;
            inbox.high_water = inbox.high_water.max(inbox.queue.len());
            aftermath.wake(inbox.waker.take());
        }
        if let Some((entry, reason)) = dropped {
            inbox.lose(&entry, reason);
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
            return Admitted { queued, dropped: true };
        }
        Admitted { queued, dropped: false }
    }

    /// Takes the next event. A reader that asks has finished with what it took before.
    pub(crate) fn try_take(&self, now: Option<Instant>) -> Take {
        self.inbox.lock().take(self.id, now)
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
            let mut inbox = self.inbox.lock();
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
        let waker = self.inbox.lock().waker.take();
        drop(waker);
    }

    /// Takes back a call that its responder has not taken.
    pub(crate) fn withdraw(&self, sequence: u64, aftermath: &mut Aftermath) {
        let mut inbox = self.inbox.lock();
        let calls = |inbox: &Inbox| {
            inbox.queue.iter().find_map(|entry| {
                let call = matches!(entry.envelope.content, super::Content::Call(_));
                (call && entry.envelope.meta.sequence == sequence).then_some(entry.member)
            })
        };
        let Some(member) = calls(&inbox) else {
            return;
        };
        if let Some(entry) = inbox.queue.remove(member, sequence) {
            inbox.unqueue(&entry, DropReason::Withdrawn);
            inbox.pass_on_missed(&entry);
            aftermath.discard(self.id, entry, DropReason::Withdrawn);
        }
    }

    /// The bus is closed: nothing more comes in.
    pub(crate) fn close(&self, aftermath: &mut Aftermath) {
        let mut inbox = self.inbox.lock();
        if inbox.state == State::Open {
            inbox.state = State::Closed;
        }
        aftermath.wake(inbox.waker.take());
    }

    /// The reader is gone: gives up everything queued. Returns the final accounts.
    pub(crate) fn leave(&self, aftermath: &mut Aftermath) -> Vec<Account> {
        let mut inbox = self.inbox.lock();
        inbox.state = State::Gone;
        aftermath.wake(inbox.waker.take());
        inbox.attendance = Attendance::default();
        let entries: Vec<Entry> = inbox.queue.take_all().collect();
        for entry in entries {
            inbox.unqueue(&entry, DropReason::Unsubscribed);
            aftermath.discard(self.id, entry, DropReason::Unsubscribed);
        }
        std::mem::take(&mut inbox.accounts)
    }

    /// Merges what is queued under this key until it is one event. Runs the user's code.
    pub(super) fn merge(&self, member: usize, key: &Key) {
        loop {
            let pair: Option<Mergeable> = self.inbox.lock().queue.mergeable(member, key);
            let Some(pair) = pair else {
                return;
            };
            let merged = pair.info.absorb(&pair.newer_event, &pair.older_event);
            let mut inbox = self.inbox.lock();
            let done = inbox.queue.merge(&pair, merged);
            if let Some((older, _)) = &done {
                inbox.unqueue(older, DropReason::Coalesced);
            }
            drop(inbox);
            // Otherwise another publisher, or the reader, was faster: look again.
            crate::sync::isolate("an event's destructor", || drop((done, pair)));
        }
    }

    /// A served handler begins.
    pub(crate) fn begin_handling(&self, now: Instant) {
        let attendance = &mut self.inbox.lock().attendance;
        attendance.in_hand = false;
        attendance.handling += 1;
        attendance.handling_since.get_or_insert(now);
    }

    /// A served handler has ended after `time`; `oldest` is when the first of those that still
    /// run began.
    pub(crate) fn end_handling(&self, time: Duration, oldest: Option<Instant>) {
        let attendance = &mut self.inbox.lock().attendance;
        attendance.handling = attendance.handling.saturating_sub(1);
        attendance.handling_since = oldest;
        attendance.handled(time);
    }

    /// What the reader still has to do.
    pub(crate) fn progress(&self) -> Progress {
        let inbox = self.inbox.lock();
        Progress {
            queued: inbox.queue.len() as u64,
            handling: inbox.attendance.handling,
            in_hand: inbox.attendance.in_hand,
        }
    }

    /// The account of all members together.
    pub(crate) fn ledger(&self) -> Ledger {
        let inbox = self.inbox.lock();
        let mut total = Ledger::default();
        for account in &inbox.accounts {
            total.add(&account.ledger);
        }
        total
    }

    pub(crate) fn len(&self) -> usize {
        self.inbox.lock().queue.len()
    }

    /// Events lost since the last one queued.
    pub(crate) fn gap(&self) -> u64 {
        self.inbox.lock().gap
    }

    /// Whether the reader sleeps until something comes.
    pub(crate) fn is_waiting(&self) -> bool {
        self.inbox.lock().waker.is_some()
    }

    pub(crate) fn status(&self) -> Status {
        let inbox = self.inbox.lock();
        Status {
            accounts: inbox.accounts.clone(),
            queued: inbox.queue.len(),
            queued_bytes: inbox.queue.iter().map(|entry| entry.envelope.footprint()).sum(),
            high_water: inbox.high_water,
            demand: inbox.demand.max(inbox.high_water),
            oldest: inbox.queue.iter().filter_map(|entry| entry.envelope.meta.published_at).min(),
            waiting: inbox.waker.is_some(),
            attendance: inbox.attendance,
        }
    }
}

impl Inbox {
    fn take(&mut self, mailbox: u64, now: Option<Instant>) -> Take {
        self.attendance.hand_back(now);
        let Some(mut entry) = self.queue.pop() else {
            return match self.state {
                State::Open => Take::Empty,
                State::Closed | State::Gone => Take::Closed,
            };
        };
        entry.envelope.meta.taken_at = now;
        self.attendance.in_hand = true;
        self.lost_since_take = 0;
        self.attendance.in_hand_since = now;
        let ledger = &mut self.accounts[entry.member].ledger;
        ledger.queued -= 1;
        ledger.delivered += 1;
        Take::Event(Taken { envelope: entry.envelope, member: entry.member, mailbox })
    }

    /// Accounts for an entry lost to overflow: whoever is next says that it is missing.
    fn lose(&mut self, entry: &Entry, reason: DropReason) {
        let missed = entry.envelope.meta.missed + 1;
        self.lost_since_take += 1;
        self.demand = self.demand.max(self.queue.len() + self.lost_since_take);
        let ledger = &mut self.accounts[entry.member].ledger;
        ledger.count_drop(reason);
        if reason == DropReason::Oldest {
            ledger.queued -= 1;
            let priority: Priority = entry.envelope.priority;
            if let Some(next) = self.queue.front_mut(priority) {
                next.envelope.meta.missed += missed;
                return;
            }
        }
        self.gap += missed;
    }

    /// Accounts for an entry taken out of the queue for another reason than being read.
    fn unqueue(&mut self, entry: &Entry, reason: DropReason) {
        let ledger = &mut self.accounts[entry.member].ledger;
        ledger.queued -= 1;
        ledger.count_drop(reason);
    }

    /// Has the next entry say what a withdrawn one would have said.
    fn pass_on_missed(&mut self, entry: &Entry) {
        match self.queue.front_mut(entry.envelope.priority) {
            Some(next) => next.envelope.meta.missed += entry.envelope.meta.missed,
            None => self.gap += entry.envelope.meta.missed,
        }
    }
}

impl Attendance {
    fn hand_back(&mut self, now: Option<Instant>) {
        if !std::mem::take(&mut self.in_hand) {
            return;
        }
        if let (Some(since), Some(now)) = (self.in_hand_since.take(), now) {
            self.handled(now.saturating_duration_since(since));
        }
    }

    fn handled(&mut self, time: Duration) {
        self.handled += 1;
        self.busy += time;
        self.longest = self.longest.max(time);
    }
}
