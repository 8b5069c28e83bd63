//! The cursors of a subscription that reads several logs, or that drops its oldest event.
//!
//! Either they are in its reader, which takes no lock to read; or they are in its inbox, where
//! publishers remove events to make room for newer ones, and where the age of the oldest event can
//! be read.
//!
//! # One order
//!
//! The events of several logs are received in the order of their numbers, the more urgent types
//! first. A reader that looks at one log after another may see an event in the last one and have
//! missed an older one, published in between, in the first. So it first reads how far the bus has
//! published, the [`Horizon`]: every log then contains everything up to there, and the reader
//! leaves later events for its next look.

use super::horizon::{Horizon, Written};
use crate::event::{Priority, TypeInfo};
use crate::log::{Held, LogCursor};

/// A subscription's cursor in one log.
#[derive(Debug)]
pub(crate) struct Cursor {
    log: LogCursor,
    info: &'static TypeInfo,
    lane: usize,
    member: usize,
    /// Its place among the subscription's [`Sources`](super::sources::Sources).
    source: usize,
}

/// The cursors of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    list: Vec<Cursor>,
    /// For each cursor, the place of its next event, if that is known and within the horizon.
    next: Vec<Place>,
    /// The first of these places.
    first: Due,
    /// For each cursor, the number of its type.
    types: Vec<usize>,
    /// The horizon at the last look.
    horizon: u64,
    /// How many events are known to wait.
    known: u64,
}

/// The place of an event in the order in which a subscription receives: the lowest comes first.
///
/// The two highest bits are its lane, the others its [order](Self::order) there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// The next event of some cursors: its place, and the index of its cursor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) place: Place,
    index: usize,
}

impl Due {
    const NONE: Self = Self { place: Place::NONE, index: 0 };
}

impl Default for Due {
    fn default() -> Self {
        Self::NONE
    }
}

/// An event that was taken from a cursor.
pub(super) struct Logged {
    pub(super) held: Held,
    pub(super) info: &'static TypeInfo,
    pub(super) member: usize,
    pub(super) source: usize,
}

impl Place {
    /// The place of no event: after all others.
    pub(super) const NONE: Self = Self(u64::MAX);

    /// The position of the lane's lowest bit.
    const LANE: u32 = 62;

    #[inline]
    pub(super) fn new(priority: Priority, sequence: u64, asks: bool) -> Self {
        Self::in_lane(priority.lane(), 2 * sequence + u64::from(asks))
    }

    #[inline]
    pub(super) fn in_lane(lane: usize, order: u64) -> Self {
        Self((lane as u64) << Self::LANE | order)
    }

    pub(super) fn lane(self) -> usize {
        // There are three lanes.
        (self.0 >> Self::LANE) as usize
    }

    /// Twice the number of the event, plus one for a request to be answered: that comes after the
    /// same request where it is observed.
    pub(super) fn order(self) -> u64 {
        self.0 & ((1 << Self::LANE) - 1)
    }
}

impl Cursor {
    pub(super) fn new(
        log: LogCursor,
        info: &'static TypeInfo,
        member: usize,
        source: usize,
    ) -> Self {
        Self { log, info, lane: info.rank.lane(), member, source }
    }

    /// Checks for an event, and returns its place.
    fn look(&mut self) -> Place {
        if self.log.look() { self.known_next(u64::MAX) } else { Place::NONE }
    }

    /// The place of the next event, if that is known and its number is at most this.
    #[inline]
    fn known_next(&mut self, horizon: u64) -> Place {
        match self.log.peek_known() {
            Some(stamp) if stamp.sequence <= horizon => {
                Place::in_lane(self.lane, 2 * stamp.sequence)
            }
            _ => Place::NONE,
        }
    }
}

impl Cursors {
    pub(super) fn add(&mut self, cursor: Cursor, type_number: usize) {
        self.types.push(type_number);
        self.list.push(cursor);
        self.next.push(Place::NONE);
    }

    /// Moves all cursors of `others` here.
    pub(super) fn append(&mut self, others: &mut Self) {
        let Self { list, types, .. } = std::mem::take(others);
        list.into_iter().zip(types).for_each(|(cursor, number)| self.add(cursor, number));
    }

    /// How many events were found waiting, if only the reader looks at the logs.
    #[inline]
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// Like [`known`](Self::known), also if publishers look at the logs.
    pub(super) fn known_to_all(&self) -> u64 {
        self.list.iter().map(|cursor| cursor.log.known()).sum()
    }

    /// The next of the known events.
    #[inline]
    pub(super) fn next_known(&self) -> Option<Due> {
        (self.first.place != Place::NONE).then_some(self.first)
    }

    #[inline(never)]
    fn find_first(&self) -> Due {
        let mut first = Due::NONE;
        for (index, place) in self.next.iter().enumerate() {
            if *place < first.place {
                first = Due { place: *place, index };
            }
        }
        first
    }

    /// The next event, for a reader that holds the lock under which cursors are added.
    pub(super) fn next(&mut self, horizon: &Horizon) -> Option<Due> {
        if self.list.len() == 1 {
            // A single log is ordered without a horizon.
            self.horizon = u64::MAX;
            self.look_at(0);
            return self.next_known();
        }
        self.next_until(horizon.get(), horizon)
    }

    /// The next event up to a number that the horizon had when the cursors were added.
    #[inline(always)]
    pub(super) fn next_until(&mut self, until: u64, horizon: &Horizon) -> Option<Due> {
        let from = std::mem::replace(&mut self.horizon, until);
        if from != until {
            self.look(from, until, horizon);
        }
        self.next_known()
    }

    /// Looks at the logs that were written between two horizons.
    #[inline(always)]
    fn look(&mut self, from: u64, until: u64, horizon: &Horizon) {
        if !Horizon::remembers(from, until) {
            return self.look_at_all();
        }
        for number in from.wrapping_add(1)..=until {
            match horizon.written(number) {
                Written::To(type_number) => self.look_at_type(type_number),
                Written::Nowhere => {}
                Written::Forgotten => return self.look_at_all(),
            }
        }
    }

    #[inline]
    fn look_at_type(&mut self, number: usize) {
        if let Some(index) = self.types.iter().position(|it| *it == number) {
            self.look_at(index);
        }
    }

    #[inline(never)]
    fn look_at_all(&mut self) {
        (0..self.list.len()).for_each(|index| self.look_at(index));
    }

    #[inline]
    fn look_at(&mut self, index: usize) {
        let (Some(cursor), Some(next)) = (self.list.get_mut(index), self.next.get_mut(index))
        else {
            return;
        };
        let known = cursor.log.known();
        if cursor.log.look() {
            self.known += cursor.log.known() - known;
            if *next == Place::NONE {
                *next = cursor.known_next(self.horizon);
                if *next < self.first.place {
                    self.first = Due { place: *next, index };
                }
            }
        }
    }

    /// The oldest event of a lane. The registry's lock is held, so nothing is published in between.
    pub(super) fn oldest_of(&mut self, lane: usize) -> Option<Due> {
        let cursors = self.list.iter_mut().enumerate().filter(|(_, cursor)| cursor.lane == lane);
        let dues = cursors.map(|(index, cursor)| Due { place: cursor.look(), index });
        dues.min_by_key(|due| due.place).filter(|due| due.place != Place::NONE)
    }

    /// Whether the last event of a lane, in this place, still waits.
    pub(super) fn has(&mut self, place: Place) -> bool {
        self.list.iter_mut().any(|cursor| cursor.lane == place.lane() && cursor.look() <= place)
    }

    /// Takes the next event. `unlocked` says that no lock shows others that it is taken.
    #[inline(always)]
    pub(super) fn take(&mut self, due: Due, unlocked: bool) -> Option<Logged> {
        let cursor = self.list.get_mut(due.index)?;
        // There may be more behind a gap than was counted: reporting a drain too often is safe.
        let held = cursor.log.take_any(unlocked && self.known <= 1)?;
        self.known = self.known.saturating_sub(1);
        if cursor.log.hides_more() && cursor.log.look() {
            self.known += cursor.log.known();
        }
        let (info, member, source) = (cursor.info, cursor.member, cursor.source);
        let next = cursor.known_next(self.horizon);
        *self.next.get_mut(due.index)? = next;
        self.first = match &self.next[..] {
            [_] => Due { place: next, index: 0 },
            // Behind a lock, others look too, and the events that they find are not counted.
            _ if unlocked && self.known == 0 => Due::NONE,
            _ => self.find_first(),
        };
        Some(Logged { held, info, member, source })
    }
}
