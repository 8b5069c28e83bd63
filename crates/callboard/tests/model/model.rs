//! The reference model: a bus for one thread, as the contract describes it.
//!
//! Everything is a plain vector in the order in which things came, looked through from the front;
//! nothing is fast. A queue is one vector whatever the priorities: a reader is given the first
//! event of the highest priority in it.

use std::collections::HashSet;
use std::rc::Rc;

use callboard::{DropReason, Dropped, Phase, Priority};

use crate::asking::{Gather, Stage};
use crate::events::{Kind, Opening, Value};
use crate::sub::{Item, Sub};

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

/// The bus.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) phase: Phase,
    /// The number of the last event accepted.
    pub(crate) sequence: u64,
    ids: usize,
    /// In the order in which they subscribed.
    pub(crate) subs: Vec<Sub>,
    pub(crate) buffer: Vec<Item>,
    buffer_capacity: usize,
    /// What the buffer has dropped since the last start.
    overflowed: Vec<Item>,
    /// The latest of each kind that retains.
    pub(crate) retained: Vec<Item>,
    /// Every request ever made.
    pub(crate) gathers: Vec<Gather>,
    /// What the drop callback was told.
    pub(crate) reports: Vec<Report>,
    /// In milliseconds.
    pub(crate) now: u64,
}

impl Model {
    pub(crate) fn new(buffer_capacity: usize) -> Self {
        Self {
            phase: Phase::Buffering,
            sequence: 0,
            ids: 0,
            subs: Vec::new(),
            buffer: Vec::new(),
            buffer_capacity,
            overflowed: Vec::new(),
            retained: Vec::new(),
            gathers: Vec::new(),
            reports: Vec::new(),
            now: 0,
        }
    }

    pub(crate) fn sub(&mut self, id: usize) -> Option<&mut Sub> {
        self.subs.iter_mut().find(|sub| sub.id == id)
    }

    pub(crate) fn publish(
        &mut self,
        value: Value,
        priority: Priority,
        cause: Option<u64>,
        request: Option<usize>,
    ) -> Fate {
        if self.phase == Phase::Closed {
            return Fate::Closed;
        }
        let retained = matches!(value.kind, Kind::Status | Kind::Kept);
        let heard = self.subs.iter().any(|sub| sub.opening.wants.reads(value.kind));
        let answers_or_asks = cause.is_some() || request.is_some();
        if self.phase == Phase::Running && !retained && !heard && !answers_or_asks {
            return Fate::Unheard;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let item = Item { value: Rc::new(value), sequence, cause, priority, missed: 0, request };
        if self.phase == Phase::Running {
            let (delivered, dropped) = self.route(item, false);
            return Fate::Routed { sequence, delivered, dropped };
        }
        self.keep(item)
    }

    /// Keeps an event for the start.
    fn keep(&mut self, mut item: Item) -> Fate {
        let sequence = item.sequence;
        let same = |older: &Item| item.key().is_some() && older.key() == item.key();
        if let Some(place) = self.buffer.iter().position(same) {
            item.absorb(&self.buffer.remove(place));
        } else if self.buffer.len() >= self.buffer_capacity {
            self.report_buffered(&item, DropReason::BufferFull);
            self.overflowed.push(item);
            return Fate::BufferFull;
        }
        self.buffer.push(item);
        Fate::Buffered { sequence }
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
        if matches!(event.value.kind, Kind::Status | Kind::Kept) {
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
        let mut sub = Sub::new(self.ids, opening);
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
        for item in self.subs.remove(place).queue {
            if let Some(request) = item.request {
                self.set_stage(request, id, Stage::Abandoned);
            }
        }
    }

    /// Returns how many were replayed, and how many the buffer had dropped.
    pub(crate) fn start(&mut self) -> (usize, usize) {
        if self.phase != Phase::Buffering {
            return (0, 0);
        }
        self.phase = Phase::Running;
        let replay = std::mem::take(&mut self.buffer);
        let replayed = replay.len();
        for item in replay {
            self.route(item, true);
        }
        // What the buffer dropped is told of, to those who would have got it, by what follows the
        // replay.
        let overflowed = std::mem::take(&mut self.overflowed);
        for item in &overflowed {
            for sub in &mut self.subs {
                let wants = sub.opening.wants;
                sub.gap += u64::from(wants.reads(item.value.kind));
                sub.gap += u64::from(wants.answers() && item.request.is_some());
            }
        }
        (replayed, overflowed.len())
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
        for item in std::mem::take(&mut self.buffer) {
            self.report_buffered(&item, DropReason::Closed);
        }
    }

    /// How many values the bus keeps alive: those queued, buffered or retained. Requests and
    /// answers don't count, since those who ask and answer hold them too.
    pub(crate) fn alive(&self) -> usize {
        let queued = self.subs.iter().flat_map(|sub| &sub.queue);
        let all = queued.chain(&self.buffer).chain(&self.retained);
        let counted = all.filter(|item| !matches!(item.value.kind, Kind::Ask | Kind::Reply));
        counted.map(|item| Rc::as_ptr(&item.value)).collect::<HashSet<_>>().len()
    }
}
