//! A running handler, against a thread that closes the bus, unsubscribes it, or waits for it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use loom::cell::UnsafeCell;
use loom::thread;

use super::bus::{EVER, started};
use super::harness::Model;
use super::watched::{Note, Question};
use crate::sync::{Arc, Mutex, block_on};
use crate::{Bus, Call, Delivery, End, Overflow, Subscription};

/// A reader with one event.
fn with_one(overflow: Overflow) -> (Bus, Subscription<Note>) {
    let bus = started();
    let reader = bus.subscriber("reader").late().overflow(overflow).subscribe::<Note>();
    bus.publish(Note::new(1));
    (bus, reader)
}

/// Work that a handler waits for.
#[derive(Debug, Default)]
struct Errand(Mutex<(bool, Option<Waker>)>);

impl Errand {
    async fn wait(&self) {
        poll_fn(|context| {
            let mut errand = self.0.lock();
            errand.1 = Some(context.waker().clone());
            if errand.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn finish(&self) {
        let mut errand = self.0.lock();
        errand.0 = true;
        let waker = errand.1.take();
        drop(errand);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[test]
fn who_waits_for_the_drain_sees_what_handlers_did() {
    for (name, overflow) in
        [("serve.drain.log", Overflow::DropNewest), ("serve.drain.queue", Overflow::DropOldest)]
    {
        Model::new(name, &["drained"]).at_least(1_700).preemptions(3).check(move || {
            let (bus, reader) = with_one(overflow);
            let work = Arc::new(UnsafeCell::new(()));
            let serving = thread::spawn({
                let work = Arc::clone(&work);
                move || {
                    block_on(reader.serve(async |note: Delivery<Note>| {
                        work.with_mut(|_| note.number());
                    }));
                }
            });
            block_on(bus.close_and_drain(EVER)).expect("it drains");
            work.with(|_| ());
            serving.join().unwrap();
            "drained"
        });
    }
}

#[test]
fn handler_that_is_woken_elsewhere_goes_on_though_the_bus_closes() {
    for (name, limit) in [("serve.errand.one", 1), ("serve.errand.two", 2)] {
        Model::new(name, &["handled"]).at_least(45).preemptions(3).check(move || {
            let (bus, reader) = with_one(Overflow::DropOldest);
            let errands = Arc::new([(); 2].map(|()| Errand::default()));
            let serving = thread::spawn({
                let errands = Arc::clone(&errands);
                move || {
                    let mut handled = 0;
                    block_on(reader.serve_concurrent(limit, |note| {
                        handled += note.number();
                        let errands = Arc::clone(&errands);
                        async move {
                            for errand in &*errands {
                                errand.wait().await;
                            }
                        }
                    }));
                    handled
                }
            });
            bus.close();
            errands.iter().for_each(Errand::finish);
            assert_eq!(serving.join().unwrap(), 1);
            "handled"
        });
    }
}

#[test]
fn handler_that_is_given_up_gives_up_its_event() {
    for (name, overflow) in
        [("serve.quit.log", Overflow::DropNewest), ("serve.quit.queue", Overflow::DropOldest)]
    {
        Model::new(name, &["0", "1"]).at_least(6).check(move || {
            let (bus, reader) = with_one(overflow);
            let mut serving = Box::pin(reader.serve(async |note| {
                std::future::pending::<()>().await;
                drop(note);
            }));
            let polled = serving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || bus.publish(Note::new(2)).delivered()
            });
            drop(serving);
            let delivered = publisher.join().unwrap();
            let ledger = bus.snapshot().types[0].ledger;
            assert_eq!((ledger.delivered, ledger.dropped_total()), (1, delivered as u64));
            delivered.to_string()
        });
    }
}

#[test]
fn who_waits_for_the_drain_is_woken_when_a_handler_is_given_up() {
    Model::new("serve.quit_drain", &["drained"]).at_least(39).check(|| {
        let (bus, reader) = with_one(Overflow::DropOldest);
        let mut serving = Box::pin(reader.serve(async |note| {
            std::future::pending::<()>().await;
            drop(note);
        }));
        let polled = serving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        let waiting = thread::spawn(move || block_on(bus.close_and_drain(EVER)));
        drop(serving);
        waiting.join().unwrap().expect("it drains");
        "drained"
    });
}

#[test]
fn handler_answers_or_the_bus_closes_before_it() {
    Model::new("serve.call", &["closed", "met"]).at_least(3_100).check(|| {
        let bus = started();
        let responder = bus.subscriber("responder").late().responder::<Question>();
        let gather = bus.request(Question::new(1)).expect(["responder"]).timeout(EVER).gather();
        let mut gather = pin!(gather);
        let polled = gather.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        let serving = thread::spawn(move || {
            block_on(responder.serve(async |call: Call<Question>| {
                let answer = Note::new(call.number() + 1);
                call.respond(answer);
            }));
        });
        bus.close();
        let gathered = block_on(gather).expect("it is possible");
        serving.join().unwrap();
        let answers: Vec<u64> = gathered.responses().map(|(_, note)| note.number()).collect();
        match gathered.end() {
            End::Met => assert_eq!(answers, [2]),
            end => assert_eq!((end, answers), (End::Closed, vec![])),
        }
        if gathered.end() == End::Met { "met" } else { "closed" }
    });
}
