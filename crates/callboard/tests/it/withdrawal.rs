//! Dropping a gather withdraws the request and frees everything it held; closing the bus ends it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;

use callboard::{Bus, Call, Delivery, DropReason, End, Event, EventSet, Outcome, Request};

use crate::support::{PATIENCE, Rng, Wakes, in_time, poll, poll_with, publish_all, soon};

#[derive(Debug, Event)]
struct Verdict(u64);

#[derive(Debug, Request)]
#[request(response = Verdict)]
struct Validate(u64);

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Validate>),
}

#[test]
fn queued_calls_are_taken_back() {
    let bus = Bus::new();
    let responders =
        ["a", "b"].map(|name| bus.subscriber(name).capacity(2).responder::<Validate>());
    bus.start();
    for number in 0..100 {
        let mut gather = bus.request(Validate(number)).expect(["a", "b"]).gather();
        assert!(poll(&mut gather).is_pending());
        assert!(responders.iter().all(|responder| responder.len() == 1));
        drop(gather);
        assert!(responders.iter().all(|responder| responder.is_empty()));
    }
    let ledger = responders[0].ledger();
    assert_eq!((ledger.dropped(DropReason::Withdrawn), ledger.lost()), (100, 0));
    let requests = bus.snapshot().requests;
    assert_eq!((requests.open.len(), requests.ended), (0, 100));
}

/// The part has its answer from a namesake, and this one has not looked yet.
#[test]
fn call_that_a_namesake_has_answered_is_taken_back() {
    let bus = Bus::new();
    let [first, mut second] = [(); 2].map(|()| bus.responder::<Validate>("judge"));
    bus.start();
    let mut gather = bus.request(Validate(1)).expect(["judge"]).gather();
    assert!(poll(&mut gather).is_pending());
    second.try_recv().unwrap().respond(Verdict(1));
    assert!(matches!(poll(&mut gather), Poll::Ready(Ok(gathered)) if gathered.is_complete()));
    drop(gather);
    assert!(first.is_empty());
    assert_eq!(first.ledger().dropped(DropReason::Withdrawn), 1);
}

#[test]
fn drain_is_told_of_a_call_that_is_taken_back() {
    let bus = Bus::new();
    let _oracle = bus.responder::<Validate>("oracle");
    bus.start();
    let mut gather = bus.request(Validate(1)).expect(["oracle"]).gather();
    assert!(poll(&mut gather).is_pending());
    let (wakes, waker) = Wakes::new();
    let mut draining = pin!(bus.close_and_drain(PATIENCE));
    assert!(poll_with(&mut draining, &waker).is_pending(), "a call is queued");
    assert!(poll(&mut gather).is_ready(), "the bus has closed");
    drop(gather);
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(&mut draining), Poll::Ready(Ok(()))));
}

#[test]
fn other_events_and_requests_stay_where_they_are() {
    let bus = Bus::new();
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    bus.start();
    bus.publish(Tick);
    let mut gathers: Vec<_> =
        (0..5).map(|number| bus.request(Validate(number)).expect(["inbox"]).gather()).collect();
    for gather in &mut gathers {
        assert!(poll(gather).is_pending());
        bus.publish(Tick);
    }
    drop(gathers.remove(3));
    drop(gathers.remove(1));
    let seen: Vec<Option<u64>> = inbox
        .try_iter()
        .map(|item| match item {
            Inbox::Tick(_) => None,
            Inbox::Ask(call) => Some(call.0),
        })
        .collect();
    assert_eq!(seen, [None, Some(0), None, None, Some(2), None, None, Some(4), None]);
}

#[test]
fn losses_before_a_withdrawn_call_are_told_of_after_it() {
    let bus = Bus::new();
    let mut inbox = bus.subscriber("inbox").capacity(2).subscribe::<Inbox>();
    bus.start();
    let missed = |item: Inbox| match item {
        Inbox::Tick(tick) => tick.missed(),
        Inbox::Ask(call) => call.missed(),
    };
    publish_all(&bus, (0..3).map(|_| Tick));
    assert_eq!(missed(inbox.try_recv().unwrap()), 0);
    let mut gather = bus.request(Validate(0)).expect(["inbox"]).gather();
    assert!(poll(&mut gather).is_pending());
    drop(gather);
    bus.publish(Tick);
    assert!(inbox.try_iter().map(missed).eq([0, 1]), "the loss lies between these two");
}

#[test]
fn losses_before_a_withdrawn_call_are_told_of_by_what_waits_behind_it() {
    let bus = Bus::new();
    let mut inbox = bus.subscriber("inbox").capacity(2).subscribe::<Inbox>();
    bus.start();
    publish_all(&bus, (0..3).map(|_| Tick));
    assert!(inbox.try_recv().is_ok());
    let mut gather = bus.request(Validate(0)).expect(["inbox"]).gather();
    assert!(poll(&mut gather).is_pending());
    assert!(inbox.try_recv().is_ok());
    bus.publish(Tick);
    drop(gather);
    bus.publish(Tick);
    let missed = inbox.try_iter().map(|item| match item {
        Inbox::Tick(tick) => tick.missed(),
        Inbox::Ask(call) => call.missed(),
    });
    assert!(missed.eq([1, 0]), "the loss lies before the first of them");
}

#[test]
fn buffered_request_is_taken_back() {
    let bus = Bus::builder().pre_start_capacity(1).build().unwrap();
    let mut responder = bus.responder::<Validate>("a");
    for number in 0..100 {
        let mut gather = bus.request(Validate(number)).expect(["a"]).gather();
        assert!(poll(&mut gather).is_pending(), "there is room for one");
    }
    let account = bus.snapshot().event_type("validate").unwrap().buffered;
    assert_eq!(account.dropped(DropReason::Withdrawn), 100);
    let mut kept = bus.request(Validate(100)).expect(["a"]).gather();
    assert!(poll(&mut kept).is_pending());
    bus.start();
    let call = responder.try_recv().unwrap();
    assert_eq!(call.0, 100);
    call.respond(Verdict(100));
    assert!(poll(&mut kept).is_ready());
}

#[test]
fn builder_and_unpolled_gather_ask_nobody() {
    let bus = Bus::new();
    let responder = bus.responder::<Validate>("a");
    bus.start();
    drop(bus.request(Validate(0)).expect(["a"]));
    drop(bus.request(Validate(0)).expect(["a"]).gather());
    assert_eq!((responder.ledger().offered, bus.snapshot().requests.ended), (0, 0));
}

#[test]
fn close_ends_open_requests() {
    let bus = Bus::new();
    let mut responders = ["a", "b"].map(|name| bus.responder::<Validate>(name));
    bus.start();
    let (wakes, waker) = Wakes::new();
    let mut gather = bus.request(Validate(0)).expect(["a", "b", "ghost"]).at_least(2).gather();
    assert!(poll_with(&mut gather, &waker).is_pending());
    let [a, b] = responders.each_mut().map(|responder| responder.try_recv().unwrap());
    a.respond(Verdict(1));
    bus.close();
    assert_eq!(wakes.count(), 1);
    assert!(!b.is_open());
    b.respond(Verdict(2));
    let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("the bus is closed") };
    assert_eq!(gathered.end(), End::Closed);
    assert_eq!(gathered.responses().len(), 1, "what came in time is there");
    assert_eq!(gathered.outcome("b"), Some(Outcome::NotAwaited));
    assert_eq!(bus.snapshot().requests.late, 1);
}

#[test]
fn close_before_start_ends_buffered_requests() {
    let bus = Bus::new();
    let mut gather = bus.request(Validate(0)).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    bus.close();
    let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("the bus is closed") };
    assert_eq!(gathered.end(), End::Closed);
}

#[test]
fn bus_dropped_while_requests_are_open_ends_them() {
    in_time("a bus dropped while requests are open", || {
        let bus = Bus::new();
        let mut responder = bus.responder::<Validate>("a");
        bus.start();
        let mut gather = bus.request(Validate(0)).expect(["a"]).gather();
        assert!(poll(&mut gather).is_pending());
        let nested = {
            let call = responder.try_recv().unwrap();
            drop(bus);
            let nested = call.request(Validate(1)).expect(["b"]).gather_blocking();
            call.respond(Verdict(0));
            nested
        };
        assert_eq!(nested.unwrap_err(), callboard::RequestError::Closed);
        assert_eq!(soon("the end", gather).unwrap().end(), End::Closed);
        assert!(responder.blocking_recv().is_none());
    });
}

#[test]
fn storm_of_withdrawals_leaves_nothing_behind() {
    for seed in 100..103 {
        in_time("a storm of requests and withdrawals", move || storm(seed));
    }
}

fn storm(seed: u64) {
    let bus = Bus::builder().pre_start_capacity(10_000).build().unwrap();
    let done = AtomicBool::new(false);
    let mut responders = ["a", "b"].map(|name| bus.subscriber(name).capacity(20).responder());
    thread::scope(|scope| {
        for (n, responder) in (0..).zip(&mut responders) {
            let done = &done;
            scope.spawn(move || {
                let mut rng = Rng::new(seed * 100 + n);
                while !done.load(Ordering::SeqCst) {
                    for call in responder.try_iter() {
                        let call: Call<Validate> = call;
                        let answer = Verdict(call.0);
                        match rng.below(4) {
                            0 => call.decline("no"),
                            1 => drop(call),
                            _ => call.respond(answer),
                        }
                    }
                    thread::yield_now();
                }
            });
        }
        let askers: Vec<_> = (10..12)
            .map(|n| {
                let bus = &bus;
                scope.spawn(move || {
                    let mut rng = Rng::new(seed * 100 + n);
                    for number in 0..400 {
                        match rng.below(20) {
                            0 => bus.pause(),
                            1..=3 => drop(bus.start()),
                            _ => {}
                        }
                        let asked = n * 1_000 + number;
                        let mut gather = bus.request(Validate(asked)).expect(["a", "b"]).gather();
                        if rng.one_in(2) {
                            let _ = poll(&mut gather);
                            continue;
                        }
                        bus.start();
                        let mut request = bus.request(Validate(asked)).expect(["a", "b"]);
                        if rng.one_in(2) {
                            request = request.first();
                        }
                        // Another asker may pause the bus in between.
                        let mut gather = request.timeout(PATIENCE).gather();
                        let gathered = loop {
                            if let Poll::Ready(result) = poll(&mut gather) {
                                break result.unwrap();
                            }
                            bus.start();
                            thread::yield_now();
                        };
                        assert!(gathered.end() != End::TimedOut, "seed {seed}: {gathered:?}");
                        assert!(gathered.responses().all(|(_, answer)| answer.0 == asked));
                    }
                })
            })
            .collect();
        askers.into_iter().for_each(|asker| asker.join().unwrap());
        done.store(true, Ordering::SeqCst);
    });
    bus.start();
    let snapshot = bus.snapshot();
    assert!(snapshot.balances() && snapshot.requests.open.is_empty(), "seed {seed}");
    assert!(responders.iter().all(|responder| responder.is_empty()), "seed {seed}");
}
