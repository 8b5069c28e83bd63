//! Waiting until all expected subscribers have signed in.

use std::thread;
use std::time::Duration;

use callboard::{BuildError, Bus, Call, Delivery, Event, EventSet, Phase, Request, StartError};

use crate::support::{HandClock, PATIENCE, Wakes, in_time, poll, poll_with, soon};

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

#[test]
fn start_waits_for_everybody_expected() {
    let bus = Bus::builder()
        .expect_subscribers(["a"])
        .expect_subscribers(["b"])
        .expect_responders(["oracle"])
        .build()
        .unwrap();
    bus.publish(Tick);
    let mut ready = Box::pin(bus.start_when_ready(PATIENCE));
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut ready, &waker).is_pending());
    let a = bus.subscribe::<Tick>("a");
    assert!(wakes.count() > 0, "it looks again whenever somebody signs in");
    assert!(poll_with(&mut ready, &waker).is_pending());
    let _b = bus.subscribe::<Tick>("b");
    assert!(poll_with(&mut ready, &waker).is_pending());
    assert_eq!(bus.snapshot().missing, ["oracle"]);
    let _not_a_responder = bus.subscribe::<Tick>("oracle");
    assert!(poll_with(&mut ready, &waker).is_pending(), "expected to answer, not to listen");
    let _oracle = bus.responder::<Ask>("oracle");
    assert_eq!(soon("starting", ready).unwrap().replayed, 1);
    assert_eq!((bus.phase(), a.len()), (Phase::Running, 1));
}

#[test]
fn set_with_a_call_counts_as_subscriber_and_responder() {
    in_time("set with a call counts as subscriber and responder", || {
        let bus =
            Bus::builder().expect_subscribers(["x"]).expect_responders(["x"]).build().unwrap();
        let _inbox = bus.subscribe::<Inbox>("x");
        assert!(bus.start_when_ready_blocking(Duration::ZERO).is_ok());
    });
}

#[test]
fn with_nobody_expected_it_starts_at_once() {
    in_time("with nobody expected it starts at once", || {
        let bus = Bus::new();
        assert!(bus.start_when_ready_blocking(Duration::ZERO).is_ok());
    });
}

#[test]
fn time_over_names_who_is_missing() {
    let clock = HandClock::new();
    let bus = Bus::builder()
        .clock(clock.clone())
        .expect_subscribers(["a", "b"])
        .expect_responders(["c"])
        .build()
        .unwrap();
    let left = bus.subscribe::<Tick>("a");
    let _b = bus.subscribe::<Tick>("b");
    drop(left);
    let mut ready = Box::pin(bus.start_when_ready(Duration::from_secs(5)));
    assert!(poll(&mut ready).is_pending());
    clock.advance(Duration::from_millis(4_999));
    assert!(poll(&mut ready).is_pending());
    clock.advance(Duration::from_millis(1));
    let error = soon("the timeout", ready).unwrap_err();
    assert!(error.missing().eq(["a", "c"]), "who left is missing");
    assert!(error.to_string().contains("`a`, `c`"), "{error}");
    assert_eq!(bus.phase(), Phase::Buffering);
}

#[test]
fn close_ends_the_waiting() {
    let bus = Bus::builder().expect_subscribers(["nobody"]).build().unwrap();
    let waiting = {
        let bus = bus.clone();
        thread::spawn(move || bus.start_when_ready_blocking(PATIENCE))
    };
    bus.close();
    let error = in_time("closing while a start waits", || waiting.join().unwrap());
    assert_eq!(error.unwrap_err(), StartError::Closed);
}

#[test]
fn last_to_sign_in_on_another_thread_starts_it() {
    for _ in 0..50 {
        in_time("signing in while a start waits", || {
            let bus = Bus::builder().expect_subscribers(["a", "b", "c"]).build().unwrap();
            thread::scope(|scope| {
                let signed_in = ["a", "b", "c"].map(|name| {
                    let bus = &bus;
                    scope.spawn(move || bus.subscribe::<Tick>(name))
                });
                assert!(bus.start_when_ready_blocking(PATIENCE).is_ok());
                signed_in.into_iter().for_each(|thread| drop(thread.join().unwrap()));
            });
        });
    }
}

#[test]
fn everybody_who_waits_is_woken() {
    let bus = Bus::builder().expect_subscribers(["a"]).build().unwrap();
    let wakes: Vec<_> = (0..5).map(|_| Wakes::new()).collect();
    let mut waiting: Vec<_> =
        wakes.iter().map(|_| Box::pin(bus.start_when_ready(PATIENCE))).collect();
    for (ready, (_, waker)) in waiting.iter_mut().zip(&wakes) {
        assert!(poll_with(ready, waker).is_pending());
    }
    drop(waiting.remove(2));
    let _a = bus.subscribe::<Tick>("a");
    let woken: Vec<usize> = wakes.iter().map(|(wakes, _)| wakes.count()).collect();
    assert_eq!(woken, [1, 1, 0, 1, 1], "all but the one that gave up");
    assert!(waiting.into_iter().all(|ready| soon("starting", ready).is_ok()));
}

#[test]
fn dropped_wait_leaves_the_bus_unstarted_and_may_be_repeated() {
    let bus = Bus::builder().expect_subscribers(["a"]).build().unwrap();
    bus.publish(Tick);
    for _ in 0..100 {
        let mut ready = Box::pin(bus.start_when_ready(PATIENCE));
        assert!(poll(&mut ready).is_pending());
    }
    let a = bus.subscribe::<Tick>("a");
    assert_eq!((bus.phase(), a.len()), (Phase::Buffering, 0));
    assert_eq!(soon("starting", bus.start_when_ready(PATIENCE)).unwrap().replayed, 1);
}

#[test]
fn builder_names_the_bad_argument() {
    let error = |builder: callboard::BusBuilder| builder.build().unwrap_err();
    let none = error(Bus::builder().pre_start_capacity(0));
    assert_eq!(none, BuildError::NoPreStartCapacity);
    let empty = error(Bus::builder().expect_responders([""]));
    assert_eq!(empty, BuildError::EmptyName { argument: "expect_responders" });
    let twice = error(Bus::builder().expect_subscribers(["a", "b"]).expect_subscribers(["a"]));
    let expected = BuildError::DuplicateName { argument: "expect_subscribers", name: "a".into() };
    assert_eq!(twice, expected);
    for (error, named) in [
        (none, "pre_start_capacity(0)"),
        (empty, "expect_responders"),
        (twice, "`expect_subscribers` was given `a` twice"),
    ] {
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn names_may_be_empty_or_huge() {
    let bus = Bus::new();
    let huge = "x".repeat(1 << 20);
    let mut nameless = bus.responder::<Ask>("");
    let mut giant = bus.responder::<Ask>(huge.clone());
    bus.start();
    let asked = {
        let (bus, huge) = (bus.clone(), huge.clone());
        thread::spawn(move || bus.request(Ask).expect([String::new(), huge]).gather_blocking())
    };
    for responder in [&mut nameless, &mut giant] {
        let call = responder.recv_timeout(PATIENCE).unwrap();
        call.respond(Tick);
    }
    let gathered = in_time("asking huge names", || asked.join().unwrap()).unwrap();
    assert!(gathered.is_complete() && gathered.get(&huge).is_some() && gathered.get("").is_some());
}
