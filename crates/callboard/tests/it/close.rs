//! Closing, and waiting until every subscriber has drained.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use callboard::testing::settle_within;
use callboard::{
    AnyEvent, Bus, Clock, DropReason, Event, Phase, Request, Sleep, Started, SystemClock,
    TryRecvError,
};

use crate::support::{
    HandClock, Log, PATIENCE, Rng, Wakes, in_time, lock, poll, poll_with, publish_all, soon,
};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

#[test]
fn closed_bus_takes_nothing_and_gives_what_it_holds() {
    in_time("closed bus takes nothing and gives what it holds", || {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("clock");
        bus.start();
        publish_all(&bus, (0..3).map(Tick));
        bus.close();
        bus.close();
        assert_eq!(bus.phase(), Phase::Closed);
        let published = bus.publish(Tick(3));
        assert!(published.closed() && !published.buffered());
        assert_eq!(
            (published.delivered(), published.dropped(), published.sequence()),
            (0, 0, None)
        );
        assert_eq!(bus.start(), Started::default());
        bus.pause();
        assert_eq!(bus.phase(), Phase::Closed, "for good");
        assert!(ticks.iter().map(|tick| tick.0).eq(0..3));
        assert_eq!(bus.snapshot().refused, 1);
    });
}

#[test]
fn close_before_start_drops_and_reports_what_waits() {
    let told = Log::new();
    let log = told.clone();
    let report =
        move |dropped: &callboard::Dropped| log.push((dropped.sequence(), dropped.reason()));
    let bus = Bus::builder().on_drop(report).build().unwrap();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.publish(Tick(0));
    bus.publish(Tick(1));
    bus.close();
    assert_eq!(told.take(), [(1, DropReason::Closed), (2, DropReason::Closed)]);
    assert_eq!(ticks.try_recv().unwrap_err(), TryRecvError::Closed);
    let account = bus.snapshot().event_type("tick").unwrap().buffered;
    assert_eq!((account.offered, account.dropped(DropReason::Closed)), (2, 2));
    assert!(bus.snapshot().balances());
}

#[test]
fn subscribing_to_a_closed_bus_ends_at_once() {
    in_time("subscribing to a closed bus ends at once", || {
        let bus = Bus::new();
        bus.close();
        assert!(bus.subscribe::<Tick>("late").blocking_recv().is_none());
        assert!(bus.responder::<Ask>("late").blocking_recv().is_none());
        let mut all = bus.subscriber("late").late().with_retained().subscribe::<AnyEvent>();
        assert!(soon("the end", all.recv()).is_none());
    });
}

#[test]
fn last_handle_closes_the_bus() {
    in_time("last handle closes the bus", || {
        let bus = Bus::new();
        let another = bus.clone();
        let builder = bus.subscriber("clock");
        let mut ticks = builder.subscribe::<Tick>();
        drop(bus);
        assert_eq!(another.phase(), Phase::Buffering);
        another.start();
        another.publish(Tick(1));
        drop(another);
        assert_eq!(ticks.blocking_recv().unwrap().0, 1);
        assert!(ticks.blocking_recv().is_none(), "neither subscriptions nor builders keep it open");
    });
}

#[test]
fn drain_waits_until_everything_is_taken() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("reads");
    let leaves = bus.subscribe::<Tick>("leaves");
    bus.start();
    publish_all(&bus, (0..2).map(Tick));
    let (wakes, waker) = Wakes::new();
    let mut drain = pin!(bus.close_and_drain(PATIENCE));
    assert!(poll_with(&mut drain, &waker).is_pending());
    assert_eq!(bus.phase(), Phase::Closed);
    assert_eq!(ticks.try_iter().count(), 2);
    assert!(wakes.count() > 0);
    assert!(poll_with(&mut drain, &waker).is_pending());
    let before = wakes.count();
    drop(leaves);
    assert!(wakes.count() > before);
    assert_eq!(poll(&mut drain), Poll::Ready(Ok(())));
}

#[test]
fn drain_says_who_did_not_finish() {
    let clock = HandClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let slow = bus.subscribe::<Tick>("slow");
    let served = bus.subscribe::<Tick>("served");
    let mut quick = bus.subscribe::<Tick>("quick");
    bus.start();
    publish_all(&bus, (0..3).map(Tick));
    quick.try_iter().for_each(drop);
    let mut serving = Box::pin(served.serve(|_| std::future::pending()));
    assert!(poll(&mut serving).is_pending());
    let mut drain = Box::pin(bus.close_and_drain(Duration::from_secs(1)));
    assert!(poll(&mut drain).is_pending());
    clock.advance(Duration::from_secs(1));
    let error = soon("the timeout", drain).unwrap_err();
    let unfinished: Vec<_> =
        error.unfinished().iter().map(|who| (&*who.subscriber, who.queued, who.in_hand)).collect();
    assert_eq!(unfinished, [("slow", 3, 0), ("served", 2, 1)]);
    assert!(error.to_string().contains("`slow` (3 queued, 0 in hand)"), "{error}");
    drop((slow, serving));
    assert!(soon("draining", bus.close_and_drain(Duration::ZERO)).is_ok());
}

#[test]
fn drain_waits_for_served_handlers() {
    in_time("draining a service", || {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("served");
        bus.start();
        let handled = Log::new();
        let log = handled.clone();
        let serving = thread::spawn(move || {
            soon(
                "the service's end",
                ticks.serve_concurrent(3, |tick| {
                    let log = log.clone();
                    async move {
                        for _ in 0..tick.0 % 5 {
                            futures_lite::future::yield_now().await;
                        }
                        log.push(tick.0);
                    }
                }),
            );
        });
        publish_all(&bus, (0..100).map(Tick));
        soon("draining", bus.close_and_drain(PATIENCE)).unwrap();
        assert_eq!(handled.len(), 100, "what was taken is handled, too");
        serving.join().unwrap();
    });
}

type Code = Box<dyn FnOnce() + Send>;

/// Runs a function when it is next read.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<Code>>>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Clock for Meanwhile {
    fn now(&self) -> Instant {
        let code = lock(&self.0).take();
        if let Some(code) = code {
            code();
        }
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        SystemClock.sleep_until(deadline)
    }
}

#[test]
fn drain_waits_for_a_handler_that_is_about_to_begin() {
    in_time("draining while a handler begins", || {
        let clock = Meanwhile::default();
        let bus = Bus::builder().clock(clock.clone()).build().unwrap();
        let ticks = bus.subscribe::<Tick>("served");
        bus.start();
        let mut serving = Box::pin(ticks.serve(|_| std::future::pending()));
        assert!(poll(&mut serving).is_pending());
        bus.publish(Tick(0));
        // A service reads the clock between taking an event and starting to handle it.
        let (draining, early) = (bus.clone(), Arc::new(AtomicBool::new(false)));
        let drained = Arc::clone(&early);
        *lock(&clock.0) = Some(Box::new(move || {
            let mut drain = pin!(draining.close_and_drain(PATIENCE));
            drained.store(poll(&mut drain).is_ready(), Ordering::SeqCst);
        }));
        assert!(poll(&mut serving).is_pending());
        assert!(lock(&clock.0).is_none(), "the moment was met");
        assert!(!early.load(Ordering::SeqCst), "the event is taken and not handled");
    });
}

#[test]
fn drain_of_nothing_is_done() {
    assert!(soon("draining", Bus::new().close_and_drain(Duration::ZERO)).is_ok());
    let bus = Bus::new();
    let _idle = bus.subscribe::<Tick>("idle");
    assert!(soon("draining", bus.close_and_drain(Duration::MAX)).is_ok());
}

#[test]
fn whoever_waits_for_the_drain_is_always_told() {
    for round in 0..100_u64 {
        in_time("the drain", move || {
            let bus = Bus::new();
            let readers = [0, 1].map(|_| bus.subscriber("reader").subscribe::<Tick>());
            bus.start();
            publish_all(&bus, (0..40).map(Tick));
            let drained = thread::scope(|scope| {
                let mut readers = readers.into_iter();
                let (mut one, mut other) = (readers.next().unwrap(), readers.next().unwrap());
                let reader = scope.spawn(move || {
                    one.iter().for_each(drop);
                    one
                });
                let batches = scope.spawn(move || {
                    while let Some(batch) = other.blocking_recv_batch() {
                        batch.for_each(drop);
                    }
                    other
                });
                if round % 2 == 0 {
                    thread::yield_now();
                }
                // Far beyond our patience: only a notification ends it.
                let drained = soon("the drain", bus.close_and_drain(10 * PATIENCE));
                let settled = soon("that all settles", settle_within(&bus, 10 * PATIENCE));
                assert!(settled.is_ok());
                drop((reader.join().unwrap(), batches.join().unwrap()));
                drained
            });
            assert!(drained.is_ok());
        });
    }
}

#[test]
fn close_at_any_moment_loses_nothing_that_was_delivered() {
    for seed in 110..118 {
        in_time("closing amid everything", move || {
            let mut rng = Rng::new(seed);
            let bus = Bus::new();
            let mut ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
            bus.start();
            let pause = rng.below(40);
            let (delivered, received) = thread::scope(|scope| {
                let publishers = [0, 1].map(|_| {
                    let bus = &bus;
                    scope.spawn(move || {
                        let mut delivered = 0;
                        loop {
                            let published = bus.publish(Tick(delivered));
                            if published.closed() {
                                return delivered;
                            }
                            delivered += published.delivered() as u64;
                        }
                    })
                });
                let reader = scope.spawn(|| ticks.iter().count() as u64);
                for _ in 0..pause {
                    thread::yield_now();
                }
                bus.close();
                let delivered: u64 =
                    publishers.map(|publisher| publisher.join().unwrap()).iter().sum();
                (delivered, reader.join().unwrap())
            });
            assert_eq!(delivered, received, "seed {seed}");
            assert!(soon("draining", bus.close_and_drain(PATIENCE)).is_ok());
        });
    }
}

#[test]
fn close_races_with_subscribers_and_askers() {
    for _ in 0..30 {
        in_time("closing amid subscribers and askers", || {
            let bus = Bus::new();
            bus.start();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut ticks = bus.subscriber("late").late().subscribe::<Tick>();
                    while ticks.blocking_recv().is_some() {}
                });
                scope.spawn(|| {
                    let mut calls = bus.subscriber("late").late().responder::<Ask>();
                    for call in calls.iter() {
                        call.respond(Tick(0));
                    }
                });
                scope.spawn(|| {
                    while bus
                        .request(Ask)
                        .expect(["late"])
                        .timeout(PATIENCE)
                        .gather_blocking()
                        .is_ok()
                    {}
                });
                bus.publish(Tick(0));
                thread::yield_now();
                bus.close();
            });
            assert!(bus.snapshot().requests.open.is_empty());
        });
    }
}
