//! The cursors of a subscription that reads several logs, or that drops its oldest.
//!
//! Either its reader has them, and takes no lock to read; or they lie in its inbox, where publishers
//! take what makes room for newer events, and where it is seen how long the oldest has been waiting.
//!
//! # One order
//!
//! The events of several logs are received in the order of their numbers, the more urgent types
//! first. A reader that looks at one log after another may see an event in the last one and have
//! missed an older one, published meanwhile, in the first. But a reader that sees an event in a log
//! also sees all that was published before it. So if the event found was not known before, those of
//! the logs before its own that seemed empty are looked at again.

use crate::event::{Priority, TypeInfo};
use crate::log::{Held, Tap};

/// Where a subscription reads one log.
#[derive(Debug)]
pub(crate) struct Cursor {
    tap: Tap,
    info: &'static TypeInfo,
    lane: usize,
    member: usize,
    /// Its place among the subscription's [`Sources`](super::sources::Sources).
    source: usize,
    /// The place of the next event, if that was looked for since the last was taken.
    next: Place,
    /// How many of the events that are known had been before all logs were looked at last: whatever
    /// comes before these is known, too.
    sure: u64,
}

/// The cursors of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    list: Vec<Cursor>,
    /// How many events are known to wait.
    known: u64,
}

/// The place of an event in the order in which a subscription receives: the least comes first.
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

/// An event that was taken at a cursor.
pub(super) struct Logged {
    pub(super) held: Held,
    pub(super) info: &'static TypeInfo,
    pub(super) member: usize,
    pub(super) source: usize,
}

impl Place {
    /// Of no event: behind all others.
    const NONE: Self = Self(u64::MAX);
    /// Of an event that was not looked for.
    const UNKNOWN: Self = Self(0);

    /// How far the lane is from the lowest bit.
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
        // There are three.
        (self.0 >> Self::LANE) as usize
    }

    /// Twice the number of the event; one more for a request that is to be answered, which comes
    /// behind the same request where it is observed.
    pub(super) fn order(self) -> u64 {
        self.0 & ((1 << Self::LANE) - 1)
    }
}

impl Cursor {
    pub(super) fn new(tap: Tap, info: &'static TypeInfo, member: usize, source: usize) -> Self {
        let (lane, next, sure) = (info.rank.lane(), Place::UNKNOWN, 0);
        Self { tap, info, lane, member, source, next, sure }
    }

    /// Looks whether there is an event, and for its place.
    #[inline]
    fn look(&mut self) -> Place {
        self.next = if self.tap.look() { self.of_next() } else { Place::NONE };
        self.next
    }

    /// The place of the next event, as far as it is known. What lies behind a gap was not seen when
    /// the log was looked at.
    #[inline]
    fn known_next(&mut self) -> Place {
        if self.next == Place::UNKNOWN {
            self.next = if self.tap.hides_more() { self.look() } else { self.of_next() };
        }
        self.next
    }

    #[inline]
    fn of_next(&mut self) -> Place {
        let sequence = self.tap.peek_known().map(|stamp| stamp.sequence);
        sequence.map_or(Place::NONE, |sequence| Place::in_lane(self.lane, 2 * sequence))
    }
}

impl Cursors {
    pub(super) fn add(&mut self, cursor: Cursor) {
        self.list.push(cursor);
    }

    pub(super) fn append(&mut self, others: &mut Self) {
        self.list.append(&mut others.list);
    }

    /// Whether an event waits.
    pub(super) fn has_more(&mut self) -> bool {
        self.list.iter_mut().any(|cursor| cursor.tap.look())
    }

    /// Whether there are so many that a look at all of them takes longer than the rest of a take.
    #[inline]
    pub(super) fn are_many(&self) -> bool {
        self.list.len() > 8
    }

    /// How many events were found to wait.
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// When the oldest event that waits was published, if the bus keeps time.
    pub(super) fn oldest(&mut self) -> Option<std::time::Instant> {
        self.list.iter_mut().filter_map(|cursor| cursor.tap.peek()?.published_at()).min()
    }

    /// Looks at all logs for the next event.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Due> {
        let (mut first, mut is_new) = (Due { place: Place::NONE, index: 0 }, false);
        self.known = 0;
        for (index, cursor) in self.list.iter_mut().enumerate() {
            cursor.sure = cursor.tap.known();
            let place = cursor.look();
            self.known += cursor.tap.known();
            if place < first.place {
                (first, is_new) = (Due { place, index }, cursor.sure == 0);
            }
        }
        if is_new && first.index > 0 {
            first = self.look_again(first);
        }
        (first.place != Place::NONE).then_some(first)
    }

    /// Looks again at the logs before that of a new event.
    fn look_again(&mut self, mut first: Due) -> Due {
        let mut index = first.index;
        while index > 0 {
            let end = std::mem::take(&mut index);
            for (earlier, cursor) in self.list[..end].iter_mut().enumerate() {
                if cursor.tap.known() > 0 {
                    continue;
                }
                let place = cursor.look();
                self.known += cursor.tap.known();
                if place < first.place {
                    (first, index) = (Due { place, index: earlier }, earlier);
                }
            }
        }
        first
    }

    /// The next event, if it is sure to be the next without a look at the logs.
    #[inline]
    pub(super) fn next_known(&mut self) -> Option<Due> {
        let mut first = Due { place: Place::NONE, index: 0 };
        for (index, cursor) in self.list.iter_mut().enumerate() {
            let place = cursor.known_next();
            if place < first.place {
                first = Due { place, index };
            }
        }
        let sure = self.list.get(first.index).is_some_and(|cursor| cursor.sure > 0);
        (sure && first.place != Place::NONE).then_some(first)
    }

    /// The oldest event of a lane. The registry's lock is held, so that nothing is published
    /// meanwhile.
    pub(super) fn oldest_of(&mut self, lane: usize) -> Option<Due> {
        let cursors = self.list.iter_mut().enumerate().filter(|(_, cursor)| cursor.lane == lane);
        let dues = cursors.map(|(index, cursor)| Due { place: cursor.look(), index });
        dues.min_by_key(|due| due.place).filter(|due| due.place != Place::NONE)
    }

    /// Whether the last event of a lane, in this place, still waits.
    pub(super) fn has(&mut self, place: Place) -> bool {
        self.list.iter_mut().any(|cursor| cursor.lane == place.lane() && cursor.look() <= place)
    }

    /// Takes the next event. `unlocked`: no lock shows others that it is taken.
    #[inline]
    pub(super) fn take(&mut self, due: Due, unlocked: bool) -> Option<Logged> {
        let cursor = self.list.get_mut(due.index)?;
        // Behind a gap there may be more than was counted: to say too often that it drains is safe.
        let held = cursor.tap.take_any(unlocked && self.known <= 1)?;
        (cursor.next, cursor.sure) = (Place::UNKNOWN, cursor.sure.saturating_sub(1));
        self.known = self.known.saturating_sub(1);
        Some(Logged { held, info: cursor.info, member: cursor.member, source: cursor.source })
    }
}
