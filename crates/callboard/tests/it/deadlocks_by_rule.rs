//! Whether a request can still complete depends on its rule and on all who may answer it. While it
//! can, there is no deadlock; as soon as it can't, one of the requests fails.

use std::future::Future;
use std::time::Duration;

use callboard::{Bus, Call, Gather, RequestBuilder, RequestError, Responder};
use futures_lite::future::{or, zip};

use crate::cycles::{Answer, Ask, by_hand, cycle};
use crate::deadlocks::{circle, last};
use crate::support::{Log, forget, poll, soon};

type Rule = fn(RequestBuilder<Ask>) -> RequestBuilder<Ask>;

fn asks(call: &Call<Ask>, expected: &[&str], rule: Rule) -> Gather<Ask> {
    let request = call.request(Ask(vec![])).expect(expected).timeout(Duration::MAX);
    rule(request).gather()
}

/// A call from outside, taken and kept.
fn held(bus: &Bus, responder: &mut Responder<Ask>) -> Call<Ask> {
    let name = responder.name().to_owned();
    let mut gather = bus.request(Ask(vec![])).expect([name]).timeout(Duration::MAX).gather();
    assert!(poll(&mut gather).is_pending());
    forget(gather);
    last(responder)
}

/// Sends another request from a call in hand; it must not be refused.
fn waits(call: &Call<Ask>, expected: &[&str], rule: Rule) -> Gather<Ask> {
    let mut gather = asks(call, expected, rule);
    assert!(poll(&mut gather).is_pending(), "{expected:?}");
    gather
}

const ALL: Rule = |request| request.all();
const FIRST: Rule = |request| request.first();
const UNTIL: Rule = |request| request.until(|_| true);
const SETTLED: Rule = |request| request.settled();

/// How a responder that might have answered is lost.
type Loss = fn(Responder<Ask>) -> Option<Responder<Ask>>;

const LOSSES: [Loss; 4] = [
    |mut c| {
        last(&mut c).decline("not mine");
        Some(c)
    },
    |mut c| {
        drop(last(&mut c));
        Some(c)
    },
    |c| {
        drop(c);
        None
    },
    |mut c| {
        let call = last(&mut c);
        drop(c);
        drop(call);
        None
    },
];

#[test]
fn rule_that_can_still_be_met_is_no_deadlock_until_the_last_hope_is_lost() {
    for rule in [FIRST, |request| request.at_least(1), UNTIL] {
        for lose in LOSSES {
            let (bus, [mut a, mut b, c]) = by_hand(["a", "b", "c"]);
            let of_a = held(&bus, &mut a);
            let mut one_of_two = waits(&of_a, &["b", "c"], rule);
            let of_b = last(&mut b);
            let mut back = waits(&of_b, &["a"], ALL);
            let _c = lose(c);
            assert_eq!(circle(&mut one_of_two), None, "the younger one fails");
            assert_eq!(circle(&mut back), Some(cycle(&["a", "b", "a"])));
            of_b.respond(Answer);
            assert!(soon("the answer", one_of_two).unwrap().is_complete());
        }
    }
}

#[test]
fn request_that_loses_its_last_hope_fails_itself_if_it_is_the_youngest() {
    for lose in LOSSES {
        let (bus, [mut a, mut b, c]) = by_hand(["a", "b", "c"]);
        let (of_a, of_b) = (held(&bus, &mut a), held(&bus, &mut b));
        let mut older = waits(&of_b, &["a"], ALL);
        let mut one_of_two = waits(&of_a, &["b", "c"], FIRST);
        let _c = lose(c);
        assert_eq!(circle(&mut one_of_two), Some(cycle(&["a", "b", "a"])));
        assert_eq!(circle(&mut older), None);
    }
}

#[test]
fn answer_that_the_predicate_rejects_is_a_hope_lost() {
    let (bus, [mut a, mut b, mut c]) = by_hand(["a", "b", "c"]);
    let of_a = held(&bus, &mut a);
    let mut picky = waits(&of_a, &["b", "c"], |request| request.until(|all| all.len() == 2));
    let of_b = last(&mut b);
    let mut back = waits(&of_b, &["a"], ALL);
    last(&mut c).respond(Answer);
    assert!(poll(&mut picky).is_pending());
    assert_eq!(circle(&mut back), Some(cycle(&["a", "b", "a"])));
}

/// The asker has not been polled since: perhaps that answer was all it needed.
#[test]
fn answer_that_the_predicate_has_not_judged_may_be_the_last() {
    let (bus, [mut a, mut b, mut c]) = by_hand(["a", "b", "c"]);
    let of_a = held(&bus, &mut a);
    let content = waits(&of_a, &["b", "c"], UNTIL);
    let of_b = last(&mut b);
    last(&mut c).respond(Answer);
    let mut back = waits(&of_b, &["a"], ALL);
    assert!(soon("the end", content).unwrap().is_complete());
    assert_eq!(circle(&mut back), None);
    drop(of_a);
    last(&mut a).respond(Answer);
    assert!(soon("the answer", back).unwrap().is_complete());
}

#[test]
fn settled_request_waits_for_everybody() {
    let (bus, [mut a, mut b, _c]) = by_hand(["a", "b", "c"]);
    let of_a = held(&bus, &mut a);
    let mut settled = waits(&of_a, &["b", "c"], SETTLED);
    let of_b = last(&mut b);
    assert_eq!(circle(&mut asks(&of_b, &["a"], ALL)), Some(cycle(&["a", "b", "a"])));
    assert_eq!(circle(&mut asks(&of_b, &["c", "a"], SETTLED)), Some(cycle(&["a", "b", "a"])));
    let _free = waits(&of_b, &["c"], SETTLED);
    assert_eq!(circle(&mut settled), None);
}

#[test]
fn two_of_three_needs_one_of_the_two_others() {
    let (bus, [mut a, mut b, mut c]) = by_hand(["a", "b", "c"]);
    let of_a = held(&bus, &mut a);
    let mut two = waits(&of_a, &["a", "b", "c"], |request| request.at_least(2));
    let (of_b, of_c) = (last(&mut b), last(&mut c));
    let mut back = asks(&of_b, &["a"], ALL);
    assert_eq!(circle(&mut back), Some(cycle(&["a", "b", "a"])), "both others are needed");
    of_c.respond(Answer);
    assert_eq!(circle(&mut asks(&of_b, &["a"], ALL)), Some(cycle(&["a", "b", "a"])));
    of_b.respond(Answer);
    assert!(poll(&mut two).is_ready());
}

/// A responder with two places, and the calls that fill them.
fn two_places(bus: &Bus, name: &str) -> (impl Future<Output = ()>, [Call<Ask>; 2]) {
    let responder = bus.subscriber(name).late().responder::<Ask>();
    let calls = Log::new();
    let taken = calls.clone();
    let mut serving = Box::pin(responder.serve_concurrent(2, move |call| {
        taken.push(call);
        std::future::pending()
    }));
    for _ in 0..2 {
        let mut gather = bus.request(Ask(vec![])).expect([name]).timeout(Duration::MAX).gather();
        assert!(poll(&mut gather).is_pending());
        forget(gather);
    }
    assert!(poll(&mut serving).is_pending());
    (serving, calls.take().try_into().unwrap())
}

#[test]
fn circle_closes_when_all_places_of_a_concurrent_responder_wait_for_it() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let (_serving, [one, other]) = two_places(&bus, "two");
    let (of_a, of_b) = (held(&bus, &mut a), held(&bus, &mut b));
    let mut from_one = waits(&one, &["a"], ALL);
    let mut a_to_two = waits(&of_a, &["two"], ALL);
    let from_other = waits(&other, &["b"], ALL);
    let mut b_to_two = asks(&of_b, &["two"], ALL);
    assert_eq!(circle(&mut b_to_two), Some(cycle(&["two", "b", "two"])), "both places wait");
    assert!([circle(&mut from_one), circle(&mut a_to_two)].iter().all(Option::is_none));
    drop(from_other);
    assert!(poll(&mut asks(&of_b, &["two"], ALL)).is_pending(), "one of two will be free");
}

/// `x` has two places, one of which will be free: it blocks no request.
#[test]
fn circle_runs_through_responders_that_are_stuck_only() {
    let (bus, [mut a, mut b, _free]) = by_hand(["a", "b", "free"]);
    let (_serving, of_x) = two_places(&bus, "x");
    let (of_a, of_b) = (held(&bus, &mut a), held(&bus, &mut b));
    let mut aside = waits(&of_x[0], &["a"], ALL);
    let _free = waits(&of_x[1], &["free"], ALL);
    let mut back = waits(&of_b, &["a"], ALL);
    let mut closing = asks(&of_a, &["x", "b"], ALL);
    assert_eq!(circle(&mut closing), Some(cycle(&["a", "b", "a"])));

    // Also when the cycle forms later: a request that waits for it from outside does not fail.
    let mut c = bus.subscriber("c").late().responder::<Ask>();
    let mut waiting = waits(&of_a, &["x", "b", "c"], |request| request.at_least(2));
    let mut younger = waits(&of_x[0], &["a"], ALL);
    last(&mut c).decline("not mine");
    assert_eq!(circle(&mut waiting), Some(cycle(&["a", "b", "a"])));
    assert!([&mut aside, &mut back, &mut younger].into_iter().all(|it| circle(it).is_none()));
}

#[test]
fn handler_that_waits_for_two_requests_is_stuck_once_the_other_one_has_ended() {
    for joins in [true, false] {
        let (bus, [a, mut b, mut c]) = by_hand(["a", "b", "c"]);
        let errors = Log::new();
        let mut serving = Box::pin(a.serve_async(async |call: Call<Ask>| {
            let ask = async |of: &str| {
                let request = bus.request(Ask(vec![])).expect([of]).timeout(Duration::MAX);
                request.gather().await.map_or_else(|error| errors.push(error), drop);
            };
            if call.cause().is_none() && joins {
                zip(ask("b"), ask("c")).await;
            } else if call.cause().is_none() {
                or(ask("b"), ask("c")).await;
            }
            call.respond(Answer);
        }));
        let mut outer = bus.request(Ask(vec![])).expect(["a"]).gather();
        assert!(poll(&mut outer).is_pending());
        drop((last(&mut b), last(&mut c)));
        assert!(poll(&mut serving).is_pending());
        let of_b = b.try_recv().unwrap();
        let mut back = waits(&of_b, &["a"], ALL);
        last(&mut c).respond(Answer);
        // The first poll sees the answer, and the second its consequences.
        assert!(poll(&mut serving).is_pending());
        assert!(poll(&mut serving).is_pending());
        let ended = circle(&mut back);
        assert_eq!(ended, joins.then(|| cycle(&["a", "b", "a"])), "{joins}");
        assert!(errors.take().is_empty());
    }
}

#[test]
fn expected_responder_that_may_still_sign_in_before_the_start_is_a_hope() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let (of_a, of_b) = (held(&bus, &mut a), held(&bus, &mut b));
    bus.pause();
    let mut first = waits(&of_a, &["b", "absent"], FIRST);
    let mut back = waits(&of_b, &["a"], ALL);
    bus.start();
    assert_eq!(circle(&mut first), None);
    assert_eq!(circle(&mut back), Some(cycle(&["a", "b", "a"])), "it has not come");
}

/// Two responders are called `b`; the free one leaves while the request waits for the start.
#[test]
fn namesake_that_leaves_before_the_start_is_a_hope_lost() {
    let (bus, [mut a, mut b, free]) = by_hand(["a", "b", "b"]);
    let (of_a, of_b) = (held(&bus, &mut a), held(&bus, &mut b));
    bus.pause();
    let mut asking = waits(&of_a, &["b"], ALL);
    let mut back = waits(&of_b, &["a"], ALL);
    drop(free);
    bus.start();
    assert_eq!(circle(&mut asking), None);
    assert_eq!(circle(&mut back), Some(cycle(&["a", "b", "a"])));
}

#[test]
fn closed_bus_says_that_it_is_closed_not_that_there_is_a_circle() {
    let (bus, [mut a]) = by_hand(["a"]);
    let of_a = held(&bus, &mut a);
    bus.close();
    let ended = soon("the end", asks(&of_a, &["a"], ALL));
    assert_eq!(ended.unwrap_err(), RequestError::Closed);
}

/// A call taken before `serve` does not matter: the service takes the next call all the same.
#[test]
fn call_kept_from_before_the_service_takes_none_of_its_places() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let of_a = held(&bus, &mut a);
    let mut nested = waits(&of_a, &["b"], ALL);
    let of_b = last(&mut b);
    let mut serving = Box::pin(a.serve(async |call: Call<Ask>| call.respond(Answer)));
    assert!(poll(&mut serving).is_pending());
    let mut back = waits(&of_b, &["a"], ALL);
    assert!(poll(&mut serving).is_pending());
    assert!(poll(&mut back).is_ready());
    of_b.respond(Answer);
    assert!(poll(&mut nested).is_ready());
}

/// It declares that its calls are handled elsewhere, and then serves them one by one.
#[test]
fn service_handles_as_many_at_once_as_it_says() {
    let bus = Bus::new();
    let a = bus.subscriber("a").concurrent().responder::<Ask>();
    bus.start();
    let errors = Log::new();
    let mut serving = Box::pin(a.serve_async(async |call: Call<Ask>| {
        let nested = bus.request(Ask(vec![])).expect(["a"]).timeout(Duration::MAX).gather();
        nested.await.map_or_else(|error| errors.push(error), drop);
        call.respond(Answer);
    }));
    let mut outer = bus.request(Ask(vec![])).expect(["a"]).gather();
    assert!(poll(&mut outer).is_pending());
    assert!(poll(&mut serving).is_pending());
    assert_eq!(errors.take(), [cycle(&["a", "a"])]);
    assert!(poll(&mut outer).is_ready());
}
