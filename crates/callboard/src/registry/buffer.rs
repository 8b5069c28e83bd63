//! Events that wait for the start.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Accepted;
use crate::engine::{Admission, Aftermath, Entry, Envelope, Inbox, Ticket};
use crate::overflow::{DropReason, Dropped, Overflow};

/// Events that wait for the start: an inbox whose members are the event types by number.
///
/// Types that coalesce do so here: a burst of events about few things does not fill it.
pub(crate) struct Buffer {
    pub(crate) inbox: Inbox,
    pub(crate) capacity: usize,
    /// The open requests among the events, by sequence.
    tickets: HashMap<u64, Arc<dyn Ticket>>,
    /// Events dropped since the last start for want of room, by type number and by whether they
    /// were to be answered.
    overflowed: BTreeMap<(usize, bool), usize>,
}

/// An event that waited, and the open request that it is, if it is one.
pub(super) type Waiting = (Envelope, Option<Arc<dyn Ticket>>);

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inbox: Inbox::new(capacity, Overflow::Coalesce, DropReason::BufferFull),
            capacity,
            tickets: HashMap::new(),
            overflowed: BTreeMap::new(),
        }
    }

    /// How many events were dropped since the last start for want of room.
    pub(crate) fn overflowed(&self) -> usize {
        self.overflowed.values().sum()
    }

    pub(super) fn push(
        &mut self,
        envelope: Envelope,
        type_number: usize,
        ticket: Option<Arc<dyn Ticket>>,
        aftermath: &mut Aftermath,
    ) -> Accepted {
        let sequence = envelope.meta.sequence;
        let entry = Entry { envelope, member: type_number };
        let offered = self.inbox.offer(entry, Admission::Bounded);
        if let Some((entry, reason)) = offered.lost {
            *self.overflowed.entry((type_number, ticket.is_some())).or_default() += 1;
            self.report(entry.envelope, reason, aftermath);
            return Accepted::BufferFull;
        }
        if let Some(ticket) = ticket {
            self.tickets.insert(sequence, ticket);
        }
        let first = self.inbox.len() == 1;
        Accepted::Buffered { sequence, mergeable: offered.mergeable, first }
    }

    fn report(&self, envelope: Envelope, reason: DropReason, aftermath: &mut Aftermath) {
        aftermath.report(Dropped {
            event_type: envelope.info.name,
            subscriber: Dropped::BUFFER.into(),
            capacity: self.capacity,
            reason,
            sequence: envelope.meta.sequence,
        });
        aftermath.discard_content(envelope.content);
    }

    /// Takes everything out to be replayed, in order, and which types had how many dropped since
    /// the last time.
    pub(super) fn take(&mut self) -> (Vec<Waiting>, BTreeMap<(usize, bool), usize>) {
        let mut tickets = std::mem::take(&mut self.tickets);
        let mut entries: Vec<Waiting> = Vec::new();
        for Entry { envelope, .. } in self.inbox.take_all(None) {
            let ticket = tickets.remove(&envelope.meta.sequence);
            entries.push((envelope, ticket));
        }
        entries.sort_by_key(|(envelope, _)| envelope.meta.sequence);
        (entries, std::mem::take(&mut self.overflowed))
    }

    /// Drops everything: the bus is closed. Open requests learn of it with all the others.
    pub(super) fn close(&mut self, aftermath: &mut Aftermath) {
        for (_, ticket) in self.tickets.drain() {
            aftermath.discard_ticket(ticket);
        }
        for entry in self.inbox.take_all(Some(DropReason::Closed)) {
            self.report(entry.envelope, DropReason::Closed, aftermath);
        }
    }

    /// Takes out a request that its asker takes back.
    pub(crate) fn withdraw(&mut self, sequence: u64, aftermath: &mut Aftermath) {
        if let Some(ticket) = self.tickets.remove(&sequence) {
            aftermath.discard_ticket(ticket);
            let entry = self.inbox.withdraw(|entry| entry.envelope.meta.sequence == sequence);
            entry.into_iter().for_each(|entry| aftermath.discard_content(entry.envelope.content));
        }
    }

    /// What waits, for people: how many events, and how many of which types; `None` if nothing.
    pub(crate) fn describe(&self) -> Option<String> {
        let accounts = self.inbox.accounts.iter().filter(|account| account.ledger.queued > 0);
        let types: Vec<String> = accounts
            .map(|account| format!("`{}` ×{}", account.info.name, account.ledger.queued))
            .collect();
        (!types.is_empty()).then(|| format!("{} ({})", self.inbox.len(), types.join(", ")))
    }
}
