//! What room events lie in, and what gives it back.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use callboard::{AnyEvent, Bus, Event};

use super::{ALLOCATIONS, Answer, Ask, HELD, Keyed, poll};

/// Too large for its block to be kept for another.
#[derive(Debug, Event)]
struct Large([u8; LARGE]);

const LARGE: usize = 65_536;

fn held() -> usize {
    usize::try_from(HELD.get().0).unwrap()
}

#[test]
fn events_that_wait_together_share_blocks() {
    const BEFORE: u64 = 640;
    const EVENTS: u64 = 6_400;
    let bus = Bus::new();
    let mut reader = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Keyed>();
    bus.start();
    (0..BEFORE).for_each(|number| assert_eq!(bus.publish(Keyed(number)).delivered(), 1));
    let before = ALLOCATIONS.get();
    (BEFORE..BEFORE + EVENTS).for_each(|number| {
        bus.publish(Keyed(number));
    });
    // 64 in each, or as many as are in 4 KiB.
    let blocks = ALLOCATIONS.get() - before;
    assert!((80..160).contains(&blocks), "{EVENTS} events lie in {blocks} blocks");
    assert!(reader.try_iter().map(|keyed| keyed.0).eq(0..BEFORE + EVENTS));
}

#[test]
fn large_event_has_a_block_to_itself_and_takes_it_along() {
    const EVENTS: usize = 20;
    let bus = Bus::new();
    let mut reader = bus.subscribe::<Large>("reader");
    bus.start();
    let before = held();
    for number in 1..=EVENTS {
        bus.publish(Large([1; LARGE]));
        let each = (held() - before) / number;
        assert!((LARGE..LARGE + LARGE / 8).contains(&each), "{each} bytes for each of {number}");
    }
    assert!(reader.try_iter().all(|large| large.0[0] == 1));
    // The block that the next would lie in is only made for it.
    let left = held() - before;
    assert!(left < 2 * LARGE, "{left} bytes are left");
    drop(reader);
    let left = held().saturating_sub(before);
    assert!(left < LARGE / 8, "{left} bytes are left when nobody reads");
}

#[test]
fn crowd_that_leaves_gives_its_room_back() {
    const CROWD: usize = 10_000;
    fn check(what: &str, join: impl Fn(&Bus) -> Box<dyn std::any::Any>) {
        let bus = Bus::new();
        bus.start();
        bus.publish(Answer(0));
        let _stays = join(&bus);
        bus.publish(Answer(1));
        let before = held();
        let mut crowd: Vec<_> = (0..CROWD).map(|_| join(&bus)).collect();
        bus.publish(Answer(2));
        while let Some(one) = crowd.pop() {
            drop(one);
            if crowd.len().is_power_of_two() {
                bus.publish(Answer(3));
            }
        }
        drop(crowd);
        let left = held().saturating_sub(before);
        assert!(left < 100_000, "{what}: {left} bytes are left");
    }
    let late = |bus: &Bus| bus.subscriber("one of many").late();
    check("readers of a log", |bus| Box::new(late(bus).subscribe::<Answer>()));
    check("full readers of a log", |bus| Box::new(late(bus).capacity(0).subscribe::<Answer>()));
    check("readers of queues", |bus| Box::new(late(bus).subscribe::<AnyEvent>()));
}

#[test]
fn crowd_of_requests_gives_its_room_back() {
    const CROWD: usize = 10_000;
    let bus = Bus::new();
    let mut oracle = bus.subscriber("oracle").capacity(CROWD).responder::<Ask>();
    bus.start();
    let before = held();
    // Without timeouts: all tests share the timer, and its table would grow under the others.
    let ask = |_| {
        let mut gather = bus.request(Ask).expect(["oracle"]).timeout(Duration::MAX).gather();
        assert!(poll(&mut gather).is_pending());
        gather
    };
    drop((0..CROWD).map(ask).collect::<Vec<_>>());
    assert!(oracle.try_recv().is_err(), "all were taken back");
    let left = held().saturating_sub(before);
    assert!(left < 100_000, "{left} bytes are left");
}

#[test]
fn crowd_of_handlers_gives_its_room_back() {
    const CROWD: u64 = 2_000;
    let bus = Bus::new();
    let keyed = bus.subscriber("served").capacity(usize::MAX).subscribe::<Keyed>();
    bus.start();
    let open = Cell::new(false);
    let mut serving = Box::pin(keyed.serve_concurrent(usize::MAX, async |_| {
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if open.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }));
    assert!(poll(&mut serving).is_pending());
    let before = held();
    (0..CROWD).for_each(|number| assert_eq!(bus.publish(Keyed(number)).delivered(), 1));
    // It takes some turns, in which it lets others go first.
    while bus.snapshot().subscriber("served").unwrap().handling < CROWD {
        assert!(poll(&mut serving).is_pending());
    }
    open.set(true);
    while bus.snapshot().subscriber("served").unwrap().handling > 0 {
        assert!(poll(&mut serving).is_pending());
    }
    let left = held().saturating_sub(before);
    assert!(left < 50_000, "{left} bytes are left");
}
