//! Completion rules side by side, and how results are evaluated.

use std::time::Duration;

use callboard::{
    AskError, Bus, Call, End, Event, Outcome, Request, RequestBuilder, RequestError, Responder,
};

use crate::support::{forget, poll, soon};

#[derive(Debug, Event)]
struct Answer(u32);

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Ask;

/// What the third of three responders does; the other two answer.
#[derive(Debug, Clone, Copy)]
enum Third {
    Answers,
    IsMissing,
    Declines,
    Dies,
    HasNoRoom,
    StaysSilent,
}

type Rule = fn(RequestBuilder<Ask>) -> RequestBuilder<Ask>;

/// The end of a request by this rule, and how many answers it has.
fn outcome(rule: Rule, third: Third) -> (End, usize) {
    let bus = Bus::new();
    let mut both = ["a", "b"].map(|name| bus.responder::<Ask>(name));
    let capacity = if matches!(third, Third::HasNoRoom) { 0 } else { 1 };
    let mut c = (!matches!(third, Third::IsMissing))
        .then(|| -> Responder<Ask> { bus.subscriber("c").capacity(capacity).responder() });
    bus.start();
    let asked = bus.request(Ask).expect(["a", "b", "c"]).timeout(Duration::from_millis(10));
    let mut gather = rule(asked).gather();
    if poll(&mut gather).is_ready() {
        return (End::Unreachable, 0);
    }
    // The third goes first, so that a rule that needs it ends according to what it does.
    let call = c.as_mut().and_then(|c| c.try_recv().ok());
    match (third, call) {
        (Third::Answers, Some(call)) => call.respond(Answer(3)),
        (Third::Declines, Some(call)) => call.decline("no"),
        (Third::Dies, call) => drop((call, c.take())),
        (_, call) => forget(call),
    }
    for responder in &mut both {
        let call: Result<Call<Ask>, _> = responder.try_recv();
        call.into_iter().for_each(|call| call.respond(Answer(1)));
    }
    let gathered = soon("the end", gather).unwrap();
    (gathered.end(), gathered.responses().len())
}

/// The table of the guide.
#[test]
fn each_rule_ends_as_the_guide_says() {
    use End::{Met, TimedOut, Unreachable};
    use Third::{Answers, Declines, Dies, HasNoRoom, IsMissing, StaysSilent};
    let rules: [(&str, Rule); 5] = [
        ("all", |it| it.all()),
        ("at_least(2)", |it| it.at_least(2)),
        ("first", |it| it.first()),
        ("until(3)", |it| it.until(|answers| answers.len() == 3)),
        ("settled", |it| it.settled()),
    ];
    let thirds = [Answers, IsMissing, Declines, Dies, HasNoRoom, StaysSilent];
    let expected = [
        // Answers that arrived by the poll that ends the request are included.
        [
            (Met, 3),
            (Unreachable, 0),
            (Unreachable, 2),
            (Unreachable, 2),
            (Unreachable, 0),
            (TimedOut, 2),
        ],
        [(Met, 3), (Met, 2), (Met, 2), (Met, 2), (Met, 2), (Met, 2)],
        [(Met, 3), (Met, 2), (Met, 2), (Met, 2), (Met, 2), (Met, 2)],
        [
            (Met, 3),
            (Unreachable, 2),
            (Unreachable, 2),
            (Unreachable, 2),
            (Unreachable, 2),
            (TimedOut, 2),
        ],
        [(Met, 3), (Met, 2), (Met, 2), (Met, 2), (Met, 2), (TimedOut, 2)],
    ];
    for ((name, rule), expected) in rules.into_iter().zip(expected) {
        let ends = thirds.map(|third| outcome(rule, third));
        assert_eq!(ends, expected, "{name} with {thirds:?}");
    }
}

#[test]
fn settled_ends_with_the_bus_and_without_anybody() {
    let bus = Bus::new();
    let _silent = bus.responder::<Ask>("silent");
    bus.start();
    let nobody = bus.request(Ask).expect(["x", "y"]).settled().gather_blocking().unwrap();
    assert_eq!((nobody.end(), nobody.is_complete(), nobody.missing().len()), (End::Met, true, 2));
    let mut gather = bus.request(Ask).expect(["silent"]).settled().gather();
    assert!(poll(&mut gather).is_pending());
    bus.close();
    assert_eq!(soon("the end", gather).unwrap().end(), End::Closed);
    let error = bus.request(Ask).settled().gather_blocking().unwrap_err();
    assert_eq!(error, RequestError::NobodyExpected { request: "ask" });
}

#[test]
fn all_answers_or_an_error_that_lists_who_is_missing() {
    let bus = Bus::new();
    let mut a = bus.responder::<Ask>("a");
    bus.start();
    let mut gather = bus.request(Ask).expect(["x", "a", "y"]).settled().gather();
    assert!(poll(&mut gather).is_pending());
    a.try_recv().unwrap().respond(Answer(7));
    let gathered = soon("the end", gather).unwrap();
    let error = gathered.into_all().unwrap_err();
    let missing = ["x", "y"].map(|name| (name.to_owned(), Outcome::NoSuchResponder));
    assert_eq!((error.request(), error.end(), error.missing()), ("ask", End::Met, &missing[..]));
    let says = "1 of 3 responders answered `ask`: `x` no such responder, `y` no such responder";
    assert_eq!(error.to_string(), says);

    let mut gather = bus.request(Ask).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    a.try_recv().unwrap().respond(Answer(8));
    let all = soon("the end", gather).unwrap().into_all().unwrap();
    assert_eq!((all.len(), &*all[0].0, all[0].1.0), (1, "a", 8));
}

#[test]
fn one_responder_is_asked_in_short() {
    let bus = Bus::new();
    let mut a = bus.responder::<Ask>("a");
    bus.start();
    let mut asked = IntoFuture::into_future(bus.ask(Ask).of("a").timeout(Duration::MAX));
    assert!(poll(&mut asked).is_pending());
    a.try_recv().unwrap().decline("not now");
    let error = soon("the answer", asked).unwrap_err();
    assert_eq!(error.outcome(), Some(&Outcome::Declined("not now".into())));
    assert_eq!(error.to_string(), "`a` did not answer `ask`: declined: not now");
    let error = bus.ask(Ask).timeout(Duration::ZERO).of("a").answer_blocking().unwrap_err();
    assert_eq!(error.outcome(), Some(&Outcome::TimedOutQueued));
    drop(IntoFuture::into_future(bus.ask(Ask).of("a")));
    assert!(a.is_empty(), "it was never asked, or taken back");
    bus.close();
    let error = bus.ask(Ask).of("a").answer_blocking().unwrap_err();
    assert_eq!(error, AskError::Request(RequestError::Closed));
}
