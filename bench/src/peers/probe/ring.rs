//! The limit probe's ring: each event once, and a cursor for each subscriber. Readers take no lock.
//!
//! Invariant of the ring: head − the least cursor ≤ [`CAPACITY`], so no slot is written that is still
//! to be read. The publisher remembers where that ends, and looks at the cursors only there.

use std::fmt::Debug;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::{Order, Store};
use crate::events::{Kind, Message, Pair, Plain, Small};
use crate::flow::Sink;
use crate::harness::CAPACITY;

/// An event that a slot of atomics holds: it is read without a lock while another is written.
pub(crate) trait Slotted: Message {
    type Slot: Debug + Default + Send + Sync + 'static;

    // Ordering: Relaxed within slots; the head and the cursors order them.
    fn store(self, slot: &Self::Slot);
    fn load(slot: &Self::Slot) -> Self;
}

impl Slotted for Plain {
    type Slot = [AtomicU64; 4];

    #[inline]
    fn store(self, slot: &Self::Slot) {
        slot.iter().zip(self.0).for_each(|(cell, word)| cell.store(word, Ordering::Relaxed));
    }

    #[inline]
    fn load(slot: &Self::Slot) -> Self {
        Self(slot.each_ref().map(|cell| cell.load(Ordering::Relaxed)))
    }
}

/// The last cell is the type.
impl Slotted for Kind {
    type Slot = ([AtomicU64; 4], AtomicU64);

    #[inline]
    fn store(self, (cells, tag): &Self::Slot) {
        let (kind, words) = match self {
            Self::Small(Small(word)) => (0, [word, 0, 0, 0]),
            Self::Pair(Pair([one, two])) => (1, [one, two, 0, 0]),
            Self::Plain(Plain(words)) => (2, words),
        };
        Plain(words).store(cells);
        tag.store(kind, Ordering::Relaxed);
    }

    #[inline]
    fn load((cells, tag): &Self::Slot) -> Self {
        let Plain(words) = Plain::load(cells);
        match tag.load(Ordering::Relaxed) {
            0 => Self::Small(Small(words[0])),
            1 => Self::Pair(Pair([words[0], words[1]])),
            _ => Self::Plain(Plain(words)),
        }
    }
}

/// A ring that refuses the newest event when full.
pub(crate) type Newest<M> = Ring<M, false, false>;

/// A ring whose full subscribers give up their oldest event.
pub(crate) type Oldest<M> = Ring<M, true, false>;

/// A ring that can tell how long an event was queued: it reads the clock when an event is published,
/// and when events are taken.
pub(crate) type Timed<M> = Ring<M, false, true>;

/// One ring for all subscribers.
#[derive(Debug)]
pub(crate) struct Ring<M: Slotted, const OLDEST: bool, const TIMED: bool> {
    slots: Box<[M::Slot; CAPACITY]>,
    /// When each slot's event was published, if that is kept, in nanoseconds.
    times: Box<[AtomicU64]>,
    opened: Instant,
    // Ordering: Release after a slot is written pairs with Acquire before it is read.
    head: CachePadded<AtomicU64>,
    // Ordering: Release after slots are read pairs with Acquire before they are written again.
    cursors: Box<[CachePadded<AtomicU64>]>,
}

/// A subscriber's number and position.
#[derive(Debug)]
pub(crate) struct Cursor<M> {
    index: usize,
    /// How many events it has taken; of no use if the publisher may take some.
    at: u64,
    /// Events that it has read and may not have taken yet.
    batch: Vec<M>,
}

impl<M: Slotted, const OLDEST: bool, const TIMED: bool> Ring<M, OLDEST, TIMED> {
    /// The place of an event in the ring.
    #[inline]
    fn place(position: u64) -> usize {
        position as usize
            & const {
                assert!(CAPACITY.is_power_of_two());
                CAPACITY - 1
            }
    }

    #[inline]
    fn now(&self) -> u64 {
        self.opened.elapsed().as_nanos() as u64
    }

    /// Looks at all cursors; whether one more event may be appended.
    #[cold]
    fn make_room(&self, order: &mut Order) -> bool {
        let capacity = CAPACITY as u64;
        let floor = order.head + 1 - capacity;
        let moved = |cursor: &CachePadded<AtomicU64>| match OLDEST {
            true => cursor.fetch_max(floor, Ordering::AcqRel).max(floor),
            false => cursor.load(Ordering::Acquire),
        };
        order.limit = self.cursors.iter().map(moved).min().unwrap_or(order.head) + capacity;
        order.head < order.limit
    }

    /// [`Store::take`] from a cursor that the publisher may move: what it has moved past is read
    /// again, from where it is then.
    #[inline]
    fn take_oldest<S: Sink>(&self, reader: &mut Cursor<M>, most: u64, sink: &mut S) -> bool {
        let cursor = &self.cursors[reader.index];
        let mut at = cursor.load(Ordering::Acquire);
        loop {
            let end = self.head.load(Ordering::Acquire).min(at + most);
            if end == at {
                return false;
            }
            reader.batch.clear();
            reader.batch.extend((at..end).map(|it| M::load(&self.slots[Self::place(it)])));
            match cursor.compare_exchange(at, end, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(moved) => at = moved,
            }
        }
        reader.batch.iter().for_each(|message| sink.take(message));
        true
    }
}

impl<M: Slotted, const OLDEST: bool, const TIMED: bool> Store for Ring<M, OLDEST, TIMED> {
    type Message = M;
    type Reader = Cursor<M>;

    fn open(subscribers: usize) -> (Self, Vec<Cursor<M>>) {
        let slots: Box<[M::Slot]> = (0..CAPACITY).map(|_| M::Slot::default()).collect();
        let zero = |_| CachePadded::new(AtomicU64::new(0));
        let ring = Self {
            slots: slots.try_into().expect("it has the length"),
            times: (0..CAPACITY).map(|_| AtomicU64::new(0)).collect(),
            opened: Instant::now(),
            head: zero(0),
            cursors: (0..subscribers).map(zero).collect(),
        };
        let cursor = |index| Cursor { index, at: 0, batch: Vec::new() };
        (ring, (0..subscribers).map(cursor).collect())
    }

    #[inline]
    fn append(&self, order: &mut Order, message: M) -> bool {
        if order.head == order.limit && !self.make_room(order) {
            return false;
        }
        let place = Self::place(order.head);
        message.store(&self.slots[place]);
        if TIMED {
            self.times[place].store(self.now(), Ordering::Relaxed);
        }
        order.head += 1;
        self.head.store(order.head, Ordering::Release);
        true
    }

    #[inline]
    fn take<S: Sink>(&self, reader: &mut Cursor<M>, most: usize, sink: &mut S) -> bool {
        if OLDEST {
            return self.take_oldest(reader, most as u64, sink);
        }
        let end = self.head.load(Ordering::Acquire).min(reader.at + most as u64);
        if end == reader.at {
            return false;
        }
        let now = if TIMED { self.now() } else { 0 };
        for place in (reader.at..end).map(Self::place) {
            if TIMED {
                black_box(now.saturating_sub(self.times[place].load(Ordering::Relaxed)));
            }
            sink.take(&M::load(&self.slots[place]));
        }
        reader.at = end;
        self.cursors[reader.index].store(end, Ordering::Release);
        true
    }

    fn is_empty(&self, reader: &Cursor<M>) -> bool {
        let cursor = self.cursors[reader.index].load(Ordering::Relaxed);
        cursor == self.head.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::{Probe, Publisher};
    use super::{Newest, Oldest, Slotted};
    use crate::events::{Message, Plain};
    use crate::flow::Sink;
    use crate::harness::{CAPACITY, Transport};

    #[derive(Default)]
    struct Values(Vec<u64>);

    impl Sink for Values {
        fn take<M: Message>(&mut self, message: &M) {
            self.0.push(message.value());
        }
    }

    #[test]
    fn a_full_ring_has_room_for_as_many_as_were_taken() {
        let (mut publisher, mut subscribers) = Probe::<Newest<Plain>>::open(2);
        let mut accepted =
            |count: u64| (0..count).filter(|it| publisher.publish(Plain::new(*it))).count();
        assert_eq!(accepted(2_000), CAPACITY);
        assert!(subscribers[0].take(5, &mut Values::default()));
        assert_eq!(accepted(9), 0, "the other has taken nothing");
        assert!(subscribers[1].take(3, &mut Values::default()));
        assert_eq!(accepted(9), 3);
    }

    #[test]
    fn the_oldest_give_way() {
        let (mut publisher, mut subscribers) = Probe::<Oldest<Plain>>::open(1);
        assert!((0..1_501).all(|value| publisher.publish(Plain::new(value))));
        let mut taken = Values::default();
        while subscribers[0].take(100, &mut taken) {}
        assert_eq!(taken.0, (1_501 - CAPACITY as u64..1_501).collect::<Vec<_>>());
    }

    /// Two more are published while the first is read.
    #[derive(Debug, Clone)]
    struct Raced(Plain);

    thread_local! {
        static RACING: RefCell<Option<Publisher<Oldest<Raced>>>> = const { RefCell::new(None) };
    }

    impl Message for Raced {
        fn new(value: u64) -> Self {
            Self(Plain::new(value))
        }

        fn value(&self) -> u64 {
            self.0.value()
        }
    }

    impl Slotted for Raced {
        type Slot = <Plain as Slotted>::Slot;

        fn store(self, slot: &Self::Slot) {
            self.0.store(slot);
        }

        fn load(slot: &Self::Slot) -> Self {
            if let Some(mut publisher) = RACING.take() {
                (CAPACITY..CAPACITY + 2).for_each(|value| {
                    assert!(publisher.publish(Self::new(value as u64)));
                });
            }
            Self(Plain::load(slot))
        }
    }

    #[test]
    fn what_gives_way_while_it_is_read_is_not_taken() {
        let (mut publisher, mut subscribers) = Probe::<Oldest<Raced>>::open(1);
        assert!((0..CAPACITY as u64).all(|value| publisher.publish(Raced::new(value))));
        RACING.set(Some(publisher));
        let mut taken = Values::default();
        assert!(subscribers[0].take(CAPACITY, &mut taken));
        assert_eq!(taken.0, (2..CAPACITY as u64 + 2).collect::<Vec<_>>());
    }
}
