//! Promise 7: publish, subscribe, unsubscribe, request and close are legal inside a handler, a drop
//! callback, a waker, and any other user code that runs inside the bus.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Instant;

use callboard::{
    Abilities, AnyEvent, Bus, Clock, Coalesce, End, Event, Overflow, Phase, Priority, Request,
    Sleep, Subscription, SystemClock,
};

use crate::support::{Log, forget, in_time, leak, lock, poll, poll_with, soon, waker_fn};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Event)]
struct Echo;

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

/// Uses everything that a bus offers, without requiring an open bus.
pub(crate) fn use_everything(bus: &Bus) {
    bus.publish(Echo);
    bus.publish_with(Echo, Priority::High);
    let mut visitor = bus.subscriber("visitor").late().with_retained().subscribe::<AnyEvent>();
    bus.publish(Echo);
    drop(visitor.try_recv());
    drop(visitor);
    drop(bus.subscribe::<Echo>("another"));
    let responder = bus.responder::<Ask>("visitor");
    let mut gather = bus.request(Ask).expect(["visitor"]).gather();
    let _ = poll(&mut gather);
    drop((responder, gather));
    assert!(bus.snapshot().balances());
    let _ = bus.diagnose();
    let _ = (bus.phase(), format!("{bus:?}"));
    bus.pause();
    bus.start();
}

#[test]
fn drop_callback_may_use_everything() {
    in_time("a drop callback that uses the bus", || {
        let bus = Bus::new();
        let full = bus.subscriber("full").capacity(0).subscribe::<Tick>();
        let echoes = bus.subscriber("echoes").capacity(0).subscribe::<Echo>();
        let calls = Arc::new(AtomicUsize::new(0));
        bus.on_drop({
            let (bus, calls) = (bus.clone(), Arc::clone(&calls));
            move |_| {
                bus.publish(Tick(1));
                use_everything(&bus);
                calls.fetch_add(1, Ordering::SeqCst);
            }
        });
        bus.start();
        bus.publish(Tick(0));
        assert_eq!(calls.load(Ordering::SeqCst), 1, "not told of what it causes itself");
        assert_eq!(full.ledger().lost(), 2, "but it is counted");
        assert!(echoes.ledger().lost() >= 3);
        bus.on_drop(|_| {});
    });
}

#[test]
fn drop_callback_may_replace_itself_and_close() {
    in_time("a drop callback that replaces itself and closes", || {
        let bus = Bus::new();
        let _full = bus.subscriber("full").capacity(0).subscribe::<Tick>();
        let replaced = Log::new();
        bus.on_drop({
            let (bus, replaced) = (bus.clone(), replaced.clone());
            move |_| {
                let replaced = replaced.clone();
                bus.on_drop(move |dropped| replaced.push(dropped.sequence()));
            }
        });
        bus.start();
        bus.publish(Tick(0));
        bus.publish(Tick(1));
        assert_eq!(replaced.take(), [2]);
        bus.on_drop({
            let bus = bus.clone();
            move |_| bus.close()
        });
        bus.publish(Tick(2));
        assert_eq!(bus.phase(), Phase::Closed);
        bus.on_drop(|_| {});
    });
}

#[test]
fn drop_callback_may_wait_for_an_answer() {
    in_time("a drop callback that asks and waits", || {
        let bus = Bus::new();
        let _full = bus.subscriber("full").capacity(0).subscribe::<Echo>();
        let oracle = bus.responder::<Ask>("oracle");
        bus.start();
        let serving = std::thread::spawn(move || {
            soon("the service's end", oracle.serve(|call| async { call.respond(Tick(1)) }));
        });
        let answers = Log::new();
        bus.on_drop({
            let (bus, answers) = (bus.clone(), answers.clone());
            move |_| {
                let gathered = bus.request(Ask).expect(["oracle"]).gather_blocking();
                answers.push(gathered.unwrap().is_complete());
            }
        });
        bus.publish(Echo);
        assert_eq!(answers.take(), [true]);
        bus.close();
        serving.join().unwrap();
        bus.on_drop(|_| {});
    });
}

#[test]
fn drop_callback_that_overflows_another_bus_is_reported_there() {
    let (reporting, reports) = (Bus::new(), Bus::new());
    let _no_room = reports.subscriber("reports").capacity(0).subscribe::<Echo>();
    let _full = reporting.subscriber("full").capacity(0).subscribe::<Tick>();
    let told = Log::new();
    reports.on_drop({
        let told = told.clone();
        move |dropped| told.push(dropped.event_type())
    });
    let onward = reports.clone();
    reporting.on_drop(move |_| {
        onward.publish(Echo);
    });
    reporting.start();
    reports.start();
    reporting.publish(Tick(0));
    assert_eq!(told.take(), ["echo"], "a critical drop of a bus that is not reporting any");
}

#[test]
fn waker_may_use_everything() {
    in_time("wakers that use the bus", || {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("clock");
        let mut echoes = bus.subscribe::<Echo>("echoes");
        bus.start();
        let woken = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let (again, count) = (bus.clone(), Arc::clone(&woken));
        let waker = waker_fn(move || {
            let (begun, ended) = &*count;
            if begun.fetch_add(1, Ordering::SeqCst) < 3 {
                use_everything(&again);
            }
            ended.fetch_add(1, Ordering::SeqCst);
        });
        let mut recv = ticks.recv();
        assert!(poll_with(&mut recv, &waker).is_pending());
        assert!(poll_with(&mut echoes.recv(), &waker).is_pending());
        bus.publish(Tick(0));
        let (begun, ended) = &*woken;
        assert!(begun.load(Ordering::SeqCst) >= 1);
        assert_eq!(ended.load(Ordering::SeqCst), begun.load(Ordering::SeqCst));
        assert!(poll(&mut recv).is_ready());
        drop(recv);
        assert!(poll_with(&mut ticks.recv(), &waker).is_pending());
        assert!(poll_with(&mut echoes.recv(), &waker).is_ready());
    });
}

#[test]
fn waker_may_close_the_bus_and_drop_the_subscription_it_wakes_for() {
    in_time("a waker that closes and unsubscribes", || {
        let bus = Bus::new();
        let shared: Arc<Mutex<Option<Subscription<Tick>>>> = Arc::default();
        *lock(&shared) = Some(bus.subscribe::<Tick>("clock"));
        bus.start();
        let (closing, holder) = (bus.clone(), Arc::clone(&shared));
        let waker = waker_fn(move || {
            closing.close();
            let subscription = lock(&holder).take();
            drop(subscription);
        });
        if let Some(ticks) = lock(&shared).as_mut() {
            let mut recv = Box::pin(ticks.recv());
            assert!(poll_with(&mut recv, &waker).is_pending());
            forget(recv);
        }
        bus.publish(Tick(0));
        assert_eq!(bus.phase(), Phase::Closed);
        assert!(bus.snapshot().subscribers.is_empty());
    });
}

#[test]
fn handler_may_use_everything() {
    in_time("handlers that use the bus", || {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("clock");
        let others = Arc::new(Mutex::new(Some(bus.subscribe::<Tick>("other"))));
        bus.start();
        let (inner, handled) = (bus.clone(), Log::new());
        let seen = handled.clone();
        let mut serving = Box::pin(ticks.serve(move |tick| {
            use_everything(&inner);
            drop(lock(&others).take());
            if tick.0 < 3 {
                inner.publish(Tick(tick.0 + 1));
            } else {
                inner.close();
            }
            let (bus, seen) = (inner.clone(), seen.clone());
            async move {
                use_everything(&bus);
                seen.push(tick.0);
            }
        }));
        bus.publish(Tick(0));
        soon("the service's end", &mut serving);
        assert_eq!(handled.take(), [0, 1, 2, 3]);
    });
}

#[test]
fn last_bus_may_be_dropped_inside_its_own_handler() {
    in_time("a handler that drops the last bus", || {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("clock");
        bus.start();
        bus.publish(Tick(0));
        bus.publish(Tick(1));
        let mut last = Some(bus);
        let handled = Log::new();
        let seen = handled.clone();
        let serving = ticks.serve(move |tick| {
            drop(last.take());
            let seen = seen.clone();
            async move { seen.push(tick.0) }
        });
        soon("the service's end", serving);
        assert_eq!(handled.take(), [0, 1], "what was queued is handled");
    });
}

#[test]
fn until_predicate_may_use_everything() {
    in_time("a predicate that uses the bus", || {
        let bus = Bus::new();
        let mut oracle = bus.responder::<Ask>("oracle");
        bus.start();
        let inner = bus.clone();
        let mut gather = bus
            .request(Ask)
            .expect(["oracle"])
            .until(move |answers| {
                use_everything(&inner);
                answers.len() == 1
            })
            .gather();
        assert!(poll(&mut gather).is_pending());
        oracle.try_recv().unwrap().respond(Tick(0));
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("it was answered") };
        assert_eq!(gathered.end(), End::Met);
    });
}

static HOOK: Mutex<Option<Bus>> = Mutex::new(None);

fn use_hooked() {
    let bus = lock(&HOOK).take();
    if let Some(bus) = bus {
        use_everything(&bus);
        *lock(&HOOK) = Some(bus);
    }
}

#[derive(Debug)]
struct Nosy(u64);

impl Event for Nosy {
    const TYPE: &'static str = "nosy";
    const ABILITIES: Abilities<Self> = Abilities::new()
        .priority_by(|_| {
            use_hooked();
            Priority::Low
        })
        .coalesce();
}

impl Coalesce for Nosy {
    type Key = ();

    fn key(&self) {
        use_hooked();
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        use_hooked();
        Some(Self(self.0 + older.0))
    }
}

#[test]
fn key_absorb_and_priority_may_use_everything() {
    in_time("a type whose own functions use the bus", || {
        let bus = Bus::new();
        let coalesce = Overflow::Coalesce;
        let mut nosy = bus.subscriber("nosy").overflow(coalesce).subscribe::<Nosy>();
        *lock(&HOOK) = Some(bus.clone());
        for value in 1..=3 {
            bus.publish(Nosy(value));
            bus.start();
        }
        bus.pause();
        for value in 4..=6 {
            bus.publish(Nosy(value));
        }
        bus.start();
        assert!(lock(&HOOK).take().is_some(), "each use came to its end");
        assert_eq!(nosy.try_iter().map(|nosy| nosy.0).sum::<u64>(), 21);
    });
}

#[derive(Debug, Default)]
struct NosyClock(Mutex<Option<Bus>>);

impl Clock for &'static NosyClock {
    fn now(&self) -> Instant {
        let bus = lock(&self.0).take();
        if let Some(bus) = bus {
            use_everything(&bus);
            *lock(&self.0) = Some(bus);
        }
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let _ = self.now();
        SystemClock.sleep_until(deadline)
    }
}

#[test]
fn clock_may_use_everything() {
    in_time("a clock that uses the bus", || {
        let clock: &'static NosyClock = leak(NosyClock::default());
        let bus = Bus::builder().clock(clock).timestamps(true).build().unwrap();
        *lock(&clock.0) = Some(bus.clone());
        let mut ticks = bus.subscribe::<Tick>("clock");
        bus.publish(Tick(0));
        bus.start();
        bus.publish(Tick(1));
        assert!(ticks.try_recv().unwrap().queued_for().is_some());
        let _oracle = bus.responder::<Ask>("oracle");
        assert!(poll(&mut bus.request(Ask).expect(["oracle"]).gather()).is_pending());
        assert!(bus.snapshot().balances());
        drop(lock(&clock.0).take());
    });
}
