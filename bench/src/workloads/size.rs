//! Events of other sizes: on one thread, and to ten tasks.

use std::sync::Arc;

use callboard::Event;

use crate::events::{Heap, Large, Message, Plain, Small};
use crate::peers::{self, Entry, Typed};
use crate::row::{Row, Turn};

/// How many subscribers the rows with tasks have.
const SUBSCRIBERS: usize = 10;

pub(super) fn rows() -> Vec<Row> {
    let by_value = "peers send by value";
    let in_an_arc = "peers send it in an Arc";
    [
        pair::<Small, Small>("8", by_value),
        pair::<Plain, Plain>("32", by_value),
        pair::<Large, Large>("1024", by_value),
        pair::<Large, Arc<Large>>("1024-arc", in_an_arc),
        pair::<Heap, Arc<Heap>>("heap", in_an_arc),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The bus carries an `E`; the peers carry an `M`.
fn pair<E: Message + Event, M: Message>(size: &str, how: &str) -> [Row; 2] {
    let what = match size {
        "heap" => "an event that owns a buffer of 64 bytes".to_owned(),
        _ => format!("an event of {} bytes", size_of::<E>()),
    };
    let queues = [peers::our_queues::<Typed<E>>(), peers::queues::<M>()].concat();
    let one = Row::new(
        format!("size-{size}"),
        format!("one thread publishes {what} and receives it; {how}"),
    )
    .contestants(queues.into_iter().map(Entry::cycle));

    let tasks = [peers::our_tasks::<Typed<E>>(), peers::tasks::<M>()].concat();
    let many = Row::new(
        format!("size-{size}-fanout"),
        format!("one publisher task sends {what} to {SUBSCRIBERS} subscriber tasks; {how}"),
    )
    .deliveries(SUBSCRIBERS as u64)
    .turn(Turn::Timed { least: 2_048, stretch: 1 })
    .contestants(tasks.into_iter().map(|entry| entry.fan_out(1, SUBSCRIBERS)));
    [one, many]
}
