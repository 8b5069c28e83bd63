//! Subscriptions of every sort behind one trait, a clock that the test moves, and a waker that
//! remembers.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use callboard::{
    AnyEvent, Batch, Bus, Clock, EventSet, Ledger, RecvTimeoutError, Sleep, Subscription,
    TryRecvError,
};
use futures_core::Stream;

use crate::events::{
    Ask, Change, Desk, Got, InHand, Kept, Kind, Opening, Plain, Ranked, Reply, Seen, Status, Trio,
    Urgent, Wants,
};
use crate::program::How;

/// An item, and what remains of it.
pub(crate) type Item = (Got, InHand);

/// A subscription of any sort.
pub(crate) trait Reader: Send {
    /// Receives without waiting; those that would park the thread are not to be called if there is
    /// nothing.
    fn receive(&mut self, how: How, keep: bool) -> Result<Vec<Item>, TryRecvError>;
    /// The stream, polled once.
    fn poll(&mut self, waker: &Waker) -> Poll<Option<Item>>;
    /// `recv`, polled once and, if it waits and after `meanwhile`, `again`.
    fn recv_while(
        &mut self,
        waker: &Waker,
        meanwhile: &mut dyn FnMut(),
        again: bool,
    ) -> Poll<Option<Item>>;
    /// Everything that a handler is given until it would wait; then it is given up.
    fn serve(self: Box<Self>) -> Vec<Item>;
    fn try_recv(&mut self) -> Result<Item, TryRecvError>;
    fn recv_many(&mut self, limit: usize) -> Option<Vec<Item>>;
    fn blocking_recv(&mut self) -> Option<Item>;
    fn name(&self) -> &str;
    fn capacity(&self) -> usize;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
    fn pending_missed(&self) -> u64;
    fn ledger(&self) -> Ledger;
}

/// Polls a future once, and gives it up.
pub(crate) fn once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What was received; nothing means that the bus is closed, waiting that there is nothing.
fn received<T>(polled: Poll<Option<T>>) -> Result<T, TryRecvError> {
    match polled {
        Poll::Ready(item) => item.ok_or(TryRecvError::Closed),
        Poll::Pending => Err(TryRecvError::Empty),
    }
}

fn read<S: EventSet>(batch: Batch<'_, S>, limit: usize, keep: bool) -> Vec<Item>
where
    for<'a> S::Ref<'a>: Seen,
{
    batch.take(limit).map(|item| item.seen(keep)).collect()
}

impl<S: EventSet> Reader for Subscription<S>
where
    S::Item: Seen,
    for<'a> S::Ref<'a>: Seen,
{
    fn receive(&mut self, how: How, keep: bool) -> Result<Vec<Item>, TryRecvError> {
        let one = |item: S::Item| vec![item.seen(keep)];
        let some = |items: Vec<S::Item>| items.into_iter().map(|item| item.seen(keep)).collect();
        match how {
            How::TryRecv => Self::try_recv(self).map(one),
            How::Recv => received(once(self.recv())).map(one),
            How::BlockingRecv => Self::blocking_recv(self).map(one).ok_or(TryRecvError::Closed),
            How::RecvTimeout => self.recv_timeout(Duration::ZERO).map(one).map_err(|error| {
                let closed = error == RecvTimeoutError::Closed;
                if closed { TryRecvError::Closed } else { TryRecvError::Empty }
            }),
            How::TryIter(limit) => Ok(some(self.try_iter().take(limit).collect())),
            How::Iter(limit) => Ok(some(self.iter().take(limit).collect())),
            How::RecvMany(limit) => {
                let mut buffer = Vec::new();
                let polled = once(Self::recv_many(self, &mut buffer, limit));
                let count = received(polled.map(Some))?;
                assert_eq!(count, buffer.len(), "what recv_many returned and what it appended");
                if count == 0 && limit > 0 { Err(TryRecvError::Closed) } else { Ok(some(buffer)) }
            }
            How::TryBatch(limit) => self.try_recv_batch().map(|batch| read(batch, limit, keep)),
            How::Batch(limit) => {
                received(once(self.recv_batch())).map(|batch| read(batch, limit, keep))
            }
            How::BlockingBatch(limit) => {
                let batch = self.blocking_recv_batch().ok_or(TryRecvError::Closed)?;
                Ok(read(batch, limit, keep))
            }
        }
    }

    fn poll(&mut self, waker: &Waker) -> Poll<Option<Item>> {
        let polled = Pin::new(self).poll_next(&mut Context::from_waker(waker));
        polled.map(|item| item.map(|item| item.seen(false)))
    }

    fn recv_while(
        &mut self,
        waker: &Waker,
        meanwhile: &mut dyn FnMut(),
        again: bool,
    ) -> Poll<Option<Item>> {
        let mut recv = pin!(self.recv());
        let mut context = Context::from_waker(waker);
        let mut polled = recv.as_mut().poll(&mut context);
        if polled.is_pending() {
            meanwhile();
            if again {
                polled = recv.as_mut().poll(&mut context);
            }
        }
        polled.map(|item| item.map(|item| item.seen(false)))
    }

    fn serve(self: Box<Self>) -> Vec<Item> {
        let mut items = Vec::new();
        // It ends if the bus is closed, and is given up if not.
        let _ = once(Self::serve(*self, |item| {
            items.push(item.seen(false));
            std::future::ready(())
        }));
        items
    }

    fn try_recv(&mut self) -> Result<Item, TryRecvError> {
        Self::try_recv(self).map(|item| item.seen(false))
    }

    fn recv_many(&mut self, limit: usize) -> Option<Vec<Item>> {
        match self.receive(How::RecvMany(limit), false) {
            Ok(items) => Some(items),
            Err(TryRecvError::Closed) => Some(Vec::new()),
            Err(TryRecvError::Empty) => None,
        }
    }

    fn blocking_recv(&mut self) -> Option<Item> {
        Self::blocking_recv(self).map(|item| item.seen(false))
    }

    fn name(&self) -> &str {
        Self::name(self)
    }

    fn capacity(&self) -> usize {
        Self::capacity(self)
    }

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
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
    if opening.concurrent {
        builder = builder.concurrent();
    }
    match opening.wants {
        Wants::One(Kind::Plain) => Box::new(builder.subscribe::<Plain>()),
        Wants::One(Kind::Change) => Box::new(builder.subscribe::<Change>()),
        Wants::One(Kind::Status) => Box::new(builder.subscribe::<Status>()),
        Wants::One(Kind::Kept) => Box::new(builder.subscribe::<Kept>()),
        Wants::One(Kind::Ranked) => Box::new(builder.subscribe::<Ranked>()),
        Wants::One(Kind::Urgent) => Box::new(builder.subscribe::<Urgent>()),
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
