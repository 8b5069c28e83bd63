//! A subscriber in each state of its waiting, against each thing that may end it; on a real bus.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};
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
}

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
        }
    }

    fn expected(self) -> Option<u64> {
        match self {
            Self::Publish | Self::Urgent => Some(1),
            Self::Close => None,
        }
    }
}

/// How a reader came to what it received.
type Received = (&'static str, Option<Delivery<Note>>);

/// Runs `reader` beside each end, by each way. It returns its outcome, and what it received.
fn against_each_end(
    name: [&'static str; 6],
    outcomes: &'static [&'static str],
    reader: fn(&mut Subscription<Note>) -> Received,
) {
    let ends = [End::Publish, End::Close, End::Urgent];
    let cases = WAYS.iter().flat_map(|way| ends.iter().map(move |end| (*way, *end)));
    for (name, (way, end)) in name.into_iter().zip(cases) {
        Model::new(name, outcomes).at_least(50).check(move || {
            let (bus, mut subscription) = way.bus();
            let keeps = bus.clone();
            let ender = thread::spawn(move || end.come(bus));
            let (outcome, received) = reader(&mut subscription);
            assert_eq!(received.map(|note| note.number()), end.expected());
            ender.join().unwrap();
            drop((subscription, keeps));
            outcome
        });
    }
}

/// A waker that counts, and wakes nobody: a task that would be polled again later.
#[derive(Debug, Default)]
struct Later(Count);

impl Wake for Later {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn reader_that_waits_is_woken() {
    let names = [
        "waiting.log.publish",
        "waiting.log.close",
        "waiting.log.urgent",
        "waiting.queue.publish",
        "waiting.queue.close",
        "waiting.queue.urgent",
    ];
    against_each_end(names, &["ended"], |subscription| ("ended", block_on(subscription.recv())));
}

#[test]
fn reader_that_is_polled_with_a_new_waker_is_woken() {
    let names = [
        "new_waker.log.publish",
        "new_waker.log.close",
        "new_waker.log.urgent",
        "new_waker.queue.publish",
        "new_waker.queue.close",
        "new_waker.queue.urgent",
    ];
    against_each_end(names, &["at once", "later"], |subscription| {
        let mut recv = pin!(subscription.recv());
        let waker = Waker::from(std::sync::Arc::new(Later::default()));
        match recv.as_mut().poll(&mut Context::from_waker(&waker)) {
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
        "gave_up.queue.publish",
        "gave_up.queue.close",
        "gave_up.queue.urgent",
    ];
    against_each_end(names, &["at once", "later"], |subscription| {
        let waker = Waker::from(std::sync::Arc::new(Later::default()));
        let polled = pin!(subscription.recv()).poll(&mut Context::from_waker(&waker));
        match polled {
            Poll::Ready(received) => ("at once", received),
            Poll::Pending => ("later", block_on(subscription.recv())),
        }
    });
}
