//! One thread publishes an event and receives it, again and again.

use crate::events::Plain;
use crate::peers::{self, Newest, Ring, Typed};
use crate::row::{Against, Row};

pub(super) fn rows() -> Vec<Row> {
    let entries = peers::our_queues::<Typed<Plain>>()
        .into_iter()
        .chain(peers::queues::<Plain>())
        .chain([peers::probe_queue::<Ring<Plain, Newest>>()]);
    let row = Row::new("one-thread", "one thread publishes an event of 32 bytes and receives it")
        .contestants(entries.map(|entry| entry.contestant(|runs, events| (runs.cycle)(events))))
        .shown("ArrayQueue, shared Arc", "clones of one Arc: no event is made", |events| {
            peers::shared_arc::<Plain>(events)
        })
        .goal(
            "no slower than a bare ArrayQueue<Arc<E>>",
            Against::BestOf(&["ArrayQueue, Arc::new"]),
            1.0,
        );
    vec![row]
}
