//! The registry's entry for one event type.

use std::sync::Arc;

use super::{Mode, Publication, Tally};
use crate::engine::{
    Admission, Coalescers, Deferred, Envelope, Feed, Horizon, Mailbox, Responders, Routed,
};
use crate::event::{Event, Key, TypeInfo};
use crate::log::{Held, Stamp};
use crate::overflow::{Ledger, Overflow};

/// One event type: its subscribers, and the counts of its events.
pub(crate) struct TypeEntry {
    pub(crate) info: &'static TypeInfo,
    /// The readers of its log.
    pub(crate) feed: Feed,
    /// If it is a type of requests, those that answer them.
    pub(crate) responders: Responders,
    /// The readers that merge its events by key, if there are any.
    coalescers: Option<Box<Coalescers>>,
    /// How its events are published now, if they have the type's priority.
    pub(super) mode: Mode,
    /// The latest event, if the type retains.
    pub(crate) retained: Option<Envelope>,
    /// Events that were given a sequence number, or that had no subscribers.
    pub(crate) published: u64,
    /// The counts of named publishers.
    pub(crate) publishers: Tally,
    /// Events without subscribers when they were published or replayed, except requests and
    /// answers.
    pub(crate) unheard: u64,
    /// The accounts of ended subscriptions.
    pub(crate) departed: Ledger,
}

impl TypeEntry {
    pub(super) fn new(info: &'static TypeInfo, number: usize, horizon: &Arc<Horizon>) -> Self {
        Self {
            info,
            feed: Feed::new(info, number, Arc::clone(horizon)),
            responders: Responders::default(),
            coalescers: None,
            mode: Mode::General,
            retained: None,
            published: 0,
            publishers: Tally::default(),
            unheard: 0,
            departed: Ledger::default(),
        }
    }

    /// How its events are published while the bus runs.
    pub(super) fn mode(&self) -> Mode {
        if self.info.retain {
            Mode::General
        } else if self.feed.is_empty() {
            Mode::NoSubscribers
        } else {
            Mode::LogOnly
        }
    }

    /// Delivers an event to all readers of the type and, if it is a request, to all responders.
    #[inline(always)]
    pub(super) fn publish<E: Event>(
        &mut self,
        publication: &mut Publication<E>,
        stamp: Stamp,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        if publication.priority != self.info.rank || publication.context.is_some() {
            return self.publish_by_queues(publication, stamp, deferred);
        }
        let merges = self.supersede(publication.key, stamp.sequence);
        let asked = publication.ticket.is_some();
        let collects = deferred.collects();
        let keep = publication.keep || self.info.retain || asked || collects;
        let (mut routed, held) = self.feed.offer(&mut publication.event, stamp, keep, deferred);
        if let Some(held) = held {
            if collects {
                self.feed.bury_refused(&held, deferred);
            }
            routed += self.publish_kept(publication, held, deferred);
        }
        if merges {
            self.merge(stamp.sequence, deferred);
        }
        if routed == Routed::default() && !asked && !publication.answer {
            self.unheard += 1;
            if let Some(held) = &publication.kept {
                deferred.bury(self.info, held, None);
            }
        }
        routed
    }

    /// Begins to replay the events that are held back: through the log if `by_log`, else through
    /// queues.
    pub(super) fn begin_replay(&mut self, by_log: bool, deferred: &mut Deferred<'_>) {
        if by_log {
            self.feed.resume_held(deferred);
        }
    }

    /// Replays the next event that is held back.
    pub(super) fn replay(&mut self, sequence: u64, by_log: bool, deferred: &mut Deferred<'_>) {
        if !by_log || self.feed.is_empty() {
            if let Some(envelope) = self.take_held_back() {
                self.deliver_to_all(envelope, Admission::Beyond, deferred);
            }
            return;
        }
        self.feed.reveal(sequence);
    }

    /// The next event that is held back, which nobody gets by the log.
    pub(super) fn take_held_back(&mut self) -> Option<Envelope> {
        Some(Envelope::logged(self.info, self.feed.log.reveal(true)?))
    }

    /// All that was held back is replayed.
    pub(super) fn end_replay(&mut self, deferred: &mut Deferred<'_>) {
        self.feed.end_hold(deferred);
        self.feed.log.recheck_capacity();
    }

    /// Delivers an event to the responders and, if the type retains, to the bus.
    fn publish_kept<E: Event>(
        &mut self,
        publication: &mut Publication<E>,
        held: Held,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        if publication.ticket.is_none() && !self.info.retain {
            // It is kept for the asker that it answers, or for a dead letter.
            publication.kept = Some(held);
            return Routed::default();
        }
        let keep = publication.keep || deferred.collects();
        publication.kept = keep.then(|| held.clone());
        let envelope = publication.envelope(self.info, held);
        self.deliver(envelope, Admission::Bounded, deferred)
    }

    /// Publishes an event that can't use the log: that is FIFO, and this has another priority than its
    /// type, or it carries a span.
    #[cold]
    fn publish_by_queues<E: Event>(
        &mut self,
        publication: &mut Publication<E>,
        stamp: Stamp,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let Some(event) = publication.event.take() else {
            return Routed::default();
        };
        let held = Held::new(stamp, event);
        publication.kept = publication.keep.then(|| held.clone());
        let envelope = publication.envelope(self.info, held);
        self.deliver_to_all(envelope, Admission::Bounded, deferred)
    }

    /// Delivers an event to all readers through their queues.
    pub(super) fn deliver_to_all(
        &mut self,
        mut envelope: Envelope,
        admission: Admission,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let sequence = envelope.sequence();
        let merges = self.supersede(envelope.key, sequence);
        let awaited = envelope.ticket.is_some() || envelope.answer;
        let letter =
            deferred.collects().then(|| Envelope::logged(self.info, envelope.held.clone()));
        // The readers of the log are observers, and get no call.
        let ticket = envelope.ticket.take();
        let mut routed = self.feed.hand_over(&envelope, admission, deferred);
        envelope.ticket = ticket;
        routed += self.deliver(envelope, admission, deferred);
        if merges {
            self.merge(sequence, deferred);
        }
        let unheard = routed == Routed::default() && !awaited;
        self.unheard += u64::from(unheard);
        if let Some(letter) = letter {
            if unheard {
                deferred.bury(self.info, &letter.held, None);
            }
            // By now it may be the last handle, whose drop runs user code.
            deferred.discard_event(letter);
        }
        routed
    }

    /// Delivers an event to the responders, if it is a request, and retains it if its type does so.
    #[inline]
    fn deliver(
        &mut self,
        envelope: Envelope,
        admission: Admission,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let Some(ticket) = &envelope.ticket else {
            if self.info.retain {
                self.retain(envelope, deferred);
            } else {
                deferred.discard_event(envelope);
            }
            return Routed::default();
        };
        if self.info.retain {
            self.retain(Envelope { ticket: None, ..envelope.clone() }, deferred);
        }
        let asker = ticket.assign(envelope.sequence(), &mut self.responders.mailboxes());
        let routed = self.responders.offer(envelope, admission, deferred);
        deferred.wake(asker);
        routed
    }

    #[cold]
    fn retain(&mut self, mut envelope: Envelope, deferred: &mut Deferred<'_>) {
        envelope.context.sever();
        if let Some(old) = self.retained.replace(envelope) {
            deferred.discard_event(old);
        }
    }

    /// Notes an event that is about to be delivered. Returns whether it is to be
    /// [merged](Self::merge) with older ones that have its key.
    #[inline(always)]
    pub(super) fn supersede(&mut self, key: Option<Key>, sequence: u64) -> bool {
        match (&mut self.coalescers, key) {
            (Some(coalescers), Some(key)) => coalescers.supersede(key, sequence),
            _ => false,
        }
    }

    #[cold]
    pub(super) fn merge(&mut self, sequence: u64, deferred: &mut Deferred<'_>) {
        self.coalescers.iter_mut().for_each(|it| it.merge(sequence, deferred));
    }

    /// The retained event, for a reader that begins with it.
    pub(super) fn begin_with_retained(&mut self) -> Option<Envelope> {
        let retained = self.retained.clone()?;
        if let (Some(coalescers), Some(key)) = (&mut self.coalescers, retained.key) {
            coalescers.note_retained(key, retained.sequence());
        }
        Some(retained)
    }

    /// Adds an observer of the type. Returns the index of the log among its sources.
    pub(super) fn add_reader(&mut self, mailbox: &Arc<Mailbox>, member: usize) -> usize {
        let source = self.feed.join_by_cursor(mailbox, member);
        if self.info.coalesces() && mailbox.settings.overflow == Overflow::Coalesce {
            let coalescers = self.coalescers.get_or_insert_default();
            coalescers.add(Arc::clone(mailbox), source);
        }
        source
    }

    pub(super) fn leave(&mut self, mailbox: u64) {
        if self.coalescers.as_mut().is_some_and(|it| !it.remove(mailbox)) {
            self.coalescers = None;
        }
        self.responders.remove(mailbox);
    }
}
