//! The events of a queue that are about to be merged: for each key a chain, from the oldest to the
//! newest.
//!
//! A chain has more than one event only while [`merge`](super::super::inbox::merge) is at work. The
//! reader may take any event of it meanwhile, since a more urgent one comes first; its neighbours are
//! then linked to each other.

use std::collections::BTreeMap;

use super::{Entry, Queue};
use crate::event::TypeInfo;
use crate::log::Held;

/// The neighbours of an event in its chain, by their numbers; 0 for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The event that it is to absorb.
    older: u64,
    /// The event that is to absorb it, so that it uses no capacity.
    newer: u64,
    /// If a newer event with its key was taken first: the last such.
    last: u64,
}

/// What a queue knows of its chains.
#[derive(Default)]
pub(super) struct Chains {
    /// How many entries have a newer one that is to absorb them.
    superseded: usize,
    /// An event that is about to arrive, and the one that it is to absorb.
    arriving: Option<(u64, u64)>,
    /// By the number of the last event with a key, if that was taken before it absorbed an older one:
    /// the number of that older one, which still waits.
    left_behind: BTreeMap<u64, u64>,
    /// Two different keys had one hash. Until the queue is empty, nothing is merged: an event that
    /// supersedes another one by its hash takes its capacity before the keys are compared.
    keys_clash: bool,
}

impl Chains {
    /// Whether an empty queue has nothing to forget.
    #[inline]
    pub(super) fn are_unused(&self) -> bool {
        self.arriving.is_none() && self.left_behind.is_empty() && !self.keys_clash
    }

    #[inline]
    pub(super) fn superseded(&self) -> usize {
        self.superseded
    }
}

/// Two queued events with the same key, to be merged with no lock held.
pub(crate) struct Mergeable {
    pub(crate) info: &'static TypeInfo,
    older: u64,
    pub(crate) newer: u64,
    pub(crate) older_event: Held,
    pub(crate) newer_event: Held,
}

/// The result of merging two events with the same key.
pub(crate) struct Merged {
    pub(crate) older: Entry,
    /// The value of the newer one, which was replaced.
    pub(crate) replaced: Held,
    /// If the two were in different lanes and nothing is left between them in the older one's lane:
    /// the lane of the newer one, and the order of the last event before the older one.
    pub(in crate::engine) heir: Option<(usize, u64)>,
}

impl Queue {
    /// `last` is the number of the last event with some key. Returns that of the one that may wait.
    fn waiting(&self, last: u64) -> u64 {
        self.chains.left_behind.get(&last).copied().unwrap_or(last)
    }

    /// Whether an event waits with the key of `last`, the last event that arrived with it.
    pub(in crate::engine) fn holds(&self, last: u64) -> bool {
        self.find_event(self.waiting(last)).is_some()
    }

    /// If an event with the key of `last` waits, notes that `newer`, which is about to arrive, is
    /// to absorb it. Returns whether one waits.
    pub(in crate::engine) fn supersede(&mut self, last: u64, newer: u64) -> bool {
        if self.chains.keys_clash {
            return false;
        }
        let older = self.waiting(last);
        let Some(entry) = self.event_mut(older) else { return false };
        (entry.chain.newer, entry.chain.last) = (newer, 0);
        self.chains.left_behind.remove(&last);
        self.chains.superseded += 1;
        self.chains.arriving = Some((newer, older));
        true
    }

    /// The event has arrived for which an older one was [superseded](Self::supersede). If neither has
    /// been taken, the two are to be merged: returns whether they are in two lanes.
    pub(in crate::engine) fn link(&mut self) -> Option<bool> {
        let (newer, older) = self.chains.arriving.take()?;
        let (older_lane, _) = self.find_event(older)?;
        let Some((lane, place)) = self.find_event(newer) else {
            self.leave_behind(older, newer);
            return None;
        };
        self.lanes[lane][place].chain.older = older;
        Some(lane != older_lane)
    }

    /// The event that was to absorb this one was taken first; `last` is the last one with the key.
    fn leave_behind(&mut self, older: u64, last: u64) {
        if let Some(entry) = self.event_mut(older) {
            (entry.chain.newer, entry.chain.last) = (0, last);
            self.chains.superseded -= 1;
            self.chains.left_behind.insert(last, older);
        }
    }

    /// Links the neighbours of an entry that was taken out.
    #[cold]
    pub(super) fn unchain(&mut self, entry: &Entry) {
        let (number, Chain { older, newer, last }) = (entry.sequence(), entry.chain);
        self.chains.superseded -= usize::from(newer > 0);
        self.chains.left_behind.remove(&last);
        if newer == 0 {
            self.leave_behind(older, last.max(number));
            return;
        }
        if let Some(entry) = self.event_mut(older) {
            entry.chain.newer = newer;
        }
        if let Some(entry) = self.event_mut(newer) {
            entry.chain.older = older;
        } else {
            self.chains.arriving = (older > 0).then_some((newer, older));
        }
    }

    /// An event that is to absorb an older one, with that.
    pub(crate) fn mergeable(&self, newer: u64) -> Option<Mergeable> {
        let entry = |number| self.find_event(number).map(|(lane, place)| &self.lanes[lane][place]);
        let newer_entry = entry(newer)?;
        let older = newer_entry.chain.older;
        let (info, newer_event) = (newer_entry.envelope.info, newer_entry.envelope.held.clone());
        let older_event = entry(older)?.envelope.held.clone();
        Some(Mergeable { info, older, newer, older_event, newer_event })
    }

    /// Puts `merged` in the newer one's place and removes the older, if both are still queued
    /// unchanged; without it, the two have different keys and stay. Returns what was removed.
    pub(crate) fn merge(&mut self, pair: &Mergeable, merged: Option<Held>) -> Option<Merged> {
        let (older_lane, older_place) = self.find_event(pair.older)?;
        let (lane, place) = self.find_event(pair.newer)?;
        let same = |entry: &Entry, event: &Held| entry.envelope.held == *event;
        if !same(&self.lanes[older_lane][older_place], &pair.older_event)
            || !same(&self.lanes[lane][place], &pair.newer_event)
        {
            return None;
        }
        let Some(merged) = merged else {
            self.lanes[lane][place].chain.older = 0;
            self.lanes[older_lane][older_place].chain.newer = 0;
            self.chains.superseded -= 1;
            self.chains.keys_clash = true;
            return None;
        };
        let newer = &mut self.lanes[lane][place].envelope;
        let replaced = std::mem::replace(&mut newer.held, merged);
        let older = self.remove(pair.older, |entry| !entry.is_call())?;
        let heir = (lane != older_lane).then(|| self.heir(older_lane, pair)).flatten();
        Some(Merged { older, replaced, heir: heir.map(|before| (lane, before)) })
    }

    /// If there is nothing between the two of a pair in a lane: the order of the last event before
    /// them.
    fn heir(&self, lane: usize, pair: &Mergeable) -> Option<u64> {
        let lane = &self.lanes[lane];
        let place = lane.partition_point(|entry| entry.sequence() < pair.older);
        let next = lane.get(place).map(Entry::sequence);
        if next.is_some_and(|next| next < pair.newer) {
            return None;
        }
        Some(place.checked_sub(1).map_or(0, |last| lane[last].place().order()))
    }

    fn event_mut(&mut self, sequence: u64) -> Option<&mut Entry> {
        let (lane, place) = self.find_event(sequence)?;
        self.lanes[lane].get_mut(place)
    }

    fn find_event(&self, sequence: u64) -> Option<(usize, usize)> {
        self.find(sequence, |entry| !entry.is_call())
    }
}
