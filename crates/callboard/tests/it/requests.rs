//! Requests: the completion rules, which answers count, and impossible calls.

use std::task::Poll;
use std::thread;
use std::time::Duration;

use callboard::{
    Bus, Call, Delivery, End, Event, Gather, Gathered, Outcome, Request, RequestError, Responder,
};

use crate::support::{HandClock, Rng, Wakes, in_time, poll, poll_with, soon};

#[derive(Debug, Event)]
struct Verdict(u64);

#[derive(Debug, Request)]
#[request(type = "config.validate", response = Verdict)]
struct Validate(u64);

/// A running bus and its responders, whose calls a test answers by hand.
fn cast<const N: usize>(names: [&str; N]) -> (Bus, [Responder<Validate>; N]) {
    let bus = Bus::new();
    let responders = names.map(|name| bus.responder::<Validate>(name));
    bus.start();
    (bus, responders)
}

fn calls<const N: usize>(responders: &mut [Responder<Validate>; N]) -> [Call<Validate>; N] {
    responders.each_mut().map(|responder| responder.try_recv().expect("it was asked"))
}

#[track_caller]
fn done(gather: &mut Gather<Validate>) -> Gathered<Verdict> {
    match poll(gather) {
        Poll::Ready(result) => result.expect("it was a possible call"),
        Poll::Pending => panic!("its outcome is certain"),
    }
}

fn names(gathered: &Gathered<Verdict>) -> Vec<(&str, u64)> {
    gathered.responses().map(|(name, verdict)| (name, verdict.0)).collect()
}

#[test]
fn all_is_the_default_rule() {
    let (bus, mut responders) = cast(["a", "b"]);
    for explicit in [false, true] {
        let request = bus.request(Validate(1)).expect(["a"]).expect(["b"]);
        let mut gather = if explicit { request.at_least(2).gather() } else { request.gather() };
        assert!(poll(&mut gather).is_pending());
        let [a, b] = calls(&mut responders);
        assert_eq!((a.0, a.responder(), b.responder()), (1, "a", "b"));
        b.respond(Verdict(2));
        assert!(poll(&mut gather).is_pending());
        a.respond(Verdict(1));
        let gathered = done(&mut gather);
        assert_eq!((gathered.end(), gathered.is_complete()), (End::Met, true));
        assert_eq!(names(&gathered), [("b", 2), ("a", 1)], "in the order in which they came");
        assert_eq!(gathered.missing().len(), 0);
    }
}

#[test]
fn awaiting_the_builder_gathers() {
    let (bus, [a]) = cast(["a"]);
    thread::spawn(move || soon("serving", a.serve(async |call| call.respond(Verdict(3)))));
    let gathered =
        soon("the answer", async { bus.request(Validate(0)).expect(["a"]).await }).unwrap();
    assert_eq!(gathered.get("a").unwrap().0, 3);
    assert!(gathered.get("b").is_none());
    bus.close();
}

#[test]
fn enough_answers_end_the_gather_at_once() {
    let (bus, mut responders) = cast(["a", "b", "c"]);
    let (wakes, waker) = Wakes::new();
    let mut gather = bus.request(Validate(0)).expect(["a", "b", "c"]).at_least(2).gather();
    assert!(poll_with(&mut gather, &waker).is_pending());
    let [a, b, c] = calls(&mut responders);
    a.respond(Verdict(1));
    assert_eq!(wakes.count(), 0, "one answer decides nothing");
    c.respond(Verdict(3));
    assert_eq!(wakes.count(), 1);
    assert!(b.is_open());
    let gathered = done(&mut gather);
    assert!(!b.is_open());
    assert_eq!(names(&gathered), [("a", 1), ("c", 3)]);
    assert!(gathered.missing().eq([("b", Outcome::NotAwaited)]));
    assert_eq!(gathered.outcome("a"), Some(Outcome::Responded));
    assert_eq!(gathered.outcome("stranger"), None);
}

#[test]
fn first_is_at_least_one() {
    let (bus, mut responders) = cast(["a", "b"]);
    let mut gather = bus.request(Validate(0)).expect(["a", "b"]).first().gather();
    assert!(poll(&mut gather).is_pending());
    let [_a, b] = calls(&mut responders);
    b.respond(Verdict(2));
    assert_eq!(names(&done(&mut gather)), [("b", 2)]);
}

#[test]
fn gather_ends_as_soon_as_the_rule_is_out_of_reach() {
    let (bus, mut responders) = cast(["a", "b", "c"]);
    let (wakes, waker) = Wakes::new();
    let mut gather = bus.request(Validate(0)).expect(["a", "b", "c"]).at_least(2).gather();
    assert!(poll_with(&mut gather, &waker).is_pending());
    let [a, b, _c] = calls(&mut responders);
    a.decline("not today");
    assert_eq!(wakes.count(), 0, "two may still answer");
    drop(b);
    assert_eq!(wakes.count(), 1);
    let gathered = done(&mut gather);
    assert_eq!((gathered.end(), gathered.is_complete()), (End::Unreachable, false));
    assert!(gathered.missing().eq([
        ("a", Outcome::Declined("not today".into())),
        ("b", Outcome::Abandoned),
        ("c", Outcome::NotAwaited),
    ]));
}

#[test]
fn until_asks_the_predicate_after_each_answer() {
    let (bus, mut responders) = cast(["a", "b", "c"]);
    let request = bus.request(Validate(0)).expect(["a", "b", "c"]);
    let mut gather = request
        .until(|answers| answers.iter().map(|(_, verdict)| verdict.0).sum::<u64>() >= 5)
        .gather();
    assert!(poll(&mut gather).is_pending());
    let [a, b, c] = calls(&mut responders);
    a.respond(Verdict(2));
    assert!(poll(&mut gather).is_pending());
    b.respond(Verdict(4));
    let gathered = done(&mut gather);
    assert_eq!((gathered.end(), names(&gathered)), (End::Met, vec![("a", 2), ("b", 4)]));
    drop(c);

    let never = bus.request(Validate(0)).expect(["a", "b", "c"]).until(|_| false);
    let mut gather = never.gather();
    assert!(poll(&mut gather).is_pending());
    for (number, call) in (0..).zip(calls(&mut responders)) {
        assert!(poll(&mut gather).is_pending());
        call.respond(Verdict(number));
    }
    assert_eq!(done(&mut gather).end(), End::Unreachable, "everybody has answered");
}

#[test]
fn until_counts_a_name_once() {
    let (bus, mut responders) = cast(["a", "a", "b"]);
    let mut gather =
        bus.request(Validate(0)).expect(["a", "b"]).until(|answers| answers.len() >= 2).gather();
    assert!(poll(&mut gather).is_pending());
    let [first, second, b] = calls(&mut responders);
    first.respond(Verdict(1));
    assert!(poll(&mut gather).is_pending());
    second.respond(Verdict(2));
    assert!(poll(&mut gather).is_pending(), "a second answer of that name is a duplicate");
    b.respond(Verdict(3));
    assert_eq!(names(&done(&mut gather)), [("a", 1), ("b", 3)]);
    assert_eq!(bus.snapshot().requests.duplicate, 1);
}

#[test]
fn duplicate_answers_are_counted_and_dropped() {
    let (bus, mut responders) = cast(["a", "a", "b"]);
    let mut gather = bus.request(Validate(0)).expect(["a", "b"]).gather();
    assert!(poll(&mut gather).is_pending());
    let [first, second, b] = calls(&mut responders);
    second.respond(Verdict(2));
    first.respond(Verdict(1));
    assert!(poll(&mut gather).is_pending());
    b.respond(Verdict(3));
    assert_eq!(names(&done(&mut gather)), [("a", 2), ("b", 3)], "the first of a name counts");
    assert_eq!(bus.snapshot().requests.duplicate, 1);
}

#[test]
fn of_two_with_one_name_the_more_hopeful_counts() {
    let (bus, mut responders) = cast(["a", "a"]);
    let mut gather = bus.request(Validate(0)).expect(["a", "a"]).gather();
    assert!(poll(&mut gather).is_pending());
    let [first, second] = calls(&mut responders);
    first.decline("ask the other");
    assert!(poll(&mut gather).is_pending());
    second.respond(Verdict(2));
    assert_eq!(names(&done(&mut gather)), [("a", 2)], "a name given twice is expected once");
}

#[test]
fn answer_of_a_name_stays_whatever_its_namesake_does() {
    let (bus, mut responders) = cast(["a", "a", "b"]);
    let mut gather = bus.request(Validate(0)).expect(["a", "b"]).gather();
    assert!(poll(&mut gather).is_pending());
    let [first, second, b] = calls(&mut responders);
    second.respond(Verdict(2));
    first.decline("too late to say so");
    assert!(poll(&mut gather).is_pending(), "b may still answer");
    b.respond(Verdict(3));
    let gathered = done(&mut gather);
    assert_eq!((gathered.end(), names(&gathered)), (End::Met, vec![("a", 2), ("b", 3)]));
}

#[test]
fn answers_come_in_their_order_and_the_missing_in_that_of_their_naming() {
    let (bus, mut responders) = cast(["a", "b", "c", "d", "e"]);
    let request = bus.request(Validate(0)).expect(["e", "c", "a", "d", "b"]);
    let mut gather = request.at_least(3).gather();
    assert!(poll(&mut gather).is_pending());
    let [a, b, c, d, e] = calls(&mut responders);
    assert_eq!([a.responder(), c.responder(), e.responder()], ["a", "c", "e"]);
    d.decline("no");
    a.respond(Verdict(1));
    c.respond(Verdict(3));
    b.respond(Verdict(2));
    let gathered = done(&mut gather);
    assert_eq!(names(&gathered), [("a", 1), ("c", 3), ("b", 2)]);
    let missing: Vec<_> = gathered.missing().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(missing, ["e", "d"]);
    assert_eq!(gathered.clone().outcome("d"), Some(Outcome::Declined("no".into())));
    let shown = format!("{gathered:?}");
    let expected = "Gathered { end: Met, sequence: 1, \
                    responses: {\"a\": Verdict(1), \"c\": Verdict(3), \"b\": Verdict(2)}, \
                    missing: {\"e\": NotAwaited, \"d\": Declined(\"no\")} }";
    assert_eq!(shown, expected);
    drop(e);
}

#[test]
fn late_answers_reach_no_other_request() {
    let (bus, mut responders) = cast(["a"]);
    let verdicts = bus.subscriber("watcher").late().subscribe::<Verdict>();
    let mut first = bus.request(Validate(1)).expect(["a"]).gather();
    assert!(poll(&mut first).is_pending());
    let [late] = calls(&mut responders);
    drop(first);
    assert!(!late.is_open());
    let mut second = bus.request(Validate(2)).expect(["a"]).gather();
    assert!(poll(&mut second).is_pending());
    late.respond(Verdict(1));
    assert!(poll(&mut second).is_pending());
    assert_eq!(bus.snapshot().requests.late, 1);
    assert!(verdicts.is_empty(), "nobody asked any more");
    let [call] = calls(&mut responders);
    call.respond(Verdict(2));
    assert_eq!(names(&done(&mut second)), [("a", 2)]);
    assert_eq!(bus.snapshot().requests.late, 1);
}

#[test]
fn unexpected_answers_do_not_count() {
    let (bus, mut responders) = cast(["a", "stranger"]);
    let mut gather = bus.request(Validate(0)).expect(["a"]).first().gather();
    assert!(poll(&mut gather).is_pending());
    let [a, stranger] = calls(&mut responders);
    stranger.respond(Verdict(9));
    assert!(poll(&mut gather).is_pending());
    a.respond(Verdict(1));
    let gathered = done(&mut gather);
    assert_eq!(names(&gathered), [("a", 1)]);
    let unexpected: Vec<_> = gathered.unexpected().map(|(name, answer)| (name, answer.0)).collect();
    assert_eq!(unexpected, [("stranger", 9)]);
    assert!(gathered.get("stranger").is_none());
}

#[test]
fn everybody_of_the_type_is_asked_and_observers_see_it() {
    let (bus, mut responders) = cast(["a", "b"]);
    let mut observer = bus.subscriber("observer").late().subscribe::<Validate>();
    let mut gather = bus.request(Validate(7)).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    let seen: Delivery<Validate> = observer.try_recv().unwrap();
    let [a, b] = calls(&mut responders);
    assert_eq!((seen.0, a.0, b.0), (7, 7, 7));
    assert!(seen.sequence() == a.sequence() && a.sequence() == b.sequence());
    bus.publish(Validate(8));
    assert_eq!(observer.len(), 1, "publishing a request only shows it");
    assert!(responders.iter().all(|responder| responder.is_empty()));
}

#[test]
fn impossible_calls_are_errors() {
    in_time("impossible calls are errors", || {
        let (bus, responders) = cast(["a"]);
        let nobody: [&str; 0] = [];
        let error = bus.request(Validate(0)).expect(nobody).gather_blocking().unwrap_err();
        assert_eq!(error, RequestError::NobodyExpected { request: "config.validate" });
        assert!(error.to_string().contains("config.validate"), "{error}");
        let request = bus.request(Validate(0)).expect(["a", "a", "b"]).at_least(3);
        let error = request.gather_blocking().unwrap_err();
        assert_eq!(error, RequestError::TooFewExpected { at_least: 3, expected: 2 });
        assert!(responders[0].is_empty(), "nobody is asked");
        bus.close();
        let error = bus.request(Validate(0)).expect(["a"]).gather_blocking().unwrap_err();
        assert_eq!(error, RequestError::Closed);
        let orphan = Bus::new().request(Validate(0)).expect(["a"]);
        assert_eq!(orphan.gather_blocking().unwrap_err(), RequestError::Closed);
        let requests = bus.snapshot().requests;
        assert!(requests.open.is_empty());
        assert_eq!(requests.ended, 3, "each has ended");
    });
}

#[test]
fn nothing_is_asked_before_the_first_poll() {
    let clock = HandClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let a = bus.responder::<Validate>("a");
    bus.start();
    let mut gather =
        bus.request(Validate(0)).expect(["a"]).timeout(Duration::from_secs(1)).gather();
    clock.advance(Duration::from_secs(5));
    assert!(a.is_empty());
    assert!(poll(&mut gather).is_pending(), "and time runs from then on");
    assert_eq!(a.len(), 1);
}

#[test]
fn open_requests_do_not_mix() {
    in_time("hundreds of requests at once", || {
        let (bus, mut responders) = cast(["a", "b"]);
        let mut rng = Rng::new(90);
        let mut gathers: Vec<_> = (0..50)
            .map(|number| {
                let mut gather = bus.request(Validate(number)).expect(["a", "b"]).gather();
                assert!(poll(&mut gather).is_pending());
                gather
            })
            .collect();
        assert_eq!(bus.snapshot().requests.open.len(), 50);
        let mut open: Vec<Call<Validate>> =
            responders.iter_mut().flat_map(|responder| responder.try_iter()).collect();
        while !open.is_empty() {
            let call = open.swap_remove(rng.below(open.len()));
            let answer = Verdict(call.0);
            call.respond(answer);
        }
        for (number, gather) in (0..).zip(&mut gathers) {
            let gathered = done(gather);
            assert!(gathered.is_complete());
            assert!(gathered.responses().all(|(_, verdict)| verdict.0 == number));
        }
        assert_eq!((bus.snapshot().requests.open.len(), bus.snapshot().requests.ended), (0, 50));
    });
}

#[test]
fn askers_and_responders_on_threads_get_every_answer() {
    in_time("askers and responders on threads", || {
        let (bus, responders) = cast(["a", "b", "c"]);
        let serving = responders.map(|responder| {
            thread::spawn(move || {
                soon(
                    "serving",
                    responder.serve(async |call| {
                        let answer = Verdict(call.0 + 1);
                        call.respond(answer);
                    }),
                );
            })
        });
        thread::scope(|scope| {
            for asker in 0..4 {
                let bus = &bus;
                scope.spawn(move || {
                    for number in 0..100 {
                        let asked = asker * 1_000 + number;
                        let request = bus.request(Validate(asked)).expect(["a", "b", "c"]);
                        let gathered = match number % 3 {
                            0 => request.gather_blocking(),
                            1 => request.at_least(2).gather_blocking(),
                            _ => request.first().gather_blocking(),
                        };
                        let gathered = gathered.unwrap();
                        assert!(gathered.is_complete(), "{gathered:?}");
                        assert!(gathered.responses().all(|(_, answer)| answer.0 == asked + 1));
                    }
                });
            }
        });
        bus.close();
        serving.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(bus.snapshot().balances());
    });
}
