//! Subscriptions of every sort behind one trait, a clock that the test moves, and a waker that
//! remembers.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use callboard::{AnyEvent, Bus, Call, Clock, EventSet, Ledger, Sleep, Subscription, TryRecvError};
use futures_core::Stream;

use crate::events::{
    Ask, Change, Desk, Got, Kept, Kind, Opening, Plain, Ranked, Reply, Seen, Status, Trio, Wants,
};

/// An item, and the call if it is one.
pub(crate) type Item = (Got, Option<Call<Ask>>);

/// A subscription of any sort.
pub(crate) trait Reader: Send {
    fn try_recv(&mut self) -> Result<Item, TryRecvError>;
    /// `recv_many`, polled once; `None` if it would wait.
    fn recv_many(&mut self, limit: usize) -> Option<Vec<Item>>;
    /// The stream, polled once.
    fn poll(&mut self, waker: &Waker) -> Poll<Option<Item>>;
    fn blocking_recv(&mut self) -> Option<Item>;
    fn len(&self) -> usize;
    fn pending_missed(&self) -> u64;
    fn ledger(&self) -> Ledger;
}

impl<S: EventSet> Reader for Subscription<S>
where
    S::Item: Seen,
{
    fn try_recv(&mut self) -> Result<Item, TryRecvError> {
        Self::try_recv(self).map(Seen::seen)
    }

    fn recv_many(&mut self, limit: usize) -> Option<Vec<Item>> {
        let mut buffer = Vec::new();
        let polled = {
            let many = pin!(Self::recv_many(self, &mut buffer, limit));
            many.poll(&mut Context::from_waker(Waker::noop()))
        };
        let Poll::Ready(count) = polled else {
            assert!(buffer.is_empty(), "it waits and has received something");
            return None;
        };
        assert_eq!(count, buffer.len(), "what recv_many returned and what it appended");
        Some(buffer.into_iter().map(Seen::seen).collect())
    }

    fn poll(&mut self, waker: &Waker) -> Poll<Option<Item>> {
        Pin::new(self).poll_next(&mut Context::from_waker(waker)).map(|item| item.map(Seen::seen))
    }

    fn blocking_recv(&mut self) -> Option<Item> {
        Self::blocking_recv(self).map(Seen::seen)
    }

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn pending_missed(&self) -> u64 {
        Self::pending_missed(self)
    }

    fn ledger(&self) -> Ledger {
        Self::ledger(self)
    }
}

/// Opens a subscription on the bus.
pub(crate) fn open(bus: &Bus, opening: &Opening) -> Box<dyn Reader> {
    let mut builder =
        bus.subscriber(opening.name).capacity(opening.capacity).overflow(opening.overflow);
    if opening.lossy {
        builder = builder.lossy();
    }
    if opening.late {
        builder = builder.late();
    }
    if opening.retained {
        builder = builder.with_retained();
    }
    match opening.wants {
        Wants::One(Kind::Plain) => Box::new(builder.subscribe::<Plain>()),
        Wants::One(Kind::Change) => Box::new(builder.subscribe::<Change>()),
        Wants::One(Kind::Status) => Box::new(builder.subscribe::<Status>()),
        Wants::One(Kind::Kept) => Box::new(builder.subscribe::<Kept>()),
        Wants::One(Kind::Ranked) => Box::new(builder.subscribe::<Ranked>()),
        Wants::One(Kind::Ask) => Box::new(builder.subscribe::<Ask>()),
        Wants::One(Kind::Reply) => Box::new(builder.subscribe::<Reply>()),
        Wants::Trio => Box::new(builder.subscribe::<Trio>()),
        Wants::Desk => Box::new(builder.subscribe::<Desk>()),
        Wants::Calls => Box::new(builder.responder::<Ask>()),
        Wants::Everything => Box::new(builder.subscribe::<AnyEvent>()),
        Wants::Matching(pattern) => Box::new(builder.subscribe_matching(pattern)),
    }
}

/// A waker that remembers whether it was woken.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn lower(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub(crate) struct StillClock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    now: Instant,
    next: u64,
    alarms: BTreeMap<u64, (Instant, Waker)>,
}

impl StillClock {
    pub(crate) fn new() -> Self {
        let hands = Hands { now: Instant::now(), next: 0, alarms: BTreeMap::new() };
        Self(Arc::new(Mutex::new(hands)))
    }

    pub(crate) fn advance(&self, time: Duration) {
        let due: Vec<Waker> = {
            let mut hands = self.0.lock().unwrap();
            hands.now += time;
            let now = hands.now;
            let (due, later) =
                std::mem::take(&mut hands.alarms).into_iter().partition(|(_, (at, _))| *at <= now);
            hands.alarms = later;
            BTreeMap::into_values(due).map(|(_, waker)| waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let mut hands = self.0.lock().unwrap();
        hands.next += 1;
        Sleep::from_future(Nap { clock: self.clone(), id: hands.next, deadline })
    }
}

struct Nap {
    clock: StillClock,
    id: u64,
    deadline: Instant,
}

impl Future for Nap {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let mut hands = self.clock.0.lock().unwrap();
        if hands.now >= self.deadline {
            return Poll::Ready(());
        }
        hands.alarms.insert(self.id, (self.deadline, waker));
        Poll::Pending
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        let alarm = self.clock.0.lock().unwrap().alarms.remove(&self.id);
        drop(alarm);
    }
}
