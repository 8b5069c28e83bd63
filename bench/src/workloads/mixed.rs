//! A subscriber to everything, one to a type and one to a set, on one bus.

use std::time::Instant;

use callboard::{AnyEvent, Bus, Delivery, EventSet, Subscription};

use crate::events::{Heap, Message, Plain};
use crate::flow::{Sink, Tally};
use crate::harness::CAPACITY;
use crate::row::{Row, Rule, Sample};

/// How many events are published before all of them are read.
const BURST: u64 = 64;

#[derive(Debug, EventSet)]
enum Inbox {
    Plain(Delivery<Plain>),
    Heap(Delivery<Heap>),
}

pub(super) fn rows() -> Vec<Row> {
    let row = Row::new(
        "mixed",
        "one thread; bursts of 64 events of two types, to a typed, a set and a universal subscriber",
    )
    .deliveries(3)
    .ours("callboard", |events| mixed(events, Readers::one_by_one))
    .ours("callboard, try_recv_batch", |events| mixed(events, Readers::in_batches))
    .baseline("callboard, three typed", "", typed)
    .goal_on(0, "at most 60 ns", Rule::AtMost(60.0));
    vec![row]
}

/// The three subscriptions.
struct Readers {
    typed: Subscription<Plain>,
    set: Subscription<Inbox>,
    everything: Subscription<AnyEvent>,
}

impl Readers {
    /// Reads event by event.
    fn one_by_one(&mut self, tallies: &mut [Tally; 3]) {
        self.typed.try_iter().for_each(|event| tallies[0].take(&*event));
        for event in self.set.try_iter() {
            match event {
                Inbox::Plain(event) => tallies[1].take(&*event),
                Inbox::Heap(event) => tallies[1].take(&*event),
            }
        }
        for event in self.everything.try_iter() {
            match event.downcast_ref::<Plain>() {
                Some(event) => tallies[2].take(event),
                None => event.downcast_ref::<Heap>().into_iter().for_each(|it| tallies[2].take(it)),
            }
        }
    }

    /// Reads in batches.
    fn in_batches(&mut self, tallies: &mut [Tally; 3]) {
        while let Ok(batch) = self.typed.try_recv_batch() {
            batch.for_each(|event| tallies[0].take(&*event));
        }
        while let Ok(batch) = self.set.try_recv_batch() {
            batch.for_each(|event| match event {
                InboxRef::Plain(event) => tallies[1].take(&*event),
                InboxRef::Heap(event) => tallies[1].take(&*event),
            });
        }
        while let Ok(batch) = self.everything.try_recv_batch() {
            batch.for_each(|event| match event.downcast_ref::<Plain>() {
                Some(event) => tallies[2].take(event),
                None => event.downcast_ref::<Heap>().into_iter().for_each(|it| tallies[2].take(it)),
            });
        }
    }
}

fn mixed(events: u64, read: fn(&mut Readers, &mut [Tally; 3])) -> Sample {
    let events = events.next_multiple_of(BURST);
    let bus = Bus::new();
    let subscriber = |name: &str| bus.subscriber(name).capacity(CAPACITY);
    let mut readers = Readers {
        typed: subscriber("typed").subscribe(),
        set: subscriber("set").subscribe(),
        everything: subscriber("everything").subscribe(),
    };
    bus.start();
    let mut tallies = [Tally::default(); 3];
    let begun = Instant::now();
    for first in (0..events).step_by(BURST as usize) {
        for value in first..first + BURST {
            // Every eighth is of the other type.
            match value % 8 {
                0 => bus.publish(Heap::new(value)),
                _ => bus.publish(Plain::new(value)),
            };
        }
        read(&mut readers, &mut tallies);
    }
    let elapsed = begun.elapsed();
    tallies[1].check("callboard, set", events);
    tallies[2].check("callboard, everything", events);
    assert_eq!(tallies[0].count, events / 8 * 7, "the typed subscriber received its own");
    Sample::per_event(elapsed, events)
}

fn typed(events: u64) -> Sample {
    let events = events.next_multiple_of(BURST);
    let bus = Bus::new();
    let subscriber = |name: &str| bus.subscriber(name).capacity(CAPACITY);
    let mut subscriptions = ["a", "b", "c"].map(|name| subscriber(name).subscribe::<Plain>());
    bus.start();
    let mut tallies = [Tally::default(); 3];
    let begun = Instant::now();
    for first in (0..events).step_by(BURST as usize) {
        for value in first..first + BURST {
            bus.publish(Plain::new(value));
        }
        for (subscription, tally) in subscriptions.iter_mut().zip(&mut tallies) {
            subscription.try_iter().for_each(|event| tally.take(&*event));
        }
    }
    let elapsed = begun.elapsed();
    tallies.iter().for_each(|tally| tally.check("callboard, three typed", events));
    Sample::per_event(elapsed, events)
}
