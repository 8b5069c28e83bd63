//! The cursors of a subscription that reads several logs, or that drops its oldest.
//!
//! Either its reader has them, and takes no lock to read; or they lie in its inbox, where publishers
//! take what makes room for newer events, and where it is seen how long the oldest has been waiting.
//!
//! # One order
//!
//! The events of several logs are received in the order of their numbers, the more urgent types
//! first. A reader that looks at one log after another may see an event in the last one and have
//! missed an older one, published meanwhile, in the first. But whoever sees an event in a log sees
//! all that was published before it. So if the event found was not known before, the logs that
//! seemed empty are looked at again, until nothing new is found.

use crate::event::{Priority, TypeInfo};
use crate::log::{Held, Tap};

/// Where a subscription reads one log.
#[derive(Debug)]
pub(crate) struct Cursor {
    tap: Tap,
    info: &'static TypeInfo,
    member: usize,
    /// Its place among the subscription's [`Sources`](super::Sources).
    source: usize,
}

/// The cursors of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    list: Vec<Cursor>,
}

/// The place of an event in the order in which a subscription receives: the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lane: usize,
    /// Twice the number of the event; one more for a request that is to be answered, which comes
    /// behind the same request where it is observed.
    pub(super) order: u64,
}

/// The next event of some cursors: its place, and the index of its cursor.
pub(super) type Due = (Place, usize);

/// An event that was taken at a cursor.
pub(super) struct Logged {
    pub(super) held: Held,
    pub(super) info: &'static TypeInfo,
    pub(super) member: usize,
    pub(super) source: usize,
}

impl Place {
    #[inline]
    pub(super) fn new(priority: Priority, sequence: u64, asks: bool) -> Self {
        Self { lane: priority.lane(), order: 2 * sequence + u64::from(asks) }
    }
}

impl Cursor {
    pub(super) fn new(tap: Tap, info: &'static TypeInfo, member: usize, source: usize) -> Self {
        Self { tap, info, member, source }
    }

    /// The place of the next event in the order, if there is one.
    #[inline]
    fn next(&mut self) -> Option<Place> {
        Some(Place::new(self.info.rank, self.tap.peek()?.sequence, false))
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

    /// How many events were found to wait when each log was looked at last.
    #[inline]
    pub(super) fn known(&self) -> u64 {
        self.list.iter().map(|cursor| cursor.tap.known()).sum()
    }

    /// When the oldest event that waits was published, if the bus keeps time.
    pub(super) fn oldest(&mut self) -> Option<std::time::Instant> {
        self.list.iter_mut().filter_map(|cursor| cursor.tap.peek()?.published_at()).min()
    }

    /// The next event.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Due> {
        let (mut first, mut is_new) = (None, false);
        for (index, cursor) in self.list.iter_mut().enumerate() {
            let known = cursor.tap.known() > 0;
            let Some(place) = cursor.next() else { continue };
            if first.is_none_or(|(other, _)| place < other) {
                (first, is_new) = (Some((place, index)), !known);
            }
        }
        match first {
            Some(first) if is_new && self.list.len() > 1 => Some(self.look_again(first)),
            first => first,
        }
    }

    fn look_again(&mut self, mut first: Due) -> Due {
        let mut found = true;
        while std::mem::take(&mut found) {
            for (index, cursor) in self.list.iter_mut().enumerate() {
                if cursor.tap.known() > 0 {
                    continue;
                }
                let Some(place) = cursor.next() else { continue };
                found = true;
                if place < first.0 {
                    first = (place, index);
                }
            }
        }
        first
    }

    /// The oldest event of a lane. The registry's lock is held, so that nothing is published
    /// meanwhile.
    pub(super) fn oldest_of(&mut self, lane: usize) -> Option<Due> {
        let cursors = self.list.iter_mut().enumerate();
        let in_lane = cursors.filter(|(_, cursor)| cursor.info.rank.lane() == lane);
        in_lane.filter_map(|(index, cursor)| Some((cursor.next()?, index))).min()
    }

    /// Takes the next event of a cursor. `drains`: as for [`Tap::take_any`].
    #[inline]
    pub(super) fn take(&mut self, index: usize, drains: bool) -> Option<Logged> {
        let Cursor { tap, info, member, source } = self.list.get_mut(index)?;
        let held = tap.take_any(drains)?;
        Some(Logged { held, info, member: *member, source: *source })
    }
}
