//! Lossless flow, and the proof of it.
//!
//! A [`Gate`] holds back the publishers of a contestant that drops instead of waiting. Readers tell
//! how far they are, each in a cache line of its own; a publisher reserves room for a chunk of
//! events at a time, against a minimum that it remembers, and looks at the readers again only when
//! that no longer suffices. Every contestant without back-pressure of its own runs behind this
//! same code.
//!
//! Invariant: events reserved − events read by the slowest ≤ capacity.
//!
//! A [`Tally`] counts and sums what one subscriber receives; losing, doubling or mixing up an
//! event shows.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use crate::events::Message;

/// How many events a publisher reserves room for at once.
const CHUNK: u64 = 32;

/// Who keeps a slow subscriber from losing events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The contestant: its send waits for room.
    BackPressure,
    /// The harness, with a [`Gate`].
    Gated,
}

/// Holds publishers back so that no subscriber is ever full.
#[derive(Debug)]
pub(crate) struct Gate {
    capacity: u64,
    /// How many events the publishers have reserved room for.
    reserved: CachePadded<AtomicU64>,
    /// How many events each subscriber has received.
    progress: Box<[CachePadded<AtomicU64>]>,
}

impl Gate {
    /// A gate before subscribers that hold `capacity` events each.
    pub(crate) fn new(capacity: usize, subscribers: usize) -> Arc<Self> {
        let zero = || CachePadded::new(AtomicU64::new(0));
        Arc::new(Self {
            capacity: capacity as u64,
            reserved: zero(),
            progress: (0..subscribers).map(|_| zero()).collect(),
        })
    }

    /// Tells how many events a subscriber has received by now.
    pub(crate) fn report(&self, subscriber: usize, received: u64) {
        // Ordering: Release pairs with the Acquire in `Ticket::look`; room is made before it shows.
        self.progress[subscriber].store(received, Ordering::Release);
    }
}

/// One publisher's way through a [`Gate`].
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    /// Events that may still be published without asking.
    credit: u64,
    /// What the slowest subscriber had received when last looked at.
    slowest: u64,
    /// Who held the publisher back last; looked at first.
    suspect: usize,
}

impl Ticket {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate, credit: 0, slowest: 0, suspect: 0 }
    }

    /// Whether one more event may be published; if so it must be.
    #[inline]
    pub(crate) fn try_pass(&mut self) -> bool {
        if self.credit == 0 && !self.reserve() && !(self.look() && self.reserve()) {
            return false;
        }
        self.credit -= 1;
        true
    }

    /// Waits, as a task, until one more event may be published.
    #[inline]
    pub(crate) async fn pass(&mut self) {
        while !self.try_pass() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits, as a thread, until one more event may be published.
    #[inline]
    pub(crate) fn blocking_pass(&mut self) {
        while !self.try_pass() {
            std::thread::yield_now();
        }
    }

    fn reserve(&mut self) -> bool {
        let limit = self.slowest + self.gate.capacity;
        // Ordering: Relaxed; the number alone is shared, what is published goes its own way.
        let reserved =
            self.gate.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |reserved| {
                (reserved + CHUNK <= limit).then_some(reserved + CHUNK)
            });
        if reserved.is_ok() {
            self.credit = CHUNK;
        }
        reserved.is_ok()
    }

    /// Looks at the subscribers until one is found that still leaves no room; whether none is.
    fn look(&mut self) -> bool {
        let progress = &self.gate.progress;
        // Ordering: Acquire pairs with the Release in `Gate::report`.
        let needed =
            (self.gate.reserved.load(Ordering::Relaxed) + CHUNK).saturating_sub(self.gate.capacity);
        let mut slowest = u64::MAX - self.gate.capacity;
        for step in 0..progress.len() {
            let at = (self.suspect + step) % progress.len();
            let received = progress[at].load(Ordering::Acquire);
            if received < needed {
                self.suspect = at;
                return false;
            }
            slowest = slowest.min(received);
        }
        self.slowest = slowest;
        true
    }
}

/// Takes what a subscriber receives.
pub(crate) trait Sink: Send {
    fn take<M: Message>(&mut self, message: &M);
}

/// Counts and sums what one subscriber received.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

impl Tally {
    /// What a subscriber must have received that was sent the messages of `0..events`.
    pub(crate) fn expected(events: u64) -> Self {
        let sum = (u128::from(events) * u128::from(events.saturating_sub(1))) / 2;
        // Sums wrap, as adding one by one does.
        Self { count: events, sum: (sum & u128::from(u64::MAX)) as u64 }
    }

    /// # Panics
    /// If anything was lost, doubled or changed: what follows from it would mean nothing.
    pub(crate) fn check(&self, contestant: &str, events: u64) {
        let expected = Self::expected(events);
        assert_eq!(*self, expected, "`{contestant}` did not deliver what was published");
    }
}

impl Sink for Tally {
    #[inline]
    fn take<M: Message>(&mut self, message: &M) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(black_box(message).value());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CHUNK, Gate, Sink, Tally, Ticket};
    use crate::events::{Message, Plain};

    fn pass_all(ticket: &mut Ticket) -> u64 {
        std::iter::from_fn(|| ticket.try_pass().then_some(())).count() as u64
    }

    #[test]
    fn the_slowest_subscriber_holds_the_publisher_back() {
        let gate = Gate::new(128, 2);
        let mut ticket = Ticket::new(Arc::clone(&gate));
        assert_eq!(pass_all(&mut ticket), 128);
        gate.report(0, 128);
        assert_eq!(pass_all(&mut ticket), 0, "the other has read nothing");
        gate.report(1, CHUNK);
        assert_eq!(pass_all(&mut ticket), CHUNK);
        gate.report(1, 128);
        assert_eq!(pass_all(&mut ticket), 128 - CHUNK);
    }

    #[test]
    fn publishers_share_the_capacity() {
        let gate = Gate::new(128, 1);
        let mut tickets = [(); 2].map(|()| Ticket::new(Arc::clone(&gate)));
        assert!(tickets[0].try_pass());
        assert_eq!(pass_all(&mut tickets[1]), 128 - CHUNK);
        assert_eq!(pass_all(&mut tickets[0]), CHUNK - 1);
    }

    #[test]
    fn nobody_holds_a_publisher_back_for_ever() {
        let mut ticket = Ticket::new(Gate::new(128, 0));
        assert!((0..10_000).all(|_| ticket.try_pass()));
    }

    #[test]
    fn tallies_show_what_was_lost_or_changed() {
        let mut tally = Tally::default();
        (0..10).for_each(|value| tally.take(&Plain::new(value)));
        tally.check("honest", 10);
        let mut doubled = Tally::default();
        [0, 1, 1].into_iter().for_each(|value| doubled.take(&Plain::new(value)));
        assert_ne!(doubled, Tally::expected(3));
        assert_eq!(Tally::expected(0), Tally::default());
    }

    #[test]
    #[should_panic(expected = "`liar` did not deliver")]
    fn a_failed_check_names_the_contestant() {
        Tally::default().check("liar", 1);
    }
}
