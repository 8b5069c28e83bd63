//! Nested requests of several chains that wait for one another: one of them fails at once, with the
//! names of the whole cycle, and the others complete.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Barrier;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use callboard::testing::{Sim, block_on};
use callboard::{Bus, Call, Delivery, Event, EventSet, Gather, Request, RequestError, Responder};
use futures_lite::future::{or, zip};

use crate::cycles::{Answer, Ask, by_hand, cycle};
use crate::support::{Log, in_time, poll, soon};

#[derive(Debug, Request)]
#[request(response = Answer)]
struct AskA;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct AskB;

/// Asks one responder, without a time limit.
pub(crate) fn ask<Q: Request<Response = Answer>>(bus: &Bus, request: Q, of: &str) -> Gather<Q> {
    bus.request(request).expect([of]).timeout(Duration::MAX).gather()
}

/// The cycle that a request has failed for, if it has.
pub(crate) fn circle<Q: Request>(gather: &mut Gather<Q>) -> Option<RequestError> {
    match poll(gather) {
        Poll::Ready(Err(error @ RequestError::Cycle { .. })) => Some(error),
        _ => None,
    }
}

/// The most recent call of a responder.
pub(crate) fn last<Q: Request>(responder: &mut Responder<Q>) -> Call<Q> {
    responder.try_iter().last().unwrap()
}

/// Answers every call; one from outside only after another responder has answered.
async fn answer_after<Q: Request<Response = Answer>, P: Request<Response = Answer>>(
    responder: Responder<Q>,
    asking: impl Fn() -> Gather<P>,
    meeting: impl Fn(),
    errors: &Log<RequestError>,
) {
    let handler = async |call: Call<Q>| {
        if call.askers().is_empty() {
            meeting();
            asking().await.map_or_else(|error| errors.push(error), drop);
        }
        call.respond(Answer);
    };
    responder.serve_async(handler).await;
}

async fn ask_both(bus: &Bus) {
    let (a, b) = zip(ask(bus, AskA, "a"), ask(bus, AskB, "b")).await;
    assert!(a.unwrap().is_complete() && b.unwrap().is_complete());
}

#[test]
fn of_two_crosswise_requests_one_fails_at_once_and_the_other_completes() {
    let bus = Bus::new();
    let (a, b) = (bus.responder::<AskA>("a"), bus.responder::<AskB>("b"));
    bus.start();
    let errors = Log::new();
    let serving = zip(
        answer_after(a, || ask(&bus, AskB, "b"), || (), &errors),
        answer_after(b, || ask(&bus, AskA, "a"), || (), &errors),
    );
    soon("both answers", or(ask_both(&bus), async { _ = serving.await }));
    let errors = errors.take();
    assert_eq!(errors, [cycle(&["a", "b", "a"])]);
    assert!(errors[0].to_string().contains("a → b → a"), "{}", errors[0]);
}

#[test]
fn threads_that_ask_crosswise_lose_one_request_each_time() {
    in_time("requests of two threads that wait for each other", || {
        let bus = Bus::new();
        let (a, b) = (bus.responder::<AskA>("a"), bus.responder::<AskB>("b"));
        bus.start();
        let errors = Log::new();
        // Both have their calls before either asks.
        let barrier = Barrier::new(2);
        let meeting = || _ = barrier.wait();
        thread::scope(|scope| {
            scope.spawn(|| {
                block_on(answer_after(a, || ask(&bus, AskB, "b"), meeting, &errors));
            });
            scope.spawn(|| {
                block_on(answer_after(b, || ask(&bus, AskA, "a"), meeting, &errors));
            });
            for _ in 0..500 {
                block_on(ask_both(&bus));
                let errors = errors.take();
                let chains = [["a", "b", "a"], ["b", "a", "b"]];
                assert!(chains.iter().any(|chain| errors == [cycle(chain)]), "{errors:?}");
            }
            bus.close();
        });
    });
}

#[test]
fn threads_that_block_crosswise_lose_one_request_each_time() {
    in_time("requests of two blocked threads that wait for each other", || {
        let (bus, responders) = by_hand(["a", "b"]);
        let (errors, barrier) = (Log::new(), Barrier::new(2));
        thread::scope(|scope| {
            for (responder, other) in responders.into_iter().zip(["b", "a"]) {
                let (bus, errors, barrier) = (&bus, &errors, &barrier);
                let handler = move |call: Call<Ask>| {
                    if call.0 == [call.responder()] {
                        barrier.wait();
                        let request = bus.request(Ask(vec![])).expect([other]);
                        let gathered = request.timeout(Duration::MAX).gather_blocking();
                        gathered.map_or_else(|error| errors.push(error), drop);
                    }
                    call.respond(Answer);
                    async {}
                };
                scope.spawn(move || block_on(responder.serve(handler)));
            }
            for _ in 0..500 {
                let [a, b] = ["a", "b"].map(|name| ask(&bus, Ask(vec![name]), name));
                let (a, b) = block_on(zip(a, b));
                assert!(a.unwrap().is_complete() && b.unwrap().is_complete());
                assert_eq!(errors.take().len(), 1);
            }
            bus.close();
        });
    });
}

/// In any order, also when the bus is paused while they ask.
#[test]
fn ring_of_three_loses_one_request_in_every_order() {
    Sim::for_each_seed(0..200, |sim| {
        let bus = sim.bus();
        let names = ["a", "b", "c"];
        let errors = Log::new();
        for (name, next) in names.into_iter().zip(["b", "c", "a"]) {
            let responder = bus.subscriber(name).responder::<Ask>();
            let (bus, errors) = (bus.clone(), errors.clone());
            sim.spawn(name, async move {
                let handler = async |call: Call<Ask>| {
                    if call.0 == [call.responder()] {
                        let asked = ask(&bus, Ask(vec![]), next).await;
                        asked.map_or_else(|error| errors.push(error), drop);
                    }
                    call.respond(Answer);
                };
                responder.serve_async(handler).await;
            });
        }
        bus.start();
        let (ends, pausing) = (Log::new(), bus.clone());
        for name in names {
            let (mut gather, ends) = (ask(&bus, Ask(vec![name]), name), ends.clone());
            assert!(poll(&mut gather).is_pending());
            sim.spawn("asking", async move { ends.push(gather.await.unwrap().is_complete()) });
        }
        sim.spawn("pausing", async move {
            pausing.pause();
            futures_lite::future::yield_now().await;
            pausing.start();
        });
        sim.run_ready();
        assert_eq!(ends.take(), [true; 3]);
        let errors = errors.take();
        assert!(matches!(&errors[..], [RequestError::Cycle { chain }] if chain.len() == 4));
        bus.close();
        sim.run();
    });
}

#[test]
fn circle_may_run_through_two_buses() {
    let (one, other) = (Bus::new(), Bus::new());
    let (a, b) = (one.responder::<AskA>("a"), other.responder::<AskB>("b"));
    one.start();
    other.start();
    let errors = Log::new();
    let serving = zip(
        answer_after(a, || ask(&other, AskB, "b"), || (), &errors),
        answer_after(b, || ask(&one, AskA, "a"), || (), &errors),
    );
    let asking = async {
        let (a, b) = zip(ask(&one, AskA, "a"), ask(&other, AskB, "b")).await;
        assert!(a.unwrap().is_complete() && b.unwrap().is_complete());
    };
    soon("both answers", or(asking, async { _ = serving.await }));
    // The numbers of two buses do not tell which request is older.
    let errors = errors.take();
    let chains = [["a", "b", "a"], ["b", "a", "b"]];
    assert!(chains.iter().any(|chain| errors == [cycle(chain)]), "{errors:?}");
}

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<AskA>),
}

#[test]
fn handler_of_an_event_that_asks_its_own_inbox_is_a_circle() {
    let bus = Bus::new();
    let inbox = bus.subscribe::<Inbox>("inbox");
    bus.start();
    let errors = Log::new();
    let mut serving = pin!(inbox.serve_async(async |item| match item {
        Inbox::Tick(_) => errors.push(ask(&bus, AskA, "inbox").await.unwrap_err()),
        Inbox::Ask(call) => call.respond(Answer),
    }));
    bus.publish(Tick);
    assert!(poll(&mut serving).is_pending());
    assert_eq!(errors.take(), [cycle(&["inbox", "inbox"])]);
    let mut gather = ask(&bus, AskA, "inbox");
    assert!(poll(&mut gather).is_pending());
    assert!(poll(&mut serving).is_pending());
    assert!(poll(&mut gather).is_ready(), "it goes on");
}

#[test]
fn handler_of_an_event_and_one_of_a_call_may_wait_for_each_other() {
    let bus = Bus::new();
    let (inbox, b) = (bus.subscribe::<Inbox>("inbox"), bus.responder::<AskB>("b"));
    bus.start();
    let (asked, errors) = (Cell::new(0), Log::new());
    let mut listening = pin!(inbox.serve_async(async |item| match item {
        Inbox::Tick(_) => {
            let answered = ask(&bus, AskB, "b").await;
            asked.set(asked.get() + usize::from(answered.unwrap().is_complete()));
        }
        Inbox::Ask(call) => call.respond(Answer),
    }));
    let mut answering = pin!(b.serve_async(async |call: Call<AskB>| {
        ask(&bus, AskA, "inbox").await.map_or_else(|error| errors.push(error), drop);
        call.respond(Answer);
    }));
    bus.publish(Tick);
    for _ in 0..3 {
        assert!(poll(&mut listening).is_pending());
        assert!(poll(&mut answering).is_pending());
    }
    assert_eq!(errors.take(), [cycle(&["inbox", "b", "inbox"])]);
    assert_eq!(asked.get(), 1, "its request has completed");
}
