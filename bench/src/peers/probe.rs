//! The limit probe: what delivery alone costs, without names, types, policies' accounts and reports.
//! It is shown beside the bus in the same run, and no target is judged by it.
//!
//! - One lock orders the publishers. A [`Store`] holds the events, and is written under it.
//! - A [`Ring`] holds each event once, and a cursor for each subscriber. Readers take no lock.
//! - A subscriber goes to sleep under the lock, after it has looked again. So the publisher finds it
//!   there without a fence of its own, and wakes only those that sleep.
//!
//! Invariant of the ring: head − the least cursor ≤ [`CAPACITY`], so no slot is written that is still
//! to be read. The publisher remembers where that ends, and looks at the cursors only there.
//!
//! What it leaves out: an event that the slowest subscriber has no room for is refused for all.

use std::fmt::Debug;
use std::future::poll_fn;
use std::hint::black_box;
use std::marker::PhantomData;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use crate::events::{Kind, Message, Pair, Plain, Small};
use crate::flow::{Flow, Sink};
use crate::harness::{BATCH, CAPACITY, Queue, TaskTransport, Transport};
use crate::row::Side;

const NAME: &str = "limit probe";
const NOTE: &str = "no names, types, policies' accounts or reports";

/// Where events lie between publishing and receiving.
pub(crate) trait Store: Send + Sync + Sized + 'static {
    type Message: Message;
    /// What one subscriber keeps of its own.
    type Reader: Send + 'static;

    fn open(subscribers: usize) -> (Self, Vec<Self::Reader>);

    /// Appends an event, under the lock; whether anybody had room.
    fn append(&self, order: &mut Order, message: Self::Message) -> bool;

    /// Takes as many events as there are, but no more than `most`; whether there was any.
    fn take<S: Sink>(&self, reader: &mut Self::Reader, most: usize, sink: &mut S) -> bool;

    fn is_empty(&self, reader: &Self::Reader) -> bool;
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Order {
    /// How many events have been appended.
    head: u64,
    /// How many may be before the cursors are looked at again.
    limit: u64,
    sleepers: Vec<Waker>,
}

struct Shared<S> {
    order: CachePadded<Mutex<Order>>,
    store: S,
}

impl<S> Shared<S> {
    #[inline]
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().expect("nothing panics under the lock")
    }
}

pub(crate) struct Publisher<S> {
    shared: Arc<Shared<S>>,
    /// Empty between publications: its memory becomes that of the sleepers.
    woken: Vec<Waker>,
}

impl<S> Clone for Publisher<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), woken: Vec::new() }
    }
}

impl<S: Store> Publisher<S> {
    #[inline]
    fn publish(&mut self, message: S::Message) -> bool {
        let mut order = self.shared.lock();
        let accepted = self.shared.store.append(&mut order, message);
        if accepted && !order.sleepers.is_empty() {
            mem::swap(&mut order.sleepers, &mut self.woken);
            drop(order);
            self.woken.drain(..).for_each(Waker::wake);
        }
        accepted
    }
}

pub(crate) struct Subscriber<S: Store> {
    shared: Arc<Shared<S>>,
    reader: S::Reader,
}

impl<S: Store> Subscriber<S> {
    #[inline]
    fn take<K: Sink>(&mut self, most: usize, sink: &mut K) -> bool {
        self.shared.store.take(&mut self.reader, most, sink)
    }

    /// Whether it sleeps now: it does if there is nothing to take.
    fn sleep(&self, waker: &Waker) -> bool {
        let mut order = self.shared.lock();
        let sleeps = self.shared.store.is_empty(&self.reader);
        if sleeps {
            order.sleepers.push(waker.clone());
        }
        sleeps
    }
}

/// Publishers and subscribers as tasks, which receive in batches.
#[derive(Debug)]
pub(crate) struct Probe<S>(PhantomData<S>);

impl<S: Store> Transport<S::Message> for Probe<S> {
    const NAME: &'static str = NAME;
    const SIDE: Side = Side::Limit;
    const NOTE: &'static str = NOTE;
    const FLOW: Flow = Flow::Gated;

    type Publisher = Publisher<S>;
    type Subscriber = Subscriber<S>;

    fn open(subscribers: usize) -> (Publisher<S>, Vec<Subscriber<S>>) {
        let (store, readers) = S::open(subscribers);
        let order = Order { head: 0, limit: CAPACITY as u64, sleepers: Vec::new() };
        let shared = Arc::new(Shared { order: CachePadded::new(Mutex::new(order)), store });
        let subscriber = |reader| Subscriber { shared: Arc::clone(&shared), reader };
        let subscribers = readers.into_iter().map(subscriber).collect();
        (Publisher { shared, woken: Vec::new() }, subscribers)
    }
}

impl<S: Store> TaskTransport<S::Message> for Probe<S> {
    #[inline]
    async fn publish(publisher: &mut Publisher<S>, message: S::Message) {
        publisher.publish(message);
    }

    #[inline]
    async fn receive<K: Sink>(subscriber: &mut Subscriber<S>, sink: &mut K) {
        poll_fn(|context| {
            while !subscriber.take(BATCH, sink) {
                if subscriber.sleep(context.waker()) {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// One thread publishes and receives, event by event.
pub(crate) struct OneThread<S: Store>(Publisher<S>, Subscriber<S>);

impl<S: Store> Queue<S::Message> for OneThread<S> {
    const NAME: &'static str = NAME;
    const SIDE: Side = Side::Limit;
    const NOTE: &'static str = NOTE;

    fn open() -> Self {
        let (publisher, mut subscribers) = Probe::open(1);
        Self(publisher, subscribers.remove(0))
    }

    #[inline]
    fn offer(&mut self, message: S::Message) -> bool {
        self.0.publish(message)
    }

    #[inline]
    fn take<K: Sink>(&mut self, sink: &mut K) -> bool {
        self.1.take(1, sink)
    }
}

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
    fn store(self, (words, tag): &Self::Slot) {
        let store = |at: usize, word| words[at].store(word, Ordering::Relaxed);
        let kind = match self {
            Self::Small(Small(word)) => {
                store(0, word);
                0
            }
            Self::Pair(Pair([one, two])) => {
                store(0, one);
                store(1, two);
                1
            }
            Self::Plain(event) => {
                event.store(words);
                2
            }
        };
        tag.store(kind, Ordering::Relaxed);
    }

    #[inline]
    fn load((words, tag): &Self::Slot) -> Self {
        let load = |at: usize| words[at].load(Ordering::Relaxed);
        match tag.load(Ordering::Relaxed) {
            0 => Self::Small(Small(load(0))),
            1 => Self::Pair(Pair([load(0), load(1)])),
            _ => Self::Plain(Plain::load(words)),
        }
    }
}

/// What a [`Ring`] does beside holding events.
pub(crate) trait Mode: Debug + Send + Sync + 'static {
    /// Whether a full subscriber gives up its oldest event.
    const OLDEST: bool = false;
    /// Whether it can be told how long an event was queued.
    const TIMED: bool = false;
}

/// Refuses the newest event when full.
#[derive(Debug)]
pub(crate) struct Newest;

/// Gives up the oldest event when full.
#[derive(Debug)]
pub(crate) struct Oldest;

/// Reads the clock when an event is published, and when events are taken.
#[derive(Debug)]
pub(crate) struct Clocked;

impl Mode for Newest {}

impl Mode for Oldest {
    const OLDEST: bool = true;
}

impl Mode for Clocked {
    const TIMED: bool = true;
}

/// One ring for all subscribers.
#[derive(Debug)]
pub(crate) struct Ring<M: Slotted, P> {
    slots: Box<[M::Slot; CAPACITY]>,
    /// When each slot's event was published, if that is kept, in nanoseconds.
    times: Box<[AtomicU64]>,
    opened: Instant,
    // Ordering: Release after a slot is written pairs with Acquire before it is read.
    head: CachePadded<AtomicU64>,
    // Ordering: Release after slots are read pairs with Acquire before they are written again.
    cursors: Box<[CachePadded<AtomicU64>]>,
    mode: PhantomData<P>,
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

impl<M: Slotted, P: Mode> Ring<M, P> {
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
        let moved = |cursor: &CachePadded<AtomicU64>| match P::OLDEST {
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

impl<M: Slotted, P: Mode> Store for Ring<M, P> {
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
            mode: PhantomData,
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
        if P::TIMED {
            self.times[place].store(self.now(), Ordering::Relaxed);
        }
        order.head += 1;
        self.head.store(order.head, Ordering::Release);
        true
    }

    #[inline]
    fn take<S: Sink>(&self, reader: &mut Cursor<M>, most: usize, sink: &mut S) -> bool {
        if P::OLDEST {
            return self.take_oldest(reader, most as u64, sink);
        }
        let end = self.head.load(Ordering::Acquire).min(reader.at + most as u64);
        if end == reader.at {
            return false;
        }
        let now = if P::TIMED { self.now() } else { 0 };
        for place in (reader.at..end).map(Self::place) {
            if P::TIMED {
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
