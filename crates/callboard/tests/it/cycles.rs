//! Nested requests: one that only a responder waiting for it could answer fails at once, with the
//! chain of names; other requests are not mistaken for one.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use callboard::{Bus, Call, Event, Outcome, Request, RequestError, Responder, Troubled};

use crate::support::{Log, PATIENCE, forget, in_time, poll, soon};

#[derive(Debug, Event)]
pub(crate) struct Answer;

/// Asks along a route of names, the first of which is expected first.
#[derive(Debug, Request)]
#[request(response = Answer)]
pub(crate) struct Ask(pub(crate) Vec<&'static str>);

type Errors = Log<RequestError>;

/// Passes the question on to the next name of its route, by a plain request.
async fn pass_on(bus: Bus, call: Call<Ask>, errors: Errors) {
    if call.0[0] != call.responder() {
        return call.decline("everybody is asked, but this is for another");
    }
    let rest = call.0[1..].to_vec();
    if let Some(next) = rest.first().copied() {
        match bus.request(Ask(rest)).expect([next]).gather().await {
            Ok(gathered) if !gathered.is_complete() => return call.decline("nested"),
            Ok(_) => {}
            Err(error) => {
                errors.push(error);
                return call.decline("cycle");
            }
        }
    }
    call.respond(Answer);
}

/// A thread per responder, with how many calls it handles at once.
fn serve_all(bus: &Bus, cast: &[(&'static str, usize)]) -> Errors {
    let errors = Errors::new();
    for (name, limit) in cast.iter().copied() {
        let responder: Responder<Ask> = bus.subscriber(name).late().responder();
        let (bus, errors) = (bus.clone(), errors.clone());
        thread::spawn(move || {
            let handler = move |call| pass_on(bus.clone(), call, errors.clone());
            soon("serving", async {
                match limit {
                    1 => responder.serve(handler).await,
                    _ => responder.serve_concurrent(limit, handler).await,
                }
            });
        });
    }
    errors
}

fn ask(bus: &Bus, route: &[&'static str]) -> Option<Outcome> {
    let began = Instant::now();
    let request = bus.request(Ask(route.to_vec())).expect([route[0]]).timeout(PATIENCE);
    let gathered = request.gather_blocking().unwrap();
    assert!(began.elapsed() < PATIENCE / 2, "at once, not by running into the timeout");
    gathered.outcome(route[0])
}

pub(crate) fn cycle(chain: &[&str]) -> RequestError {
    RequestError::Cycle { chain: chain.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn served_responders_that_lead_back_are_a_cycle() {
    in_time("nested requests in circles", || {
        let bus = Bus::new();
        bus.start();
        let errors = serve_all(&bus, &[("a", 1), ("b", 1), ("c", 1)]);
        for (route, chain) in [
            (&["a", "a"][..], &["a", "a"][..]),
            (&["a", "b", "a"], &["a", "b", "a"]),
            (&["a", "b", "c", "b"], &["a", "b", "c", "b"]),
            (&["c", "b", "a", "c"], &["c", "b", "a", "c"]),
        ] {
            let declined = ask(&bus, route);
            assert!(matches!(declined, Some(Outcome::Declined(_))), "{declined:?}");
            assert_eq!(errors.take(), [cycle(chain)]);
        }
        let error = cycle(&["a", "b", "a"]);
        assert!(error.to_string().contains("a → b → a"), "{error}");
        let troubled = bus.snapshot().requests.troubled;
        assert!(troubled.iter().any(|trouble| matches!(trouble.kind, Troubled::Cycle { .. })));
        assert_eq!(ask(&bus, &["a", "b", "c"]), Some(Outcome::Responded), "a line is none");
        bus.close();
    });
}

#[test]
fn concurrent_responder_may_be_met_as_often_as_it_handles_at_once() {
    in_time("nested requests through concurrent responders", || {
        let bus = Bus::new();
        bus.start();
        let errors = serve_all(&bus, &[("two", 2), ("one", 1)]);
        assert_eq!(ask(&bus, &["two", "two"]), Some(Outcome::Responded));
        assert_eq!(ask(&bus, &["two", "one", "two"]), Some(Outcome::Responded));
        assert_eq!(errors.len(), 0);
        ask(&bus, &["two", "one", "two", "two"]);
        assert_eq!(errors.take(), [cycle(&["two", "one", "two", "two"])]);
        bus.close();
    });
}

/// A running bus with responders that a test operates by hand.
pub(crate) fn by_hand<const N: usize>(names: [&str; N]) -> (Bus, [Responder<Ask>; N]) {
    let bus = Bus::new();
    let responders = names.map(|name| bus.responder::<Ask>(name));
    bus.start();
    (bus, responders)
}

/// Asks `name` and takes the call, which stays in hand.
pub(crate) fn call_in_hand(bus: &Bus, responder: &mut Responder<Ask>) -> Call<Ask> {
    let name = responder.name().to_owned();
    let mut gather = bus.request(Ask(vec![])).expect([name]).gather();
    assert!(poll(&mut gather).is_pending());
    forget(gather);
    responder.try_recv().unwrap()
}

#[test]
fn hand_written_loop_says_so_by_asking_through_its_call() {
    in_time("hand written loop says so by asking through its call", || {
        let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
        let of_a = call_in_hand(&bus, &mut a);
        let error = of_a.request(Ask(vec![])).expect(["a"]).gather_blocking().unwrap_err();
        assert_eq!(error, cycle(&["a", "a"]));
        b.try_iter().for_each(drop);
        let mut nested = of_a.request(Ask(vec![])).expect(["b"]).gather();
        assert!(poll(&mut nested).is_pending(), "b is free");
        let of_b = b.try_recv().unwrap();
        assert_eq!(of_b.cause(), Some(of_a.sequence()));
        let queued = a.len();
        let error = of_b.request(Ask(vec![])).expect(["a"]).gather_blocking().unwrap_err();
        assert_eq!(error, cycle(&["a", "b", "a"]));
        assert!(bus.snapshot().requests.open.len() <= 2, "a cycle leaves no request open");
        assert_eq!(a.len(), queued, "and nothing queued");
    });
}

#[test]
fn plain_request_outside_a_handler_has_no_ancestry() {
    let (bus, [mut a]) = by_hand(["a"]);
    let _in_hand = call_in_hand(&bus, &mut a);
    let mut gather = bus.request(Ask(vec![])).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    assert_eq!(a.len(), 1);
}

#[test]
fn somebody_else_who_can_answer_makes_it_no_cycle() {
    in_time("somebody else who can answer makes it no cycle", || {
        let (bus, [mut a, _b]) = by_hand(["a", "b"]);
        let call = call_in_hand(&bus, &mut a);
        let both = || call.request(Ask(vec![])).expect(["a", "b"]);
        assert!(poll(&mut both().first().gather()).is_pending());
        assert!(poll(&mut both().until(|answers| answers.len() == 1).gather()).is_pending());
        let error = both().gather_blocking().unwrap_err();
        assert_eq!(error, cycle(&["a", "a"]), "all needs the one that waits, too");
        let error = both().at_least(2).gather_blocking().unwrap_err();
        assert_eq!(error, cycle(&["a", "a"]));
    });
}

#[test]
fn name_without_a_responder_does_not_hide_a_cycle() {
    in_time("name without a responder does not hide a cycle", || {
        let (bus, [mut a]) = by_hand(["a"]);
        let call = call_in_hand(&bus, &mut a);
        let request = call.request(Ask(vec![])).expect(["a", "ghost"]).first();
        let gathered = request.timeout(Duration::from_millis(50)).gather_blocking();
        assert_eq!(gathered.unwrap_err(), cycle(&["a", "a"]), "only `a` could ever answer");
    });
}

#[test]
fn second_responder_of_the_name_makes_it_no_cycle() {
    let (bus, [mut a, mut another]) = by_hand(["a", "a"]);
    let call = call_in_hand(&bus, &mut a);
    drop(another.try_recv());
    let mut gather = call.request(Ask(vec![])).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    another.try_recv().unwrap().respond(Answer);
    assert!(soon("the answer", gather).unwrap().is_complete());
}

#[test]
fn responder_that_hands_its_calls_on_is_in_no_cycle() {
    let bus = Bus::new();
    let mut a = bus.subscriber("a").concurrent().responder::<Ask>();
    bus.start();
    let call = call_in_hand(&bus, &mut a);
    let mut nested = call.request(Ask(vec![])).expect(["a"]).gather();
    assert!(poll(&mut nested).is_pending());
    a.try_recv().unwrap().respond(Answer);
    assert!(soon("the answer", nested).unwrap().is_complete());
}

#[test]
fn responder_asleep_for_its_next_call_is_in_no_cycle() {
    let (bus, [mut a]) = by_hand(["a"]);
    let call = call_in_hand(&bus, &mut a);
    let mut recv = a.recv();
    assert!(poll(&mut recv).is_pending());
    let mut nested = call.request(Ask(vec![])).expect(["a"]).gather();
    assert!(poll(&mut nested).is_pending(), "it has handed the first call to somebody else");
    soon("the call", recv).unwrap().respond(Answer);
    assert!(soon("the answer", nested).unwrap().is_complete());
}

#[test]
fn request_after_the_answer_is_no_cycle() {
    in_time("asking back after having answered", || {
        let bus = Bus::new();
        bus.start();
        let responder: Responder<Ask> = bus.subscriber("a").late().responder();
        let (inner, again) = (bus.clone(), Arc::new(Log::new()));
        let log = Arc::clone(&again);
        thread::spawn(move || {
            soon(
                "serving",
                responder.serve(move |call| {
                    let (bus, log) = (inner.clone(), Arc::clone(&log));
                    async move {
                        let last = call.0.is_empty();
                        call.respond(Answer);
                        if !last {
                            // Sent but not awaited: the loop gets to it later.
                            let mut gather = bus.request(Ask(vec![])).expect(["b"]).gather();
                            log.push(poll(&mut gather).is_ready());
                        }
                    }
                }),
            );
        });
        assert_eq!(ask(&bus, &["a", "b"]), Some(Outcome::Responded));
        crate::support::eventually("the second request", || again.len() == 1);
        bus.close();
    });
}

#[test]
fn two_askers_of_one_responder_are_no_cycle() {
    in_time("responders that share a third", || {
        let bus = Bus::new();
        bus.start();
        let errors = serve_all(&bus, &[("a", 1), ("b", 1), ("shared", 1)]);
        thread::scope(|scope| {
            for name in ["a", "b"] {
                let bus = &bus;
                scope.spawn(move || {
                    for _ in 0..50 {
                        assert_eq!(ask(bus, &[name, "shared"]), Some(Outcome::Responded));
                    }
                });
            }
        });
        assert_eq!(errors.len(), 0);
        bus.close();
    });
}

#[test]
fn chain_may_cross_buses() {
    let (one, [mut a]) = by_hand(["a"]);
    let (other, [b]) = by_hand(["b"]);
    let of_a = call_in_hand(&one, &mut a);
    let mut on_the_other = None;
    // A served handler on one bus asks on another: the ancestry is passed on.
    let mut serving = Box::pin(b.serve(|call| {
        let mut nested = one.request(Ask(vec![])).expect(["a"]).gather();
        on_the_other = Some(poll(&mut nested).is_pending());
        async move { call.respond(Answer) }
    }));
    let mut gather = other.request(Ask(vec![])).expect(["b"]).gather();
    assert!(poll(&mut gather).is_pending());
    assert!(poll(&mut serving).is_pending());
    drop((serving, of_a));
    assert_eq!(on_the_other, Some(true), "a is not among b's ancestors");
}

#[test]
fn settled_request_fails_as_a_whole_if_one_expected_responder_waits_for_the_asker() {
    use callboard::{Bus, Event, Request, RequestError};

    #[derive(Debug, Event)]
    struct Known;
    #[derive(Debug, Request)]
    #[request(response = Known)]
    struct Whether;

    let bus = Bus::new();
    let mut asking = bus.responder::<Whether>("asking");
    let _other = bus.responder::<Whether>("other");
    bus.start();
    let mut asked = bus.request(Whether).expect(["asking"]).gather();
    assert!(crate::support::poll(&mut asked).is_pending());
    let call = asking.try_recv().unwrap();
    let nested = || call.request(Whether).expect(["asking", "other"]);
    assert!(crate::support::poll(&mut nested().first().gather()).is_pending(), "the other may");
    let error = crate::support::soon("the circle", nested().settled().gather()).unwrap_err();
    let chain = ["asking", "asking"].map(String::from).to_vec();
    assert_eq!(error, RequestError::Cycle { chain });
}
