//! Nested requests that outlive the call that they were made for: nothing waits for them any more.

use std::cell::Cell;
use std::collections::VecDeque;
use std::task::{Poll, Waker};

use callboard::{Bus, Call};

use crate::cycles::{Answer, Ask, by_hand, call_in_hand, cycle};
use crate::support::{Log, in_time, poll};

#[test]
fn request_left_behind_by_a_call_that_was_answered_is_in_no_cycle() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let of_a = call_in_hand(&bus, &mut a);
    b.try_iter().for_each(drop);
    let mut left_behind = of_a.request(Ask(vec![])).expect(["b"]).gather();
    assert!(poll(&mut left_behind).is_pending());
    let of_b = b.try_recv().unwrap();
    a.try_iter().for_each(drop);
    let back = || of_b.request(Ask(vec![])).expect(["a"]).gather();
    assert!(
        matches!(poll(&mut back()), Poll::Ready(Err(error)) if error == cycle(&["a", "b", "a"]))
    );
    of_a.respond(Answer);
    assert!(poll(&mut back()).is_pending(), "a waits for nobody");
}

/// The bus can't know what a handler that has answered waits for: it may be its own request.
#[test]
fn handler_is_in_a_cycle_until_it_ends_and_not_when_it_handles_another() {
    let (bus, [a, mut b]) = by_hand(["a", "b"]);
    let (left, wakers, begun, may_end) = (Log::new(), Log::new(), Cell::new(0), Cell::new(0));
    let mut serving = Box::pin(a.serve(|call| {
        let number = begun.replace(begun.get() + 1);
        if number == 0 {
            let mut asks_b = bus.request(Ask(vec![])).expect(["b"]).gather();
            assert!(poll(&mut asks_b).is_pending());
            left.push(asks_b);
        }
        call.respond(Answer);
        let (wakers, may_end) = (&wakers, &may_end);
        std::future::poll_fn(move |context| {
            wakers.push(context.waker().clone());
            if number < may_end.get() { Poll::Ready(()) } else { Poll::Pending }
        })
    }));
    let mut asks_a = [(); 2].map(|()| bus.request(Ask(vec![])).expect(["a"]).gather());
    assert!(asks_a.iter_mut().all(|gather| poll(gather).is_pending()));
    b.try_iter().for_each(drop);
    assert!(poll(&mut serving).is_pending());
    assert!(poll(&mut asks_a[0]).is_ready(), "it has answered, and goes on");
    let of_b = b.try_recv().unwrap();
    let back = || of_b.request(Ask(vec![])).expect(["a"]).gather();
    assert!(
        matches!(poll(&mut back()), Poll::Ready(Err(error)) if error == cycle(&["a", "b", "a"]))
    );
    may_end.set(1);
    wakers.take().into_iter().for_each(Waker::wake);
    assert!(poll(&mut serving).is_pending());
    assert_eq!(begun.get(), 2, "the first has ended, the second runs");
    assert!(poll(&mut back()).is_pending(), "which has nothing to do with the first");
}

#[test]
fn request_whose_asker_has_given_up_is_in_no_cycle() {
    let (bus, [mut a, mut b, mut c]) = by_hand(["a", "b", "c"]);
    let of_a = call_in_hand(&bus, &mut a);
    let mut asks_b = of_a.request(Ask(vec![])).expect(["b"]).gather();
    assert!(poll(&mut asks_b).is_pending());
    let of_b = b.try_iter().last().unwrap();
    let mut asks_c = of_b.request(Ask(vec![])).expect(["c"]).gather();
    assert!(poll(&mut asks_c).is_pending());
    let of_c = c.try_iter().last().unwrap();
    a.try_iter().for_each(drop);
    let back = || of_c.request(Ask(vec![])).expect(["a"]).gather();
    let chain = cycle(&["a", "b", "c", "a"]);
    assert!(matches!(poll(&mut back()), Poll::Ready(Err(error)) if error == chain));
    drop(asks_b);
    assert!(poll(&mut back()).is_pending(), "a does not wait for b any more");
}

/// Each is answered only when the next one was asked; dropping that chain once overflowed the
/// stack.
#[test]
fn chain_of_requests_left_behind_has_no_end() {
    in_time("requests each of which leaves another behind", || {
        let bus = Bus::new();
        let mut a = bus.subscriber("a").concurrent().responder::<Ask>();
        bus.start();
        let mut gathers = VecDeque::from([bus.request(Ask(vec![])).expect(["a"]).gather()]);
        assert!(poll(&mut gathers[0]).is_pending());
        let mut before: Option<Call<Ask>> = None;
        for _ in 0..20_000 {
            let call = a.try_recv().unwrap();
            let mut next = call.request(Ask(vec![])).expect(["a"]).gather();
            assert!(poll(&mut next).is_pending());
            gathers.push_back(next);
            if let Some(before) = before.replace(call) {
                before.respond(Answer);
                assert!(gathers.pop_front().is_some_and(|mut gather| poll(&mut gather).is_ready()));
            }
        }
    });
}

/// All of them wait, and all end at once.
#[test]
fn chain_of_calls_in_hand_may_be_long() {
    in_time("calls that wait for one another", || {
        let bus = Bus::new();
        let mut a = bus.subscriber("a").concurrent().responder::<Ask>();
        bus.start();
        let mut gathers = vec![bus.request(Ask(vec![])).expect(["a"]).gather()];
        let mut calls = Vec::new();
        for _ in 0..2_000 {
            assert!(poll(gathers.last_mut().unwrap()).is_pending());
            let call = a.try_recv().unwrap();
            gathers.push(call.request(Ask(vec![])).expect(["a"]).gather());
            calls.push(call);
        }
        drop(gathers);
        drop(calls);
        assert!(bus.snapshot().requests.open.is_empty());
    });
}
