//! The reference model: a bus for one thread, as the contract describes it.
//!
//! Everything is a plain vector in the order in which things came, looked through from the front;
//! nothing is fast. A queue is one vector whatever the priorities: a reader is given the first
//! event of the highest priority in it.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use callboard::{DropReason, Dropped, Phase, Priority};

use crate::asking::{Gather, Record, Stage};
use crate::events::{Kind, Opening, Value};
use crate::sub::{Item, Sub};
use crate::tally::{Tallies, Tally};

/// What the drop callback is told: type, subscriber, capacity, reason, sequence.
pub(crate) type Report = (&'static str, String, usize, DropReason, u64);

/// What became of a published event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Routed {
        sequence: u64,
        delivered: usize,
        dropped: usize,
    },
    /// Nobody reads its kind: it has no number.
    Unheard,
    Buffered {
        sequence: u64,
    },
    BufferFull,
    Closed,
}

/// Why an event is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Event,
    Request(usize),
    Answer,
}

/// The bus.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) phase: Phase,
    pub(crate) ever_started: bool,
    /// The number of the last event accepted.
    pub(crate) sequence: u64,
    ids: usize,
    /// In the order in which they subscribed.
    pub(crate) subs: Vec<Sub>,
    pub(crate) buffer: Vec<Item>,
    pub(crate) buffer_capacity: usize,
    pub(crate) buffer_high_water: usize,
    /// What the buffer has dropped since the last start, with its number.
    pub(crate) overflowed: Vec<(u64, Kind, bool)>,
    /// The buffer's accounts, without what is queued.
    buffered: Tallies<Kind>,
    /// The accounts of those who have unsubscribed.
    departed: Tallies<Kind>,
    /// How many events of each kind were published, and how many of them nobody listened to.
    pub(crate) published: BTreeMap<Kind, u64>,
    pub(crate) unheard: BTreeMap<Kind, u64>,
    /// Events published after the bus was closed.
    pub(crate) refused: u64,
    /// The latest of each kind that retains.
    pub(crate) retained: Vec<Item>,
    /// Every request ever made.
    pub(crate) gathers: Vec<Gather>,
    pub(crate) record: Record,
    /// What the drop callback was told.
    pub(crate) reports: Vec<Report>,
    /// Who must sign in before the bus is ready: a subscriber, and a responder.
    expected: Option<(&'static str, &'static str)>,
    timestamps: bool,
    pub(crate) now: Instant,
}

impl Model {
    pub(crate) fn new(
        buffer_capacity: usize,
        timestamps: bool,
        expected: Option<(&'static str, &'static str)>,
        now: Instant,
    ) -> Self {
        Self {
            phase: Phase::Buffering,
            ever_started: false,
            sequence: 0,
            ids: 0,
            subs: Vec::new(),
            buffer: Vec::new(),
            buffer_capacity,
            buffer_high_water: 0,
            overflowed: Vec::new(),
            buffered: Tallies::new(),
            departed: Tallies::new(),
            published: BTreeMap::new(),
            unheard: BTreeMap::new(),
            refused: 0,
            retained: Vec::new(),
            gathers: Vec::new(),
            record: Record::default(),
            reports: Vec::new(),
            expected,
            timestamps,
            now,
        }
    }

    /// The time, if the bus keeps it.
    pub(crate) fn timestamp(&self) -> Option<Instant> {
        self.timestamps.then_some(self.now)
    }

    pub(crate) fn sub(&mut self, id: usize) -> &mut Sub {
        self.subs.iter_mut().find(|sub| sub.id == id).expect("it is there")
    }

    pub(crate) fn publish(
        &mut self,
        value: &Rc<Value>,
        priority: Priority,
        cause: Option<u64>,
        role: Role,
    ) -> Fate {
        if self.phase == Phase::Closed {
            self.refused += 1;
            return Fate::Closed;
        }
        let kind = value.kind;
        *self.published.entry(kind).or_default() += 1;
        let heard = self.subs.iter().any(|sub| sub.opening.wants.reads(kind));
        if self.phase == Phase::Running && !kind.retains() && !heard && role == Role::Event {
            *self.unheard.entry(kind).or_default() += 1;
            return Fate::Unheard;
        }
        self.sequence += 1;
        let request = match role {
            Role::Request(request) => Some(request),
            Role::Event | Role::Answer => None,
        };
        let (value, sequence) = (Rc::clone(value), self.sequence);
        let published_at = self.timestamp();
        let answer = role == Role::Answer;
        let item =
            Item { value, sequence, cause, priority, missed: 0, published_at, request, answer };
        if self.phase == Phase::Running {
            let (delivered, dropped) = self.route(item, false);
            if !heard && role == Role::Event {
                *self.unheard.entry(kind).or_default() += 1;
            }
            return Fate::Routed { sequence, delivered, dropped };
        }
        self.keep(item)
    }

    /// Keeps an event for the start.
    fn keep(&mut self, mut item: Item) -> Fate {
        let sequence = item.sequence;
        let same = |older: &Item| item.key().is_some() && older.key() == item.key();
        self.buffered.of(item.value.kind).offered += 1;
        if let Some(place) = self.buffer.iter().position(same) {
            item.absorb(&self.unbuffer(place, DropReason::Coalesced));
        } else if self.buffer.len() >= self.buffer_capacity {
            self.buffered.of(item.value.kind).drop(DropReason::BufferFull);
            self.report_buffered(&item, DropReason::BufferFull);
            self.overflowed.push((sequence, item.value.kind, item.request.is_some()));
            return Fate::BufferFull;
        }
        self.buffer.push(item);
        self.buffer_high_water = self.buffer_high_water.max(self.buffer.len());
        Fate::Buffered { sequence }
    }

    /// Takes an event out of the buffer, which does not reach its readers.
    pub(crate) fn unbuffer(&mut self, place: usize, reason: DropReason) -> Item {
        let item = self.buffer.remove(place);
        self.buffered.of(item.value.kind).drop(reason);
        item
    }

    /// Brings an event to its readers, then, if it is a request, to its responders.
    fn route(&mut self, item: Item, beyond: bool) -> (usize, usize) {
        let (mut delivered, mut dropped) = (0, 0);
        let mut lost_calls = Vec::new();
        let event = Item { request: None, ..item.clone() };
        let everybody = || 0..self.subs.len();
        let readers = everybody().filter(|n| self.subs[*n].opening.wants.reads(item.value.kind));
        let responders = everybody().filter(|n| self.subs[*n].opening.wants.answers());
        let calls = responders.filter(|_| item.request.is_some());
        let offers: Vec<(usize, &Item)> =
            readers.map(|n| (n, &event)).chain(calls.map(|n| (n, &item))).collect();
        if let Some(request) = item.request {
            self.assign(request, item.sequence);
        }
        for (n, item) in offers {
            let sub = &mut self.subs[n];
            let (queued, lost) = sub.offer(item.clone(), beyond);
            delivered += usize::from(queued);
            let Some((lost, reason)) = lost else { continue };
            dropped += 1;
            lost_calls.extend(lost.request.map(|request| (request, sub.id)));
            let Opening { name, capacity, lossy, .. } = sub.opening;
            if !lossy {
                let kind = lost.value.kind.name();
                self.reports.push((kind, name.to_owned(), capacity, reason, lost.sequence));
            }
        }
        for (request, id) in lost_calls {
            self.set_stage(request, id, Stage::Full);
        }
        if event.value.kind.retains() {
            self.retained.retain(|older| older.value.kind != event.value.kind);
            self.retained.push(event);
        }
        (delivered, dropped)
    }

    fn report_buffered(&mut self, item: &Item, reason: DropReason) {
        let (kind, capacity) = (item.value.kind.name(), self.buffer_capacity);
        self.reports.push((kind, Dropped::BUFFER.to_owned(), capacity, reason, item.sequence));
    }

    /// Returns the subscription's id.
    pub(crate) fn subscribe(&mut self, opening: Opening) -> usize {
        self.ids += 1;
        let late = self.ever_started && !opening.late && !opening.retained;
        let mut sub = Sub::new(self.ids, opening, late);
        // What is retained is in the order of its sequence: the latest routed is the last.
        for item in self.retained.iter().filter(|_| opening.retained) {
            if opening.wants.reads(item.value.kind) {
                sub.offer(item.clone(), true);
            }
        }
        self.subs.push(sub);
        self.ids
    }

    pub(crate) fn unsubscribe(&mut self, id: usize) {
        let place = self.subs.iter().position(|sub| sub.id == id).expect("it is there");
        let mut sub = self.subs.remove(place);
        while let Some(item) = sub.queue.first() {
            let request = item.request;
            sub.remove(0, DropReason::Unsubscribed);
            if let Some(request) = request {
                self.set_stage(request, id, Stage::Abandoned);
            }
        }
        for ((kind, _), tally) in sub.accounts().iter() {
            *self.departed.of(kind) += tally;
        }
    }

    /// The expected subscribers, then responders, that have not signed in.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let Some((subscriber, responder)) = self.expected else { return Vec::new() };
        let there = |name: &str| self.subs.iter().any(|sub| sub.opening.name == name);
        let subscriber = (!there(subscriber)).then_some(subscriber);
        let responder = (!self.has_responder(responder)).then_some(responder);
        subscriber.into_iter().chain(responder).collect()
    }

    pub(crate) fn has_responder(&self, name: &str) -> bool {
        let mut responders = self.subs.iter().filter(|sub| sub.opening.wants.answers());
        responders.any(|sub| sub.opening.name == name)
    }

    /// Returns how many were replayed, and how many the buffer had dropped.
    pub(crate) fn start(&mut self) -> (usize, usize) {
        if self.phase != Phase::Buffering {
            return (0, 0);
        }
        (self.phase, self.ever_started) = (Phase::Running, true);
        let replay = std::mem::take(&mut self.buffer);
        let overflowed = std::mem::take(&mut self.overflowed);
        let (replayed, dropped) = (replay.len(), overflowed.len());
        let mut overflowed = overflowed.into_iter().peekable();
        for item in replay {
            // What the buffer dropped is told of, to those who would have got it, by what follows it.
            while let Some(lost) = overflowed.next_if(|(sequence, ..)| *sequence < item.sequence) {
                self.lose_buffered(lost);
            }
            let kind = item.value.kind;
            self.buffered.of(kind).delivered += 1;
            let heard = self.subs.iter().any(|sub| sub.opening.wants.reads(kind));
            if !heard && item.request.is_none() && !item.answer {
                *self.unheard.entry(kind).or_default() += 1;
            }
            self.route(item, true);
        }
        overflowed.for_each(|lost| self.lose_buffered(lost));
        (replayed, dropped)
    }

    fn lose_buffered(&mut self, (_, kind, asked): (u64, Kind, bool)) {
        for sub in &mut self.subs {
            let wants = sub.opening.wants;
            sub.lose_buffered(u64::from(wants.reads(kind)));
            sub.lose_buffered(u64::from(wants.answers() && asked));
        }
    }

    pub(crate) fn pause(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Buffering;
        }
    }

    pub(crate) fn close(&mut self) {
        if self.phase == Phase::Closed {
            return;
        }
        self.freeze_gathers();
        self.phase = Phase::Closed;
        self.retained.clear();
        while !self.buffer.is_empty() {
            let item = self.unbuffer(0, DropReason::Closed);
            self.report_buffered(&item, DropReason::Closed);
        }
        self.subs.iter_mut().for_each(|sub| sub.asleep = false);
    }

    /// The buffer's account of a kind.
    pub(crate) fn buffered(&self, kind: Kind) -> Tally {
        let mut tally = self.buffered.get(kind);
        let queued = self.buffer.iter().filter(|item| item.value.kind == kind);
        tally.queued = queued.count() as u64;
        tally
    }

    /// The account of all subscriptions, past and present, of a kind.
    pub(crate) fn ledger(&self, kind: Kind) -> Tally {
        let mut total = self.departed.get(kind);
        for sub in &self.subs {
            let accounts = sub.accounts();
            total += &accounts.get((kind, false));
            total += &accounts.get((kind, true));
        }
        total
    }

    /// How many values the bus keeps alive, or `others` do: those queued, buffered, retained, or
    /// kept for those who asked.
    pub(crate) fn alive<'a>(&'a self, others: impl Iterator<Item = &'a Rc<Value>>) -> usize {
        let queued = self.subs.iter().flat_map(|sub| &sub.queue);
        let items = queued.chain(&self.buffer).chain(&self.retained).map(|item| &item.value);
        let answers = self.gathers.iter().flat_map(Gather::kept);
        let all = items.chain(answers).chain(others);
        all.map(Rc::as_ptr).collect::<HashSet<_>>().len()
    }
}
