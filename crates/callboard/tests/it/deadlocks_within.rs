//! Waiting where it must not happen: in its own handler, for its own bus, or in user code that the
//! bus runs. It fails at once and says why, or it is allowed and works.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use callboard::testing::{block_on, settle, settle_within};
use callboard::{Bus, Call, Event, RequestError};

use crate::cycles::{Answer, Ask, by_hand, call_in_hand, cycle};
use crate::deadlocks::{ask, last};
use crate::support::{Log, OnDrop, forget, in_time, poll, soon};

const EVER: Duration = Duration::MAX;

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, Event)]
struct Tock;

/// Asks, and blocks the thread.
fn block(bus: &Bus, of: &str) -> Result<bool, RequestError> {
    let request = bus.request(Ask(vec![])).expect([of]).timeout(EVER);
    Ok(request.gather_blocking()?.is_complete())
}

#[test]
fn handler_that_waits_for_its_own_bus_to_be_quiet_is_told_at_once() {
    in_time("a handler that waits for itself", || {
        for concurrent in [1, 2] {
            let bus = Bus::new();
            let ticks = bus.subscribe::<Tick>("clock");
            bus.start();
            bus.publish(Tick);
            let said = Log::new();
            let handler = async |_| {
                said.push(settle(&bus).await.unwrap_err().to_string());
                said.push(settle_within(&bus, EVER).await.unwrap_err().to_string());
                let drained = bus.drain(EVER).await.unwrap_err();
                assert_eq!(drained.calling_handler(), Some("clock"));
                said.push(drained.to_string());
                let outside = thread::scope(|scope| scope.spawn(|| bus.publish(Tock)).join());
                assert!(!outside.unwrap().closed(), "`drain` has done nothing");
                let drained = bus.close_and_drain(EVER).await.unwrap_err();
                assert_eq!(drained.calling_handler(), Some("clock"));
                said.push(drained.to_string());
                assert!(bus.publish(Tock).closed());
            };
            let mut serving = Box::pin(ticks.serve_async_concurrent(concurrent, handler));
            let _ = poll(&mut serving);
            let said = said.take();
            assert_eq!(said.len(), 4, "{said:?}");
            for said in said {
                assert!(said.contains("`clock`") && said.contains("handler"), "{said}");
                assert!(!said.contains("call `close`"), "it may be closed already: {said}");
            }
        }
    });
}

#[test]
fn handler_may_wait_for_another_bus_to_be_quiet() {
    let (bus, other) = (Bus::new(), Bus::new());
    let ticks = bus.subscribe::<Tick>("clock");
    let elsewhere = other.subscribe::<Tick>("elsewhere");
    bus.start();
    other.start();
    bus.publish(Tick);
    other.publish(Tick);
    let mut serving = pin!(ticks.serve_async(async |_| {
        settle(&other).await.unwrap();
        other.drain(EVER).await.unwrap();
        other.close_and_drain(EVER).await.unwrap();
        bus.close();
    }));
    assert!(poll(&mut serving).is_pending(), "it waits for the other bus's handler");
    soon("the handler elsewhere", async {
        let mut handled = pin!(elsewhere.serve_async(async |_| {}));
        std::future::poll_fn(|context| {
            let _ = handled.as_mut().poll(context);
            serving.as_mut().poll(context)
        })
        .await;
    });
}

#[test]
fn handler_may_start_its_bus_when_everybody_is_there() {
    let bus = Bus::builder().expect_subscribers(["clock", "late"]).build().unwrap();
    let ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    bus.publish(Tick);
    bus.pause();
    let mut serving = pin!(ticks.serve_async(async |_| {
        assert_eq!(bus.start_when_ready(EVER).await.unwrap().replayed(), 1);
        bus.close();
    }));
    assert!(poll(&mut serving).is_pending());
    let late = bus.subscribe::<Tick>("late");
    bus.publish(Tick);
    assert!(poll(&mut serving).is_ready() || bus.publish(Tick).closed());
    assert_eq!(late.len(), 1);
}

/// A service that asks its own responder in user code that its handler makes the bus run.
fn served_that_runs(run: impl Fn(&Bus, Log<Result<bool, RequestError>>)) {
    let (bus, [a]) = by_hand(["a"]);
    let results = Log::new();
    let mut serving = pin!(a.serve_async(async |call: Call<Ask>| {
        if call.cause().is_none() {
            run(&bus, results.clone());
        }
        call.respond(Answer);
    }));
    let mut outer = ask(&bus, Ask(vec![]), "a");
    assert!(poll(&mut outer).is_pending());
    assert!(poll(&mut serving).is_pending());
    assert!(poll(&mut outer).is_ready(), "and the handler goes on");
    assert_eq!(results.take(), [Err(cycle(&["a", "a"]))]);
}

/// Its destructor does something.
#[derive(Debug, Event)]
struct Bomb(#[expect(dead_code, reason = "it is there to be dropped")] OnDrop);

fn bomb(bus: &Bus, results: Log<Result<bool, RequestError>>) -> Bomb {
    let bus = bus.clone();
    Bomb(OnDrop::new(move || results.push(block(&bus, "a"))))
}

#[test]
fn drop_callback_run_by_a_handler_may_not_wait_for_that_handler() {
    in_time("a drop callback that asks the handler which runs it", || {
        served_that_runs(|bus, results| {
            let _full = bus.subscriber("full").late().capacity(1).subscribe::<Tick>();
            let asking = bus.clone();
            bus.on_drop(move |_| results.push(block(&asking, "a")));
            bus.publish(Tick);
            bus.publish(Tick);
            bus.on_drop(|_| {});
        });
    });
}

#[test]
fn destructor_run_by_a_handler_may_not_wait_for_that_handler() {
    in_time("destructors that ask the handler which runs them", || {
        served_that_runs(|bus, results| drop(bomb(bus, results)));
        served_that_runs(|bus, results| {
            bus.publish(bomb(bus, results));
        });
        served_that_runs(|bus, results| {
            let mut reader = bus.subscriber("reader").late().subscribe::<Bomb>();
            bus.publish(bomb(bus, results));
            drop(reader.try_recv().unwrap());
        });
        served_that_runs(|bus, results| {
            let _reader = bus.subscriber("reader").late().subscribe::<Bomb>();
            bus.publish(bomb(bus, results));
        });
    });
}

#[test]
fn destructor_run_by_the_end_of_a_handler_may_not_wait_for_that_handler() {
    in_time("a handler's future whose destructor asks the handler's responder", || {
        for ends in [true, false] {
            let (bus, [a]) = by_hand(["a"]);
            let results = Log::new();
            let mut serving = Box::pin(a.serve(|call| {
                let held = (call, bomb(&bus, results.clone()));
                std::future::poll_fn(move |_| {
                    let _held = &held;
                    if ends { Poll::Ready(()) } else { Poll::Pending }
                })
            }));
            let mut outer = ask(&bus, Ask(vec![]), "a");
            assert!(poll(&mut outer).is_pending());
            assert!(poll(&mut serving).is_pending());
            drop(serving);
            assert_eq!(results.take(), [Err(cycle(&["a", "a"]))]);
        }
    });
}

#[test]
fn drop_callback_and_destructor_may_wait_for_a_responder_of_another_thread() {
    in_time("users' code that asks another thread", || {
        let (bus, [a, b]) = by_hand(["a", "b"]);
        let _full = bus.subscriber("full").late().capacity(1).subscribe::<Tick>();
        let (asking, results) = (bus.downgrade(), Log::new());
        let told = results.clone();
        bus.on_drop(move |_| told.push(block(&asking.upgrade().unwrap(), "b")));
        let answering = thread::spawn(move || {
            block_on(b.serve_async(async |call: Call<Ask>| call.respond(Answer)));
        });
        let mut serving = pin!(a.serve_async(async |call: Call<Ask>| {
            if call.cause().is_none() {
                bus.publish(Tick);
                bus.publish(Tick);
                let (bus, results) = (bus.clone(), results.clone());
                drop(Bomb(OnDrop::new(move || results.push(block(&bus, "b")))));
            }
            call.respond(Answer);
        }));
        let mut outer = ask(&bus, Ask(vec![]), "a");
        assert!(poll(&mut outer).is_pending());
        assert!(poll(&mut serving).is_pending());
        assert_eq!(results.take(), [Ok(true), Ok(true)]);
        bus.close();
        answering.join().unwrap();
    });
}

#[test]
fn nested_request_that_was_dropped_or_timed_out_is_in_no_circle() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let (of_a, of_b) = (call_in_hand(&bus, &mut a), call_in_hand(&bus, &mut b));
    let back = || of_b.request(Ask(vec![])).expect(["a"]).timeout(EVER).gather();
    let mut dropped = of_a.request(Ask(vec![])).expect(["b"]).gather();
    assert!(poll(&mut dropped).is_pending());
    assert!(matches!(poll(&mut back()), Poll::Ready(Err(_))));
    drop(dropped);
    assert!(poll(&mut back()).is_pending());
    let timed_out = of_a.request(Ask(vec![])).expect(["b"]).timeout(Duration::ZERO);
    assert!(!timed_out.gather_blocking().unwrap().is_complete());
    assert!(poll(&mut back()).is_pending());
}

#[test]
fn forgotten_nested_request_holds_up_nobody_else() {
    let (bus, [mut a, mut b, mut c]) = by_hand(["a", "b", "c"]);
    let (of_a, of_b) = (call_in_hand(&bus, &mut a), call_in_hand(&bus, &mut b));
    for _ in 0..20 {
        let mut forgotten = of_a.request(Ask(vec![])).expect(["b"]).timeout(EVER).gather();
        assert!(poll(&mut forgotten).is_pending());
        forget(forgotten);
    }
    drop(of_a);
    let mut nested = of_b.request(Ask(vec![])).expect(["c"]).timeout(EVER).gather();
    assert!(poll(&mut nested).is_pending());
    let of_c = last(&mut c);
    let mut back = of_c.request(Ask(vec![])).expect(["a"]).timeout(EVER).gather();
    assert!(poll(&mut back).is_pending(), "its call is over: nobody waits there");
    last(&mut a).respond(Answer);
    assert!(poll(&mut back).is_ready());
    of_c.respond(Answer);
    assert!(poll(&mut nested).is_ready());
}
