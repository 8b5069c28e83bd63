//! The cursors of a subscription that reads several logs, drops its oldest event, or coalesces, and of
//! all on a bus that traces.
//!
//! Either they are in its reader, which takes no lock to read; or they are in its inbox, where
//! publishers remove events, to make room for newer ones or to merge them, and where the age of the
//! oldest event can be read.
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
use crate::log::{Held, Lendings, Loan, LogCursor};

/// The cursors of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    logs: Vec<LogCursor>,
    merge: Merge,
}

/// The order in which the events of several logs are received.
#[derive(Debug, Default)]
pub(super) struct Merge {
    list: Vec<Input>,
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

/// One of the logs that are merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    pub(super) info: &'static TypeInfo,
    pub(super) lane: usize,
    pub(super) member: usize,
    /// Its place among the subscription's [`Sources`](super::sources::Sources).
    pub(super) source: usize,
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

impl Input {
    pub(super) fn new(info: &'static TypeInfo, member: usize, source: usize) -> Self {
        Self { info, lane: info.rank.lane(), member, source }
    }

    /// The place of the next event of its log, if that is known and its number is at most this.
    #[inline(always)]
    fn known_next(&self, log: &LogCursor, horizon: u64) -> Place {
        match log.peek_known() {
            Some(stamp) if stamp.sequence <= horizon => {
                Place::in_lane(self.lane, 2 * stamp.sequence)
            }
            _ => Place::NONE,
        }
    }
}

impl Cursors {
    pub(super) fn add(&mut self, log: LogCursor, input: Input, type_number: usize) {
        self.logs.push(log);
        self.merge.types.push(type_number);
        self.merge.list.push(input);
        self.merge.next.push(Place::NONE);
    }

    /// Moves all cursors of `others` here.
    pub(super) fn append(&mut self, others: &mut Self) {
        let Self { logs, merge: Merge { list, types, .. } } = std::mem::take(others);
        let all = logs.into_iter().zip(list).zip(types);
        all.for_each(|((log, input), number)| self.add(log, input, number));
    }

    /// The cursor, if there is only one. Its log is ordered without a horizon.
    #[inline]
    pub(super) fn only(&mut self) -> Option<&mut LogCursor> {
        if let [log] = &mut self.logs[..] { Some(log) } else { None }
    }

    /// How many events were found waiting, if only the reader looks at the logs.
    #[inline]
    pub(super) fn known(&self) -> u64 {
        self.merge.known
    }

    /// Like [`known`](Self::known), also if publishers look at the logs.
    pub(super) fn known_to_all(&self) -> u64 {
        self.logs.iter().map(LogCursor::known).sum()
    }

    /// The next of the known events.
    #[inline]
    pub(super) fn next_known(&self) -> Option<Due> {
        self.merge.next_known()
    }

    /// The next event, for a reader that holds the lock under which cursors are added.
    pub(super) fn next(&mut self, horizon: &Horizon) -> Option<Due> {
        if self.logs.len() == 1 {
            // A single log is ordered without a horizon. When another is added, both are looked at.
            self.merge.horizon = 0;
            return self.next_of(0);
        }
        self.next_until(horizon.get(), horizon)
    }

    /// The next event up to a number that the horizon had when the cursors were added.
    #[inline(always)]
    pub(super) fn next_until(&mut self, until: u64, horizon: &Horizon) -> Option<Due> {
        let from = std::mem::replace(&mut self.merge.horizon, until);
        if from != until {
            self.look(from, until, horizon);
        }
        self.next_known()
    }

    /// The index of the cursor whose next event has the number `until`, if that is the only event
    /// written since the last look, and none was known to wait: so it is next, whatever its lane.
    #[inline(always)]
    pub(super) fn find_lone(&mut self, until: u64, horizon: &Horizon) -> Option<usize> {
        let Self { logs, merge } = self;
        if merge.known > 0 || merge.horizon == 0 || until.wrapping_sub(merge.horizon) != 1 {
            return None;
        }
        let Written::To(number) = horizon.written(until) else { return None };
        let index = merge.types.iter().position(|it| *it == number)?;
        let log = logs.get_mut(index)?;
        log.look();
        merge.known = log.known();
        log.peek_known().is_some_and(|stamp| stamp.sequence == until).then_some(index)
    }

    /// Takes the event of this number that was [found](Self::find_lone) to be next.
    #[inline(always)]
    pub(super) fn take_lone(&mut self, index: usize, until: u64) -> Option<(Held, &Input)> {
        let Self { logs, merge } = self;
        let log = logs.get_mut(index)?;
        let held = log.take_any(merge.known <= 1)?;
        merge.known = merge.known.saturating_sub(1);
        merge.horizon = until;
        Some((held, merge.list.get(index)?))
    }

    /// Looks at the logs that were written between two horizons.
    #[inline(always)]
    fn look(&mut self, from: u64, until: u64, horizon: &Horizon) {
        if from == 0 || !Horizon::remembers(from, until) {
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
        if let Some(index) = self.merge.types.iter().position(|it| *it == number) {
            self.look_at(index);
        }
    }

    #[inline(never)]
    fn look_at_all(&mut self) {
        (0..self.logs.len()).for_each(|index| self.look_at(index));
        self.merge.first = self.merge.find_first();
    }

    #[inline]
    fn look_at(&mut self, index: usize) {
        let Self { logs, merge } = self;
        let Some(log) = logs.get_mut(index) else { return };
        let known = log.known();
        if log.look() {
            merge.known += log.known() - known;
            merge.note_found(index, log);
        }
    }

    /// The place of the next event of a cursor, known or not.
    fn look_for(&mut self, index: usize) -> Place {
        let (Some(log), Some(input)) = (self.logs.get_mut(index), self.merge.list.get(index))
        else {
            return Place::NONE;
        };
        if log.look() { input.known_next(log, u64::MAX) } else { Place::NONE }
    }

    /// The next event of a log, if the cursors are not in the reader.
    pub(super) fn next_of(&mut self, source: usize) -> Option<Due> {
        let due = Due { place: self.look_for(source), index: source };
        (due.place != Place::NONE).then_some(due)
    }

    /// The cursors of a lane, each with the place of its next event.
    fn of_lane(&mut self, lane: usize) -> impl Iterator<Item = Due> {
        (0..self.logs.len()).filter_map(move |index| {
            let is_there = self.merge.list.get(index).is_some_and(|it| it.lane == lane);
            is_there.then(|| Due { place: self.look_for(index), index })
        })
    }

    /// The oldest event of a lane. The registry's lock is held, so nothing is published in between.
    pub(super) fn oldest_of(&mut self, lane: usize) -> Option<Due> {
        let oldest = self.of_lane(lane).min_by_key(|due| due.place);
        oldest.filter(|due| due.place != Place::NONE)
    }

    /// Whether the last event of a lane, in this place, still waits.
    pub(super) fn has(&mut self, place: Place) -> bool {
        self.of_lane(place.lane()).any(|due| due.place <= place)
    }

    /// Takes the next event. `unlocked` says that it is taken without a lock, so that only the stored
    /// count shows it to others.
    #[inline(always)]
    pub(super) fn take(&mut self, due: Due, unlocked: bool) -> Option<(Held, &Input)> {
        let Self { logs, merge } = self;
        let log = logs.get_mut(due.index)?;
        // There may be more behind a gap than was counted: reporting a drain too often is safe.
        let held = log.take_any(unlocked && merge.known <= 1)?;
        if !unlocked && merge.list.len() == 1 {
            return Some((held, merge.list.first()?));
        }
        merge.known = merge.known.saturating_sub(1);
        if log.hides_more() && log.look() {
            merge.known += log.known();
        }
        merge.go_on(due.index, log, unlocked);
        Some((held, merge.list.get(due.index)?))
    }

    /// The known events, to be lent.
    pub(super) fn lend(&mut self) -> (Lendings<'_>, &mut Merge) {
        (LogCursor::lend_all(&mut self.logs), &mut self.merge)
    }
}

impl Merge {
    /// How many events are known to wait.
    #[inline]
    pub(super) fn known(&self) -> u64 {
        self.known
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

    /// Notes the next event of a cursor that has one.
    #[inline]
    fn note_found(&mut self, index: usize, log: &LogCursor) {
        if let (Some(input), Some(next)) = (self.list.get(index), self.next.get_mut(index))
            && *next == Place::NONE
        {
            *next = input.known_next(log, self.horizon);
            if *next < self.first.place {
                self.first = Due { place: *next, index };
            }
        }
    }

    /// Goes on to the next event, after one was taken from a cursor. Returns the place of the
    /// cursor's next.
    #[inline(always)]
    fn go_on(&mut self, index: usize, log: &LogCursor, unlocked: bool) -> Place {
        let (Some(input), Some(next)) = (self.list.get(index), self.next.get_mut(index)) else {
            return Place::NONE;
        };
        let place = input.known_next(log, self.horizon);
        *next = place;
        self.first = match &self.next[..] {
            [_] => Due { place, index: 0 },
            // Behind a lock, others look too, and the events that they find are not counted.
            _ if unlocked && self.known == 0 => Due::NONE,
            _ => self.find_first(),
        };
        place
    }

    /// Takes the next known event, if it can be lent.
    #[inline(always)]
    pub(super) fn lend<'a>(
        &mut self,
        logs: &mut Lendings<'a>,
    ) -> Option<(Place, Loan<'a, Held>, &Input)> {
        let due = self.next_known()?;
        let loan = logs.lend(due.index, self.known <= 1)?;
        self.known = self.known.saturating_sub(1);
        let log = logs.cursor(due.index)?;
        if self.go_on(due.index, log, true) == Place::NONE && log.hides_more() {
            self.go_behind_gap(due.index, logs);
        }
        Some((due.place, loan, self.list.get(due.index)?))
    }

    /// Goes on to the next event of a cursor behind a gap. If that can't be lent, the batch ends here,
    /// since the event may precede those of the other logs, and the next look is at all logs.
    #[cold]
    fn go_behind_gap(&mut self, index: usize, logs: &mut Lendings<'_>) {
        let passes = logs.pass_gap(index);
        if let Some(log) = logs.cursor(index).filter(|log| passes && log.known() > 0) {
            self.known += log.known();
            self.go_on(index, log, true);
        } else {
            (self.first, self.horizon) = (Due::NONE, 0);
        }
    }
}
