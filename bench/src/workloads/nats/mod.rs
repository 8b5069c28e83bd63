//! Buses that are linked by NATS, beside plain async-nats over the same server.
//!
//! Each row starts a server of its own with the first turn, and links stay open over all turns. All
//! nodes are in this process, on the runtime of the other rows; the server is a process beside it.
//! Without a `nats-server` there are no such rows, and standard error says so.

mod bridge;
mod notice;
mod outage;
mod scatter;
mod support;
mod timeouts;
mod world;

use crate::row::Row;

pub(super) fn rows() -> Vec<Row> {
    if !support::is_there() {
        return Vec::new();
    }
    [bridge::rows(), scatter::rows(), outage::rows(), timeouts::rows(), notice::rows()]
        .into_iter()
        .flatten()
        .collect()
}
