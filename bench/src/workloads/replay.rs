//! Starting a bus that already holds many events, and receiving them.

use std::time::Instant;

use callboard::Bus;

use crate::events::{Message, Plain};
use crate::flow::{Sink, Tally};
use crate::row::{Column, Row, Rule, Sample, Turn};

/// How many events wait for the start.
const EVENTS: u64 = 100_000;

pub(super) fn rows() -> Vec<Row> {
    let columns = &[
        Column { name: "publish", unit: "ns/event" },
        Column { name: "start", unit: "ns/event" },
        Column { name: "receive", unit: "ns/event" },
    ];
    let row =
        Row::new("replay", "100,000 events are published, the bus is started, one reads them")
            .columns(columns)
            .turn(Turn::Fixed(EVENTS))
            .ours("callboard", replay)
            .goal_on(1, "at most 30 ns", Rule::AtMost(30.0));
    vec![row]
}

fn replay(events: u64) -> Sample {
    let buffer = Bus::builder().pre_start_capacity(events as usize);
    let bus = buffer.build().expect("the capacity is not 0");
    let mut subscription = bus.subscribe::<Plain>("reader");
    let mut tally = Tally::default();
    let begun = Instant::now();
    for value in 0..events {
        bus.publish(Plain::new(value));
    }
    let published = begun.elapsed();
    assert_eq!(bus.start().replayed() as u64, events, "the buffer holds all");
    let started = begun.elapsed();
    subscription.try_iter().for_each(|event| tally.take(&*event));
    let elapsed = begun.elapsed();
    tally.check("callboard", events);
    let parts = [published, started - published, elapsed - started];
    let figures = parts.map(|part| part.as_nanos() as f64 / events as f64).to_vec();
    Sample { elapsed, figures }
}
