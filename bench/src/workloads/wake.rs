//! Wake latency: how long an event takes into a subscriber that sleeps.

use crate::events::Plain;
use crate::harness::GAP;
use crate::peers::{self, Typed};
use crate::row::{Against, PERCENTILES, Row, Rule, Turn};

pub(super) fn rows() -> Vec<Row> {
    let entries = [peers::our_tasks::<Typed<Plain>>(), peers::tasks::<Plain>()].concat();
    let tasks = entries.into_iter().filter_map(|entry| {
        let latency = entry.runs.latency?;
        Some(entry.contestant(move |_, events| latency(events)))
    });
    let entries = [peers::our_threads::<Typed<Plain>>(), peers::threads::<Plain>()].concat();
    let threads = entries.into_iter().filter_map(|entry| {
        let latency = entry.runs.latency?;
        Some(entry.contestant(move |_, events| latency(events)))
    });

    let row = |name, kind| {
        let about = format!(
            "from publish to received by a parked {kind}; the publisher, a thread, spins {} µs \
             between events",
            GAP.as_micros()
        );
        Row::new(name, about).columns(PERCENTILES).turn(Turn::Timed { least: 200, stretch: 2 })
    };
    let against = || Rule::Ratio { against: Against::BestOf(&["tokio mpsc"]), at_most: 1.0 };
    let tasks = row("wake-tasks", "task")
        .contestants(tasks)
        .goal_on(0, "no worse than tokio mpsc", against())
        .goal_on(1, "no worse than tokio mpsc", against());
    vec![tasks, row("wake-threads", "thread").contestants(threads)]
}
