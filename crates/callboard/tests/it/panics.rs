//! Promise 8: a panic in user code poisons nothing and affects no other subscriber.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use callboard::{
    Abilities, Bus, Call, Clock, Coalesce, Delivery, Event, EventSet, Outcome, Overflow, Request,
    Sleep, Subscription, SystemClock,
};

use crate::support::{
    Log, OnDrop, in_a_process, in_time, leak, poll, poll_with, publish_all, soon, waker_fn,
};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Event)]
pub(crate) struct Bomb {
    _fuse: OnDrop,
}

#[derive(Debug, Event)]
#[event(retain)]
struct KeptBomb {
    _fuse: OnDrop,
}

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

pub(crate) fn fuse() -> OnDrop {
    OnDrop::new(|| panic!("expected: an event's destructor panics"))
}

pub(crate) fn bomb() -> Bomb {
    Bomb { _fuse: fuse() }
}

pub(crate) fn explodes(code: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(code)).is_err()
}

/// The bus still works.
pub(crate) fn assert_works(bus: &Bus) {
    let mut ticks = bus.subscriber("after the panic").late().subscribe::<Tick>();
    let published = bus.publish(Tick(7));
    assert!(published.delivered() >= 1);
    assert_eq!(ticks.try_recv().unwrap().0, 7);
    assert!(bus.snapshot().balances());
}

#[test]
fn drop_callback_that_panics_is_called_for_the_next_drop_too() {
    let bus = Bus::new();
    let full: Vec<_> = ["a", "b"].map(|name| bus.subscriber(name).capacity(0)).to_vec();
    let _full: Vec<Subscription<Tick>> = full.iter().map(|builder| builder.subscribe()).collect();
    let told = Log::new();
    let log = told.clone();
    bus.on_drop(move |dropped| {
        log.push((dropped.subscriber().to_owned(), dropped.sequence()));
        panic!("expected: the drop callback panics");
    });
    bus.start();
    assert_eq!(bus.publish(Tick(0)).dropped(), 2);
    bus.publish(Tick(1));
    let all = [("a", 1), ("b", 1), ("a", 2), ("b", 2)];
    assert_eq!(told.take(), all.map(|(name, number)| (name.to_owned(), number)));
    assert_works(&bus);
}

#[test]
fn waker_that_panics_skips_no_other_reader() {
    let bus = Bus::new();
    let [mut a, mut b] = ["a", "b"].map(|name| bus.subscribe::<Tick>(name));
    bus.start();
    let waker = waker_fn(|| panic!("expected: a waker panics"));
    let (wakes, good) = crate::support::Wakes::new();
    let mut recv = a.recv();
    assert!(poll_with(&mut recv, &waker).is_pending());
    let mut other = b.recv();
    assert!(poll_with(&mut other, &good).is_pending());
    assert_eq!(bus.publish(Tick(0)).delivered(), 2);
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut recv).is_ready() && poll(&mut other).is_ready());
    assert_works(&bus);
}

#[test]
fn waker_of_a_gather_that_panics_does_not_reach_the_responder() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Ask>("oracle");
    bus.start();
    let waker = waker_fn(|| panic!("expected: a waker panics"));
    let mut gather = bus.request(Ask).expect(["oracle"]).gather();
    assert!(poll_with(&mut gather, &waker).is_pending());
    oracle.try_recv().unwrap().respond(Tick(0));
    let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("it was answered") };
    assert!(gathered.is_complete());
}

#[test]
fn destructor_that_panics_reaches_no_publisher_and_no_subscriber() {
    let bus = Bus::new();
    bus.publish(bomb());
    bus.start();
    bus.publish(bomb());
    let full = bus.subscriber("full").late().capacity(0).subscribe::<Bomb>();
    bus.publish(bomb());
    drop(full);
    let oldest = bus.subscriber("oldest").late().capacity(1).overflow(Overflow::DropOldest);
    let mut oldest = oldest.subscribe::<Bomb>();
    publish_all(&bus, (0..3).map(|_| bomb()));
    assert_eq!(oldest.len(), 1);
    assert!(explodes(|| drop(oldest.try_recv())), "who holds it last drops it");
    let leaves = bus.subscriber("leaves").late().subscribe::<Bomb>();
    publish_all(&bus, (0..3).map(|_| bomb()));
    drop(leaves);
    bus.publish(KeptBomb { _fuse: fuse() });
    bus.publish(KeptBomb { _fuse: fuse() });
    assert_works(&bus);
    bus.pause();
    publish_all(&bus, (0..3).map(|_| bomb()));
    bus.close();
    assert!(bus.snapshot().balances());
}

#[test]
fn many_destructors_that_panic_at_once_do_not_abort() {
    in_a_process("panics::many_destructors_that_panic_at_once_do_not_abort", || {
        let bus = Bus::new();
        let leaves = bus.subscriber("leaves").subscribe::<Bomb>();
        let _full = bus.subscriber("full").capacity(0).subscribe::<Bomb>();
        for _ in 0..3 {
            publish_all(&bus, (0..10).map(|_| bomb()));
            bus.start();
            bus.pause();
        }
        publish_all(&bus, (0..10).map(|_| bomb()));
        drop(leaves);
        bus.close();
    });
}

/// Panics on every call.
#[derive(Debug)]
struct Touchy;

impl Event for Touchy {
    const TYPE: &'static str = "touchy";
    const ABILITIES: Abilities<Self> =
        Abilities::new().priority_by(|_| panic!("expected: a priority panics")).coalesce();
}

impl Coalesce for Touchy {
    type Key = ();

    fn key(&self) {
        panic!("expected: a key panics")
    }
}

#[test]
fn key_or_priority_that_panics_makes_an_ordinary_event() {
    let bus = Bus::new();
    let mut touchy = bus.subscriber("c").overflow(Overflow::Coalesce).subscribe::<Touchy>();
    bus.publish(Touchy);
    bus.publish(Touchy);
    bus.start();
    bus.publish(Touchy);
    assert_eq!(touchy.try_iter().count(), 3, "without a key nothing coalesces");
    assert_works(&bus);
}

#[derive(Debug, Event)]
struct Grudging(u64);

impl Coalesce for Grudging {
    type Key = ();

    fn key(&self) {}

    fn absorb(&self, _older: &Self) -> Option<Self> {
        panic!("expected: absorbing panics")
    }
}

#[test]
fn absorb_that_panics_counts_as_the_latest_wins() {
    let bus = Bus::new();
    let mut grudging = bus.subscriber("c").overflow(Overflow::Coalesce).subscribe::<Grudging>();
    publish_all(&bus, (0..3).map(Grudging));
    bus.start();
    publish_all(&bus, (3..6).map(Grudging));
    assert!(grudging.try_iter().map(|grudging| grudging.0).eq([5]));
    assert_works(&bus);
}

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

#[test]
fn handler_that_panics_ends_its_own_event_only() {
    in_time("handlers that panic", || {
        for limit in [1, 3] {
            let bus = Bus::new();
            let inbox = bus.subscribe::<Inbox>("inbox");
            bus.start();
            let handled = Log::new();
            let log = handled.clone();
            let serving = inbox.serve_concurrent(limit, move |item| {
                if let Inbox::Tick(tick) = &item {
                    assert!(tick.0 != 1, "expected: a handler panics before its first await");
                }
                let log = log.clone();
                async move {
                    futures_lite::future::yield_now().await;
                    match item {
                        Inbox::Ask(_call) => panic!("expected: a handler panics"),
                        Inbox::Tick(tick) => log.push(tick.0),
                    }
                }
            });
            let mut gather = bus.request(Ask).expect(["inbox"]).gather();
            assert!(poll(&mut gather).is_pending());
            publish_all(&bus, (0..5).map(Tick));
            let mut serving = Box::pin(serving);
            crate::support::eventually("all is handled", || {
                assert!(poll(&mut serving).is_pending());
                handled.len() == 4
            });
            let gathered = soon("the end of the request", gather).unwrap();
            assert_eq!(gathered.outcome("inbox"), Some(Outcome::Abandoned));
            bus.close();
            soon("the service's end", serving);
            assert_eq!(handled.take(), [0, 2, 3, 4]);
        }
    });
}

#[test]
fn until_predicate_that_panics_withdraws_the_request() {
    let bus = Bus::new();
    let mut inboxes = ["a", "b"].map(|name| bus.responder::<Ask>(name));
    bus.start();
    let ask = bus.request(Ask).expect(["a", "b"]);
    let mut gather = ask.until(|_| panic!("expected: a predicate panics")).gather();
    assert!(poll(&mut gather).is_pending());
    inboxes[0].try_recv().unwrap().respond(Tick(0));
    assert!(explodes(|| drop(poll(&mut gather))));
    drop(gather);
    assert!(inboxes[1].is_empty() && bus.snapshot().requests.open.is_empty());
    assert_works(&bus);
}

#[derive(Debug, Default)]
struct BrokenClock(AtomicBool);

impl Clock for &'static BrokenClock {
    fn now(&self) -> Instant {
        assert!(!self.0.load(Ordering::SeqCst), "expected: a clock panics");
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        SystemClock.sleep_until(deadline)
    }
}

#[test]
fn clock_that_panics_does_not_reach_a_publisher() {
    for timestamps in [false, true] {
        let clock: &'static BrokenClock = leak(BrokenClock::default());
        let bus = Bus::builder().clock(clock).timestamps(timestamps).build().unwrap();
        let ticks = bus.subscribe::<Tick>("clock");
        clock.0.store(true, Ordering::SeqCst);
        assert!(!explodes(|| publish_all(&bus, [Tick(0)])), "timestamps: {timestamps}");
        bus.start();
        assert!(!explodes(|| publish_all(&bus, [Tick(1)])), "timestamps: {timestamps}");
        clock.0.store(false, Ordering::SeqCst);
        assert_eq!(ticks.len(), 2);
        assert_works(&bus);
    }
}

#[test]
fn callback_whose_destructor_panics_can_be_replaced() {
    let bus = Bus::new();
    let fuse = Mutex::new(Some(fuse()));
    bus.on_drop(move |_| {
        let _ = &fuse;
    });
    assert!(!explodes(|| bus.on_drop(|_| {})));
    bus.start();
    assert_works(&bus);
}
