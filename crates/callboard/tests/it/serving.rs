//! Handlers that the bus runs: how many at once, and that their publications name the event as
//! cause.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::task::{Poll, Waker};

use callboard::{Bus, Call, Delivery, Event, EventSet, Request};

use crate::support::{Log, poll, publish_all};

#[derive(Debug, Event)]
struct Tick(u64);

#[test]
fn concurrent_handlers_overlap_and_sequential_ones_do_not() {
    for (limit, expected) in [(0, 1), (1, 1), (3, 3)] {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("clock");
        bus.start();
        publish_all(&bus, (0..10).map(Tick));
        let begun = Log::new();
        let log = begun.clone();
        let mut serving = Box::pin(ticks.serve_concurrent(limit, move |tick| {
            log.push(tick.0);
            std::future::pending()
        }));
        for _ in 0..5 {
            assert!(poll(&mut serving).is_pending());
        }
        assert!(begun.take().into_iter().eq(0..expected));
        assert_eq!(bus.snapshot().subscriber("clock").unwrap().handling, expected);
    }
}

#[derive(Debug, Event)]
struct Done;

#[derive(Debug, Request)]
#[request(response = Done)]
struct Ask;

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

#[test]
fn what_a_handler_publishes_names_the_event_that_it_handles() {
    let bus = Bus::new();
    let [typed, any, set] = ["typed", "any", "set"].map(|name| bus.subscriber(name));
    let (typed, any) = (typed.subscribe::<Tick>(), any.subscribe_matching("tick"));
    let set = set.subscribe::<Inbox>();
    let mut done = bus.subscribe::<Done>("watch");
    bus.start();
    let ticks = [1, 2].map(|number| bus.publish(Tick(number)).sequence());
    let publish = async || {
        bus.publish(Done);
    };
    assert!(poll(&mut Box::pin(typed.serve(|_| publish()))).is_pending());
    assert!(poll(&mut Box::pin(any.serve(|_| publish()))).is_pending());
    assert!(poll(&mut Box::pin(set.serve(|_| publish()))).is_pending());
    let causes: Vec<_> = done.try_iter().map(|done| done.cause()).collect();
    assert_eq!(causes, [ticks, ticks, ticks].concat());
}

#[test]
fn what_the_handler_of_a_call_publishes_names_the_request() {
    let bus = Bus::new();
    let alone = bus.subscriber("alone").responder::<Ask>();
    let among_others = bus.subscriber("among others").subscribe::<Inbox>();
    let mut done = bus.subscribe::<Done>("watch");
    bus.start();
    let mut gather = bus.request(Ask).expect(["alone", "among others"]).gather();
    assert!(poll(&mut gather).is_pending());
    let publish = async || {
        bus.publish(Done);
    };
    assert!(poll(&mut Box::pin(alone.serve(|_| publish()))).is_pending());
    assert!(poll(&mut Box::pin(among_others.serve(|_| publish()))).is_pending());
    let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("both have dropped the call") };
    let causes: Vec<_> = done.try_iter().map(|done| done.cause()).collect();
    assert_eq!(causes, [Some(gathered.sequence()); 2]);
}

/// However many handlers run, the remaining ones continue when others end.
#[test]
fn crowd_of_handlers_ends_in_any_order() {
    const CROWD: u64 = 200;
    let bus = Bus::new();
    let ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
    bus.start();
    publish_all(&bus, (0..CROWD).map(Tick));
    let (ended, may_end) = (Log::new(), Cell::new(0));
    let wakers = RefCell::new(BTreeMap::new());
    let mut serving = Box::pin(ticks.serve_concurrent(usize::MAX, async |tick| {
        std::future::poll_fn(|context| {
            wakers.borrow_mut().insert(tick.0, context.waker().clone());
            if tick.0 % 4 < may_end.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        ended.push(tick.0);
    }));
    for round in 0..=4 {
        may_end.set(round);
        let woken: Vec<Waker> = wakers.take().into_values().collect();
        woken.into_iter().for_each(Waker::wake);
        // It takes several polls, since it yields in between.
        for _ in 0..3 {
            assert!(poll(&mut serving).is_pending());
        }
        assert_eq!(ended.len() as u64, round * CROWD / 4);
    }
    assert_eq!(bus.snapshot().subscriber("clock").unwrap().handling, 0);
    let mut ended_ones = ended.take();
    ended_ones.sort_unstable();
    assert!(ended_ones.into_iter().eq(0..CROWD), "once each");
    bus.publish(Tick(0));
    assert!(poll(&mut serving).is_pending());
    assert_eq!(ended.take(), [0], "and it serves on");
}
