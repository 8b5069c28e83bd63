//! One of ten subscribers is stalled for ever: how fast are the other nine?

use crate::events::Plain;
use crate::harness::{self, Stalled, TaskTransport};
use crate::peers::{BusInBatches, TokioBroadcast};
use crate::row::{Against, Row, Sample, Turn};

/// The nine without the tenth.
const ALONE: &str = "callboard, nine alone";

pub(super) fn rows() -> Vec<Row> {
    let row = Row::new("stalled", "one publisher task, nine subscriber tasks, and a tenth stalled")
        .deliveries(9)
        .turn(Turn::Timed { least: 4_096, stretch: 2 })
        .ours("callboard, beside a stalled one", |events| {
            run::<BusInBatches<Plain>>(Stalled::Present, events)
        })
        .baseline(ALONE, "", |events| run::<BusInBatches<Plain>>(Stalled::Absent, events))
        .peer("tokio broadcast, beside a stalled one", |events| {
            run::<TokioBroadcast>(Stalled::Present, events)
        })
        .shown("tokio broadcast, nine alone", "", |events| {
            run::<TokioBroadcast>(Stalled::Absent, events)
        })
        .goal("within 5 % of nine alone", Against::BestOf(&[ALONE]), 1.05);
    vec![row]
}

fn run<T: TaskTransport<Plain>>(stalled: Stalled, events: u64) -> Sample {
    harness::tasks_beside::<Plain, T>(1, 9, stalled, events)
}
