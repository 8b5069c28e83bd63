//! One thread: into the queue and out of it.

use std::time::Instant;

use callboard::{Bus, Subscription};

use super::Queue;
use crate::events::{Message, Plain};
use crate::flow::{Sink, Tally};
use crate::row::Sample;

/// Publishes and receives, one event after the other.
pub(crate) fn cycle<M: Message, Q: Queue<M>>(events: u64) -> Sample {
    let mut queue = Q::open();
    let mut tally = Tally::default();
    let begun = Instant::now();
    for value in 0..events {
        queue.offer(M::new(value));
        queue.take(&mut tally);
    }
    let elapsed = begun.elapsed();
    tally.check(Q::NAME, events);
    Sample::per_event(elapsed, events)
}

/// [`cycle`] on a bus that is open already, and may have others.
pub(crate) fn cycle_on(bus: &Bus, reader: &mut Subscription<Plain>, events: u64) -> Sample {
    let mut tally = Tally::default();
    let begun = Instant::now();
    for value in 0..events {
        bus.publish(Plain::new(value));
        if let Ok(event) = reader.try_recv() {
            tally.take(&*event);
        }
    }
    let elapsed = begun.elapsed();
    tally.check("callboard", events);
    Sample::per_event(elapsed, events)
}

/// Publishes into what is full and stays so.
pub(crate) fn full<M: Message, Q: Queue<M>>(events: u64) -> Sample {
    let mut queue = Q::open();
    (0..super::CAPACITY as u64).for_each(|value| {
        queue.offer(M::new(value));
    });
    assert!(!queue.offer(M::new(0)), "`{}` is not full", Q::NAME);
    let begun = Instant::now();
    let mut accepted = 0_u64;
    for value in 0..events {
        accepted += u64::from(queue.offer(M::new(value)));
    }
    let elapsed = begun.elapsed();
    assert_eq!(accepted, 0, "`{}` did not stay full", Q::NAME);
    Sample::per_event(elapsed, events)
}
