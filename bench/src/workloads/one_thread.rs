//! One thread publishes an event and receives it, again and again.

use crate::events::Plain;
use crate::peers::{self, Entry, Newest, Typed};
use crate::row::{Against, Row};

pub(super) fn rows() -> Vec<Row> {
    let entries = [
        peers::our_queues::<Typed<Plain>>(),
        peers::queues::<Plain>(),
        peers::probe_queues::<Newest<Plain>>(),
    ]
    .concat();
    let row = Row::new("one-thread", "one thread publishes an event of 32 bytes and receives it")
        .contestants(entries.into_iter().map(Entry::cycle))
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
