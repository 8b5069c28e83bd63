//! Sizes: no capacity, capacity one, unlimited; zero-sized events and events of 1 MiB; a crowd.

use std::thread;
use std::time::{Duration, Instant};

use callboard::{
    AnyEvent, BuildError, Bus, Call, Coalesce, Delivery, DropReason, End, Event, EventSet,
    Overflow, RequestError, Subscription,
};

use super::{Answer, Ask, Tick};
use crate::support::{eventually, in_time, poll, publish_all, soon};

/// The latest wins.
#[derive(Debug, Event)]
#[event(type = "hostile.latest")]
struct Latest(#[expect(dead_code, reason = "tells them apart in messages")] u64);

impl Coalesce for Latest {
    type Key = ();

    fn key(&self) {}
}

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

/// How many of ten events such a reader gets.
fn got<S: EventSet, E: Event>(
    capacity: usize,
    overflow: Overflow,
    event: fn(u64) -> E,
    replayed: bool,
) -> usize {
    let bus = Bus::new();
    let builder = bus.subscriber("sized").capacity(capacity).overflow(overflow);
    let mut sized: Subscription<S> = builder.subscribe();
    assert_eq!(sized.capacity(), capacity);
    if replayed {
        publish_all(&bus, (0..10).map(event));
    }
    bus.start();
    if !replayed {
        publish_all(&bus, (0..10).map(event));
    }
    let (ledger, queued) = (sized.ledger(), sized.len());
    assert!(ledger.balances() && ledger.offered > 0);
    assert_eq!(sized.try_iter().count(), queued);
    assert_eq!(bus.publish(event(10)).delivered(), usize::from(capacity > 0), "after all is read");
    queued
}

#[test]
fn capacities_are_exact_for_every_kind_of_reader() {
    use Overflow::{Coalesce, DropNewest, DropOldest};
    for (capacity, fit) in [(0, 0), (1, 1), (usize::MAX, 10)] {
        for overflow in [DropNewest, DropOldest, Coalesce] {
            let what = format!("capacity {capacity}, {overflow:?}");
            assert_eq!(got::<Tick, Tick>(capacity, overflow, Tick, false), fit, "{what}");
            assert_eq!(got::<AnyEvent, Tick>(capacity, overflow, Tick, false), fit, "{what}");
            assert_eq!(got::<Inbox, Tick>(capacity, overflow, Tick, false), fit, "{what}");
            assert_eq!(got::<Tick, Tick>(capacity, overflow, Tick, true), 10, "{what}, replayed");
            let latest = if overflow == Coalesce { fit.min(1) } else { fit };
            assert_eq!(got::<Latest, Latest>(capacity, overflow, Latest, false), latest, "{what}");
        }
    }
}

#[test]
fn start_buffer_has_room_for_one_or_without_end_but_not_for_none() {
    let built = |events| Bus::builder().pre_start_capacity(events).build();
    assert_eq!(built(0).unwrap_err(), BuildError::NoPreStartCapacity);
    for (capacity, fit) in [(1, 1), (usize::MAX, 10)] {
        let bus = built(capacity).unwrap();
        let mut ticks = bus.subscribe::<Tick>("clock");
        publish_all(&bus, (0..10).map(Tick));
        let started = bus.start();
        assert_eq!((started.replayed, started.dropped), (fit, 10 - fit));
        assert_eq!(ticks.try_iter().count(), fit);
    }
}

#[test]
fn responder_without_room_is_full_and_one_with_endless_room_is_not() {
    for (capacity, end) in [(0, End::Unreachable), (1, End::TimedOut), (usize::MAX, End::TimedOut)]
    {
        let bus = Bus::new();
        let oracle = bus.subscriber("oracle").capacity(capacity).responder::<Ask>();
        bus.start();
        let request = bus.request(Ask).expect(["oracle"]).timeout(Duration::ZERO);
        assert_eq!(request.gather_blocking().unwrap().end(), end, "capacity {capacity}");
        assert_eq!(oracle.ledger().dropped(DropReason::Full), u64::from(capacity == 0));
    }
}

#[test]
fn numbers_may_be_none_or_the_greatest() {
    in_time("numbers at their ends", || {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("clock");
        let inbox = bus.subscribe::<Inbox>("inbox");
        bus.start();
        publish_all(&bus, (0..3).map(Tick));
        let mut batch = Vec::new();
        assert_eq!(soon("nothing", ticks.recv_many(&mut batch, 0)), 0);
        assert_eq!(soon("everything", ticks.recv_many(&mut batch, usize::MAX)), 3);

        let ask = || bus.request(Ask).expect(["inbox"]);
        assert!(soon("nothing", ask().at_least(0).gather()).unwrap().is_complete());
        let impossible = soon("nothing", ask().at_least(usize::MAX).gather()).unwrap_err();
        let at_least = usize::MAX;
        assert_eq!(impossible, RequestError::TooFewExpected { at_least, expected: 1 });
        let nobody = soon("nothing", bus.request(Ask).expect([""; 0]).gather()).unwrap_err();
        assert!(matches!(nobody, RequestError::NobodyExpected { .. }));

        let mut gathers = [(); 5].map(|()| ask().timeout(Duration::MAX).gather());
        assert!(gathers.iter_mut().all(|gather| poll(gather).is_pending()));
        bus.close();
        for limit in [0, usize::MAX] {
            let other = bus.subscribe::<Tick>("late");
            soon("the end", other.serve_concurrent(limit, async |_| {}));
        }
        soon(
            "the end",
            inbox.serve_concurrent(usize::MAX, async |item| {
                if let Inbox::Ask(call) = item {
                    call.respond(Answer(1));
                }
            }),
        );
    });
}

#[test]
fn events_without_size_are_counted_and_ordered_like_others() {
    #[derive(Debug, Event)]
    struct Nothing;
    let bus = Bus::new();
    let mut log = bus.subscriber("log").capacity(usize::MAX).subscribe::<Nothing>();
    let mut queue = bus.subscriber("queue").capacity(usize::MAX).subscribe::<AnyEvent>();
    publish_all(&bus, (0..500).map(|_| Nothing));
    bus.start();
    publish_all(&bus, (0..500).map(|_| Nothing));
    assert_eq!((log.len(), queue.len()), (1_000, 1_000));
    assert!(log.try_iter().map(|nothing| nothing.sequence()).eq(1..=1_000));
    let queue: Vec<AnyEvent> = queue.try_iter().collect();
    assert!(queue.iter().map(AnyEvent::sequence).eq(1..=1_000));
    assert!(queue.iter().all(AnyEvent::is::<Nothing>));
}

/// One that holds its 1 MiB itself, and moves it wherever it goes.
#[derive(Debug, Event)]
#[event(type = "hostile.large")]
struct Large([u8; 1 << 20]);

#[test]
fn events_of_a_mebibyte_arrive_whole() {
    fn large(number: u8) -> Large {
        Large([number; 1 << 20])
    }
    // They are moved over the publisher's stack several times in a debug build.
    let moved = thread::Builder::new().stack_size(64 << 20).spawn(|| {
        let bus = Bus::new();
        let mut log = bus.subscribe::<Large>("log");
        let mut oldest = bus.subscriber("oldest").capacity(2).overflow(Overflow::DropOldest);
        let mut oldest = std::mem::replace(&mut oldest, bus.subscriber("")).subscribe::<Large>();
        bus.publish(large(0));
        bus.start();
        publish_all(&bus, (1..5).map(large));
        assert!(bus.snapshot().bytes >= 7 << 20, "it tells what is held");
        let whole = |event: &Large| event.0.iter().all(|byte| *byte == event.0[0]);
        assert!(log.try_iter().map(|event| whole(&event).then(|| event.0[0])).eq((0..5).map(Some)));
        assert!(oldest.try_iter().map(|event| event.0[0]).eq([3, 4]));
        assert_eq!(bus.snapshot().bytes, 0);
    });
    let moved = moved.unwrap();
    eventually("all are moved", || moved.is_finished());
    moved.join().unwrap();
}

#[test]
fn events_that_hold_a_mebibyte_elsewhere_need_no_stack() {
    #[derive(Debug, Event)]
    struct Boxed(Vec<u8>);
    let bus = Bus::new();
    let mut boxed = bus.subscribe::<Boxed>("boxed");
    bus.start();
    publish_all(&bus, (0..20).map(|number| Boxed(vec![number; 1 << 20])));
    assert!(boxed.try_iter().map(|boxed| boxed.0[(1 << 20) - 1]).eq(0..20));
}

/// The size of a crowd: 20,000, or as set in the environment (a release build can handle a million:
/// `CALLBOARD_CROWD=1000000`).
fn crowd() -> usize {
    let said = std::env::var("CALLBOARD_CROWD").ok();
    said.map_or(20_000, |said| said.parse().expect("CALLBOARD_CROWD is a number"))
}

#[test]
fn crowd_of_subscriptions_comes_and_goes() {
    let (many, begun) = (crowd(), Instant::now());
    let bus = Bus::new();
    let mut elapsed = Vec::new();
    let mut lap = |what: &str| elapsed.push(format!("{what} {:.1?}", begun.elapsed()));
    let open = || bus.subscriber("one of many").capacity(2).subscribe::<Tick>();
    let mut crowd: Vec<_> = (0..many).map(|_| open()).collect();
    lap("subscribed");
    bus.start();
    publish_all(&bus, (0..3).map(Tick));
    lap("published");
    let full = bus.snapshot();
    assert_eq!(full.subscribers.len(), many);
    assert!(full.balances());
    lap("pictured");
    assert!(crowd.iter_mut().all(|one| one.try_recv().unwrap().0 == 0));
    lap("received");
    crowd.truncate(many / 2);
    lap("half left");
    crowd.drain(..).rev().for_each(drop);
    lap("all left");
    let empty = bus.snapshot();
    assert!(empty.subscribers.is_empty() && empty.bytes == 0 && empty.balances());
    println!("{many} subscriptions: {}", elapsed.join(", "));
}
