//! The unread events of one reader, within its capacity.

use std::collections::VecDeque;

use super::Envelope;
use super::cursors::Place;
use super::losses::Losses;
use crate::event::{Priority, TypeInfo};
use crate::log::Held;

/// An event in a queue, with the reader's member that it is for.
pub(crate) struct Entry {
    pub(crate) envelope: Envelope,
    pub(crate) member: usize,
    /// The number of the event with the same key that it is about to absorb; 0 for none.
    older: u64,
    /// A newer event is about to absorb it, so it uses no capacity.
    superseded: bool,
}

impl Entry {
    pub(crate) fn new(envelope: Envelope, member: usize) -> Self {
        Self { envelope, member, older: 0, superseded: false }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.envelope.sequence()
    }

    /// Its place in the order in which the reader receives.
    pub(super) fn place(&self) -> Place {
        let Envelope { priority, ticket, .. } = &self.envelope;
        Place::new(*priority, self.sequence(), ticket.is_some())
    }

    /// Whether it is an event for this member, and no call.
    fn is_event_for(&self, member: usize) -> bool {
        self.member == member && self.envelope.ticket.is_none()
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
#[derive(Default)]
pub(crate) struct Queue {
    lanes: [VecDeque<Entry>; Priority::COUNT],
    /// How many entries are superseded.
    surplus: usize,
    /// Events that were taken before they could absorb an older one, which waits in another lane:
    /// the numbers of both. The next event with the key absorbs that one.
    overtaken: Vec<(u64, u64)>,
    /// Different keys have had one hash: that a newer event has the hash of an older one does not
    /// mean any more that the older one will go.
    pub(super) keys_clash: bool,
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
        self.len() - self.surplus
    }

    /// The entries, most urgent first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.lanes.iter().flatten()
    }

    #[inline]
    pub(crate) fn enqueue(&mut self, entry: Entry) {
        self.lanes[entry.envelope.priority.lane()].push_back(entry);
    }

    /// Adds an entry that may be older than others of its lane.
    pub(super) fn insert(&mut self, entry: Entry) {
        let lane = &mut self.lanes[entry.envelope.priority.lane()];
        let place = lane.partition_point(|other| other.place() < entry.place());
        lane.insert(place, entry);
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
            if lane.is_empty() && lane.capacity() > KEPT_ENTRIES {
                *lane = VecDeque::new();
            }
        }
        if self.len() == 0 {
            self.overtaken.clear();
        }
    }

    /// The oldest of the most urgent entries.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.lanes.iter().find_map(VecDeque::front)
    }

    /// Removes everything, most urgent first.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Entry> + use<> {
        (self.surplus, self.overtaken) = (0, Vec::new());
        std::mem::take(&mut self.lanes).into_iter().flatten()
    }

    /// Removes the entry with this sequence that `fits`: an observed event and a call may share a
    /// sequence.
    pub(crate) fn remove(&mut self, sequence: u64, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let (lane, place) = self.find_that(sequence, fits)?;
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
        let entry = self.lanes[lane].pop_front();
        entry.inspect(|entry| self.note_removed(entry))
    }

    /// The lowest number of an entry.
    pub(super) fn lowest(&self) -> Option<u64> {
        self.lanes.iter().filter_map(VecDeque::front).map(Entry::sequence).min()
    }

    /// Whether this event waits here for a member.
    pub(super) fn holds(&self, sequence: u64, member: usize) -> bool {
        self.find_event(sequence, member).is_some()
    }

    /// Marks the last event of a member with some key as superseded by one that is about to arrive,
    /// if it is here. Returns its number: the last event to arrive, or one that this left behind.
    pub(super) fn supersede(&mut self, last: u64, member: usize) -> Option<u64> {
        let overtaken = self.overtaken.iter().position(|(taken, _)| *taken == last);
        let last = overtaken.map_or(last, |place| self.overtaken.swap_remove(place).1);
        let frees = !self.keys_clash;
        let entry = self.find_event_mut(last, member).filter(|entry| !entry.superseded)?;
        entry.superseded = frees;
        self.surplus += usize::from(frees);
        Some(last)
    }

    /// The event of this number has arrived, for which another was [superseded](Self::supersede).
    /// If neither has been taken, the two are to be merged: returns whether they are in two lanes.
    pub(super) fn link(&mut self, newer: u64, older: u64, member: usize) -> Option<bool> {
        let (older_lane, _) = self.find(older, member)?;
        let Some((lane, place)) = self.find(newer, member) else {
            self.part(newer, older, member);
            return None;
        };
        self.lanes[lane][place].older = older;
        Some(lane != older_lane)
    }

    /// The newer event of two with one key was taken first.
    #[cold]
    fn part(&mut self, newer: u64, older: u64, member: usize) {
        if self.restore(older, member) {
            self.overtaken.push((newer, older));
        }
    }

    /// An event is not superseded any more. Returns whether it is here.
    fn restore(&mut self, sequence: u64, member: usize) -> bool {
        let Some(entry) = self.find_event_mut(sequence, member) else { return false };
        let superseded = std::mem::take(&mut entry.superseded);
        self.surplus -= usize::from(superseded);
        superseded
    }

    /// Two events that are to be merged, the newer of which has this number.
    pub(crate) fn mergeable(&self, newer: u64, member: usize) -> Option<Mergeable> {
        let (newer_entry, older) = {
            let entry = self.find_event(newer, member)?;
            (entry, entry.older)
        };
        let older_event = self.find_event(older, member)?.envelope.held.clone();
        let Envelope { info, held, .. } = &newer_entry.envelope;
        Some(Mergeable { info, member, older, newer, older_event, newer_event: held.clone() })
    }

    /// Puts `merged` in the newer one's place and removes the older, if both are still queued
    /// unchanged; without it, the two have different keys and stay. Returns what was removed.
    pub(crate) fn merge(&mut self, pair: &Mergeable, merged: Option<Held>) -> Option<Merged> {
        let (older_lane, older_place) = self.find(pair.older, pair.member)?;
        let (lane, place) = self.find(pair.newer, pair.member)?;
        let same = |entry: &Entry, event: &Held| entry.envelope.held == *event;
        if !same(&self.lanes[older_lane][older_place], &pair.older_event)
            || !same(&self.lanes[lane][place], &pair.newer_event)
        {
            return None;
        }
        let Some(merged) = merged else {
            self.keys_clash = true;
            self.lanes[lane][place].older = 0;
            self.restore(pair.older, pair.member);
            return None;
        };
        let newer = &mut self.lanes[lane][place].envelope;
        let replaced = std::mem::replace(&mut newer.held, merged);
        // The newer one is to absorb what the older one was to.
        let even_older = std::mem::take(&mut self.lanes[older_lane][older_place].older);
        self.lanes[lane][place].older = even_older;
        let older = self.remove(pair.older, |entry| entry.is_event_for(pair.member))?;
        let heir = (lane != older_lane).then(|| self.heir(older_lane, pair)).flatten();
        Some(Merged { older, replaced, heir: heir.map(|before| (lane, before)) })
    }

    fn find_event(&self, sequence: u64, member: usize) -> Option<&Entry> {
        let (lane, place) = self.find(sequence, member)?;
        self.lanes[lane].get(place)
    }

    fn find_event_mut(&mut self, sequence: u64, member: usize) -> Option<&mut Entry> {
        let (lane, place) = self.find(sequence, member)?;
        self.lanes[lane].get_mut(place)
    }

    /// Where the event of this number is that waits for a member.
    fn find(&self, sequence: u64, member: usize) -> Option<(usize, usize)> {
        self.find_that(sequence, |entry| entry.is_event_for(member))
    }

    fn find_that(&self, sequence: u64, fits: impl Fn(&Entry) -> bool) -> Option<(usize, usize)> {
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
        self.surplus -= usize::from(entry.superseded);
        if entry.older > 0 {
            self.part(entry.sequence(), entry.older, entry.member);
        }
    }
}
