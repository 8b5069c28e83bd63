//! Publishing into a subscriber that is full and does not read.

use crate::events::Plain;
use crate::peers::{self, Newest, Typed};
use crate::row::{Against, Row};

/// What the row about one thread is called among the contestants.
const ONE_THREAD: &str = "callboard, one thread";

pub(super) fn rows() -> Vec<Row> {
    let ours = peers::our_queues::<Typed<Plain>>();
    let cycle = ours[0].runs.cycle;
    let entries = [ours, peers::queues::<Plain>(), peers::probe_queues::<Newest<Plain>>()].concat();
    let full = entries.into_iter().filter_map(|entry| {
        let full = entry.runs.full?;
        Some(entry.contestant(move |_, events| full(events)))
    });
    let row = Row::new("full", "publishes into a subscriber that is full; peers try to send")
        .contestants(full)
        .baseline(ONE_THREAD, "publishes and receives", cycle)
        .goal("at most half of publish + receive", Against::BestOf(&[ONE_THREAD]), 0.5);
    vec![row]
}
