//! The workloads: a file for each, and the list below, in which each has its line.

mod fanout;
mod full;
mod one_thread;

use crate::row::Row;

/// The rows of every workload, in the order in which they are measured.
pub(crate) fn rows() -> Vec<Row> {
    let workloads: &[fn() -> Vec<Row>] = &[one_thread::rows, full::rows, fanout::rows];
    workloads.iter().flat_map(|rows| rows()).collect()
}
