//! A reply slot, against everything that may end the request before the answer is there.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use loom::thread;

use super::bus::{EVER, started};
use super::harness::Model;
use super::watched::{Note, Question};
use crate::request::{Call, Gather, Responder};
use crate::sync::block_on;
use crate::testing::ManualClock;
use crate::{Bus, End, Outcome};

/// How long the asker waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bus whose clock stands still, and its only responder.
fn asked() -> (Bus, ManualClock, Responder<Question>, Gather<Question>) {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().expect("it is possible");
    bus.start();
    let responder = bus.subscriber("responder").late().responder();
    let gather = bus.request(Question::new(1)).expect(["responder"]).timeout(PATIENCE).gather();
    (bus, clock, responder, gather)
}

fn poll(gather: &mut Gather<Question>) {
    let polled = pin!(gather).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

/// How many answers came late.
fn late(bus: &Bus) -> u64 {
    bus.snapshot().requests.late
}

#[test]
fn answer_comes_in_time_or_late() {
    Model::new("reply.timeout", &["met", "timed out"]).at_least(24).check(|| {
        let (bus, clock, mut responder, mut gather) = asked();
        poll(&mut gather);
        let call: Call<Question> = responder.try_recv().expect("it is asked");
        let answering = thread::spawn(move || call.respond(Note::new(2)));
        clock.advance(PATIENCE);
        let gathered = block_on(gather).expect("it is possible");
        answering.join().unwrap();
        let answers = gathered.responses().map(|(_, note)| note.number()).collect::<Vec<_>>();
        let outcome = gathered.outcome("responder").expect("it was expected");
        match gathered.end() {
            End::Met => {
                assert_eq!((answers, late(&bus), outcome), (vec![2], 0, Outcome::Responded));
                "met"
            }
            _ => {
                let handling = Outcome::TimedOutHandling;
                assert_eq!((answers, late(&bus), outcome), (vec![], 1, handling));
                "timed out"
            }
        }
    });
}

#[test]
fn asker_that_waits_is_woken_by_the_answer_or_the_clock() {
    Model::new("reply.timeout_wakes", &["met", "timed out"]).at_least(1_200).preemptions(3).check(
        || {
            let (bus, clock, mut responder, mut gather) = asked();
            poll(&mut gather);
            let call = responder.try_recv().expect("it is asked");
            let answering = thread::spawn(move || call.respond(Note::new(2)));
            let timing = thread::spawn(move || clock.advance(PATIENCE));
            let gathered = block_on(gather).expect("it is possible");
            answering.join().unwrap();
            timing.join().unwrap();
            assert_eq!(gathered.responses().count() as u64 + late(&bus), 1);
            if gathered.end() == End::Met { "met" } else { "timed out" }
        },
    );
}

#[test]
fn answer_to_an_asker_that_is_gone_is_late() {
    Model::new("reply.cancel", &["late 0", "late 1"]).at_least(6).check(|| {
        let (bus, _clock, mut responder, mut gather) = asked();
        poll(&mut gather);
        let call = responder.try_recv().expect("it is asked");
        let answering = thread::spawn(move || call.respond(Note::new(2)));
        drop(gather);
        answering.join().unwrap();
        format!("late {}", late(&bus))
    });
}

#[test]
fn call_is_taken_or_withdrawn() {
    Model::new("reply.withdraw", &["taken", "withdrawn"]).at_least(12).check(|| {
        let (bus, _clock, mut responder, mut gather) = asked();
        poll(&mut gather);
        let taking = thread::spawn(move || {
            let call = responder.try_recv().ok();
            if let Some(call) = &call {
                call.number();
            }
            (responder, call)
        });
        drop(gather);
        let (responder, call) = taking.join().unwrap();
        let ledger = responder.ledger();
        assert!(ledger.balances());
        assert_eq!((ledger.delivered, ledger.queued), (u64::from(call.is_some()), 0));
        assert_eq!(bus.snapshot().requests.open.len(), 0);
        if call.is_some() { "taken" } else { "withdrawn" }
    });
}

#[test]
fn request_is_made_while_the_bus_closes() {
    Model::new("reply.close", &["closed", "not made"]).at_least(170).check(|| {
        let (bus, _clock, responder, gather) = asked();
        let closing = thread::spawn({
            let bus = bus.clone();
            move || bus.close()
        });
        let ended = block_on(gather);
        closing.join().unwrap();
        drop(responder);
        match ended {
            Ok(gathered) => {
                assert_eq!(gathered.end(), End::Closed);
                "closed"
            }
            Err(_) => "not made",
        }
    });
}

#[test]
fn request_is_made_while_its_responder_leaves() {
    let outcomes = &["abandoned", "nobody"];
    Model::new("reply.leave", outcomes).at_least(100).check(|| {
        let (_bus, _clock, responder, gather) = asked();
        let leaving = thread::spawn(move || drop(responder));
        let gathered = block_on(gather).expect("it is possible");
        leaving.join().unwrap();
        assert_eq!(gathered.end(), End::Unreachable);
        match gathered.outcome("responder") {
            Some(Outcome::Abandoned) => "abandoned",
            Some(Outcome::NoSuchResponder) => "nobody",
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn request_waits_for_the_start_or_is_taken_back() {
    Model::new("reply.start", &["asked", "not asked"]).at_least(12).check(|| {
        let bus = Bus::new();
        let mut responder = bus.responder::<Question>("responder");
        let mut gather = bus.request(Question::new(1)).expect(["responder"]).timeout(EVER).gather();
        poll(&mut gather);
        let starting = thread::spawn({
            let bus = bus.clone();
            move || bus.start().replayed()
        });
        drop(gather);
        let replayed = starting.join().unwrap();
        assert!(responder.try_recv().is_err(), "nobody waits for it any more");
        if replayed == 1 { "asked" } else { "not asked" }
    });
}

#[test]
fn two_answers_meet_the_request_once() {
    Model::new("reply.two", &["1 0", "1 1"]).at_least(5_500).preemptions(3).check(|| {
        let bus = started();
        let mut responders =
            ["a", "b"].map(|name| bus.subscriber(name).late().responder::<Question>());
        let request = bus.request(Question::new(1)).expect(["a", "b"]).first();
        let mut gather = request.timeout(EVER).gather();
        poll(&mut gather);
        let calls = responders.each_mut().map(|responder| responder.try_recv().expect("asked"));
        let answering = calls
            .into_iter()
            .zip([2, 3])
            .map(|(call, number)| thread::spawn(move || call.respond(Note::new(number))));
        let answering: Vec<_> = answering.collect();
        let gathered = block_on(gather).expect("it is possible");
        answering.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(gathered.end(), End::Met);
        let answers = gathered.responses().count() as u64;
        assert_eq!(answers + late(&bus), 2);
        format!("{} {}", answers.min(1), late(&bus))
    });
}
