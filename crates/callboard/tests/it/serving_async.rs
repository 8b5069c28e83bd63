//! Handlers that borrow the state of their component.

use std::cell::RefCell;
use std::task::Poll;

use callboard::testing::block_on;
use callboard::{Bus, Event, Request};

use crate::support::{poll, publish_all};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Event)]
struct Answer(u64);

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Ask(u64);

#[test]
fn handler_borrows_its_state_across_an_await() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("sum");
    bus.start();
    publish_all(&bus, (1..=4).map(Tick));
    bus.close();
    let (mut sum, mut steps) = (0, Vec::new());
    block_on(ticks.serve_async(async |tick| {
        let before = &mut sum;
        std::future::ready(()).await;
        *before += tick.0;
        steps.push(*before);
    }));
    assert_eq!((sum, steps), (10, vec![1, 3, 6, 10]));
}

#[test]
fn handler_that_panics_costs_its_own_event() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("odd");
    bus.start();
    publish_all(&bus, (1..=3).map(Tick));
    let mut seen = Vec::new();
    let mut serving = Box::pin(ticks.serve_async(async |tick| {
        assert!(tick.0 != 2, "two");
        seen.push(tick.0);
    }));
    assert!(poll(&mut serving).is_pending());
    let odd = bus.snapshot().subscriber("odd").unwrap().clone();
    assert_eq!((odd.panics, odd.handled), (1, 3));
    assert_eq!(odd.last_panic.unwrap().message, "two");
    drop(serving);
    assert_eq!(seen, [1, 3]);
}

#[test]
fn dropped_service_gives_the_state_back_and_unsubscribes() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("hangs");
    bus.start();
    publish_all(&bus, (1..=2).map(Tick));
    let mut begun = 0;
    let mut serving = Box::pin(ticks.serve_async(async |_tick| {
        begun += 1;
        std::future::pending::<()>().await;
    }));
    assert!(poll(&mut serving).is_pending());
    drop(serving);
    assert_eq!(begun, 1);
    assert!(bus.snapshot().subscriber("hangs").is_none());
}

#[test]
fn concurrent_handlers_share_the_state() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("shared");
    bus.start();
    publish_all(&bus, (1..=3).map(Tick));
    let begun = RefCell::new(Vec::new());
    let mut serving = Box::pin(ticks.serve_async_concurrent(2, async |tick| {
        begun.borrow_mut().push(tick.0);
        std::future::pending::<()>().await;
    }));
    assert!(poll(&mut serving).is_pending());
    assert_eq!(*begun.borrow(), [1, 2]);
}

#[test]
fn handler_with_state_may_ask() {
    let bus = Bus::new();
    let (front, back) = (bus.responder::<Ask>("front"), bus.responder::<Ask>("back"));
    bus.start();
    let mut hops = 0;
    let mut front = Box::pin(front.serve_async(async |call| {
        if call.0 > 0 {
            let asked = bus.request(Ask(0)).expect(["back"]).await.unwrap();
            hops += asked.get("back").map_or(0, |answer| answer.0);
            call.respond(Answer(hops));
        }
    }));
    let mut back = Box::pin(back.serve_async(async |call| {
        if call.0 == 0 {
            call.respond(Answer(7));
        }
    }));
    for expected in [7, 14] {
        let mut gather = bus.request(Ask(1)).expect(["front"]).gather();
        let gathered = loop {
            if let Poll::Ready(gathered) = poll(&mut gather) {
                break gathered.unwrap();
            }
            assert!(poll(&mut front).is_pending());
            assert!(poll(&mut back).is_pending());
        };
        assert_eq!(gathered.get("front").unwrap().0, expected);
    }
}

#[cfg(feature = "tokio")]
#[test]
fn service_that_owns_its_state_can_be_spawned() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("sum");
        let mut sums = bus.subscribe::<Answer>("test");
        bus.start();
        let (publisher, mut sum) = (bus.clone(), 0);
        let serving =
            tokio::spawn(ticks.serve_async(async move |tick: callboard::Delivery<Tick>| {
                sum += tick.0;
                publisher.publish(Answer(sum));
            }));
        publish_all(&bus, (1..=3).map(Tick));
        let mut last = 0;
        while last != 6 {
            last = sums.recv().await.unwrap().0;
        }
        bus.close();
        serving.await.unwrap();
    });
}
