//! Promise 10: only events you asked for wake you, and the cost of a publish depends on the
//! subscribers of that event type, not on the number of subscribers or types.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use callboard::{AnyEvent, Bus, Delivery, Event, EventSet, Subscription};
use futures_lite::Stream;

use crate::support::{Wakes, in_time, publish_all};

#[derive(Debug, Event)]
#[event(type = "wanted.one")]
struct Wanted;

#[derive(Debug, Event)]
#[event(type = "wanted.two")]
struct AlsoWanted;

#[derive(Debug, Event)]
#[event(type = "noise")]
struct Noise;

#[derive(Debug, EventSet)]
enum Both {
    One(Delivery<Wanted>),
    Two(Delivery<AlsoWanted>),
}

fn sleeps<S: EventSet>(subscription: &mut Subscription<S>, waker: &Waker) -> bool {
    Pin::new(subscription).poll_next(&mut Context::from_waker(waker)).is_pending()
}

fn assert_wakes_for_its_own_only<S: EventSet>(mut subscription: Subscription<S>, bus: &Bus) {
    let (wakes, waker) = Wakes::new();
    assert!(sleeps(&mut subscription, &waker));
    for _ in 0..100 {
        bus.publish(Noise);
    }
    assert_eq!(wakes.count(), 0, "{}", subscription.name());
    assert_eq!(subscription.ledger().offered, 0, "it was not even offered");
    bus.publish(Wanted);
    assert_eq!(wakes.count(), 1, "{}", subscription.name());
    bus.publish(Wanted);
    assert_eq!(wakes.count(), 1, "who is awake is not woken again");
    assert!(!sleeps(&mut subscription, &waker) && !sleeps(&mut subscription, &waker));
    assert!(sleeps(&mut subscription, &waker));
    bus.publish(Wanted);
    assert_eq!(wakes.count(), 2);
}

#[test]
fn other_types_wake_nobody() {
    let bus = Bus::new();
    bus.start();
    let late = |name| bus.subscriber(name).late();
    // The others' events are routed, not just counted.
    let _noise = late("noise").capacity(1).lossy().subscribe::<Noise>();
    assert_wakes_for_its_own_only(late("a type").subscribe::<Wanted>(), &bus);
    assert_wakes_for_its_own_only(late("a set").subscribe::<Both>(), &bus);
    assert_wakes_for_its_own_only(late("a pattern").subscribe_matching("wanted.*"), &bus);
    assert_wakes_for_its_own_only(late("a name").subscribe_matching("wanted.one"), &bus);
}

#[test]
fn dropped_event_does_not_wake() {
    let bus = Bus::new();
    let mut none = bus.subscriber("none").capacity(0).subscribe::<Wanted>();
    bus.start();
    let (wakes, waker) = Wakes::new();
    assert!(sleeps(&mut none, &waker));
    bus.publish(Wanted);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn buffered_event_wakes_at_start() {
    let bus = Bus::new();
    let mut wanted = bus.subscribe::<Wanted>("wanted");
    let mut noise = bus.subscribe::<Noise>("noise");
    let ((wakes, waker), (others, other)) = (Wakes::new(), Wakes::new());
    assert!(sleeps(&mut wanted, &waker) && sleeps(&mut noise, &other));
    bus.publish(Wanted);
    assert_eq!(wakes.count(), 0);
    bus.start();
    assert_eq!((wakes.count(), others.count()), (1, 0));
}

#[test]
fn replay_of_many_wakes_once() {
    let bus = Bus::new();
    let mut all = bus.subscribe::<AnyEvent>("all");
    let (wakes, waker) = Wakes::new();
    assert!(sleeps(&mut all, &waker));
    publish_all(&bus, (0..50).map(|_| Wanted));
    bus.start();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn recv_that_is_given_up_is_not_woken() {
    let bus = Bus::new();
    let mut wanted = bus.subscribe::<Wanted>("wanted");
    bus.start();
    let (wakes, waker) = Wakes::new();
    let mut recv = wanted.recv();
    assert_eq!(crate::support::poll_with(&mut recv, &waker).map(|_| ()), Poll::Pending);
    drop(recv);
    bus.publish(Wanted);
    assert_eq!(wakes.count(), 0);
}

/// The fastest of several rounds of a thousand publications.
fn cost(bus: &Bus) -> Duration {
    let round = || {
        let began = Instant::now();
        publish_all(bus, (0..1_000).map(|_| Noise));
        began.elapsed()
    };
    (0..15).map(|_| round()).min().expect("there are rounds")
}

macro_rules! types {
    ($($name:ident)+) => { $(
        #[derive(Debug, Event)]
        #[event(type = "many.types")]
        struct $name;
    )+
        fn subscribe_to_many_types(bus: &Bus) -> Vec<Box<dyn std::any::Any>> {
            vec![$(Box::new(bus.subscribe::<$name>("many"))),+]
        }
    };
}

types! { T0 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15 T16 T17 T18 T19 }

#[test]
fn publishing_costs_the_same_beside_thousands_of_others() {
    in_time("publishing beside thousands of subscribers", || {
        let bus = Bus::new();
        let _one = bus.subscriber("one").capacity(1).lossy().subscribe::<Noise>();
        bus.start();
        let alone = cost(&bus);
        let others: Vec<_> = (0..5_000)
            .map(|n| bus.subscriber(format!("other {n}")).late().subscribe::<Both>())
            .collect();
        let types = subscribe_to_many_types(&bus);
        let beside = cost(&bus);
        // Iterating over the other subscribers or types would cost a hundred times as much.
        assert!(beside < alone * 5, "{alone:?} alone, {beside:?} beside five thousand");
        assert!(others.iter().all(|other| other.ledger().offered == 0));
        drop(types);
    });
}
