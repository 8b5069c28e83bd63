//! Events that wait for the start.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use super::Accepted;
use crate::engine::{Admission, Deferred, Entry, Envelope, Inbox, Ticket};
use crate::event::{ByKey, Key, TypeInfo};
use crate::overflow::{DropReason, Dropped, Overflow};

/// Events that wait for the start.
///
/// Most are written to the logs of their types and held back there. What a log can't hold waits in an
/// inbox, whose members are the event types by number. Types that coalesce do so here: a burst of
/// events about few things does not fill it.
pub(crate) struct Buffer {
    /// Its capacity is what the events in logs leave of the buffer's.
    pub(crate) inbox: Inbox,
    /// The number of the last event with each key, by type.
    last_by_key: ByKey<(usize, Key)>,
    /// The numbers of the events that are held back in logs, and those of their types.
    held_back: Vec<(u64, usize)>,
    pub(crate) capacity: usize,
    /// The most that waited.
    pub(crate) high_water: usize,
    /// The number of the last event that it took in.
    last: u64,
    losses: Losses,
    /// If there are more entries than this, losses are merged again.
    many_losses: usize,
}

/// What waited for the start, in the order of its numbers.
pub(super) struct Replay {
    logged: Peekable<IntoIter<(u64, usize)>>,
    queued: Peekable<IntoIter<Envelope>>,
    /// The number of the last event.
    pub(super) last: u64,
}

/// An event that waited for the start.
pub(super) enum Replayed {
    /// It is held back in the log of the type with this number.
    Logged(usize),
    Queued(Envelope),
}

impl Replay {
    pub(super) fn len(&self) -> usize {
        self.logged.len() + self.queued.len()
    }

    /// Whether all that is held back in logs has higher numbers than this.
    pub(super) fn begins_behind(&mut self, number: u64) -> bool {
        self.logged.peek().is_none_or(|(sequence, _)| *sequence > number)
    }
}

impl Iterator for Replay {
    /// The event and its number.
    type Item = (u64, Replayed);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let queued = self.queued.peek().map_or(u64::MAX, Envelope::sequence);
        if let Some((sequence, number)) = self.logged.next_if(|(sequence, _)| *sequence < queued) {
            return Some((sequence, Replayed::Logged(number)));
        }
        self.queued.next().map(|envelope| (queued, Replayed::Queued(envelope)))
    }
}

/// How many events were dropped since the last start because the buffer was full, by gap.
pub(crate) type Losses = BTreeMap<Gap, usize>;

/// Where events are missing: the buffered event before them, their type, and whether they were
/// requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gap {
    pub(super) after: u64,
    pub(super) type_number: usize,
    pub(super) asked: bool,
}

const MANY_LOSSES: usize = 64;

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inbox: Inbox::new(capacity, Overflow::Coalesce, DropReason::BufferFull),
            last_by_key: ByKey::default(),
            held_back: Vec::new(),
            capacity,
            high_water: 0,
            last: 0,
            losses: Losses::new(),
            many_losses: MANY_LOSSES,
        }
    }

    /// How many events were dropped since the last start because the buffer was full.
    pub(crate) fn overflowed(&self) -> usize {
        self.losses.values().sum()
    }

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.inbox.len() + self.held_back.len()
    }

    /// Bytes of the events that wait; `size` is that of an event of a type.
    pub(crate) fn bytes(&self, size: impl Fn(usize) -> usize) -> usize {
        let queued: usize = self.inbox.entries().map(|entry| entry.envelope.footprint()).sum();
        queued + self.held_back.iter().map(|(_, number)| size(*number)).sum::<usize>()
    }

    pub(super) fn has_room(&self) -> bool {
        self.inbox.occupied() < self.inbox.capacity
    }

    /// Takes in an event that is held back in the log of its type. There is [room](Self::has_room).
    pub(super) fn hold_back(&mut self, sequence: u64, type_number: usize) -> Accepted {
        self.inbox.capacity -= 1;
        self.held_back.push((sequence, type_number));
        let ledger = &mut self.inbox.accounts[type_number].ledger;
        (ledger.offered, ledger.queued) = (ledger.offered + 1, ledger.queued + 1);
        self.taken_in(sequence, None)
    }

    fn taken_in(&mut self, sequence: u64, mergeable: Option<u64>) -> Accepted {
        self.last = sequence;
        let waiting = self.inbox.occupied() + self.held_back.len();
        self.high_water = self.high_water.max(waiting);
        Accepted::Buffered { sequence, mergeable, first: self.len() == 1 }
    }

    pub(super) fn push(
        &mut self,
        envelope: Envelope,
        type_number: usize,
        deferred: &mut Deferred<'_>,
    ) -> Accepted {
        let (sequence, asked) = (envelope.sequence(), envelope.ticket.is_some());
        let key = envelope.key.map(|key| (type_number, key));
        let last = key.and_then(|key| self.last_by_key.get(&key));
        let supersedes = last.is_some_and(|last| self.inbox.supersede(*last, sequence, None));
        let offered = self.inbox.offer(Entry::new(envelope, type_number), Admission::Bounded);
        let merges = supersedes && self.inbox.link(None);
        if let Some((entry, reason)) = offered.lost {
            *self.losses.entry(Gap { after: self.last, type_number, asked }).or_default() += 1;
            if self.losses.len() > self.many_losses {
                self.put_losses_together();
            }
            self.report(entry.envelope, reason, deferred);
            return Accepted::BufferFull;
        }
        key.map(|key| self.last_by_key.insert(key, sequence));
        self.taken_in(sequence, merges.then_some(sequence))
    }

    pub(super) fn report(
        &self,
        envelope: Envelope,
        reason: DropReason,
        deferred: &mut Deferred<'_>,
    ) {
        if deferred.count_drops(1) {
            deferred.report(Dropped {
                event_type: envelope.info.name,
                subscriber: Dropped::BUFFER.into(),
                capacity: self.capacity,
                reason,
                sequence: envelope.sequence(),
            });
        }
        deferred.bury(envelope.info, &envelope.held, Some((&Dropped::BUFFER.into(), reason)));
        deferred.discard_event(envelope);
    }

    #[cfg(test)]
    pub(super) fn losses(&self) -> usize {
        self.losses.len()
    }

    /// Merges losses between two events that are still buffered, since their exact position does
    /// not matter.
    #[cold]
    fn put_losses_together(&mut self) {
        let held_back = self.held_back.iter().map(|(sequence, _)| *sequence);
        let mut kept: Vec<u64> =
            self.inbox.entries().map(Entry::sequence).chain(held_back).collect();
        kept.sort_unstable();
        for (gap, lost) in std::mem::take(&mut self.losses) {
            let before = kept.partition_point(|sequence| *sequence <= gap.after);
            let after = before.checked_sub(1).map_or(0, |last| kept[last]);
            *self.losses.entry(Gap { after, ..gap }).or_default() += lost;
        }
        self.many_losses = MANY_LOSSES + 2 * self.losses.len();
    }

    /// Takes everything out to be replayed, in order, and what is missing in it.
    pub(super) fn take(&mut self) -> (Replay, Losses) {
        (self.take_all(None), std::mem::take(&mut self.losses))
    }

    /// Takes everything out: dropped for this reason or, without one, replayed.
    pub(super) fn take_all(&mut self, dropped: Option<DropReason>) -> Replay {
        self.last_by_key = ByKey::default();
        let logged = std::mem::take(&mut self.held_back);
        self.inbox.capacity = self.capacity;
        for (_, type_number) in &logged {
            let ledger = &mut self.inbox.accounts[*type_number].ledger;
            ledger.queued -= 1;
            match dropped {
                Some(reason) => ledger.count_drop(reason),
                None => ledger.delivered += 1,
            }
        }
        let queued = self.inbox.take_all(dropped).into_iter();
        let mut queued: Vec<Envelope> = queued.map(|entry| entry.envelope).collect();
        queued.sort_by_key(Envelope::sequence);
        let last = logged.last().map(|(sequence, _)| *sequence);
        let last = last.max(queued.last().map(Envelope::sequence)).unwrap_or(0);
        let (logged, queued) = (logged.into_iter().peekable(), queued.into_iter().peekable());
        Replay { logged, queued, last }
    }

    /// How many events of each type are buffered, for types that have any.
    pub(super) fn held(&self) -> Vec<(String, u64)> {
        let accounts = self.inbox.accounts.iter().filter(|account| account.ledger.queued > 0);
        accounts.map(|account| (account.info.name.to_owned(), account.ledger.queued)).collect()
    }

    /// The buffered requests, with their types.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&'static TypeInfo, &Arc<dyn Ticket>)> {
        let envelopes = self.inbox.entries().map(|entry| &entry.envelope);
        envelopes.filter_map(|envelope| Some((envelope.info, envelope.ticket.as_ref()?)))
    }

    /// Removes a request that its asker withdraws.
    pub(crate) fn withdraw(&mut self, sequence: u64, deferred: &mut Deferred<'_>) {
        let entry = self.inbox.withdraw(sequence, |_| None);
        entry.into_iter().for_each(|entry| deferred.discard_event(entry.envelope));
    }

    /// Describes the buffered events for people, in total and per type; `None` if there are none.
    pub(crate) fn describe(&self) -> Option<String> {
        let accounts = self.inbox.accounts.iter().filter(|account| account.ledger.queued > 0);
        let types: Vec<String> = accounts
            .map(|account| format!("`{}` ×{}", account.info.name, account.ledger.queued))
            .collect();
        (!types.is_empty()).then(|| format!("{} ({})", self.len(), types.join(", ")))
    }
}
