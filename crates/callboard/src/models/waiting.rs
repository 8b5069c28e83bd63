//! A subscriber in each state of its waiting, against each thing that may end it; on a real bus.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::thread;

use super::harness::Model;
use super::watched::Note;
use crate::event::Delivery;
use crate::sync::block_on;
use crate::{Bus, Overflow, Priority, Subscription};

/// By which of the two ways events reach the subscriber.
#[derive(Debug, Clone, Copy)]
enum Way {
    Log,
    Queue,
}

const WAYS: [Way; 2] = [Way::Log, Way::Queue];

/// What ends the waiting.
#[derive(Debug, Clone, Copy)]
enum End {
    Publish,
    Close,
    /// An event that overtakes, and so comes by the queue.
    Urgent,
    /// The last handle of the bus goes.
    LastDrop,
}

const ENDS: [End; 4] = [End::Publish, End::Close, End::Urgent, End::LastDrop];

impl Way {
    fn bus(self) -> (Bus, Subscription<Note>) {
        let bus = Bus::new();
        bus.start();
        let builder = bus.subscriber("reader").late();
        let builder = match self {
            Self::Log => builder,
            Self::Queue => builder.overflow(Overflow::DropOldest),
        };
        let subscription = builder.subscribe::<Note>();
        (bus, subscription)
    }
}

impl End {
    fn come(self, bus: Bus) {
        match self {
            Self::Publish => {
                bus.publish(Note::new(1));
            }
            Self::Urgent => {
                bus.publish_with(Note::new(1), Priority::High);
            }
            Self::Close => bus.close(),
            Self::LastDrop => drop(bus),
        }
    }

    /// A handle to keep, unless the last one is to go.
    fn keeps(self, bus: &Bus) -> Option<Bus> {
        match self {
            Self::Publish | Self::Close | Self::Urgent => Some(bus.clone()),
            Self::LastDrop => None,
        }
    }

    fn expected(self) -> Option<u64> {
        match self {
            Self::Publish | Self::Urgent => Some(1),
            Self::Close | Self::LastDrop => None,
        }
    }
}

/// How a reader came to what it received.
type Received = (&'static str, Option<Delivery<Note>>);

/// A waker that wakes nobody: a task that would be polled again later.
#[derive(Debug)]
struct Later;

impl Wake for Later {
    fn wake(self: Arc<Self>) {}
}

/// Runs `reader` beside each end, by each way. It returns its outcome, and what it received.
fn against_each_end(
    names: [&'static str; 8],
    outcomes: &'static [&'static str],
    reader: fn(&mut Subscription<Note>, &Waker) -> Received,
) {
    for_each_end(names, outcomes, move |end, mut subscription, waker| {
        let (outcome, received) = reader(&mut subscription, waker);
        assert_eq!(received.map(|note| note.number()), end.expected());
        outcome
    });
}

/// Runs `reader` beside each end, by each way; its waker is not kept.
fn for_each_end<F>(names: [&'static str; 8], outcomes: &'static [&'static str], reader: F)
where
    F: Fn(End, Subscription<Note>, &Waker) -> &'static str + Copy + Send + Sync + 'static,
{
    let cases = WAYS.iter().flat_map(|way| ENDS.iter().map(move |end| (*way, *end)));
    for (name, (way, end)) in names.into_iter().zip(cases) {
        Model::new(name, outcomes).at_least(30).check(move || {
            let (bus, subscription) = way.bus();
            let keeps = end.keeps(&bus);
            let ender = thread::spawn(move || end.come(bus));
            let later = Arc::new(Later);
            let outcome = reader(end, subscription, &Waker::from(Arc::clone(&later)));
            ender.join().unwrap();
            assert_eq!(Arc::strong_count(&later), 1, "its waker is kept");
            drop(keeps);
            outcome
        });
    }
}

#[test]
fn reader_that_waits_is_woken() {
    let names = [
        "waiting.log.publish",
        "waiting.log.close",
        "waiting.log.urgent",
        "waiting.log.last_drop",
        "waiting.queue.publish",
        "waiting.queue.close",
        "waiting.queue.urgent",
        "waiting.queue.last_drop",
    ];
    against_each_end(names, &["ended"], |subscription, _| ("ended", block_on(subscription.recv())));
}

#[test]
fn reader_that_is_polled_with_a_new_waker_is_woken() {
    let names = [
        "new_waker.log.publish",
        "new_waker.log.close",
        "new_waker.log.urgent",
        "new_waker.log.last_drop",
        "new_waker.queue.publish",
        "new_waker.queue.close",
        "new_waker.queue.urgent",
        "new_waker.queue.last_drop",
    ];
    against_each_end(names, &["at once", "later"], |subscription, waker| {
        let mut recv = pin!(subscription.recv());
        match recv.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(received) => ("at once", received),
            Poll::Pending => ("later", block_on(recv)),
        }
    });
}

#[test]
fn reader_that_gave_up_waiting_misses_nothing() {
    let names = [
        "gave_up.log.publish",
        "gave_up.log.close",
        "gave_up.log.urgent",
        "gave_up.log.last_drop",
        "gave_up.queue.publish",
        "gave_up.queue.close",
        "gave_up.queue.urgent",
        "gave_up.queue.last_drop",
    ];
    against_each_end(names, &["at once", "later"], |subscription, waker| {
        let polled = pin!(subscription.recv()).poll(&mut Context::from_waker(waker));
        match polled {
            Poll::Ready(received) => ("at once", received),
            Poll::Pending => ("later", block_on(subscription.recv())),
        }
    });
}

/// Polls once, and forgets the future, so that its waker stays where it is.
fn poll_and_forget(
    subscription: &mut Subscription<Note>,
    waker: &Waker,
) -> Poll<Option<Delivery<Note>>> {
    let mut recv = Box::pin(subscription.recv());
    let polled = recv.as_mut().poll(&mut Context::from_waker(waker));
    std::mem::forget(recv);
    polled
}

#[test]
fn reader_that_forgot_that_it_waits_misses_nothing() {
    let names = [
        "forgot.log.publish",
        "forgot.log.close",
        "forgot.log.urgent",
        "forgot.log.last_drop",
        "forgot.queue.publish",
        "forgot.queue.close",
        "forgot.queue.urgent",
        "forgot.queue.last_drop",
    ];
    against_each_end(names, &["at once", "later"], |subscription, waker| {
        match poll_and_forget(subscription, waker) {
            Poll::Ready(received) => ("at once", received),
            Poll::Pending => ("later", block_on(subscription.recv())),
        }
    });
}

#[test]
fn reader_that_leaves_while_it_waits_leaves_no_waker() {
    let names = [
        "left.log.publish",
        "left.log.close",
        "left.log.urgent",
        "left.log.last_drop",
        "left.queue.publish",
        "left.queue.close",
        "left.queue.urgent",
        "left.queue.last_drop",
    ];
    for_each_end(names, &["at once", "never"], |end, mut subscription, waker| {
        let polled = poll_and_forget(&mut subscription, waker);
        drop(subscription);
        match polled {
            Poll::Ready(received) => {
                assert_eq!(received.map(|note| note.number()), end.expected());
                "at once"
            }
            Poll::Pending => "never",
        }
    });
}
