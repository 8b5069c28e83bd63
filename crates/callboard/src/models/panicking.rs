//! User code that panics on one thread, while another thread waits or leaves.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::thread;

use super::bus::started;
use super::harness::Model;
use super::phases::WAYS;
use super::watched::Note;
use crate::event::Delivery;
use crate::sync::{PanicOfModel, block_on};
use crate::{Bus, Event, Overflow, Subscription};

/// Panics without a message.
fn panic() -> ! {
    resume_unwind(Box::new(PanicOfModel))
}

struct Ill;

impl Wake for Ill {
    fn wake(self: Arc<Self>) {
        panic()
    }
}

/// An event whose destructor panics.
#[derive(Debug)]
struct Bomb;

impl Event for Bomb {
    const TYPE: &'static str = "bomb";
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic()
    }
}

fn subscribe<E: Event>(bus: &Bus, name: &str, way: Overflow) -> Subscription<E> {
    bus.subscriber(name).late().overflow(way).subscribe()
}

#[test]
fn waker_that_panics_skips_nobody_who_goes_to_sleep() {
    for (name, way) in ["panic.waker.log", "panic.waker.queue"].into_iter().zip(WAYS) {
        Model::new(name, &["at once", "later"]).at_least(100).check(move || {
            let bus = started();
            let (mut ill, mut well) =
                (subscribe::<Note>(&bus, "ill", way), subscribe(&bus, "well", way));
            let mut sick = pin!(ill.recv());
            let waker = Waker::from(Arc::new(Ill));
            assert!(sick.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || bus.publish(Note::new(1)).delivered()
            });
            let (outcome, note) = receive(&mut well);
            assert_eq!(note.map(|note| note.number()), Some(1));
            assert_eq!(publisher.join().unwrap(), 2);
            assert!(sick.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            outcome
        });
    }
}

/// Polls once, and then sleeps until there is an event.
fn receive(reader: &mut Subscription<Note>) -> (&'static str, Option<Delivery<Note>>) {
    let mut recv = pin!(reader.recv());
    match recv.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(received) => ("at once", received),
        Poll::Pending => ("later", block_on(recv)),
    }
}

#[test]
fn destructor_that_panics_as_its_reader_leaves_takes_nothing_along() {
    for (name, way) in ["panic.leave.log", "panic.leave.queue"].into_iter().zip(WAYS) {
        Model::new(name, &["given up", "unheard"]).at_least(10).check(move || {
            let bus = started();
            let leaver = subscribe::<Bomb>(&bus, "leaver", way);
            let mut stays = subscribe::<Note>(&bus, "stays", way);
            bus.publish(Bomb);
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || {
                    let delivered = bus.publish(Bomb).delivered();
                    bus.publish(Note::new(1));
                    delivered
                }
            });
            drop(leaver);
            let delivered = publisher.join().unwrap();
            assert_eq!(stays.try_recv().map(|note| note.number()), Ok(1));
            assert!(bus.snapshot().balances());
            if delivered == 1 { "given up" } else { "unheard" }
        });
    }
}

/// From then on the type uses only the log, where no reader has room: the publisher is the last
/// owner of the event.
#[test]
fn destructor_that_panics_as_the_last_reader_leaves_reaches_no_publisher() {
    Model::new("panic.last_reader", &["had room", "had none"]).at_least(10).check(|| {
        let bus = started();
        let _full = bus.subscriber("full").late().capacity(0).lossy().subscribe::<Bomb>();
        let leaver = subscribe::<Bomb>(&bus, "leaver", Overflow::Coalesce);
        let leaving = thread::spawn(move || drop(leaver));
        let published = catch_unwind(AssertUnwindSafe(|| bus.publish(Bomb)));
        leaving.join().unwrap();
        assert!(bus.snapshot().balances());
        match published.expect("publishing does not panic").delivered() {
            1 => "had room",
            _ => "had none",
        }
    });
}
