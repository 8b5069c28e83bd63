//! The unread events of one reader, within its capacity.

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::Envelope;
use super::cursors::Place;
use super::losses::Losses;
use crate::event::{Key, Priority, TypeInfo};
use crate::log::Held;
use crate::overflow::Overflow;

/// An event in a queue, with the reader's member that it is for.
pub(crate) struct Entry {
    pub(crate) envelope: Envelope,
    pub(crate) member: usize,
}

impl Entry {
    pub(crate) fn new(envelope: Envelope, member: usize) -> Self {
        Self { envelope, member }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.envelope.sequence()
    }

    /// Its place in the order in which the reader receives.
    pub(super) fn place(&self) -> Place {
        let Envelope { priority, ticket, .. } = &self.envelope;
        Place::new(*priority, self.sequence(), ticket.is_some())
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

/// Two queued events with the same key, to be merged with no lock held.
pub(crate) struct Mergeable {
    pub(crate) info: &'static TypeInfo,
    member: usize,
    older: u64,
    pub(crate) newer: u64,
    pub(crate) older_event: Held,
    pub(crate) newer_event: Held,
}

/// The sequences queued for one key.
struct Sequences {
    newest: u64,
    /// Oldest first; empty unless a merge is in progress.
    older: Vec<u64>,
}

impl Sequences {
    fn push(&mut self, sequence: u64) {
        self.older.push(std::mem::replace(&mut self.newest, sequence));
    }

    /// Removes one of them, unless it is the only one. Returns whether it did.
    fn forget(&mut self, sequence: u64) -> bool {
        if sequence != self.newest {
            self.older.retain(|other| *other != sequence);
            return true;
        }
        let next = self.older.pop();
        next.into_iter().for_each(|next| self.newest = next);
        next.is_some()
    }
}

/// The sequences queued for each key of one member.
type Keys = HashMap<Key, Sequences, BuildHasherDefault<HashOfKey>>;

/// Passes on the hash that is stored in a key.
#[derive(Default)]
struct HashOfKey(u64);

impl Hasher for HashOfKey {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 ^= hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The result of merging two events with the same key.
pub(crate) struct Merged {
    pub(crate) older: Entry,
    /// The value of the newer one, which was replaced.
    pub(crate) replaced: Held,
    /// If the two were in different lanes and nothing is left between them in the older one's lane:
    /// the lane of the newer one, and the order of the last event before the older one.
    pub(super) heir: Option<(usize, u64)>,
}

/// The unread events of one reader: a lane per priority, each sorted by sequence.
///
/// Plain data: it takes no lock and runs no user code. It returns what it removes, so that the
/// caller can drop it elsewhere.
pub(crate) struct Queue {
    lanes: [VecDeque<Entry>; Priority::COUNT],
    overflow: Overflow,
    /// With `Overflow::Coalesce`, for each member that has had a key. More than one sequence is
    /// queued for a key only while a merge is in progress.
    keyed: Vec<Keys>,
    /// How many entries are about to be merged into another, and so use no capacity.
    surplus: usize,
    /// The reader's losses, in the queue and in its logs.
    pub(super) losses: Losses,
}

/// Lists that have grown beyond this many entries are freed when they are found empty.
const KEPT_ENTRIES: usize = 64;

impl Queue {
    pub(crate) fn new(overflow: Overflow) -> Self {
        Self {
            lanes: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
            overflow,
            keyed: Vec::new(),
            surplus: 0,
            losses: Losses::default(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// How much of the capacity is used.
    #[inline]
    pub(crate) fn occupied(&self) -> usize {
        self.len() - self.surplus
    }

    /// The entries, most urgent first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.lanes.iter().flatten()
    }

    /// Whether an entry with a key absorbs older ones.
    #[inline]
    pub(crate) fn coalesces(&self) -> bool {
        self.overflow == Overflow::Coalesce
    }

    /// Notes the key of an entry that is to be [enqueued](Self::enqueue). `None` if there is no
    /// capacity for it; otherwise whether an older one with the key is queued: see
    /// [`mergeable`](Self::mergeable).
    pub(crate) fn note_key(&mut self, entry: &Entry, key: &Key, admits: bool) -> Option<bool> {
        if self.keyed.len() <= entry.member {
            self.keyed.resize_with(entry.member + 1, Keys::default);
        }
        match self.keyed[entry.member].entry(key.clone()) {
            Occupied(mut sequences) => {
                sequences.get_mut().push(entry.sequence());
                self.surplus += 1;
                Some(true)
            }
            Vacant(place) => {
                let first = || Sequences { newest: entry.sequence(), older: Vec::new() };
                admits.then(|| place.insert(first())).map(|_| false)
            }
        }
    }

    #[inline]
    pub(crate) fn enqueue(&mut self, entry: Entry) {
        self.lanes[entry.envelope.priority.lane()].push_back(entry);
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
            Some(Entry { envelope, member }) => {
                if let Some(key) = &envelope.key {
                    self.forget_key(*member, key, envelope.sequence());
                }
            }
            None => self.shrink_if_empty(),
        }
        entry
    }

    /// Frees lists that have grown, when the queue was found empty.
    pub(crate) fn shrink_if_empty(&mut self) {
        for lane in &mut self.lanes {
            if lane.is_empty() && lane.capacity() > KEPT_ENTRIES {
                *lane = VecDeque::new();
            }
        }
    }

    /// The oldest of the most urgent entries.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.lanes.iter().find_map(VecDeque::front)
    }

    /// Removes everything, most urgent first.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Entry> + use<> {
        self.keyed = Vec::new();
        self.surplus = 0;
        std::mem::take(&mut self.lanes).into_iter().flatten()
    }

    /// Removes the entry with this sequence that `fits`: an observed event and a call may share a
    /// sequence.
    pub(crate) fn remove(&mut self, sequence: u64, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let (lane, place) = self.find(sequence, fits)?;
        let entry = self.lanes[lane].remove(place)?;
        if let Some(key) = &entry.envelope.key {
            self.forget_key(entry.member, key, sequence);
        }
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

    /// Removes the oldest entry of a lane.
    pub(crate) fn pop_lane(&mut self, lane: usize) -> Option<Entry> {
        self.lanes[lane].pop_front()
    }

    /// The two newest entries with this key, if there are two.
    pub(crate) fn mergeable(&self, member: usize, key: &Key) -> Option<Mergeable> {
        let sequences = self.keyed.get(member)?.get(key)?;
        let (older, newer) = (*sequences.older.last()?, sequences.newest);
        let event = |sequence| {
            let (lane, place) = self.find(sequence, |entry| entry.member == member)?;
            let envelope = &self.lanes[lane][place].envelope;
            Some((envelope.info, envelope.held.clone()))
        };
        let (info, older_event) = event(older)?;
        let (_, newer_event) = event(newer)?;
        Some(Mergeable { info, member, older, newer, older_event, newer_event })
    }

    /// Puts `merged` in the newer one's place and removes the older, if both are still queued
    /// unchanged. Returns the values to drop: the older entry and the newer one's value; and the
    /// lane of the newer one, if nothing between them is left in the lane of the older.
    pub(crate) fn merge(&mut self, pair: &Mergeable, merged: Held) -> Option<Merged> {
        let same = |entry: &Entry, event: &Held| entry.envelope.held == *event;
        let fits = |entry: &Entry| entry.member == pair.member;
        let (older_lane, older_place) = self.find(pair.older, fits)?;
        let (lane, place) = self.find(pair.newer, fits)?;
        if !same(&self.lanes[older_lane][older_place], &pair.older_event)
            || !same(&self.lanes[lane][place], &pair.newer_event)
        {
            return None;
        }
        let newer = &mut self.lanes[lane][place].envelope;
        let replaced = std::mem::replace(&mut newer.held, merged);
        let older = self.remove(pair.older, fits)?;
        let heir = (lane != older_lane).then(|| self.heir(older_lane, pair)).flatten();
        Some(Merged { older, replaced, heir: heir.map(|before| (lane, before)) })
    }

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

    /// Removes the key of an entry that is taken out.
    fn forget_key(&mut self, member: usize, key: &Key, sequence: u64) {
        let Some(keys) = self.keyed.get_mut(member) else { return };
        let Some(mut sequences) = keys.remove(key) else { return };
        if sequences.forget(sequence) {
            self.surplus -= 1;
            keys.insert(Key::clone(key), sequences);
        } else if keys.is_empty() && keys.capacity() > KEPT_ENTRIES {
            *keys = Keys::default();
        }
    }
}
