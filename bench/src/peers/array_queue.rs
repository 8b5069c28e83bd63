//! `crossbeam_queue::ArrayQueue`: a bare queue, with no waiting at all.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_queue::ArrayQueue;

use crate::events::Message;
use crate::flow::{Sink, Tally};
use crate::harness::{CAPACITY, Queue};
use crate::row::Sample;

/// An `Arc` is made for each event.
#[derive(Debug)]
pub(crate) struct Boxed<M>(ArrayQueue<Arc<M>>);

impl<M: Message> Queue<M> for Boxed<M> {
    const NAME: &'static str = "ArrayQueue, Arc::new";
    const NOTE: &'static str = "a new Arc for each event; nobody can wait for it";

    fn open() -> Self {
        Self(ArrayQueue::new(CAPACITY))
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        self.0.push(Arc::new(message)).is_ok()
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        self.0.pop().inspect(|message| sink.take(message)).is_some()
    }
}

/// The event is moved in and out.
#[derive(Debug)]
pub(crate) struct ByValue<M>(ArrayQueue<M>);

impl<M: Message> Queue<M> for ByValue<M> {
    const NAME: &'static str = "ArrayQueue, by value";
    const NOTE: &'static str = "nobody can wait for it";

    fn open() -> Self {
        Self(ArrayQueue::new(CAPACITY))
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        self.0.push(message).is_ok()
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        self.0.pop().inspect(|message| sink.take(message)).is_some()
    }
}

/// Clones of one `Arc` go through: the queue alone, without the making of events.
pub(crate) fn shared_arc<M: Message>(events: u64) -> Sample {
    let queue = ArrayQueue::new(CAPACITY);
    let shared = Arc::new(M::new(1));
    let mut tally = Tally::default();
    let begun = Instant::now();
    for _ in 0..events {
        let _ = queue.push(Arc::clone(&shared));
        if let Some(message) = queue.pop() {
            tally.take(&*message);
        }
    }
    let elapsed = begun.elapsed();
    assert_eq!((tally.count, tally.sum), (events, events), "the queue lost events");
    Sample::per_event(elapsed, events)
}
