//! Publishing beside subscribers of other event types, and to nobody at all.

use std::time::Instant;

use crate::events::{Message, OTHERS, Plain};
use crate::harness::{CAPACITY, cycle_on};
use crate::report::grouped;
use crate::row::{Against, Row, Sample};

/// The same without anybody beside it.
const ALONE: &str = "callboard, beside none";

pub(super) fn rows() -> Vec<Row> {
    let beside = [50, 500, 5_000].map(|others| {
        Row::new(
            format!("beside-{others}"),
            format!("publish + receive beside {} subscribers of 50 other types", grouped(others)),
        )
        .ours(format!("callboard, beside {}", grouped(others)), move |events| cycle(others, events))
        .baseline(ALONE, "", |events| cycle(0, events))
        .goal("within 10 % of none", Against::BestOf(&[ALONE]), 1.1)
    });
    let unheard = Row::new("unheard", "publishes what nobody listens to")
        .ours("callboard", |events| unheard_beside(0, events))
        .ours("callboard, beside 50", |events| unheard_beside(50, events));
    beside.into_iter().chain([unheard]).collect()
}

fn cycle(others: usize, events: u64) -> Sample {
    let bus = callboard::Bus::new();
    let mut subscription = bus.subscriber("reader").capacity(CAPACITY).subscribe::<Plain>();
    let _others: Vec<_> = OTHERS.iter().cycle().take(others).map(|other| other(&bus)).collect();
    bus.start();
    cycle_on(&bus, &mut subscription, events)
}

fn unheard_beside(others: usize, events: u64) -> Sample {
    let bus = callboard::Bus::new();
    let _others: Vec<_> = OTHERS.iter().cycle().take(others).map(|other| other(&bus)).collect();
    bus.start();
    let mut heard = 0;
    let begun = Instant::now();
    for value in 0..events {
        heard += bus.publish(Plain::new(value)).delivered();
    }
    let elapsed = begun.elapsed();
    assert_eq!(heard, 0, "nobody listens");
    Sample::per_event(elapsed, events)
}
