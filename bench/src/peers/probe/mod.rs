//! The limit probe: what delivery alone costs, without names, types, policies' accounts and reports.
//! It is shown beside the bus in the same run, and no target is judged by it.
//!
//! - One lock orders the publishers. A [`Store`] holds the events, and is written under it.
//! - A [`ring`] holds each event once, and a cursor for each subscriber. Readers take no lock.
//! - A subscriber goes to sleep under the lock, after it has looked again. So the publisher finds it
//!   there without a fence of its own, and wakes only those that sleep.
//!
//! What it leaves out: an event that the slowest subscriber has no room for is refused for all.

mod ask;
mod keyed;
mod ring;

use std::future::poll_fn;
use std::marker::PhantomData;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use crossbeam_utils::CachePadded;

use crate::events::Message;
use crate::flow::{Flow, Sink};
use crate::harness::{BATCH, CAPACITY, Queue, TaskTransport, Transport};
use crate::row::{LIMIT, Side};

pub(crate) use ask::Places;
pub(crate) use keyed::KeyedQueues;
pub(crate) use ring::{Newest, Oldest, Timed};

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
    /// Publishes an event; whether anybody had room.
    #[inline]
    pub(super) fn publish(&mut self, message: S::Message) -> bool {
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
    const NAME: &'static str = LIMIT;
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
    const NAME: &'static str = LIMIT;
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
