//! Promise 1: a stalled, slow or dead subscriber delays no publisher and costs no other
//! subscriber an event.

use std::sync::mpsc;
use std::thread;

use callboard::{Bus, DropReason, Event, Overflow, Subscription};

use crate::support::{eventually, forget, in_time};

#[derive(Debug, Event)]
struct Tick {
    publisher: usize,
    number: u64,
}

fn tick(number: u64) -> Tick {
    Tick { publisher: 0, number }
}

/// Checks that no event of any publisher is missing.
fn assert_gets_all(ticks: &mut Subscription<Tick>, publishers: usize, each: u64) {
    let mut next = vec![0; publishers];
    for _ in 0..publishers as u64 * each {
        let tick = ticks.blocking_recv().expect("the bus is open");
        assert_eq!(tick.missed(), 0);
        assert_eq!(tick.number, next[tick.publisher], "publisher {}", tick.publisher);
        next[tick.publisher] += 1;
    }
}

#[test]
fn stalled_subscriber_leaves_others_running() {
    const EACH: u64 = 20_000;
    in_time("publishing past a stalled subscriber", || {
        let bus = Bus::new();
        let mut stalled = bus.subscriber("stalled").capacity(4).subscribe::<Tick>();
        let mut healthy = bus.subscriber("healthy").capacity(usize::MAX).subscribe::<Tick>();
        bus.start();
        let reader = thread::spawn(move || assert_gets_all(&mut healthy, 2, EACH));
        thread::scope(|scope| {
            for publisher in 0..2 {
                let bus = bus.clone();
                scope.spawn(move || {
                    for number in 0..EACH {
                        bus.publish(Tick { publisher, number });
                    }
                });
            }
        });
        reader.join().unwrap();
        assert_eq!(stalled.len(), 4);
        assert_eq!(stalled.ledger().dropped(DropReason::Full), 2 * EACH - 4);
        assert_eq!(stalled.try_recv().unwrap().missed(), 0, "those it holds came first");
    });
}

#[test]
fn reader_stuck_with_an_event_in_hand_leaves_others_running() {
    in_time("publishing past a stuck reader", || {
        let bus = Bus::new();
        let mut stuck = bus.subscribe::<Tick>("stuck");
        let mut healthy = bus.subscriber("healthy").capacity(usize::MAX).subscribe::<Tick>();
        bus.start();
        let (took, is_stuck) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let in_hand = stuck.blocking_recv();
            took.send(()).unwrap();
            released.recv().unwrap();
            drop(in_hand);
            stuck.len()
        });
        bus.publish(tick(0));
        is_stuck.recv().unwrap();
        for number in 1..5_000 {
            let published = bus.publish(tick(number));
            assert!(published.delivered() >= 1);
        }
        assert_gets_all(&mut healthy, 1, 5_000);
        release.send(()).unwrap();
        assert_eq!(thread.join().unwrap(), Bus::DEFAULT_CAPACITY);
    });
}

#[test]
fn subscriber_whose_thread_died_costs_nothing() {
    in_time("subscriber whose thread died costs nothing", || {
        let bus = Bus::new();
        let mut doomed = bus.subscribe::<Tick>("doomed");
        let mut healthy = bus.subscribe::<Tick>("healthy");
        bus.start();
        let thread = thread::spawn(move || {
            let _tick = doomed.blocking_recv();
            panic!("expected: the component dies");
        });
        assert_eq!(bus.publish(tick(0)).delivered(), 2);
        assert!(thread.join().is_err());
        let published = bus.publish(tick(1));
        assert_eq!((published.delivered(), published.dropped()), (1, 0));
        assert_gets_all(&mut healthy, 1, 2);
    });
}

#[test]
fn forgotten_subscription_is_only_a_full_one() {
    in_time("forgotten subscription is only a full one", || {
        let bus = Bus::new();
        forget(bus.subscriber("forgotten").capacity(2).subscribe::<Tick>());
        let mut healthy = bus.subscribe::<Tick>("healthy");
        bus.start();
        for number in 0..50 {
            assert_eq!(bus.publish(tick(number)).delivered(), if number < 2 { 2 } else { 1 });
        }
        assert_gets_all(&mut healthy, 1, 50);
        bus.close();
        assert!(healthy.blocking_recv().is_none());
    });
}

#[test]
fn no_policy_waits_for_a_full_subscriber() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce] {
        in_time("publishing into a full subscriber", move || {
            let bus = Bus::new();
            let full = bus.subscriber("full").capacity(3).overflow(overflow).subscribe::<Tick>();
            bus.start();
            for number in 0..5_000 {
                bus.publish(tick(number));
            }
            assert_eq!(full.len(), 3, "{overflow:?}");
            assert_eq!(full.ledger().dropped_total(), 4_997, "{overflow:?}");
        });
    }
}

#[test]
fn full_start_buffer_does_not_block() {
    in_time("publishing into a full start buffer", || {
        let bus = Bus::builder().pre_start_capacity(10).build().unwrap();
        for number in 0..5_000 {
            assert_eq!(bus.publish(tick(number)).buffered(), number < 10);
        }
        assert_eq!(bus.snapshot().buffer.queued, 10);
    });
}

#[test]
fn publishing_with_nobody_listening_is_counted() {
    let bus = Bus::new();
    bus.start();
    for number in 0..3 {
        let published = bus.publish(tick(number));
        assert_eq!((published.delivered(), published.dropped()), (0, 0));
        assert!(!published.buffered() && !published.closed());
    }
    let snapshot = bus.snapshot();
    let ticks = snapshot.event_type("tick").unwrap();
    assert_eq!((ticks.published, ticks.unheard), (3, 3));
}

#[test]
fn subscribers_that_come_and_go_cost_the_one_that_stays_nothing() {
    const EACH: u64 = 3_000;
    in_time("publishing among subscribers that come and go", || {
        let bus = Bus::new();
        let mut stays = bus.subscriber("stays").capacity(usize::MAX).subscribe::<Tick>();
        bus.start();
        let done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            let visitors = [0, 1].map(|_| {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::SeqCst) {
                        let mut visitor =
                            bus.subscriber("visitor").late().capacity(1).subscribe::<Tick>();
                        drop(visitor.try_recv());
                    }
                })
            });
            let publishers = [0, 1].map(|publisher| {
                let bus = &bus;
                scope.spawn(move || {
                    for number in 0..EACH {
                        bus.publish(Tick { publisher, number });
                    }
                })
            });
            publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            visitors.into_iter().for_each(|visitor| visitor.join().unwrap());
        });
        assert_gets_all(&mut stays, 2, EACH);
        eventually("the visitors are gone", || bus.snapshot().subscribers.len() == 1);
        assert!(bus.snapshot().balances());
    });
}
