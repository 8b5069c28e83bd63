//! Events that wait for the start.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Accepted;
use crate::engine::{Admission, Aftermath, Entry, Envelope, Mergeable, Pushed, Queue, Ticket};
use crate::event::{Key, Payload};
use crate::overflow::{DropReason, Dropped, Ledger, Overflow};

/// Events that wait for the start, in the order in which they were published.
///
/// Types that coalesce do so here: a burst of events about few things does not fill it.
#[derive(Debug)]
pub(crate) struct Buffer {
    queue: Queue,
    capacity: usize,
    /// The open requests among the events, by sequence.
    tickets: HashMap<u64, Arc<dyn Ticket>>,
    /// Events dropped since the last start, for want of room.
    overflowed: usize,
    pub(crate) high_water: usize,
}

/// An event that waited, and the open request that it is, if it is one.
pub(super) type Waiting = (Envelope, Option<Arc<dyn Ticket>>);

impl std::fmt::Debug for dyn Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket")
    }
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            queue: Queue::new(capacity, Overflow::Coalesce),
            capacity,
            tickets: HashMap::new(),
            overflowed: 0,
            high_water: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn overflowed(&self) -> usize {
        self.overflowed
    }

    /// The events, in no particular order.
    pub(crate) fn envelopes(&self) -> impl Iterator<Item = &Envelope> {
        self.queue.iter().map(|entry| &entry.envelope)
    }

    pub(super) fn push(
        &mut self,
        envelope: Envelope,
        type_number: usize,
        ticket: Option<Arc<dyn Ticket>>,
        ledger: &mut Ledger,
        aftermath: &mut Aftermath,
    ) -> Accepted {
        let sequence = envelope.meta.sequence;
        ledger.offered += 1;
        let entry = Entry { envelope, member: type_number };
        let mergeable = match self.queue.push(entry, Admission::Bounded) {
            Pushed::Queued => false,
            Pushed::Mergeable => true,
            Pushed::Evicted(entry) | Pushed::Refused(entry) => {
                self.overflowed += 1;
                self.drop_envelope(entry.envelope, ledger, DropReason::BufferFull, aftermath);
                return Accepted::BufferFull;
            }
        };
        ledger.queued += 1;
        self.high_water = self.high_water.max(self.queue.len());
        if let Some(ticket) = ticket {
            self.tickets.insert(sequence, ticket);
        }
        Accepted::Buffered { sequence, mergeable, first: self.queue.len() == 1 }
    }

    /// What waits, for people: how many events, and how many of which types; `None` if nothing.
    pub(crate) fn describe(&self) -> Option<String> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for envelope in self.envelopes() {
            *counts.entry(envelope.info.name).or_default() += 1;
        }
        if counts.is_empty() {
            return None;
        }
        let types: Vec<String> =
            counts.iter().map(|(name, count)| format!("`{name}` ×{count}")).collect();
        Some(format!("{} ({})", self.len(), types.join(", ")))
    }

    /// Accounts for an event that will not be replayed.
    pub(super) fn drop_envelope(
        &self,
        envelope: Envelope,
        ledger: &mut Ledger,
        reason: DropReason,
        aftermath: &mut Aftermath,
    ) {
        ledger.count_drop(reason);
        aftermath.report(Dropped {
            event_type: envelope.info.name,
            subscriber: Dropped::BUFFER.into(),
            capacity: self.capacity,
            reason,
            sequence: envelope.meta.sequence,
        });
        aftermath.discard_content(envelope.content);
    }

    /// Takes everything out, in order, and says how many were dropped since the last time.
    pub(super) fn take(&mut self) -> (Vec<Waiting>, usize) {
        let mut tickets = std::mem::take(&mut self.tickets);
        let mut entries: Vec<_> = self
            .queue
            .take_all()
            .map(|entry| {
                let ticket = tickets.remove(&entry.envelope.meta.sequence);
                (entry.envelope, ticket)
            })
            .collect();
        entries.sort_by_key(|(envelope, _)| envelope.meta.sequence);
        (entries, std::mem::take(&mut self.overflowed))
    }

    /// Takes out a request that was withdrawn.
    pub(super) fn remove(&mut self, sequence: u64) -> Option<(Envelope, Arc<dyn Ticket>)> {
        let ticket = self.tickets.remove(&sequence)?;
        let member =
            self.queue.iter().find(|entry| entry.envelope.meta.sequence == sequence)?.member;
        let entry = self.queue.remove(member, sequence)?;
        Some((entry.envelope, ticket))
    }

    pub(super) fn mergeable(&self, type_number: usize, key: &Key) -> Option<Mergeable> {
        self.queue.mergeable(type_number, key)
    }

    pub(super) fn merge(&mut self, pair: &Mergeable, merged: Payload) -> Option<(Entry, Payload)> {
        self.queue.merge(pair, merged)
    }
}
