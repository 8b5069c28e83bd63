//! A queue with its accounts: what a mailbox's lock guards, and what the start buffer is.
//!
//! Plain data, like the queue in it.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use super::Taken;
use super::attendance::{Attendance, NOBODY};
use super::queue::{Admission, Entry, Pushed, Queue};
use crate::event::{Key, Priority, Receipt, TypeInfo};
use crate::overflow::{DropReason, Ledger, Overflow};
use crate::sync::discard;
use crate::trace::{Context, Trail};

/// A queue with its accounts, and who reads it.
pub(crate) struct Inbox {
    /// What is queued; made when the first entry comes, since the reader of a log hardly ever has
    /// one.
    queue: Option<Box<Queue>>,
    capacity: usize,
    overflow: Overflow,
    /// Why an event that does not fit is dropped.
    refusal: DropReason,
    /// One per member of the set; a reader of everything gets one more per type it meets, and the
    /// start buffer has one for each type there is.
    pub(crate) accounts: Vec<Account>,
    /// Events lost since the last one queued; the next one queued will say so.
    pub(crate) gap: u64,
    pub(crate) high_water: usize,
    /// The capacity that would have sufficed: the most that was queued or lost between two takes.
    pub(crate) demand: usize,
    lost_since_take: usize,
    pub(super) state: State,
    /// Set while the reader sleeps.
    pub(crate) waker: Option<Waker>,
    /// The reader was woken by an event, and has not tried to take it yet.
    pub(super) woken: bool,
    /// What the reader does with what it takes, once there is anything to say of it.
    attendance: Option<Box<Attendance>>,
}

/// What a mailbox takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
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

/// What a reader that does not wait finds.
pub(crate) enum Take {
    Event(Taken),
    Empty,
    Closed,
}

/// What became of an event that was offered.
pub(crate) struct Offered {
    pub(crate) queued: bool,
    /// An older event with its key is queued too.
    pub(crate) mergeable: bool,
    /// The event that was lost: this one, or an older one in its favour.
    pub(crate) lost: Option<(Entry, DropReason)>,
}

impl Account {
    pub(crate) fn new(info: &'static TypeInfo) -> Self {
        Self { info, ledger: Ledger::default() }
    }
}

impl Inbox {
    pub(crate) fn new(capacity: usize, overflow: Overflow, refusal: DropReason) -> Self {
        Self {
            queue: None,
            capacity,
            overflow,
            refusal,
            accounts: Vec::new(),
            gap: 0,
            high_water: 0,
            demand: 0,
            lost_since_take: 0,
            state: State::Open,
            waker: None,
            woken: false,
            attendance: None,
        }
    }

    /// The events queued, most urgent first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.queue.iter().flat_map(|queue| queue.iter())
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// What the reader does with what it takes.
    pub(crate) fn attendance(&self) -> &Attendance {
        self.attendance.as_deref().unwrap_or(&NOBODY)
    }

    pub(crate) fn attendance_mut(&mut self) -> &mut Attendance {
        self.attendance.get_or_insert_default()
    }

    /// The reader asks for the next event, on a bus that keeps time.
    #[cold]
    pub(super) fn note_asked(&mut self, in_hand: bool, now: Option<Instant>) {
        self.attendance_mut().ask(in_hand, now);
    }

    /// The reader has taken an event, on a bus that keeps time.
    #[cold]
    pub(super) fn note_taken(&mut self, now: Option<Instant>) {
        self.attendance_mut().in_hand_since = now;
    }

    // Always: as a call of its own it would have the entry, which is large, moved once more.
    #[inline(always)]
    pub(crate) fn offer(&mut self, mut entry: Entry, admission: Admission) -> Offered {
        let Self { queue, capacity, overflow, accounts, gap, .. } = self;
        let queue = queue.get_or_insert_with(|| Box::new(Queue::new(*capacity, *overflow)));
        let ledger = &mut accounts[entry.member].ledger;
        ledger.offered += 1;
        entry.missed += std::mem::take(gap);
        if !queue.admits(&entry, admission) {
            return self.offer_to_full(entry, admission);
        }
        ledger.queued += 1;
        queue.enqueue(entry);
        let occupied = queue.occupied();
        self.high_water = self.high_water.max(occupied);
        self.demand = self.demand.max(occupied + self.lost_since_take);
        Offered { queued: true, mergeable: false, lost: None }
    }

    /// Offers an event that has no place of its own in the queue.
    #[cold]
    fn offer_to_full(&mut self, entry: Entry, admission: Admission) -> Offered {
        let Some(queue) = &mut self.queue else { unreachable!("it was made for the entry") };
        let (member, priority) = (entry.member, entry.envelope.priority);
        let (mergeable, lost) = match queue.push(entry, admission) {
            Pushed::Queued => (false, None),
            Pushed::Mergeable => (true, None),
            Pushed::Evicted(oldest) => (false, Some((oldest, DropReason::Oldest))),
            Pushed::Refused(entry) => (false, Some((entry, self.refusal))),
        };
        let queued = !matches!(lost, Some((_, reason)) if reason == self.refusal);
        if queued {
            self.accounts[member].ledger.queued += 1;
            // An event that is about to be merged takes no place of its own.
            self.high_water = self.high_water.max(queue.occupied());
        }
        if let Some((entry, reason)) = &lost {
            self.lose(entry, *reason);
        }
        let occupied = self.queue.as_ref().map_or(0, |queue| queue.occupied());
        self.demand = self.demand.max(occupied + self.lost_since_take);
        if let (true, 1.., Some(queue)) = (queued, self.gap, &mut self.queue) {
            // Nobody waits behind the one that made room: the arriving event is next.
            let gap = std::mem::take(&mut self.gap);
            pass_on_missed(&mut self.gap, queue.lane_mut(priority).back_mut(), gap);
        }
        Offered { queued, mergeable, lost }
    }

    /// The oldest of the most urgent entries.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.queue.as_ref()?.first()
    }

    /// Takes the oldest of the most urgent entries, or of those of a priority.
    #[inline]
    pub(super) fn take(
        &mut self,
        mailbox: u64,
        now: Option<Instant>,
        priority: Option<Priority>,
        hold: impl FnOnce(Context) -> Trail,
    ) -> Take {
        let Some(entry) = self.queue.as_mut().and_then(|queue| queue.pop(priority)) else {
            return if self.state == State::Open { Take::Empty } else { Take::Closed };
        };
        self.lost_since_take = 0;
        let ledger = &mut self.accounts[entry.member].ledger;
        ledger.queued -= 1;
        ledger.delivered += 1;
        let Entry { envelope, member, missed } = entry;
        let mut receipt = Receipt::new(missed, now);
        if envelope.context.is_some() {
            receipt.trace(hold(envelope.context));
        }
        Take::Event(Taken {
            info: envelope.info,
            held: envelope.held,
            ticket: envelope.ticket,
            receipt,
            member,
            mailbox,
        })
    }

    /// Gives back what the queue has grown to, if it is empty.
    pub(super) fn give_back(&mut self) {
        if let Some(queue) = self.queue.as_mut().filter(|queue| queue.len() == 0) {
            queue.give_back();
        }
    }

    /// Takes everything out: dropped for this reason or, without one, delivered.
    pub(crate) fn take_all(&mut self, dropped: Option<DropReason>) -> Vec<Entry> {
        let Some(mut queue) = self.queue.take() else { return Vec::new() };
        let entries: Vec<Entry> = queue.take_all().collect();
        for entry in &entries {
            let ledger = &mut self.accounts[entry.member].ledger;
            ledger.queued -= 1;
            match dropped {
                Some(reason) => ledger.count_drop(reason),
                None => ledger.delivered += 1,
            }
        }
        entries
    }

    /// Takes out a request that its asker takes back.
    pub(crate) fn withdraw(&mut self, sequence: u64) -> Option<Entry> {
        let Self { queue, accounts, gap, .. } = self;
        let queue = queue.as_mut()?;
        let entry = queue.remove(sequence, |entry| entry.envelope.ticket.is_some())?;
        unqueue(accounts, &entry, DropReason::Withdrawn);
        let missed = entry.missed;
        let next = queue.next_after(entry.envelope.priority, sequence);
        pass_on_missed(gap, next, missed);
        Some(entry)
    }

    /// Accounts for an entry lost to overflow: whoever is next says that it is missing.
    fn lose(&mut self, entry: &Entry, reason: DropReason) {
        let missed = entry.missed + 1;
        self.lost_since_take += 1;
        if reason == DropReason::Oldest {
            unqueue(&mut self.accounts, entry, reason);
            // It was the first of its lane. One behind it may share its sequence: a call, with
            // the event that observes it.
            let lane = self.queue.as_mut().map(|queue| queue.lane_mut(entry.envelope.priority));
            pass_on_missed(&mut self.gap, lane.and_then(VecDeque::front_mut), missed);
        } else {
            self.accounts[entry.member].ledger.count_drop(reason);
            self.gap += missed;
        }
    }
}

/// Accounts for an entry taken out of the queue for another reason than being read.
fn unqueue(accounts: &mut [Account], entry: &Entry, reason: DropReason) {
    let ledger = &mut accounts[entry.member].ledger;
    ledger.queued -= 1;
    ledger.count_drop(reason);
}

/// Has `next` say what an entry that left the queue unread would have said; if there is none,
/// whoever is queued next does.
fn pass_on_missed(gap: &mut u64, next: Option<&mut Entry>, missed: u64) {
    *next.map_or(gap, |next| &mut next.missed) += missed;
}

/// Merges what an inbox holds under this key until it is one event. `access` runs a function on
/// the inbox under its lock; the merging itself is the user's code, and runs without.
pub(crate) fn merge(access: impl Fn(&mut dyn FnMut(&mut Inbox)), member: usize, key: &Key) {
    loop {
        let mut pair = None;
        access(&mut |inbox| pair = inbox.queue.as_ref().and_then(|it| it.mergeable(member, key)));
        let Some(pair) = pair else {
            return;
        };
        let merged = pair.info.absorb(&pair.newer_event, &pair.older_event);
        let mut done = None;
        access(&mut |inbox| {
            done = inbox.queue.as_mut().and_then(|it| it.merge(&pair, merged.clone()));
            if let Some((older, _)) = &done {
                unqueue(&mut inbox.accounts, older, DropReason::Coalesced);
            }
        });
        // Otherwise another publisher, or the reader, was faster: look again.
        let (older, newer) = done.unzip();
        discard(older);
        discard(newer);
        discard(pair.older_event);
        discard(pair.newer_event);
        discard(merged);
    }
}
