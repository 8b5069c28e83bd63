//! Promise 6: dropping any future of this crate loses no event and no wakeup.

use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use callboard::{Bus, Call, Event, Outcome, Priority, RecvTimeoutError, Request, Subscription};
use futures_lite::{FutureExt, StreamExt};

use crate::support::{
    PATIENCE, Rng, Wakes, eventually, forget, in_time, poll, poll_with, publish_all, soon,
};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

/// Publishes `count` numbered events from another thread.
fn publish_beside(bus: &Bus, count: u64) -> thread::JoinHandle<()> {
    let bus = bus.clone();
    thread::spawn(move || {
        for number in 0..count {
            bus.publish(Tick(number));
            if number % 64 == 0 {
                thread::yield_now();
            }
        }
    })
}

fn unbounded() -> (Bus, Subscription<Tick>) {
    let bus = Bus::new();
    let ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
    bus.start();
    (bus, ticks)
}

/// A future that is ready at the second poll.
async fn a_moment() {
    futures_lite::future::yield_now().await;
}

#[test]
fn recv_dropped_at_random_loses_no_event() {
    in_time("receiving by futures that are mostly dropped", || {
        let (bus, mut ticks) = unbounded();
        let publisher = publish_beside(&bus, 10_000);
        let mut rng = Rng::new(60);
        let mut next = 0;
        while next < 10_000 {
            let mut recv = ticks.recv();
            if rng.one_in(3) {
                continue;
            }
            let received = match poll(&mut recv) {
                Poll::Ready(tick) => tick,
                Poll::Pending if rng.one_in(2) => continue,
                Poll::Pending => soon("a wakeup", recv),
            };
            assert_eq!(received.unwrap().0, next);
            next += 1;
        }
        publisher.join().unwrap();
    });
}

#[test]
fn recv_that_loses_every_other_race_loses_no_event() {
    in_time("receiving against a rival", || {
        let (bus, mut ticks) = unbounded();
        let publisher = publish_beside(&bus, 5_000);
        soon("all events", async {
            let mut next = 0;
            while next < 5_000 {
                let rival = async {
                    a_moment().await;
                    None
                };
                if let Some(tick) = ticks.recv().or(rival).await {
                    assert_eq!(tick.0, next);
                    next += 1;
                }
            }
        });
        publisher.join().unwrap();
    });
}

#[test]
fn recv_many_dropped_leaves_buffer_and_queue_alone() {
    let (bus, mut ticks) = unbounded();
    let mut batch = Vec::new();
    assert!(poll(&mut Box::pin(ticks.recv_many(&mut batch, 10))).is_pending());
    publish_all(&bus, (0..5).map(Tick));
    drop(ticks.recv_many(&mut batch, 10));
    assert!(batch.is_empty());
    assert_eq!(poll(&mut Box::pin(ticks.recv_many(&mut batch, 3))), Poll::Ready(3));
    assert_eq!(poll(&mut Box::pin(ticks.recv_many(&mut batch, 3))), Poll::Ready(2));
    assert!(batch.iter().map(|tick| tick.0).eq(0..5));
}

#[test]
fn dropped_stream_future_loses_no_event() {
    let (bus, mut ticks) = unbounded();
    for number in 0..100 {
        assert!(poll(&mut ticks.next()).is_pending());
        bus.publish(Tick(number));
        drop(ticks.next());
        let Poll::Ready(Some(tick)) = poll(&mut ticks.next()) else { panic!("it is queued") };
        assert_eq!(tick.0, number);
    }
}

#[test]
fn woken_and_dropped_future_leaves_the_event_for_the_next() {
    let (bus, mut ticks) = unbounded();
    let (first, waker) = Wakes::new();
    let mut recv = ticks.recv();
    assert!(poll_with(&mut recv, &waker).is_pending());
    bus.publish(Tick(1));
    assert_eq!(first.count(), 1);
    drop(recv);
    assert!(poll(&mut ticks.recv()).is_ready());

    let (second, waker) = Wakes::new();
    assert!(poll_with(&mut ticks.recv(), &waker).is_pending());
    let mut next = ticks.recv();
    let (third, waker) = Wakes::new();
    assert!(poll_with(&mut next, &waker).is_pending());
    bus.publish(Tick(2));
    assert_eq!((first.count(), second.count(), third.count()), (1, 0, 1));
    assert!(poll(&mut next).is_ready());
}

#[test]
fn last_waker_given_is_the_one_woken() {
    let (bus, mut ticks) = unbounded();
    let mut recv = ticks.recv();
    let (old, old_waker) = Wakes::new();
    let (new, new_waker) = Wakes::new();
    assert!(poll_with(&mut recv, &old_waker).is_pending());
    assert!(poll_with(&mut recv, &new_waker).is_pending());
    bus.publish(Tick(1));
    assert_eq!((old.count(), new.count()), (0, 1));
}

#[test]
fn forgotten_future_does_not_stand_in_the_way() {
    in_time("forgotten future does not stand in the way", || {
        let (bus, mut ticks) = unbounded();
        for number in 0..50 {
            let mut recv = ticks.recv();
            assert!(poll(&mut recv).is_pending());
            mem::forget(recv);
            let publisher = publish_beside(&bus, 1);
            assert!(soon("an event", ticks.recv()).is_some(), "{number}");
            publisher.join().unwrap();
        }
    });
}

#[test]
fn forgotten_gather_ends_with_the_bus() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Ask>("oracle");
    bus.start();
    let mut gather = bus.request(Ask).expect(["oracle"]).gather();
    assert!(poll(&mut gather).is_pending());
    forget(gather);
    oracle.try_recv().unwrap().respond(Tick(1));
    let again = thread::spawn({
        let bus = bus.clone();
        move || bus.request(Ask).expect(["oracle"]).gather_blocking()
    });
    oracle.blocking_recv().unwrap().respond(Tick(2));
    let gathered = in_time("asking after a forgotten gather", || again.join().unwrap()).unwrap();
    assert_eq!(gathered.get("oracle").unwrap().0, 2);
    bus.close();
}

#[test]
fn recv_timeout_that_expires_loses_no_event() {
    in_time("receiving with short timeouts", || {
        let (bus, mut ticks) = unbounded();
        let publisher = publish_beside(&bus, 3_000);
        let mut rng = Rng::new(61);
        let mut next = 0;
        while next < 3_000 {
            match ticks.recv_timeout(Duration::from_micros(rng.below(50) as u64)) {
                Ok(tick) => {
                    assert_eq!(tick.0, next);
                    next += 1;
                }
                Err(error) => assert_eq!(error, RecvTimeoutError::Timeout),
            }
        }
        publisher.join().unwrap();
    });
}

#[test]
fn dropped_drain_may_be_waited_for_again() {
    let (bus, mut ticks) = unbounded();
    bus.publish(Tick(1));
    for _ in 0..10 {
        let mut drain = pin!(bus.close_and_drain(PATIENCE));
        assert!(poll(&mut drain).is_pending());
    }
    let (wakes, waker) = Wakes::new();
    let mut drain = pin!(bus.close_and_drain(PATIENCE));
    assert!(poll_with(&mut drain, &waker).is_pending());
    assert!(ticks.try_recv().is_ok());
    assert!(wakes.count() > 0);
    assert_eq!(poll(&mut drain), Poll::Ready(Ok(())));
}

#[test]
fn dropped_gather_wakes_nobody_else_wrongly() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Ask>("oracle");
    bus.start();
    let (wakes, waker) = Wakes::new();
    let mut kept = bus.request(Ask).expect(["oracle"]).gather();
    assert!(poll_with(&mut kept, &waker).is_pending());
    let mut dropped = bus.request(Ask).expect(["oracle"]).gather();
    assert!(poll(&mut dropped).is_pending());
    drop(dropped);
    assert_eq!(oracle.len(), 1, "the other request is still asked");
    let call = oracle.try_recv().unwrap();
    assert_eq!(wakes.count(), 0);
    call.respond(Tick(7));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Ok(gathered)) = poll(&mut kept) else { panic!("it was answered") };
    assert_eq!(gathered.get("oracle").unwrap().0, 7);
}

#[test]
fn dropped_service_unsubscribes_and_abandons_its_calls() {
    let bus = Bus::new();
    bus.start();
    let responder = bus.subscriber("oracle").late().responder::<Ask>();
    let never = |call: Call<Ask>| async move {
        std::future::pending::<()>().await;
        call.respond(Tick(0));
    };
    let mut serving = Box::pin(responder.serve_concurrent(2, never));
    let mut gathers = [(); 3].map(|()| bus.request(Ask).expect(["oracle"]).gather());
    for gather in &mut gathers {
        assert!(poll(gather).is_pending());
    }
    assert!(poll(&mut serving).is_pending());
    drop(serving);
    for gather in gathers {
        let gathered = soon("the service's end", gather).unwrap();
        assert_eq!(gathered.outcome("oracle"), Some(Outcome::Abandoned));
    }
    assert!(bus.snapshot().subscribers.is_empty());
}

#[test]
fn no_wakeup_is_lost_between_looking_and_sleeping() {
    for _ in 0..20 {
        in_time("a ping-pong between two threads", || {
            let (bus, mut ticks) = unbounded();
            let (ping, pong) = mpsc::channel();
            let reader = thread::spawn(move || {
                while let Some(tick) = ticks.blocking_recv() {
                    ping.send(tick.0).unwrap();
                }
            });
            for number in 0..300 {
                bus.publish(Tick(number));
                assert_eq!(pong.recv_timeout(PATIENCE), Ok(number));
            }
            bus.close();
            reader.join().unwrap();
        });
    }
}

#[test]
fn nobody_sleeps_through_an_event() {
    in_time("readers that are woken", || {
        const ROUNDS: u64 = 2_000;
        let bus = Bus::new();
        let acknowledged = [(); 3].map(|()| AtomicU64::new(0));
        let readers = [0, 1, 2].map(|_| bus.subscriber("reader").capacity(2).subscribe::<Tick>());
        bus.start();
        thread::scope(|scope| {
            for (place, mut ticks) in readers.into_iter().enumerate() {
                let acknowledged = &acknowledged[place];
                scope.spawn(move || {
                    let mut last = 0;
                    while last < ROUNDS {
                        // A future that is polled and dropped, now and then, as `select!` does.
                        if place > 0 && last % 3 == 0 && poll(&mut ticks.recv()).is_ready() {
                            last += 1;
                        } else if place > 1 {
                            last += ticks.blocking_recv_batch().unwrap().count() as u64;
                        } else {
                            last = ticks.blocking_recv().unwrap().0;
                        }
                        acknowledged.store(last, Ordering::Release);
                    }
                });
            }
            for number in 1..=ROUNDS {
                let priority = if number % 7 == 0 { Priority::High } else { Priority::Normal };
                bus.publish_with(Tick(number), priority);
                while acknowledged.iter().any(|last| last.load(Ordering::Acquire) < number) {
                    thread::yield_now();
                }
            }
        });
    });
}

#[test]
fn every_handler_is_woken_from_other_threads() {
    in_time("handlers that wait for other threads", || {
        let (bus, ticks) = unbounded();
        let (ask, asked) = mpsc::channel::<tokio::sync::oneshot::Sender<u64>>();
        let helper = thread::spawn(move || {
            let mut rng = Rng::new(62);
            let mut kept = Vec::new();
            for (number, sender) in (0..).zip(asked) {
                kept.push((number, sender));
                // Answered in bursts and out of order.
                while !kept.is_empty() && (kept.len() >= 3 || number % 3 == 2) {
                    let (number, sender): (u64, tokio::sync::oneshot::Sender<u64>) =
                        kept.swap_remove(rng.below(kept.len()));
                    sender.send(number).unwrap();
                }
            }
        });
        publish_all(&bus, (0..3_000).map(Tick));
        bus.close();
        let handled = &std::cell::Cell::new(0);
        soon(
            "all handlers",
            ticks.serve_concurrent(3, |_| {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                ask.send(sender).unwrap();
                async move {
                    receiver.await.unwrap();
                    handled.set(handled.get() + 1);
                }
            }),
        );
        assert_eq!(handled.get(), 3_000);
        drop(ask);
        helper.join().unwrap();
    });
}

#[test]
fn close_wakes_everybody_who_waits() {
    in_time("closing while everybody waits", || {
        let bus = Bus::builder().expect_subscribers(["nobody"]).build().unwrap();
        let open = |name: &str| bus.subscriber(name).late().subscribe::<Tick>();
        let (mut a, mut b, mut c, mut d) = (open("a"), open("b"), open("c"), open("d"));
        let (e, _oracle) = (open("e"), bus.responder::<Ask>("oracle"));
        thread::scope(|scope| {
            scope.spawn(move || assert!(a.blocking_recv().is_none()));
            scope.spawn(move || {
                assert_eq!(b.recv_timeout(PATIENCE).unwrap_err(), RecvTimeoutError::Closed);
            });
            scope.spawn(move || assert_eq!(c.iter().count(), 0));
            scope.spawn(move || soon("the end", async { assert!(d.next().await.is_none()) }));
            scope.spawn(move || soon("the end", e.serve(|_| async {})));
            scope.spawn(|| assert!(bus.start_when_ready_blocking(PATIENCE).is_err()));
            let asked = scope.spawn(|| bus.request(Ask).expect(["oracle"]).gather_blocking());
            eventually("all wait", || {
                let snapshot = bus.snapshot();
                let waiting = snapshot.subscribers.iter().filter(|who| who.waiting).count();
                waiting == 5 && snapshot.buffer.queued == 1
            });
            bus.close();
            assert_eq!(asked.join().unwrap().unwrap().end(), callboard::End::Closed);
        });
    });
}
