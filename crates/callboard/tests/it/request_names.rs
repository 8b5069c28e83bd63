//! What a request reports about names that were given twice, or not at all.

use std::future::IntoFuture;

use callboard::{Bus, End, Event, FindingKind, Outcome, Request, RequestError};

use crate::support::{poll, soon};

#[derive(Debug, Event)]
struct Verdict(u64);

#[derive(Debug, Request)]
#[request(type = "config.validate", response = Verdict)]
struct Validate;

#[test]
fn only_answer_may_be_that_of_somebody_who_was_not_expected() {
    let bus = Bus::new();
    let [mut expected, mut stranger] =
        ["expected", "stranger"].map(|name| bus.responder::<Validate>(name));
    bus.start();
    let mut gather = bus.request(Validate).expect(["expected"]).gather();
    assert!(poll(&mut gather).is_pending());
    stranger.try_recv().unwrap().respond(Verdict(9));
    assert!(poll(&mut gather).is_pending(), "it does not count");
    drop(expected.try_recv().unwrap());
    let gathered = soon("the request", gather).unwrap();
    assert_eq!(gathered.responses().len(), 0);
    assert!(gathered.unexpected().map(|(name, verdict)| (name, verdict.0)).eq([("stranger", 9)]));
    assert_eq!(
        gathered.to_string(),
        "out of reach: 0 of 1 answered; `expected` abandoned the request; \
         answered, but not expected: `stranger`"
    );
    let diagnosis = bus.diagnose();
    assert_eq!(diagnosis.findings.len(), 1, "{diagnosis}");
    assert_eq!(diagnosis.findings[0].kind, FindingKind::RequestFailed);
    assert_eq!(
        diagnosis.to_string(),
        "`config.validate` out of reach: `expected` abandoned the request; check these \
         responders, or ask for fewer answers with `at_least`"
    );
}

#[test]
fn name_given_twice_is_expected_once() {
    let bus = Bus::new();
    let mut validator = bus.responder::<Validate>("a");
    bus.start();
    let mut gather = bus.request(Validate).expect(["a", "a"]).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    validator.try_recv().unwrap().respond(Verdict(1));
    let gathered = soon("the request", gather).unwrap();
    assert_eq!(gathered.to_string(), "complete: 1 of 1 answered");

    let absent = soon("the request", bus.request(Validate).expect(["b", "b"]).gather()).unwrap();
    assert_eq!(absent.to_string(), "out of reach: 0 of 1 answered; `b` no such responder");

    let impossible = bus.request(Validate).expect(["a", "a"]).at_least(2);
    let error = soon("the request", impossible.gather()).unwrap_err();
    assert_eq!(error, RequestError::TooFewExpected { at_least: 2, expected: 1 });
}

#[test]
fn request_that_is_impossible_says_why() {
    let bus = Bus::new();
    bus.start();
    let says =
        |gather: callboard::Gather<Validate>| soon("the request", gather).unwrap_err().to_string();
    let nobody: [&str; 0] = [];
    assert_eq!(
        says(bus.request(Validate).expect(nobody).gather()),
        "request `config.validate` names no expected responder; add `.expect([\"…\"])`"
    );
    assert_eq!(
        says(bus.request(Validate).expect(["a", "b", "a"]).at_least(3).gather()),
        "at least 3 answers wanted of 2 expected responders; at most 2 can come"
    );
    let chain = ["a", "b", "a"].map(String::from).to_vec();
    assert_eq!(
        RequestError::Cycle { chain }.to_string(),
        "request cycle: a → b → a; answer before asking, or serve concurrently, or, \
         if the handler does not wait for the answer, ask in a task of its own"
    );
    bus.close();
    assert_eq!(says(bus.request(Validate).expect(["a"]).gather()), "the bus is closed");
}

#[test]
fn request_that_the_bus_closed_under_says_so() {
    let bus = Bus::new();
    let mut quick = bus.responder::<Validate>("quick");
    let _slow = bus.responder::<Validate>("slow");
    bus.start();
    let mut one = bus.ask(Validate).of("slow").into_future();
    let mut both = bus.request(Validate).expect(["quick", "slow"]).gather();
    assert!(poll(&mut one).is_pending() && poll(&mut both).is_pending());
    drop(quick.try_recv());
    quick.try_recv().unwrap().respond(Verdict(1));
    bus.close();
    let error = soon("the question", one).unwrap_err();
    assert_eq!((error.end(), error.outcome()), (Some(End::Closed), Some(&Outcome::NotAwaited)));
    assert_eq!(error.to_string(), "the bus was closed before `slow` answered `config.validate`");
    let error = soon("the request", both).unwrap().into_all().unwrap_err();
    assert_eq!(error.end(), End::Closed);
    assert_eq!(
        error.to_string(),
        "1 of 2 responders answered `config.validate` before the bus was closed: \
         `slow` not awaited"
    );

    let bus = Bus::new();
    let mut waiting = bus.ask(Validate).of("nobody").into_future();
    assert!(poll(&mut waiting).is_pending());
    bus.close();
    assert_eq!(
        soon("the question", waiting).unwrap_err().to_string(),
        "the bus was closed before `nobody` answered `config.validate`: no such responder"
    );
    let refused = soon("the question", bus.ask(Validate).of("nobody").into_future()).unwrap_err();
    assert_eq!((refused.end(), refused.to_string().as_str()), (None, "the bus is closed"));
}

#[test]
fn namesake_is_expected_until_the_request_ends() {
    let bus = Bus::new();
    let mut inboxes = ["a", "a", "b"].map(|name| bus.responder::<Validate>(name));
    bus.start();
    let mut gather = bus.request(Validate).expect(["a", "b"]).first().gather();
    assert!(poll(&mut gather).is_pending());
    let [first, second, other] = inboxes.each_mut().map(|inbox| inbox.try_recv().unwrap());
    assert!(first.is_expected() && second.is_expected() && other.is_expected());
    other.respond(Verdict(1));
    assert!(poll(&mut gather).is_ready());
    assert!(!first.is_expected() && !second.is_expected());
}
