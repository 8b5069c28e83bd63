//! One subscription of the model: a queue that is a vector, and an account.
//!
//! # The rule of `missed`
//!
//! A lost event is told of by the next one of its priority in the queue and, if there is none, by
//! the next one that is queued at all. What an event would have told when it leaves the queue
//! unread (it was dropped, absorbed, withdrawn) is passed on by the same rule. So a reader hears
//! of a loss no later than with the first event behind it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use callboard::{DropReason, Overflow, Priority};

use crate::events::{Got, Kind, Opening, Value};
use crate::tally::{Member, Tallies, Tally};

/// An event on the bus. Values are shared, as on the bus, so that those alive can be counted.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Rc<Value>,
    pub(crate) sequence: u64,
    pub(crate) cause: Option<u64>,
    pub(crate) priority: Priority,
    pub(crate) missed: u64,
    /// If the bus keeps time.
    pub(crate) published_at: Option<Instant>,
    /// In the buffer: it is this request. In a queue: it is a call of it, to be answered.
    pub(crate) request: Option<usize>,
    /// It is an answer.
    pub(crate) answer: bool,
}

impl Item {
    /// What it coalesces by.
    pub(crate) fn key(&self) -> Option<(Kind, u8)> {
        let kind = self.value.kind;
        matches!(kind, Kind::Change | Kind::Status).then_some((kind, self.value.key))
    }

    /// Takes in an older event with the same key.
    pub(crate) fn absorb(&mut self, older: &Self) {
        if self.value.kind == Kind::Change {
            let parts = older.value.parts.iter().chain(&self.value.parts).copied().collect();
            self.value = Rc::new(Value { parts, ..Value::clone(&self.value) });
        }
    }

    fn member(&self) -> Member {
        (self.value.kind, self.request.is_some())
    }

    /// As it is seen by whoever takes it now.
    pub(crate) fn got(&self, now: Option<Instant>) -> Got {
        Got {
            value: Value::clone(&self.value),
            sequence: self.sequence,
            missed: self.missed,
            cause: self.cause,
            published_at: self.published_at,
            queued_for: now.zip(self.published_at).map(|(now, then)| now - then),
            call: self.request.is_some(),
        }
    }
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Sub {
    pub(crate) id: usize,
    pub(crate) opening: Opening,
    /// It came after the start and had not said that it would.
    pub(crate) late: bool,
    pub(crate) queue: Vec<Item>,
    /// What the next event to be queued will say it missed.
    pub(crate) gap: u64,
    /// Without what is queued.
    accounts: Tallies<Member>,
    pub(crate) high_water: usize,
    /// The capacity that would have sufficed: the most that was queued or lost between two takes.
    pub(crate) demand: usize,
    lost_since_take: usize,
    /// It waits, and has not been woken.
    pub(crate) asleep: bool,
    pub(crate) work: Work,
}

/// What the reader does with what it takes. A bus that keeps time measures it.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// It took an event, or a batch, and has not asked for the next.
    pub(crate) in_hand: bool,
    /// It was woken by an event, and has not asked for the next since.
    pub(crate) roused: bool,
    since: Option<Instant>,
    /// How many events it has taken since then.
    events: u32,
    pub(crate) handled: u64,
    pub(crate) busy: Duration,
    pub(crate) longest: Duration,
}

impl Work {
    /// The reader asks for the next event: it is done with the one before.
    pub(crate) fn ask(&mut self, now: Option<Instant>) {
        if let (Some(since), Some(now)) = (self.since.take(), now)
            && let Some(each) = (now - since).checked_div(self.events)
        {
            self.handled += u64::from(self.events);
            self.busy += now - since;
            self.longest = self.longest.max(each);
        }
        self.in_hand = false;
        self.roused = false;
    }

    fn take(&mut self, now: Option<Instant>) {
        self.begin_batch(now);
        self.events = 1;
    }

    /// The reader has a batch, whose events share its time.
    pub(crate) fn begin_batch(&mut self, now: Option<Instant>) {
        self.ask(now);
        (self.since, self.events, self.in_hand) = (now, 0, true);
    }

    pub(crate) fn handling_for(&self, now: Instant) -> Option<Duration> {
        self.since.map(|since| now - since)
    }
}

impl Sub {
    pub(crate) fn new(id: usize, opening: Opening, late: bool) -> Self {
        Self {
            id,
            opening,
            late,
            queue: Vec::new(),
            gap: 0,
            accounts: Tallies::new(),
            high_water: 0,
            demand: 0,
            lost_since_take: 0,
            asleep: false,
            work: Work::default(),
        }
    }

    /// Its accounts, one for each kind of event, and one for calls.
    pub(crate) fn accounts(&self) -> Tallies<Member> {
        let mut accounts = self.accounts.clone();
        self.queue.iter().for_each(|item| accounts.of(item.member()).queued += 1);
        accounts
    }

    /// Its whole account.
    pub(crate) fn account(&self) -> Tally {
        let mut total = Tally::default();
        self.accounts().iter().for_each(|(_, tally)| total += tally);
        total
    }

    /// Whether its reader waits for its next event, or is about to take it.
    pub(crate) fn will_receive(&self) -> bool {
        self.asleep || self.work.roused
    }

    /// The start buffer lost this many for it.
    pub(crate) fn lose_buffered(&mut self, lost: u64) {
        self.gap += lost;
    }

    /// Takes an event from the middle of the queue, for another reason than that it is read.
    pub(crate) fn remove(&mut self, place: usize, reason: DropReason) -> Item {
        let item = self.queue.remove(place);
        self.accounts.of(item.member()).drop(reason);
        let told = item.missed + u64::from(reason == DropReason::Oldest);
        let next = self.queue[place..].iter_mut().find(|next| next.priority == item.priority);
        *next.map_or(&mut self.gap, |next| &mut next.missed) += told;
        item
    }

    /// Offers an event. `beyond`: it does not have to fit. Returns whether it is queued, and the
    /// event that was lost, if one was.
    pub(crate) fn offer(
        &mut self,
        mut item: Item,
        beyond: bool,
    ) -> (bool, Option<(Item, DropReason)>) {
        self.accounts.of(item.member()).offered += 1;
        let mut lost = None;
        let mut room = beyond || self.queue.len() < self.opening.capacity;
        if self.opening.overflow == Overflow::Coalesce
            && item.key().is_some()
            && let Some(place) = self.queue.iter().position(|older| older.key() == item.key())
        {
            let older = self.remove(place, DropReason::Coalesced);
            item.absorb(&older);
            room = true;
        }
        if !room && self.opening.overflow == Overflow::DropOldest {
            let least = self.queue.iter().map(|queued| queued.priority).min();
            if let Some(least) = least.filter(|least| *least <= item.priority) {
                let place = self.queue.iter().position(|queued| queued.priority == least).unwrap();
                lost = Some((self.remove(place, DropReason::Oldest), DropReason::Oldest));
                room = true;
            }
        }
        if room {
            item.missed = std::mem::take(&mut self.gap);
            self.queue.push(item);
            self.high_water = self.high_water.max(self.queue.len());
            self.work.roused |= std::mem::take(&mut self.asleep);
        } else {
            self.gap += 1;
            self.accounts.of(item.member()).drop(DropReason::Full);
            lost = Some((item, DropReason::Full));
        }
        self.lost_since_take += usize::from(lost.is_some());
        self.demand = self.demand.max(self.queue.len() + self.lost_since_take);
        (room, lost)
    }

    /// Hands out the oldest of the most urgent events, to a reader that asks for it.
    pub(crate) fn recv(&mut self, now: Option<Instant>) -> Option<Item> {
        self.work.ask(now);
        let item = self.take_next()?;
        self.work.take(now);
        Some(item)
    }

    /// Hands out the next event of a batch.
    pub(crate) fn next_of_batch(&mut self) -> Option<Item> {
        let item = self.take_next()?;
        self.work.events += 1;
        Some(item)
    }

    fn take_next(&mut self) -> Option<Item> {
        let most = self.queue.iter().map(|item| item.priority).max()?;
        let place = self.queue.iter().position(|item| item.priority == most)?;
        let item = self.queue.remove(place);
        self.accounts.of(item.member()).delivered += 1;
        self.lost_since_take = 0;
        Some(item)
    }
}
