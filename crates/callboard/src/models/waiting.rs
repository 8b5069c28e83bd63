//! A subscriber in each state of its waiting, against each event that may end it; on a real bus.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::thread;

use super::harness::Model;
use super::watched::Note;
use crate::event::Delivery;
use crate::sync::block_on;
use crate::{Bus, Overflow, Priority, Subscription};

/// Where the subscriber finds its events.
#[derive(Debug, Clone, Copy)]
enum Way {
    Log,
    /// In the log, by a cursor that is in its inbox.
    Inbox,
}

const WAYS: [Way; 2] = [Way::Log, Way::Inbox];

/// What ends the waiting.
#[derive(Debug, Clone, Copy)]
enum End {
    Publish,
    Close,
    /// An event that overtakes others, and so goes through the queue.
    Urgent,
    /// The last handle of the bus is dropped.
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
            Self::Inbox => builder.overflow(Overflow::DropOldest),
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

    /// A handle to keep, unless the last one is to be dropped.
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

/// How a reader received, and what.
type Received = (&'static str, Option<Delivery<Note>>);

/// A waker that wakes no task: one that would be polled again later.
#[derive(Debug)]
struct Later;

impl Wake for Later {
    fn wake(self: Arc<Self>) {}
}

/// Runs `reader` against each end, by each way. `reader` returns its outcome, and what it received.
fn against_each_end(
    test: &'static str,
    outcomes: &'static [&'static str],
    reader: fn(&mut Subscription<Note>, &Waker) -> Received,
) {
    for_each_end(test, outcomes, move |end, mut subscription, waker| {
        let (outcome, received) = reader(&mut subscription, waker);
        assert_eq!(received.map(|note| note.number()), end.expected());
        outcome
    });
}

/// Runs `reader` against each end, by each way; its waker is not kept.
fn for_each_end<F>(test: &'static str, outcomes: &'static [&'static str], reader: F)
where
    F: Fn(End, Subscription<Note>, &Waker) -> &'static str + Copy + Send + Sync + 'static,
{
    let cases = WAYS.iter().flat_map(|way| ENDS.iter().map(move |end| (*way, *end)));
    for (way, end) in cases {
        let name = format!("{test}.{way:?}.{end:?}").to_lowercase();
        let model = Model::new(name.leak(), outcomes).at_least(30);
        // An urgent event goes by the queue, with many more steps.
        let model = if matches!(end, End::Urgent) { model.preemptions(5) } else { model };
        model.check(move || {
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
    against_each_end("waiting", &["ended"], |subscription, _| {
        ("ended", block_on(subscription.recv()))
    });
}

#[test]
fn reader_that_is_polled_with_a_new_waker_is_woken() {
    against_each_end("new_waker", &["at once", "later"], |subscription, waker| {
        let mut recv = pin!(subscription.recv());
        match recv.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(received) => ("at once", received),
            Poll::Pending => ("later", block_on(recv)),
        }
    });
}

#[test]
fn reader_that_gave_up_waiting_misses_nothing() {
    against_each_end("gave_up", &["at once", "later"], |subscription, waker| {
        let polled = pin!(subscription.recv()).poll(&mut Context::from_waker(waker));
        match polled {
            Poll::Ready(received) => ("at once", received),
            Poll::Pending => ("later", block_on(subscription.recv())),
        }
    });
}

/// Polls once, and leaks the future, so that its waker stays in place.
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
    against_each_end("forgot", &["at once", "later"], |subscription, waker| match poll_and_forget(
        subscription,
        waker,
    ) {
        Poll::Ready(received) => ("at once", received),
        Poll::Pending => ("later", block_on(subscription.recv())),
    });
}

#[test]
fn reader_that_leaves_while_it_waits_leaves_no_waker() {
    for_each_end("left", &["at once", "never"], |end, mut subscription, waker| {
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
