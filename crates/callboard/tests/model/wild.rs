//! Users' code that panics and calls back, in random programs: whatever a destructor, a waker or a
//! drop callback does, each call of the bus returns, every account balances, the order is kept, and
//! each event is dropped once.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use callboard::{AnyEvent, Bus, Event, EventSet, Overflow, Subscription, TryRecvError};
use proptest::prelude::*;

/// What users' code does when it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Nothing,
    Panic,
    Publish,
    Subscribe,
    Look,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Publish(Deed),
    Subscribe {
        all: bool,
        capacity: usize,
        oldest: bool,
    },
    Unsubscribe(usize),
    /// Receives once, or waits with such a waker.
    Receive(usize, Deed),
    Batch(usize),
    Callback(Deed),
    Start,
    Pause,
}

/// What users' code needs to do its deed.
#[derive(Debug, Default)]
struct World {
    bus: Mutex<Option<Bus>>,
    made: AtomicUsize,
    dropped: AtomicUsize,
    /// A deed of users' code that panicked and was not to.
    wrong: Mutex<Option<Deed>>,
}

/// An event whose destructor does something.
#[derive(Debug)]
struct Wild(Deed, Arc<World>);

/// What a deed publishes.
#[derive(Debug, Event)]
struct Echo;

/// Does something when it is woken.
struct Wakes(Deed, Arc<World>);

/// A subscription of either kind, and the number of the last event it gave.
struct Reader {
    subscription: Either,
    last: u64,
}

enum Either {
    One(Subscription<Wild>),
    All(Subscription<AnyEvent>),
}

impl Event for Wild {
    const TYPE: &'static str = "wild";
}

impl Drop for Wild {
    fn drop(&mut self) {
        self.1.dropped.fetch_add(1, Ordering::Relaxed);
        self.1.run(self.0);
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.1.run(self.0);
    }
}

impl World {
    fn run(&self, deed: Deed) {
        let bus = self.bus.lock().unwrap().clone();
        let Some(bus) = bus else { return };
        let done = catch_unwind(AssertUnwindSafe(|| match deed {
            Deed::Nothing | Deed::Panic => {}
            Deed::Publish => drop(bus.publish(Echo)),
            Deed::Subscribe => drop(bus.subscriber("passing").late().subscribe::<AnyEvent>()),
            Deed::Look => assert!(bus.snapshot().balances()),
        }));
        if done.is_err() {
            *self.wrong.lock().unwrap() = Some(deed);
        }
        if deed == Deed::Panic {
            // Not told of on the standard error, of which there is enough.
            resume_unwind(Box::new("wild"));
        }
    }
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let deeds = [Deed::Nothing, Deed::Panic, Deed::Publish, Deed::Subscribe, Deed::Look];
    let deed = prop::sample::select(deeds.to_vec());
    let op = prop_oneof![
        8 => deed.clone().prop_map(Op::Publish),
        2 => (any::<bool>(), 0..4usize, any::<bool>())
            .prop_map(|(all, capacity, oldest)| Op::Subscribe { all, capacity, oldest }),
        1 => (0..4usize).prop_map(Op::Unsubscribe),
        4 => (0..4usize, deed.clone()).prop_map(|(reader, deed)| Op::Receive(reader, deed)),
        1 => (0..4usize).prop_map(Op::Batch),
        1 => deed.prop_map(Op::Callback),
        1 => Just(Op::Start),
        1 => Just(Op::Pause),
    ];
    prop::collection::vec(op, 1..60)
}

pub(crate) fn play(ops: &[Op]) {
    let world = Arc::new(World::default());
    let bus = Bus::builder().pre_start_capacity(5).build().unwrap();
    *world.bus.lock().unwrap() = Some(bus.clone());
    let mut readers = Vec::new();
    for op in ops {
        let done = catch_unwind(AssertUnwindSafe(|| run(op, &bus, &world, &mut readers)));
        assert!(done.is_ok(), "{op:?} panics");
        let wrong = *world.wrong.lock().unwrap();
        assert_eq!(wrong, None, "users' code panics in {op:?}");
        for reader in &readers {
            let ledger = reader.subscription.ledger();
            assert!(ledger.balances(), "after {op:?}: {ledger:?}");
        }
        let balanced = bus.snapshot().types.iter().all(|it| it.ledger.balances());
        assert!(balanced, "after {op:?}");
    }
    // From here on destructors do no more than count.
    drop(world.bus.lock().unwrap().take());
    drop((readers, bus));
    let (made, dropped) = (&world.made, &world.dropped);
    assert_eq!(dropped.load(Ordering::Relaxed), made.load(Ordering::Relaxed), "dropped once each");
}

fn run(op: &Op, bus: &Bus, world: &Arc<World>, readers: &mut Vec<Reader>) {
    match *op {
        Op::Publish(deed) => {
            world.made.fetch_add(1, Ordering::Relaxed);
            bus.publish(Wild(deed, Arc::clone(world)));
        }
        Op::Subscribe { all, capacity, oldest } => {
            let overflow = if oldest { Overflow::DropOldest } else { Overflow::DropNewest };
            let subscriber = bus.subscriber("reader").late().capacity(capacity).overflow(overflow);
            let subscription = match all {
                true => Either::All(subscriber.subscribe()),
                false => Either::One(subscriber.subscribe()),
            };
            readers.push(Reader { subscription, last: 0 });
        }
        Op::Unsubscribe(reader) if reader < readers.len() => drop(readers.swap_remove(reader)),
        Op::Receive(reader, deed) => {
            let waker = Waker::from(Arc::new(Wakes(deed, Arc::clone(world))));
            if let Some(reader) = readers.get_mut(reader) {
                reader.receive(&waker);
            }
        }
        Op::Batch(reader) => {
            if let Some(reader) = readers.get_mut(reader) {
                reader.batch();
            }
        }
        Op::Callback(deed) => {
            let world = Arc::clone(world);
            bus.on_drop(move |_| world.run(deed));
        }
        Op::Start => drop(bus.start()),
        Op::Pause => bus.pause(),
        Op::Unsubscribe(_) => {}
    }
}

impl Reader {
    fn receive(&mut self, waker: &Waker) {
        let number = match &mut self.subscription {
            Either::One(subscription) => next(subscription, waker, |it| it.sequence()),
            Either::All(subscription) => next(subscription, waker, |it| it.sequence()),
        };
        self.note(number);
    }

    fn batch(&mut self) {
        let Either::One(subscription) = &mut self.subscription else { return };
        let Ok(batch) = subscription.try_recv_batch() else { return };
        let numbers: Vec<u64> = batch
            .map(|delivery| {
                let number = delivery.sequence();
                in_our_hands(delivery);
                number
            })
            .collect();
        numbers.into_iter().for_each(|number| self.note(Some(number)));
    }

    fn note(&mut self, number: Option<u64>) {
        if let Some(number) = number {
            assert!(number > self.last, "{number} comes behind {}", self.last);
            self.last = number;
        }
    }
}

impl Either {
    fn ledger(&self) -> callboard::Ledger {
        match self {
            Self::One(subscription) => subscription.ledger(),
            Self::All(subscription) => subscription.ledger(),
        }
    }
}

/// The number of the next event; if there is none, the waker is left there.
fn next<S: EventSet>(
    subscription: &mut Subscription<S>,
    waker: &Waker,
    number: impl Fn(&S::Item) -> u64,
) -> Option<u64> {
    match subscription.try_recv() {
        Ok(item) => {
            let number = number(&item);
            in_our_hands(item);
            Some(number)
        }
        Err(TryRecvError::Empty) => {
            let pending = pin!(subscription.recv()).poll(&mut Context::from_waker(waker));
            assert!(pending.is_pending());
            None
        }
        Err(TryRecvError::Closed) => None,
    }
}

/// Drops what is ours: the panic of its destructor is ours, too.
fn in_our_hands<T>(item: T) {
    drop(catch_unwind(AssertUnwindSafe(|| drop(item))));
}
