//! As many publisher tasks as subscriber tasks; every subscriber receives every publisher's events.

use crate::events::Plain;
use crate::peers::{self, Typed};
use crate::row::{Against, Row, Turn};

pub(super) fn rows() -> Vec<Row> {
    [4, 8].map(many).into()
}

fn many(size: usize) -> Row {
    let entries = [peers::our_tasks::<Typed<Plain>>(), peers::tasks::<Plain>()].concat();
    Row::new(
        format!("many-{size}"),
        format!("{size} publisher tasks, {size} subscriber tasks, on two workers"),
    )
    .deliveries(size as u64)
    .turn(Turn::Timed { least: 4_096, stretch: 1 })
    .contestants(entries.into_iter().map(|entry| entry.fan_out(size as u64, size)))
    .goal("ahead of every peer", Against::BestPeer, 1.0)
}
