//! Nested requests that together close a cycle, in every order.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::bus::{EVER, started};
use super::harness::Model;
use super::watched::{Note, Question};
use crate::error::RequestError;
use crate::request::{Call, Gather, Responder};
use crate::{Bus, End};

/// The result of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Open,
    Ended(End),
    Cycle,
}

fn poll(gather: &mut Gather<Question>) -> Seen {
    match pin!(gather).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => Seen::Open,
        Poll::Ready(Ok(gathered)) => Seen::Ended(gathered.end()),
        Poll::Ready(Err(RequestError::Cycle { .. })) => Seen::Cycle,
        Poll::Ready(Err(error)) => panic!("{error}"),
    }
}

/// A responder that is handling a call, and the request that waits for it.
struct Busy {
    responder: Responder<Question>,
    call: Call<Question>,
    _outer: Gather<Question>,
}

fn busy(bus: &Bus, name: &str, number: u64) -> Busy {
    let mut responder = bus.subscriber(name).late().responder();
    let mut outer = bus.request(Question::new(number)).expect([name]).timeout(EVER).gather();
    assert_eq!(poll(&mut outer), Seen::Open);
    let call = responder.try_recv().expect("it is asked");
    Busy { responder, call, _outer: outer }
}

fn nested(call: &Call<Question>, number: u64, of: &[&str]) -> Gather<Question> {
    call.request(Question::new(number)).expect(of).first().timeout(EVER).gather()
}

/// Takes all its calls, and returns the last.
fn last(responder: &mut Responder<Question>) -> Call<Question> {
    responder.try_iter().last().expect("it is asked")
}

#[test]
fn of_two_that_ask_crosswise_exactly_one_fails() {
    Model::new("circle.crosswise", &["a", "b"]).at_least(400).check(|| {
        let bus = started();
        let (a, b) = (busy(&bus, "a", 1), busy(&bus, "b", 2));
        let asking = thread::spawn(move || {
            let mut gather = nested(&a.call, 3, &["b"]);
            let seen = poll(&mut gather);
            (a, gather, seen)
        });
        let mut of_b = nested(&b.call, 4, &["a"]);
        let seen_b = poll(&mut of_b);
        let (a, of_a, seen_a) = asking.join().unwrap();
        let (mut left, right, name) = match (seen_a, seen_b) {
            (Seen::Cycle, Seen::Open) => (of_b, a, "a"),
            (Seen::Open, Seen::Cycle) => (of_a, b, "b"),
            both => panic!("{both:?}"),
        };
        // The one that has failed continues.
        let Busy { mut responder, call, _outer } = right;
        call.respond(Note::new(5));
        last(&mut responder).respond(Note::new(6));
        assert_eq!(poll(&mut left), Seen::Ended(End::Met));
        name
    });
}

#[test]
fn circle_that_a_decline_closes_beside_a_request_is_found() {
    Model::new("circle.decline", &["at once", "later"]).at_least(5_000).check(|| {
        let bus = started();
        let (a, b, c) = (busy(&bus, "a", 1), busy(&bus, "b", 2), busy(&bus, "c", 3));
        let Busy { responder: mut of_c, call, _outer } = c;
        drop(call);
        let mut one_of_two = nested(&a.call, 4, &["b", "c"]);
        assert_eq!(poll(&mut one_of_two), Seen::Open);
        let call = last(&mut of_c);
        let declining = thread::spawn(move || {
            call.decline("not mine");
            let seen = poll(&mut one_of_two);
            (one_of_two, seen)
        });
        let mut back = nested(&b.call, 5, &["a"]);
        let seen = poll(&mut back);
        let (mut one_of_two, older) = declining.join().unwrap();
        assert_eq!((older, poll(&mut one_of_two)), (Seen::Open, Seen::Open));
        match seen {
            Seen::Cycle => "at once",
            Seen::Open => {
                assert_eq!(poll(&mut back), Seen::Cycle);
                "later"
            }
            Seen::Ended(end) => panic!("{end:?}"),
        }
    });
}
