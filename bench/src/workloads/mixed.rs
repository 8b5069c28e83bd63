//! A subscriber to everything, one to a type and one to a set, on one bus.

use std::time::Instant;

use callboard::{AnyEvent, Bus, Delivery, EventSet};

use crate::events::{Heap, Message, Plain};
use crate::flow::{Sink, Tally};
use crate::harness::CAPACITY;
use crate::row::{Row, Sample};

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
    .ours("callboard", mixed)
    .baseline("callboard, three typed", "", typed);
    vec![row]
}

fn mixed(events: u64) -> Sample {
    let events = events.next_multiple_of(BURST);
    let bus = Bus::new();
    let subscriber = |name: &str| bus.subscriber(name).capacity(CAPACITY);
    let mut typed = subscriber("typed").subscribe::<Plain>();
    let mut set = subscriber("set").subscribe::<Inbox>();
    let mut everything = subscriber("everything").subscribe::<AnyEvent>();
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
        typed.try_iter().for_each(|event| tallies[0].take(&*event));
        for event in set.try_iter() {
            match event {
                Inbox::Plain(event) => tallies[1].take(&*event),
                Inbox::Heap(event) => tallies[1].take(&*event),
            }
        }
        for event in everything.try_iter() {
            match event.downcast_ref::<Plain>() {
                Some(event) => tallies[2].take(event),
                None => event.downcast_ref::<Heap>().into_iter().for_each(|it| tallies[2].take(it)),
            }
        }
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
