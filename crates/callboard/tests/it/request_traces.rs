//! The last requests, displayed as a waterfall.

use std::pin::pin;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{Bus, Event, Gather, Request, RequestTrace, ResponderTrace};

use crate::support::poll;

#[derive(Debug, Event)]
struct Answer;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Question;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Nested;

/// The unit of times in the tests.
const STEP: Duration = Duration::from_secs(1);

/// A started bus that traces requests, on a manual clock.
fn traced() -> (ManualClock, Bus) {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    bus.trace_requests(true);
    bus.start();
    (clock, bus)
}

/// A request to these responders, already sent.
fn asked(bus: &Bus, expected: &[&str]) -> Gather<Question> {
    let mut gather = bus.request(Question).expect(expected).timeout(100 * STEP).gather();
    assert!(poll(&mut gather).is_pending());
    gather
}

fn recent(bus: &Bus) -> Vec<RequestTrace> {
    bus.snapshot().requests.recent
}

/// The outcome of each responder, with the steps after which it took the request and was done.
fn parts(trace: &RequestTrace) -> Vec<(&str, &str, Option<u64>, Option<u64>)> {
    let steps = |time: Option<Duration>| time.map(|time| time.as_secs());
    let part = |it: &ResponderTrace| (steps(it.taken), steps(it.ended));
    let named = trace.responders.iter().map(|it| (&*it.name, &*it.outcome, part(it)));
    named.map(|(name, outcome, (taken, ended))| (name, outcome, taken, ended)).collect()
}

#[test]
fn trace_tells_when_each_responder_took_the_request_and_was_done() {
    let (clock, bus) = traced();
    let late = |name| bus.subscriber(name).late().responder::<Question>();
    let (mut quick, mut slow, mut other) = (late("quick"), late("slow"), late("other"));
    clock.advance(3 * STEP);
    let mut gather = asked(&bus, &["slow", "quick"]);
    clock.advance(STEP);
    quick.try_recv().unwrap().respond(Answer);
    let call = slow.try_recv().unwrap();
    clock.advance(STEP);
    other.try_recv().unwrap().respond(Answer);

    let open = recent(&bus).remove(0);
    assert_eq!((open.took, open.end.as_deref()), (None, None), "it is open");
    let so_far = [
        ("slow", "being handled", Some(1), None),
        ("quick", "responded", Some(1), Some(1)),
        ("other", "responded", Some(2), Some(2)),
    ];
    assert_eq!(parts(&open), so_far);

    clock.advance(STEP);
    call.decline("no idea");
    assert!(poll(&mut gather).is_ready());
    let traces = recent(&bus);
    let [ended] = &traces[..] else { panic!("one request: {traces:?}") };
    assert_eq!((&*ended.event_type, &*ended.rule), ("question", "all of 2"));
    assert_eq!((ended.sequence, ended.asker.as_deref(), ended.parent), (Some(1), None, None));
    assert_eq!((ended.began, ended.took), (3 * STEP, Some(3 * STEP)));
    assert_eq!((ended.timeout, ended.end.as_deref()), (Some(100 * STEP), Some("out of reach")));
    let in_the_end = [
        ("quick", "responded", Some(1), Some(1)),
        ("slow", "declined: no idea", Some(1), Some(3)),
        ("other", "responded", Some(2), Some(2)),
    ];
    assert_eq!(parts(ended), in_the_end);
    let expected: Vec<bool> = ended.responders.iter().map(|it| it.expected).collect();
    assert_eq!(expected, [true, true, false]);
}

#[test]
fn trace_tells_of_responders_that_never_took_the_request() {
    let (clock, bus) = traced();
    let _idle = bus.subscriber("idle").late().responder::<Question>();
    let ask = || bus.request(Question).expect(["idle", "absent"]);
    let mut gather = ask().at_least(1).gather();
    assert!(poll(&mut gather).is_pending());
    let so_far = [("idle", "queued", None, None), ("absent", "no such responder", None, None)];
    assert_eq!(parts(&recent(&bus)[0]), so_far);
    drop(gather);
    assert_eq!(recent(&bus)[0].end.as_deref(), Some("withdrawn"));

    gather = bus.request(Question).expect(["idle"]).timeout(STEP).gather();
    assert!(poll(&mut gather).is_pending());
    clock.advance(STEP);
    assert!(poll(&mut gather).is_ready());
    let trace = &recent(&bus)[1];
    assert_eq!((trace.end.as_deref(), trace.took), (Some("timed out"), Some(STEP)));
    assert_eq!(parts(trace), [("idle", "timed out while queued", None, None)]);
}

#[test]
fn nested_request_names_its_asker_and_the_request_that_it_is_for() {
    let (_clock, bus) = traced();
    let outer = bus.subscriber("outer").late().responder::<Question>();
    let mut inner = bus.subscriber("inner").late().responder::<Nested>();
    let mut gather = asked(&bus, &["outer"]);
    let nested = bus.clone();
    let mut serving = pin!(outer.serve(|call| {
        let gather = nested.request(Nested).expect(["inner"]).gather();
        async move {
            assert!(gather.await.is_ok());
            call.respond(Answer);
        }
    }));
    assert!(poll(&mut serving).is_pending());
    inner.try_recv().unwrap().respond(Answer);
    assert!(poll(&mut serving).is_pending());
    assert!(poll(&mut gather).is_ready());

    let traces = recent(&bus);
    let [outer, inner] = &traces[..] else { panic!("two requests: {traces:?}") };
    assert_eq!((&*outer.event_type, &*inner.event_type), ("question", "nested"), "as they began");
    assert_eq!((inner.asker.as_deref(), inner.parent), (Some("outer"), outer.sequence));
    assert_eq!((outer.end.as_deref(), inner.end.as_deref()), (Some("complete"), Some("complete")));
}

#[test]
fn request_that_waits_for_itself_is_remembered_as_one_in_a_circle() {
    let (_clock, bus) = traced();
    let mut outer = bus.subscriber("outer").late().responder::<Question>();
    let _gather = asked(&bus, &["outer"]);
    let call = outer.try_recv().unwrap();
    let mut gather = call.request(Question).expect(["outer"]).gather();
    assert!(poll(&mut gather).is_ready());
    let ends: Vec<_> = recent(&bus).into_iter().map(|trace| trace.end).collect();
    assert_eq!(ends, [None, Some("in a circle".to_owned())]);
}

#[test]
fn rules_are_told_in_words() {
    let (_clock, bus) = traced();
    let ask = || bus.request(Question).expect(["a", "b"]);
    let gathers =
        [ask().first().gather(), ask().settled().gather(), ask().until(|_| true).gather()];
    for mut gather in gathers {
        assert!(poll(&mut gather).is_ready(), "nobody is there");
    }
    let rules: Vec<_> = recent(&bus).into_iter().map(|trace| trace.rule).collect();
    let expected = ["at least 1 of 2", "until all 2 are settled", "until the predicate holds"];
    assert_eq!(rules, expected);
}

#[test]
fn last_64_are_remembered_and_an_open_one_before_any_other() {
    let (_clock, bus) = traced();
    let _idle = bus.subscriber("idle").late().responder::<Question>();
    let first = asked(&bus, &["idle"]);
    for _ in 0..100 {
        drop(asked(&bus, &["idle"]));
    }
    let traces = recent(&bus);
    assert_eq!(traces.len(), 64);
    let sequences: Vec<_> = traces.iter().filter_map(|trace| trace.sequence).collect();
    let expected = std::iter::once(1).chain(39..=101);
    assert!(sequences.iter().copied().eq(expected), "{sequences:?}");
    drop(first);
    let gathers: Vec<_> = (0..70).map(|_| asked(&bus, &["idle"])).collect();
    let traces = recent(&bus);
    let open = traces.iter().filter(|trace| trace.end.is_none()).count();
    assert_eq!((traces.len(), open, traces[63].sequence), (64, 64, Some(171)));
    drop(gathers);
}

#[test]
fn without_the_choice_only_open_requests_are_shown() {
    let (_clock, bus) = traced();
    bus.trace_requests(false);
    assert!(!bus.snapshot().requests.traced);
    let mut quick = bus.subscriber("quick").late().responder::<Question>();
    let _idle = bus.subscriber("idle").late().responder::<Question>();
    let mut gather = bus.request(Question).expect(["quick", "idle"]).at_least(1).gather();
    assert!(poll(&mut gather).is_pending());
    quick.try_recv().unwrap().respond(Answer);
    let expected = [("quick", "responded", None, None), ("idle", "queued", None, None)];
    assert_eq!(parts(&recent(&bus)[0]), expected);
    assert!(poll(&mut gather).is_ready());
    assert!(recent(&bus).is_empty(), "it was not to be remembered");
}

#[test]
fn request_before_the_start_waits_for_it_and_one_on_a_closed_bus_is_closed() {
    let bus = Bus::new();
    bus.trace_requests(true);
    let mut gather = asked(&bus, &["oracle"]);
    assert_eq!(parts(&recent(&bus)[0]), [("oracle", "waits for the start", None, None)]);
    bus.close();
    assert!(poll(&mut gather).is_ready());
    assert!(poll(&mut bus.request(Question).expect(["oracle"]).gather()).is_ready());
    let ends: Vec<_> = recent(&bus).into_iter().filter_map(|trace| trace.end).collect();
    assert_eq!(ends, ["closed", "closed"]);
}
