//! The unread events of one reader, within its capacity.

mod chain;

use std::collections::VecDeque;

pub(crate) use chain::Merged;
use chain::{Chain, Chains};

use super::Envelope;
use super::cursors::Place;
use super::losses::Losses;
use crate::event::Priority;

/// An event in a queue, with the reader's member that it is for.
pub(crate) struct Entry {
    pub(crate) envelope: Envelope,
    pub(crate) member: usize,
    chain: Chain,
}

impl Entry {
    pub(crate) fn new(envelope: Envelope, member: usize) -> Self {
        Self { envelope, member, chain: Chain::default() }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.envelope.sequence()
    }

    /// Its place in the order in which the reader receives.
    pub(super) fn place(&self) -> Place {
        let Envelope { priority, ticket, .. } = &self.envelope;
        Place::new(*priority, self.sequence(), ticket.is_some())
    }

    fn is_call(&self) -> bool {
        self.envelope.ticket.is_some()
    }
}

/// Whether an entry may exceed the capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may not: this is ordinary traffic.
    Bounded,
    /// It may: it is replayed or retained, and was accepted before.
    Beyond,
}

/// The unread events of one reader: a lane per priority, each sorted by sequence.
///
/// Plain data: it takes no lock and runs no user code. It returns what it removes, so that the
/// caller can drop it elsewhere.
#[derive(Default)]
pub(crate) struct Queue {
    lanes: [VecDeque<Entry>; Priority::COUNT],
    chains: Chains,
    /// The reader's losses, in the queue and in its logs.
    pub(super) losses: Losses,
}

/// Lists that have grown beyond this many entries are freed when they are found empty.
const KEPT_ENTRIES: usize = 64;

impl Queue {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// How much of the capacity is used.
    #[inline]
    pub(crate) fn occupied(&self) -> usize {
        self.len() - self.chains.superseded()
    }

    /// The entries, most urgent first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.lanes.iter().flatten()
    }

    /// Adds an entry, usually the newest of its lane.
    #[inline]
    pub(crate) fn enqueue(&mut self, entry: Entry) {
        let lane = &mut self.lanes[entry.envelope.priority.lane()];
        let place = entry.place();
        if lane.back().is_none_or(|last| last.place() < place) {
            lane.push_back(entry);
        } else {
            lane.insert(lane.partition_point(|other| other.place() < place), entry);
        }
    }

    /// Adds entries of one lane, which are in the order of their places.
    pub(super) fn enqueue_all(&mut self, lane: usize, entries: impl Iterator<Item = Entry>) {
        let lane = &mut self.lanes[lane];
        let before = lane.len();
        lane.extend(entries);
        if let Some(first) = lane.get(before).map(Entry::place) {
            let lane = lane.make_contiguous();
            let place = lane[..before].partition_point(|other| other.place() < first);
            if place < before {
                // The sort takes one pass, since these are two sorted runs.
                lane[place..].sort_by_key(Entry::place);
            }
        }
    }

    /// Removes the entry in this place, if it is there and the oldest of its lane.
    pub(super) fn pop_at(&mut self, place: Place) -> Option<Entry> {
        let lane = place.lane();
        if self.oldest_of(lane) == Some(place) { self.pop_oldest_of(lane) } else { None }
    }

    /// Removes the oldest of the most urgent entries.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let lane = self.lanes.iter().position(|lane| !lane.is_empty()).unwrap_or_default();
        self.pop_oldest_of(lane)
    }

    #[inline(always)]
    fn pop_oldest_of(&mut self, lane: usize) -> Option<Entry> {
        let entry = self.lanes[lane].pop_front();
        match &entry {
            Some(entry) => self.note_removed(entry),
            None => self.shrink_if_empty(),
        }
        entry
    }

    /// Frees lists that have grown, when the queue was found empty.
    pub(crate) fn shrink_if_empty(&mut self) {
        for lane in &mut self.lanes {
            if lane.capacity() > KEPT_ENTRIES && lane.is_empty() {
                *lane = VecDeque::new();
            }
        }
        if !self.chains.are_unused() && self.len() == 0 {
            self.chains = Chains::default();
        }
    }

    /// The oldest of the most urgent entries.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.lanes.iter().find_map(VecDeque::front)
    }

    /// Removes everything, most urgent first.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Entry> + use<> {
        self.chains = Chains::default();
        std::mem::take(&mut self.lanes).into_iter().flatten()
    }

    /// Removes the entry with this sequence that `fits`: an observed event and a call may share a
    /// sequence.
    pub(crate) fn remove(&mut self, sequence: u64, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let (lane, place) = self.find(sequence, fits)?;
        let entry = self.lanes[lane].remove(place)?;
        self.note_removed(&entry);
        Some(entry)
    }

    /// The place of the oldest entry of a lane.
    pub(super) fn oldest_of(&self, lane: usize) -> Option<Place> {
        self.lanes[lane].front().map(Entry::place)
    }

    /// The place of the newest entry of a lane.
    pub(super) fn newest_of(&self, lane: usize) -> Option<Place> {
        self.lanes[lane].back().map(Entry::place)
    }

    /// Removes the oldest entry of a lane.
    pub(crate) fn pop_lane(&mut self, lane: usize) -> Option<Entry> {
        let entry = self.lanes[lane].pop_front();
        entry.inspect(|entry| self.note_removed(entry))
    }

    /// The lowest number of an entry.
    pub(super) fn lowest(&self) -> Option<u64> {
        self.lanes.iter().filter_map(VecDeque::front).map(Entry::sequence).min()
    }

    /// The lane of the entry with this sequence that `fits`, and its place there.
    fn find(&self, sequence: u64, fits: impl Fn(&Entry) -> bool) -> Option<(usize, usize)> {
        self.lanes.iter().enumerate().find_map(|(number, lane)| {
            let first = lane.partition_point(|entry| entry.sequence() < sequence);
            let place = lane
                .range(first..)
                .take_while(|entry| entry.sequence() == sequence)
                .position(&fits)?;
            Some((number, first + place))
        })
    }

    /// Takes note of an entry that was taken out.
    #[inline(always)]
    fn note_removed(&mut self, entry: &Entry) {
        if entry.chain != Chain::default() {
            self.unchain(entry);
        }
    }
}
