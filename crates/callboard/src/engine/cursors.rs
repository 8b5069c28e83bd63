//! The cursors of a subscription that reads several logs, or that drops its oldest.
//!
//! They lie in the subscription's inbox, under its lock, so that whoever has the lock sees what
//! waits, and may take it: the reader, or a publisher that makes room for a newer event.
//!
//! # One order
//!
//! The events of several logs are received in the order of their numbers, the more urgent types
//! first. A reader that looks at one log after another may see an event in the last one and have
//! missed an older one, published meanwhile, in the first. But whoever sees an event in a log sees
//! all that was published before it. So if the event found was not known before, the logs that
//! seemed empty are looked at again, until nothing new is found.

use super::Account;
use crate::event::{Priority, TypeInfo};
use crate::log::{Held, Tap};
use crate::overflow::DropReason;

/// Where a subscription reads one log.
#[derive(Debug)]
pub(crate) struct Cursor {
    tap: Tap,
    pub(crate) info: &'static TypeInfo,
    /// Which type of the bus that is, and which member of the subscription.
    pub(crate) type_number: usize,
    pub(crate) member: usize,
    /// Whether it is among the sleepers of the log. Changed with the registry's lock held too.
    pub(super) enlisted: bool,
    /// How many events were taken to make room for newer ones.
    pub(super) evicted: u64,
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

impl Place {
    pub(super) fn new(priority: Priority, sequence: u64, asks: bool) -> Self {
        Self { lane: priority.lane(), order: 2 * sequence + u64::from(asks) }
    }
}

impl Cursor {
    pub(super) fn new(
        tap: Tap,
        info: &'static TypeInfo,
        type_number: usize,
        member: usize,
    ) -> Self {
        Self { tap, info, type_number, member, enlisted: false, evicted: 0 }
    }

    pub(super) fn lane(&self) -> usize {
        self.info.rank.lane()
    }

    /// The reader's place among those of the log.
    pub(crate) fn place_in_log(&self) -> usize {
        self.tap.gauge().place()
    }

    /// Corrects an account to which the log has added: which of the events taken were dropped.
    pub(crate) fn correct(&self, account: &mut Account) {
        correct(account, self.evicted);
    }

    /// The place of the next event in the order, if there is one.
    #[inline]
    fn next(&mut self) -> Option<Place> {
        Some(Place::new(self.info.rank, self.tap.peek()?.sequence, false))
    }

    /// When the next event was published, if there is one and the bus keeps time.
    fn oldest(&mut self) -> Option<std::time::Instant> {
        self.tap.peek()?.published_at()
    }
}

/// Corrects an account: so many of the events taken were dropped to make room.
pub(super) fn correct(account: &mut Account, evicted: u64) {
    account.ledger.delivered -= evicted;
    account.ledger.count_drops(DropReason::Oldest, evicted);
}

impl Cursors {
    /// Adds one; returns its index.
    pub(super) fn add(&mut self, cursor: Cursor) -> usize {
        self.list.push(cursor);
        self.list.len() - 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Cursor> {
        self.list.iter()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Cursor> {
        self.list.get_mut(index)
    }

    /// Whether an event waits.
    pub(super) fn has_more(&mut self) -> bool {
        self.list.iter_mut().any(|cursor| cursor.tap.look())
    }

    /// How many events wait. The registry's lock is held.
    pub(super) fn waiting(&self) -> u64 {
        self.list.iter().map(|cursor| cursor.tap.waiting()).sum()
    }

    /// How many events were found to wait by those that looked last.
    #[inline]
    pub(super) fn known(&self) -> u64 {
        self.list.iter().map(|cursor| cursor.tap.known()).sum()
    }

    /// When the oldest event that waits was published, if the bus keeps time.
    pub(super) fn oldest(&mut self) -> Option<std::time::Instant> {
        self.list.iter_mut().filter_map(Cursor::oldest).min()
    }

    /// The next event: its place, and the index of its cursor.
    #[inline]
    pub(super) fn next(&mut self) -> Option<(Place, usize)> {
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

    fn look_again(&mut self, mut first: (Place, usize)) -> (Place, usize) {
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

    /// The oldest event of a lane: its place, and the index of its cursor. The registry's lock is
    /// held, so that nothing is published meanwhile.
    pub(super) fn oldest_of(&mut self, lane: usize) -> Option<(Place, usize)> {
        let cursors = self.list.iter_mut().enumerate();
        let in_lane = cursors.filter(|(_, cursor)| cursor.lane() == lane);
        in_lane.filter_map(|(index, cursor)| Some((cursor.next()?, index))).min()
    }

    /// Takes the next event of a cursor.
    #[inline]
    pub(super) fn take(&mut self, index: usize) -> Option<(Held, &mut Cursor)> {
        let cursor = self.list.get_mut(index)?;
        Some((cursor.tap.take_locked()?, cursor))
    }

    /// Takes the next event of a cursor to make room for a newer one.
    pub(super) fn evict(&mut self, index: usize) -> Option<(Held, &mut Cursor)> {
        let (held, cursor) = self.take(index)?;
        cursor.evicted += 1;
        Some((held, cursor))
    }
}
