//! A reader of small capacity that is always prompt, among many of the same type that do not read.
//! The writer has to look again whether there is room after as many events as the small one holds.

use callboard::Bus;

use crate::events::Plain;
use crate::harness::cycle_on;
use crate::report::grouped;
use crate::row::{Row, Sample, Turn};

/// How many others there are.
const IDLE: usize = 1_000;

/// How many events a turn has: as many as each of the others has room for.
const EVENTS: u64 = 40_000;

pub(super) fn rows() -> Vec<Row> {
    [1, 10].map(row).into()
}

fn row(capacity: usize) -> Row {
    Row::new(
        format!("prompt-{capacity}"),
        format!(
            "publish + receive by a prompt reader of capacity {capacity}, among {} of the type \
             that do not read, and have room",
            grouped(IDLE)
        ),
    )
    .turn(Turn::Fixed(EVENTS))
    .ours(format!("callboard, among {}", grouped(IDLE)), move |events| {
        cycle(capacity, IDLE, events)
    })
    .baseline("callboard, beside 1", "which keeps the events, too", move |events| {
        cycle(capacity, 1, events)
    })
}

fn cycle(capacity: usize, others: usize, events: u64) -> Sample {
    let bus = Bus::new();
    let mut prompt = bus.subscriber("prompt").capacity(capacity).subscribe::<Plain>();
    let idle = |index| {
        let subscriber = bus.subscriber(format!("idle {index}")).capacity(events as usize);
        subscriber.subscribe::<Plain>()
    };
    let others: Vec<_> = (0..others).map(idle).collect();
    bus.start();
    let sample = cycle_on(&bus, &mut prompt, events);
    assert!(others.iter().all(|other| other.len() as u64 == events), "nobody lost an event");
    sample
}
