//! One publisher, many subscribers: as tasks, and as threads.

use crate::events::Plain;
use crate::peers::{self, Newest, Typed};
use crate::report::grouped;
use crate::row::{Against, Row, Turn};

/// The peers that the targets of fan-out name.
const NAMED: &[&str] =
    &["tokio broadcast", "async-broadcast", "flume", "async-channel", "tokio mpsc"];

/// A share of the time of the best of these, as a target in words.
macro_rules! at_most {
    ($share:literal) => {
        concat!(
            "at most ",
            $share,
            " of the best of tokio broadcast, async-broadcast, flume, async-channel and tokio mpsc"
        )
    };
}

pub(super) fn rows() -> Vec<Row> {
    let task_rows = [1, 10, 100, 1_000].map(tasks);
    let thread_rows = [1, 10].map(threads);
    task_rows.into_iter().chain(thread_rows).collect()
}

fn tasks(subscribers: usize) -> Row {
    let entries = [
        peers::our_tasks::<Typed<Plain>>(),
        peers::tasks::<Plain>(),
        peers::probe_tasks::<Newest<Plain>>(),
    ]
    .concat();
    let (text, at_most) = match subscribers {
        1 => (at_most!("0.5"), 0.5),
        10 => (at_most!("0.25"), 0.25),
        100 => (at_most!("0.18"), 0.18),
        _ => (at_most!("0.2"), 0.2),
    };
    // More than fills the queues, and of the slowest no more than need be.
    let least = if subscribers < 1_000 { 2_048 } else { 1_280 };
    Row::new(
        format!("fanout-tasks-{subscribers}"),
        format!("one publisher task to {}, on two workers", many(subscribers, "subscriber task")),
    )
    .deliveries(subscribers as u64)
    .turn(Turn::Timed { least, stretch: 1 })
    .contestants(entries.into_iter().map(|entry| entry.fan_out(1, subscribers)))
    .goal(text, Against::BestOf(NAMED), at_most)
}

fn threads(subscribers: usize) -> Row {
    let entries = [peers::our_threads::<Typed<Plain>>(), peers::threads::<Plain>()].concat();
    Row::new(
        format!("fanout-threads-{subscribers}"),
        format!("one publisher thread to {}", many(subscribers, "subscriber thread")),
    )
    .deliveries(subscribers as u64)
    .turn(Turn::Timed { least: 2_048, stretch: 1 })
    .contestants(
        entries
            .into_iter()
            .map(|entry| entry.contestant(move |runs, events| (runs.fan_out)(subscribers, events))),
    )
}

/// A number of things, in words.
fn many(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(count))
}
