//! A request that is answered, abandoned and cut off at the same time.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use loom::cell::UnsafeCell;
use loom::thread;

use super::bus::EVER;
use super::harness::Model;
use super::watched::{Note, Plain};
use crate::request::{Call, Gather, Request};
use crate::sync::{Arc, block_on};
use crate::{Bus, End};

impl Request for Plain {
    type Response = Note;
}

/// A bus with an open request, and the call that its responder has taken.
fn asked() -> (Bus, Gather<Plain>, Call<Plain>) {
    let bus = Bus::new();
    bus.start();
    let mut responder = bus.subscriber("responder").late().responder::<Plain>();
    let mut gather = bus.request(Plain(1)).expect(["responder"]).timeout(EVER).gather();
    assert!(poll(&mut gather).is_none());
    let call = responder.try_recv().expect("it is asked");
    (bus, gather, call)
}

/// How the request has ended, if it has.
fn poll(gather: &mut Gather<Plain>) -> Option<End> {
    match pin!(gather).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(gathered) => gathered.ok().map(|gathered| gathered.end()),
        Poll::Pending => None,
    }
}

#[test]
fn asker_that_waits_is_woken_by_the_answer() {
    Model::new("ask.answer", &["at once", "later"]).at_least(80).check(|| {
        let (_bus, mut gather, call) = asked();
        let responder = thread::spawn(move || call.respond(Note::new(1)));
        let at_once = poll(&mut gather);
        let ended = at_once.unwrap_or_else(|| block_on(gather).expect("it is possible").end());
        responder.join().unwrap();
        assert_eq!(ended, End::Met);
        if at_once.is_some() { "at once" } else { "later" }
    });
}

#[test]
fn responder_that_waits_is_woken_by_the_call() {
    Model::new("ask.call", &["called"]).at_least(30).check(|| {
        let bus = Bus::new();
        bus.start();
        let mut responder = bus.subscriber("responder").late().responder::<Plain>();
        let asker = thread::spawn({
            // The last handle closes the bus, which would wake the responder.
            let bus = bus.clone();
            move || {
                let mut gather = bus.request(Plain(1)).expect(["responder"]).timeout(EVER).gather();
                assert!(poll(&mut gather).is_none());
                gather
            }
        });
        let call = block_on(responder.recv());
        let gather = asker.join().unwrap();
        assert!(call.is_some());
        drop((call, gather));
        "called"
    });
}

#[test]
fn responder_that_drops_its_call_wakes_the_asker() {
    Model::new("ask.abandon", &["unreachable"]).at_least(50).check(|| {
        let (_bus, gather, call) = asked();
        let responder = thread::spawn(move || drop(call));
        let gathered = block_on(gather).expect("it is possible");
        responder.join().unwrap();
        assert_eq!(gathered.end(), End::Unreachable);
        "unreachable"
    });
}

#[test]
fn answer_and_close_come_at_once() {
    Model::new("ask.close", &["closed", "met"]).at_least(80).check(|| {
        let (bus, gather, call) = asked();
        let responder = thread::spawn(move || call.respond(Note::new(1)));
        bus.close();
        let gathered = block_on(gather).expect("it is possible");
        responder.join().unwrap();
        let answers: Vec<u64> = gathered.responses().map(|(_, note)| note.number()).collect();
        match gathered.end() {
            End::Met => assert_eq!(answers, [1]),
            end => assert_eq!((end, answers), (End::Closed, vec![])),
        }
        if gathered.end() == End::Met { "met" } else { "closed" }
    });
}

#[test]
fn who_sees_that_nobody_waits_sees_what_the_asker_did() {
    Model::new("ask.give_up", &["late", "open"]).at_least(28).check(|| {
        let (_bus, gather, call) = asked();
        let work = Arc::new(UnsafeCell::new(()));
        let asker = thread::spawn({
            let work = Arc::clone(&work);
            move || {
                work.with_mut(|_| ());
                drop(gather);
            }
        });
        let open = call.is_open();
        if !open {
            work.with(|_| ());
        }
        call.respond(Note::new(1));
        asker.join().unwrap();
        if open { "open" } else { "late" }
    });
}
