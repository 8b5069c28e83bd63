//! Subscriptions other than to one type with the defaults: sets, everything, other policies, and any
//! on a bus with timestamps. Beside them the peers that broadcast by themselves.

use std::time::Instant;

use callboard::{Bus, Overflow};

use crate::events::{Keyed, Kind, Message, Plain, Stamped};
use crate::flow::{Sink, Tally};
use crate::harness::CAPACITY;
use crate::peers::{
    self, ByKey, Clocked, DropOldest, Entry, Everything, KeyedQueues, Newest, Oldest, Set, Store,
    Timed, Way,
};
use crate::row::{Against, Row, Sample, Turn};

/// How many events are published before those that are left are read.
const BURST: u64 = 64;

/// About how many things the events of a burst are.
const KEYS: u64 = 8;

const NO_SLOWER: &str = "no slower than the best peer";
const HALF: &str = "at most half of the best peer's time";
const TWICE: &str = "at most twice the time of the best peer, which merges nothing";

pub(super) fn rows() -> Vec<Row> {
    let kinds = "peers carry an enum by hand";
    let plain = "peers carry the event";
    let stamped = "peers carry the event and an Instant";
    let rows = [
        three::<Set, Kind, Newest<Kind>>("set", "a set of three types", kinds),
        three::<Everything, Kind, Newest<Kind>>("any", "everything, of three types", kinds),
        three::<DropOldest, Plain, Oldest<Plain>>(
            "oldest",
            "one type, dropping the oldest when full",
            plain,
        ),
        three::<ByKey, Keyed, KeyedQueues>(
            "keyed",
            "one type, coalescing; each event has its own key",
            plain,
        )
        .map(|row| row.goal(TWICE, Against::BestPeer, 2.0)),
        three::<Timed, Stamped, Clocked<Plain>>(
            "timed",
            "one type, on a bus that keeps time",
            stamped,
        ),
    ];
    let rows = rows.into_iter().flatten().map(|row| {
        if !row.goals.is_empty() {
            row
        } else if row.name.ends_with("-thread") {
            row.goal(NO_SLOWER, Against::BestPeer, 1.0)
        } else if row.name.ends_with("-tasks-10") {
            row.goal(HALF, Against::BestPeer, 0.5)
        } else {
            row
        }
    });
    rows.chain([burst()]).collect()
}

/// On one thread, and from one task to one and to ten. The bus is used as the way says; the peers
/// carry an `M`, and the limit probe has a `P`.
fn three<W: Way, M: Message, P: Store>(name: &str, what: &str, how: &str) -> [Row; 3] {
    let queues =
        [peers::our_queues::<W>(), peers::broadcast_queues::<M>(), peers::probe_queues::<P>()]
            .concat();
    let thread = Row::new(
        format!("{name}-thread"),
        format!("one thread publishes and receives; the subscriber reads {what}; {how}"),
    )
    .contestants(queues.into_iter().map(Entry::cycle));
    let [one, ten] = [1, 10].map(|subscribers| {
        let tasks =
            [peers::our_tasks::<W>(), peers::broadcast_tasks::<M>(), peers::probe_tasks::<P>()]
                .concat();
        Row::new(
            format!("{name}-tasks-{subscribers}"),
            format!("one publisher task to {subscribers}; each subscriber reads {what}; {how}"),
        )
        .deliveries(subscribers as u64)
        .turn(Turn::Timed { least: 2_048, stretch: 1 })
        .contestants(tasks.into_iter().map(|entry| entry.fan_out(1, subscribers)))
    });
    [thread, one, ten]
}

fn burst() -> Row {
    Row::new(
        "keyed-burst",
        "one thread publishes bursts of 64 events of 8 keys, and receives the 8 that are left",
    )
    .ours("callboard", |events| in_bursts(Overflow::Coalesce, events))
    .baseline("callboard, without keys", "receives all 64", |events| {
        in_bursts(Overflow::DropNewest, events)
    })
}

fn in_bursts(overflow: Overflow, events: u64) -> Sample {
    let events = events.next_multiple_of(BURST);
    let bus = Bus::new();
    let subscriber = bus.subscriber("reader").capacity(CAPACITY).overflow(overflow);
    let mut subscription = subscriber.subscribe::<Keyed>();
    bus.start();
    let mut tally = Tally::default();
    let mut expected = Tally::default();
    let begun = Instant::now();
    for first in (0..events).step_by(BURST as usize) {
        for value in first..first + BURST {
            bus.publish(Keyed::about(value % KEYS, value));
        }
        subscription.try_iter().for_each(|event| tally.take(&*event));
    }
    let elapsed = begun.elapsed();
    let left = match overflow {
        Overflow::Coalesce => BURST - KEYS,
        _ => 0,
    };
    let read = (0..events).filter(|value| value % BURST >= left);
    read.for_each(|value| expected.take(&Keyed::new(value)));
    assert_eq!(tally, expected, "the latest of each key was received, and nothing else");
    Sample::per_event(elapsed, events)
}
