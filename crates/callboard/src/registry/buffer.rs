//! Events that wait for the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Accepted;
use crate::engine::{Admission, Deferred, Entry, Envelope, Inbox, Ticket};
use crate::event::TypeInfo;
use crate::overflow::{DropReason, Dropped, Overflow};

/// Events that wait for the start: an inbox with one member per event type.
///
/// Coalescing types coalesce here too, so a burst of events with few keys does not fill it.
pub(crate) struct Buffer {
    pub(crate) inbox: Inbox,
    pub(crate) capacity: usize,
    /// The sequence number of the last event added.
    last: u64,
    losses: Losses,
    /// If there are more entries than this, losses are merged again.
    many_losses: usize,
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
            capacity,
            last: 0,
            losses: Losses::new(),
            many_losses: MANY_LOSSES,
        }
    }

    /// How many events were dropped since the last start because the buffer was full.
    pub(crate) fn overflowed(&self) -> usize {
        self.losses.values().sum()
    }

    pub(super) fn push(
        &mut self,
        envelope: Envelope,
        type_number: usize,
        deferred: &mut Deferred<'_>,
    ) -> Accepted {
        let (sequence, asked) = (envelope.sequence(), envelope.ticket.is_some());
        let offered = self.inbox.offer(Entry::new(envelope, type_number), Admission::Bounded);
        if let Some((entry, reason)) = offered.lost {
            *self.losses.entry(Gap { after: self.last, type_number, asked }).or_default() += 1;
            if self.losses.len() > self.many_losses {
                self.put_losses_together();
            }
            self.report(entry.envelope, reason, deferred);
            return Accepted::BufferFull;
        }
        self.last = sequence;
        let first = self.inbox.len() == 1;
        Accepted::Buffered { sequence, mergeable: offered.mergeable.is_some(), first }
    }

    fn report(&self, envelope: Envelope, reason: DropReason, deferred: &mut Deferred<'_>) {
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
        let mut kept: Vec<u64> = self.inbox.entries().map(Entry::sequence).collect();
        kept.sort_unstable();
        for (gap, lost) in std::mem::take(&mut self.losses) {
            let before = kept.partition_point(|sequence| *sequence <= gap.after);
            let after = before.checked_sub(1).map_or(0, |last| kept[last]);
            *self.losses.entry(Gap { after, ..gap }).or_default() += lost;
        }
        self.many_losses = MANY_LOSSES + 2 * self.losses.len();
    }

    /// Takes all events for the replay, in order, and the losses among them.
    pub(super) fn take(&mut self) -> (Vec<Envelope>, Losses) {
        let entries = self.inbox.take_all(None).into_iter();
        let mut envelopes: Vec<Envelope> = entries.map(|entry| entry.envelope).collect();
        envelopes.sort_by_key(Envelope::sequence);
        (envelopes, std::mem::take(&mut self.losses))
    }

    /// How many events of each type are buffered, for types that have any.
    pub(super) fn held(&self) -> Vec<(&'static TypeInfo, u64)> {
        let accounts = self.inbox.accounts.iter().filter(|account| account.ledger.queued > 0);
        accounts.map(|account| (account.info, account.ledger.queued)).collect()
    }

    /// The buffered requests, with their types.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&'static TypeInfo, &Arc<dyn Ticket>)> {
        let envelopes = self.inbox.entries().map(|entry| &entry.envelope);
        envelopes.filter_map(|envelope| Some((envelope.info, envelope.ticket.as_ref()?)))
    }

    /// Drops all events when the bus closes. Open requests are notified together with all others.
    pub(super) fn close(&mut self, deferred: &mut Deferred<'_>) {
        for entry in self.inbox.take_all(Some(DropReason::Closed)) {
            self.report(entry.envelope, DropReason::Closed, deferred);
        }
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
        (!types.is_empty()).then(|| format!("{} ({})", self.inbox.len(), types.join(", ")))
    }
}
