//! How the bus accepts an event.

use std::sync::Arc;

use super::{Mode, Phase, Registry};
use crate::engine::{DeadLetter, Deferred, Envelope, Origin, Routed, Ticket};
use crate::event::{Event, Key, Priority, TypeInfo};
use crate::log::{Held, Moment, Stamp};
use crate::trace::Context;

/// The metadata of an event that goes to the log of its type only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heading {
    pub(crate) priority: Priority,
    pub(crate) key: Option<Key>,
    pub(crate) origin: Origin,
    pub(crate) published_at: Moment,
}

/// An event to be accepted by the bus.
pub(crate) struct Publication<E> {
    /// Taken if a subscriber gets the event; otherwise the publisher drops it.
    pub(crate) event: Option<E>,
    pub(crate) priority: Priority,
    pub(crate) key: Option<Key>,
    pub(crate) origin: Origin,
    pub(crate) published_at: Moment,
    /// Whether the event is an answer, which its asker receives.
    pub(crate) answer: bool,
    /// Whether the publisher keeps the event too; it is then in `kept`.
    pub(crate) keep: bool,
    pub(crate) kept: Option<Held>,
    /// For a request, where its answers go.
    pub(crate) ticket: Option<Arc<dyn Ticket>>,
    /// The span it was published in, if the bus traces.
    pub(crate) context: Context,
}

impl<E> Publication<E> {
    /// An event without a key, that is neither a request nor an answer.
    pub(crate) fn new(event: E, priority: Priority, origin: Origin, published_at: Moment) -> Self {
        Self {
            event: Some(event),
            priority,
            key: None,
            origin,
            published_at,
            answer: false,
            keep: false,
            kept: None,
            ticket: None,
            context: Context::default(),
        }
    }

    /// Whether it can wait for the start in the log of its type: it can't be withdrawn or merged,
    /// and goes nowhere else.
    fn fits_log(&self, info: &TypeInfo) -> bool {
        let ordinary =
            self.ticket.is_none() && !self.answer && !self.keep && !self.context.is_some();
        ordinary
            && !info.of_the_bus
            && self.priority == info.rank
            && !info.coalesces()
            && !info.retain
    }

    pub(super) fn envelope(&mut self, info: &'static TypeInfo, held: Held) -> Envelope {
        let (key, ticket) = (self.key.take(), self.ticket.take());
        let context = std::mem::take(&mut self.context);
        Envelope { info, held, priority: self.priority, key, ticket, answer: self.answer, context }
    }
}

/// The outcome of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It reached this many subscribers.
    Routed(u64, Routed),
    /// It has no subscribers and was only counted.
    Unheard,
    /// It is buffered until the start.
    Buffered {
        sequence: u64,
        /// Its number, if it is to absorb an older one with its key.
        mergeable: Option<u64>,
        /// Whether nothing else is buffered.
        first: bool,
    },
    /// The buffer was full.
    BufferFull,
    Closed,
}

impl Registry {
    /// Accepts an event that only goes to the log of its type; any other event stays in `event`.
    /// This is the short path of ordinary traffic.
    // Always inlined, here and in its callees: separate calls would pass the event, its stamp and
    // the result through memory, which defeats store-to-load forwarding (stores and loads differ in
    // size) and costs about as much as all the rest.
    #[inline(always)]
    pub(crate) fn accept_by_log<E: Event>(
        &mut self,
        number: usize,
        heading: Heading,
        event: &mut Option<E>,
        deferred: &mut Deferred<'_>,
    ) -> Option<(u64, Routed)> {
        let Heading { priority, key, origin, published_at } = heading;
        let entry = &mut self.types[number];
        let by_log = if published_at.is_known() { Mode::LogTimed } else { Mode::LogOnly };
        if entry.mode != by_log || priority != E::ABILITIES.fixed_rank() {
            return None;
        }
        self.sequence += 1;
        entry.published += 1;
        entry.publishers.count(origin.publisher());
        let published_at = put_in_order(published_at, &mut self.latest);
        let stamp = Stamp::new(self.sequence, origin.cause(), published_at);
        let merges = entry.supersede(key, stamp.sequence);
        let (routed, _) = entry.feed.offer(event, stamp, false, deferred);
        if merges {
            entry.merge(stamp.sequence, deferred);
        }
        Some((self.sequence, routed))
    }

    /// Accepts an event: assigns its sequence number, and routes or buffers it.
    #[inline(always)]
    pub(crate) fn accept<E: Event>(
        &mut self,
        publication: &mut Publication<E>,
        deferred: &mut Deferred<'_>,
    ) -> Accepted {
        let from_outside = publication.origin.cause == 0 && !publication.answer;
        if self.phase == Phase::Closed || (self.draining && from_outside) {
            self.refused += 1;
            self.cut_off += u64::from(!from_outside && !publication.answer);
            return Accepted::Closed;
        }
        let number = match self.directory.find_event::<E>() {
            Some(handle) => handle.number,
            None => self.register_type(TypeInfo::of::<E>(), deferred),
        };
        let published_at = put_in_order(publication.published_at, &mut self.latest);
        publication.published_at = published_at;
        let entry = &mut self.types[number];
        entry.published += 1;
        entry.publishers.count(publication.origin.publisher());
        if self.phase == Phase::Running {
            if entry.mode == Mode::NoSubscribers
                && publication.ticket.is_none()
                && !publication.keep
            {
                entry.unheard += u64::from(!publication.answer);
                return Accepted::Unheard;
            }
            self.sequence += 1;
            let stamp = Stamp::new(self.sequence, publication.origin.cause(), published_at);
            let routed = entry.publish(publication, stamp, deferred);
            return Accepted::Routed(self.sequence, routed);
        }
        self.sequence += 1;
        self.buffer_up(publication, number, deferred)
    }

    /// Accepts a dead letter. It reaches its subscribers at once, even before the start, so it
    /// takes no space in the start buffer.
    pub(super) fn accept_dead(
        &mut self,
        letter: &mut Publication<DeadLetter>,
        deferred: &mut Deferred<'_>,
    ) {
        if self.phase != Phase::Closed {
            let number = self.number_of(TypeInfo::of::<DeadLetter>(), deferred);
            self.sequence += 1;
            let published_at = put_in_order(letter.published_at, &mut self.latest);
            let stamp = Stamp::new(self.sequence, letter.origin.cause(), published_at);
            let entry = &mut self.types[number];
            entry.published += 1;
            entry.publish(letter, stamp, deferred);
        }
    }

    #[cold]
    fn buffer_up<E: Event>(
        &mut self,
        publication: &mut Publication<E>,
        number: usize,
        deferred: &mut Deferred<'_>,
    ) -> Accepted {
        let Some(event) = publication.event.take() else {
            return Accepted::Unheard;
        };
        let stamp = Stamp::new(self.sequence, publication.origin.cause(), publication.published_at);
        let entry = &mut self.types[number];
        if publication.fits_log(entry.info) && self.buffer.has_room() {
            entry.feed.log.hold_back(&mut Some(event), stamp);
            return self.buffer.hold_back(self.sequence, number);
        }
        let held = Held::new(stamp, event);
        publication.kept = publication.keep.then(|| held.clone());
        let envelope = publication.envelope(self.types[number].info, held);
        self.buffer.push(envelope, number, deferred)
    }
}

/// The time of an event, but not before that of the last one: of two publishers, the one that reads
/// the clock first may get its number last.
#[inline(always)]
fn put_in_order(published_at: Moment, latest: &mut Moment) -> Moment {
    if published_at.is_known() {
        *latest = published_at.max(*latest);
        return *latest;
    }
    published_at
}
