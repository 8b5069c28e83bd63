//! The workloads: a file for each, and the list below, in which each has its line.

mod ask;
mod beside;
mod churn;
mod console;
mod fanout;
mod full;
mod many;
mod memory;
mod mixed;
mod nats;
mod one_thread;
mod prompt;
mod replay;
mod size;
mod stalled;
mod wake;
mod ways;

use crate::row::Row;

/// The rows of every workload, in the order in which they are measured.
pub(crate) fn rows() -> Vec<Row> {
    let workloads: &[fn() -> Vec<Row>] = &[
        one_thread::rows,
        full::rows,
        beside::rows,
        fanout::rows,
        many::rows,
        wake::rows,
        stalled::rows,
        prompt::rows,
        ways::rows,
        mixed::rows,
        ask::rows,
        replay::rows,
        churn::rows,
        console::rows,
        nats::rows,
        size::rows,
        memory::rows,
    ];
    workloads.iter().flat_map(|rows| rows()).collect()
}
