//! The ways of an event into the bus.

use std::sync::Arc;

use super::{Mode, Phase, Registry};
use crate::engine::{Aftermath, DeadLetter, Envelope, Origin, Routed, Ticket};
use crate::event::{Event, Key, Priority, TypeInfo};
use crate::log::{Held, Moment, Stamp};
use crate::trace::Context;

/// An event on its way into the bus.
pub(crate) struct Parcel<E> {
    /// Taken out if anybody gets it; otherwise the publisher drops it.
    pub(crate) event: Option<E>,
    pub(crate) priority: Priority,
    pub(crate) key: Option<Key>,
    pub(crate) origin: Origin,
    pub(crate) published_at: Moment,
    /// If the event is an answer, its asker hears it.
    pub(crate) answer: bool,
    /// Whether the publisher keeps it too: it is then found in `kept`.
    pub(crate) keep: bool,
    pub(crate) kept: Option<Held>,
    /// If the event is a request: where its answers go.
    pub(crate) ticket: Option<Arc<dyn Ticket>>,
    /// The span it comes from, if the bus traces.
    pub(crate) context: Context,
}

impl<E> Parcel<E> {
    pub(super) fn envelope(&mut self, info: &'static TypeInfo, held: Held) -> Envelope {
        let (key, ticket) = (self.key.clone(), self.ticket.take());
        let context = std::mem::take(&mut self.context);
        Envelope { info, held, priority: self.priority, key, ticket, answer: self.answer, context }
    }
}

/// What is said of an event that is published, besides what it is.
pub(crate) struct Header {
    pub(crate) type_number: usize,
    pub(crate) priority: Priority,
    pub(crate) origin: Origin,
    pub(crate) published_at: Moment,
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It reached these many subscribers.
    Routed(u64, Routed),
    /// Nobody listens: it was counted.
    Unheard,
    /// It waits for the start.
    Buffered {
        sequence: u64,
        /// An older event with its key waits too.
        mergeable: bool,
        /// Nothing else waits.
        first: bool,
    },
    /// The buffer was full.
    BufferFull,
    Closed,
}

impl Registry {
    /// Accepts an event that goes by the log of its type and to nobody else, if this is one;
    /// otherwise it stays in `event`. This is what ordinary traffic is, and it is short.
    // Always, here and in what it calls: as calls of their own they would hand the event, its
    // stamp and the result on through memory, each stored in other pieces than it is loaded in,
    // for which a processor waits about as long as for all the rest.
    #[inline(always)]
    pub(crate) fn accept_plain<E: Event>(
        &mut self,
        number: usize,
        priority: Priority,
        origin: Origin,
        event: &mut Option<E>,
        aftermath: &mut Aftermath<'_>,
    ) -> Option<(u64, Routed)> {
        let entry = &mut self.types[number];
        if entry.mode != Mode::Plain || priority != E::ABILITIES.fixed_rank() {
            return None;
        }
        self.sequence += 1;
        entry.published += 1;
        entry.publishers.count(origin.publisher());
        let stamp = Stamp::new(self.sequence, origin.cause(), Moment::NONE);
        let (routed, _) = entry.feed.offer(event, stamp, false, aftermath);
        Some((self.sequence, routed))
    }

    /// As [`accept_plain`](Self::accept_plain), for an event that goes by queues too, or that says when
    /// it was published. With `keep`
    /// it is returned as well, and may be one that nobody else gets.
    #[inline]
    pub(crate) fn accept_shared<E: Event>(
        &mut self,
        header: &Header,
        event: &mut Option<E>,
        keep: bool,
        aftermath: &mut Aftermath<'_>,
    ) -> Option<(u64, Routed, Option<Held>)> {
        let entry = &mut self.types[header.type_number];
        let heard = keep || entry.mode != Mode::Quiet;
        if !heard || entry.mode == Mode::Full || header.priority != E::ABILITIES.fixed_rank() {
            return None;
        }
        self.sequence += 1;
        entry.published += 1;
        entry.publishers.count(header.origin.publisher());
        let stamp = Stamp::new(self.sequence, header.origin.cause(), header.published_at);
        let (routed, held) = entry.offer_to_all(event, stamp, keep, aftermath);
        Some((self.sequence, routed, held))
    }

    /// Accepts an event: gives it its number, and routes or buffers it.
    pub(crate) fn accept<E: Event>(
        &mut self,
        parcel: &mut Parcel<E>,
        aftermath: &mut Aftermath<'_>,
    ) -> Accepted {
        let from_outside = parcel.origin.cause == 0 && !parcel.answer;
        if self.phase == Phase::Closed || (self.draining && from_outside) {
            self.refused += 1;
            self.cut_off += u64::from(!from_outside && !parcel.answer);
            return Accepted::Closed;
        }
        let number = match self.directory.find_event::<E>() {
            Some(card) => card.number,
            None => self.meet(TypeInfo::of::<E>(), aftermath),
        };
        let entry = &mut self.types[number];
        entry.published += 1;
        entry.publishers.count(parcel.origin.publisher());
        if self.phase == Phase::Running {
            if entry.mode == Mode::Quiet && parcel.ticket.is_none() && !parcel.keep {
                entry.unheard += u64::from(!parcel.answer);
                return Accepted::Unheard;
            }
            self.sequence += 1;
            let stamp = Stamp::new(self.sequence, parcel.origin.cause(), parcel.published_at);
            let routed = entry.publish(parcel, stamp, aftermath);
            return Accepted::Routed(self.sequence, routed);
        }
        self.sequence += 1;
        self.buffer_up(parcel, number, aftermath)
    }

    /// Accepts a dead letter: it reaches its subscribers at once, also before the start, so that it
    /// takes no room in the start buffer.
    pub(super) fn accept_dead(
        &mut self,
        letter: &mut Parcel<DeadLetter>,
        aftermath: &mut Aftermath<'_>,
    ) {
        if self.phase != Phase::Closed {
            let number = self.number_of(TypeInfo::of::<DeadLetter>(), aftermath);
            self.sequence += 1;
            let stamp = Stamp::new(self.sequence, letter.origin.cause(), letter.published_at);
            let entry = &mut self.types[number];
            entry.published += 1;
            entry.publish(letter, stamp, aftermath);
        }
    }

    #[cold]
    fn buffer_up<E: Event>(
        &mut self,
        parcel: &mut Parcel<E>,
        number: usize,
        aftermath: &mut Aftermath<'_>,
    ) -> Accepted {
        let Some(event) = parcel.event.take() else {
            return Accepted::Unheard;
        };
        let stamp = Stamp::new(self.sequence, parcel.origin.cause(), parcel.published_at);
        let held = Held::new(stamp, event);
        parcel.kept = parcel.keep.then(|| held.clone());
        let envelope = parcel.envelope(self.types[number].info, held);
        self.buffer.push(envelope, number, aftermath)
    }
}
