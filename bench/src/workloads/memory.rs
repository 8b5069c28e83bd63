//! What is allocated: bytes per idle subscription, bytes while one is stalled or slow, or keeps some
//! of what it received, and how often memory is asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use callboard::{Bus, Event};
use tokio::sync::{broadcast, mpsc};

use crate::alloc::{self, Counted};
use crate::events::{Heap, Message, OTHERS, Plain};
use crate::harness::{Ask, CAPACITY, runtime};
use crate::peers::{Actors, Asked, Scatter};
use crate::row::{Against, Column, Row, Rule, Sample, Turn};

/// How many idle subscriptions are weighed.
const IDLE: usize = 1_000;

/// How many events a stalled or slow subscriber is offered.
const STALLED: u64 = 1_000_000;

/// Of how many events a slow reader reads one, and a reader that keeps some keeps one.
const SOME: u64 = 64;

/// How many events are kept.
const KEPT: usize = (STALLED / SOME) as usize;

/// How often an operation is done while its allocations are counted.
const OPERATIONS: u64 = 10_000;

/// The same with fewer events: what is bounded is no smaller then.
const SOME_EVENTS: &str = "callboard, 10,000 events";

const ARCS: &str = "a queue of 1,024 Arcs, by hand";
const KEPT_ARCS: &str = "an Arc for each, by hand";

const BYTES: &[Column] = &[Column { name: "", unit: "bytes" }];
const ALLOCATIONS: &[Column] = &[Column { name: "", unit: "allocations" }];

pub(super) fn rows() -> Vec<Row> {
    let bytes = |name, about, events| row(name, about, BYTES, events);
    let allocations = |name, about| row(name, about, ALLOCATIONS, OPERATIONS);
    let idle =
        bytes("idle", "bytes that an idle subscription of capacity 1,024 holds", IDLE as u64)
            .ours("callboard, one type", |_| {
                idle(|bus, index| {
                    let subscriber = bus.subscriber(format!("idle {index}")).capacity(CAPACITY);
                    Box::new(subscriber.subscribe::<Plain>())
                })
            })
            .baseline("callboard, 50 types", "the default capacity", |_| {
                idle(|bus, index| OTHERS[index % OTHERS.len()](bus))
            })
            .shown("tokio mpsc", "a channel each", |_| channels())
            .shown("tokio broadcast", "the ring is shared, and not counted", |_| receivers())
            .goal_on(0, "at most 1 KiB, plus slots in use", Rule::AtMost(1_024.0));
    let about = "most bytes held while one of two readers is stalled";
    let stalled = bytes("stalled", about, STALLED)
        .ours("callboard, 1,000,000 events", stalled)
        .baseline(SOME_EVENTS, "", |events| stalled(events / 100))
        .goal("bounded: no more than after 10,000 events", Against::BestOf(&[SOME_EVENTS]), 1.01);
    let about = "most bytes held while one of two readers of capacity 1,024 reads 1 event of 64";
    let slow = bytes("slow", about, STALLED)
        .ours("callboard", slow)
        .peer("tokio mpsc, try_send", slow_channels)
        .baseline(ARCS, "those that wait, and no queue for the quick one", |_| queue_of_arcs())
        .goal("at most 4 times a queue of Arcs", Against::BestOf(&[ARCS]), 4.0);
    let about = "bytes held by 15,625 deliveries that were kept, 1 of 64 received";
    let kept = bytes("kept", about, STALLED)
        .ours("callboard", kept)
        .baseline(KEPT_ARCS, "", |_| kept_arcs())
        .goal("at most twice an Arc for each", Against::BestOf(&[KEPT_ARCS]), 2.0);
    let plain = allocations("publish-plain", "allocations of publish + receive, plain data")
        .ours("callboard", |_| publishing::<Plain>())
        .goal_on(0, "0", Rule::AtMost(0.0));
    let about = "allocations of publish + receive, beside the event's own";
    let heap = allocations("publish-heap", about)
        .ours("callboard", |_| {
            // The event's own buffer is not the bus's doing.
            Sample::counted(publishing::<Heap>().figures[0] - 1.0)
        })
        .goal_on(0, "at most 1", Rule::AtMost(1.0));
    let ask = allocations("ask-3", "allocations of asking 3 responders, waiting for all")
        .ours("callboard", |_| asking::<Asked>())
        .peer("tokio mpsc + oneshot, by hand", |_| asking::<Scatter>())
        .peer("kameo ask", |_| asking::<Actors>())
        .goal_on(0, "at most 4", Rule::AtMost(4.0));
    let subscribe = allocations("subscribe", "allocations of subscribing and leaving")
        .ours("callboard", |_| subscribing())
        .peer("tokio broadcast", |_| {
            let sender = broadcast::Sender::<Plain>::new(CAPACITY);
            per_operation(|_| drop(sender.subscribe()))
        });
    vec![idle, stalled, slow, kept, plain, heap, ask, subscribe]
}

fn row(name: &str, about: &str, columns: &'static [Column], events: u64) -> Row {
    Row::new(format!("memory-{name}"), about).columns(columns).turn(Turn::Fixed(events))
}

fn per_operation(mut operation: impl FnMut(u64)) -> Sample {
    (0..CAPACITY as u64).for_each(&mut operation);
    let ((), counted) = alloc::count(|| (0..OPERATIONS).for_each(operation));
    Sample::counted(counted.allocations as f64 / OPERATIONS as f64)
}

fn idle(subscribe: impl Fn(&Bus, usize) -> Box<dyn Send>) -> Sample {
    let bus = Bus::new();
    let (_kept, counted) = alloc::count(|| {
        let kept: Vec<_> = (0..IDLE).map(|index| subscribe(&bus, index)).collect();
        bus.start();
        kept
    });
    held_by_each(counted)
}

fn channels() -> Sample {
    let open = |_| mpsc::channel::<Plain>(CAPACITY);
    let (_kept, counted) = alloc::count(|| (0..IDLE).map(open).collect::<Vec<_>>());
    held_by_each(counted)
}

fn receivers() -> Sample {
    let sender = broadcast::Sender::<Plain>::new(CAPACITY);
    let (_kept, counted) =
        alloc::count(|| (0..IDLE).map(|_| sender.subscribe()).collect::<Vec<_>>());
    held_by_each(counted)
}

fn held_by_each(counted: Counted) -> Sample {
    Sample::counted(counted.held as f64 / IDLE as f64)
}

fn stalled(events: u64) -> Sample {
    let ((), counted) = alloc::count(|| {
        let bus = Bus::new();
        let subscriber = |name: &str| bus.subscriber(name).capacity(CAPACITY);
        let mut reader = subscriber("reader").subscribe::<Plain>();
        let stalled = subscriber("stalled").subscribe::<Plain>();
        bus.start();
        for value in 0..events {
            bus.publish(Plain::new(value));
            if value % 64 == 63 {
                reader.try_iter().for_each(drop);
            }
        }
        assert_eq!(stalled.len(), CAPACITY, "the stalled subscription is full");
    });
    Sample::counted(counted.peak as f64)
}

fn slow(events: u64) -> Sample {
    let ((), counted) = alloc::count(|| {
        let bus = Bus::new();
        let subscriber = |name: &str| bus.subscriber(name).capacity(CAPACITY);
        let mut quick = subscriber("quick").subscribe::<Plain>();
        let mut slow = subscriber("slow").subscribe::<Plain>();
        bus.start();
        for value in 0..events {
            bus.publish(Plain::new(value));
            assert!(quick.try_recv().is_ok(), "the quick reader loses nothing");
            if value % SOME == SOME - 1 {
                assert!(slow.try_recv().is_ok(), "there is always something to read");
            }
        }
        assert_eq!(slow.len(), CAPACITY - 1, "the slow subscription is full but for one");
    });
    Sample::counted(counted.peak as f64)
}

fn slow_channels(events: u64) -> Sample {
    let ((), counted) = alloc::count(|| {
        let open = || mpsc::channel::<Plain>(CAPACITY);
        let ((to_quick, mut quick), (to_slow, mut slow)) = (open(), open());
        for value in 0..events {
            let event = Plain::new(value);
            let _ = (to_quick.try_send(event), to_slow.try_send(event));
            assert!(quick.try_recv().is_ok(), "the quick reader loses nothing");
            if value % SOME == SOME - 1 {
                assert!(slow.try_recv().is_ok(), "there is always something to read");
            }
        }
        assert_eq!(slow.len(), CAPACITY - 1, "the slow channel is full but for one");
    });
    Sample::counted(counted.peak as f64)
}

fn kept(events: u64) -> Sample {
    let mut kept = Vec::with_capacity(KEPT);
    let (_open, counted) = alloc::count(|| {
        let bus = Bus::new();
        let mut reader = bus.subscriber("reader").capacity(CAPACITY).subscribe::<Plain>();
        bus.start();
        for value in 0..events {
            bus.publish(Plain::new(value));
            let event = reader.try_recv().expect("the reader loses nothing");
            if value % SOME == SOME - 1 {
                kept.push(event);
            }
        }
        (bus, reader)
    });
    let values = kept.iter().map(|event| event.value());
    assert!(values.eq((1..=KEPT as u64).map(|nth| nth * SOME - 1)), "what was kept is still there");
    Sample::counted(counted.held as f64)
}

fn kept_arcs() -> Sample {
    let mut kept = Vec::with_capacity(KEPT);
    let ((), counted) = alloc::count(|| {
        kept.extend((0..KEPT as u64).map(|value| Arc::new(Plain::new(value))));
    });
    drop(kept);
    Sample::counted(counted.held as f64)
}

fn queue_of_arcs() -> Sample {
    let (_queue, counted) = alloc::count(|| {
        let mut queue = VecDeque::with_capacity(CAPACITY);
        queue.extend((0..CAPACITY as u64).map(|value| Arc::new(Plain::new(value))));
        queue
    });
    Sample::counted(counted.held as f64)
}

fn publishing<E: Message + Event>() -> Sample {
    let bus = Bus::new();
    let mut reader = bus.subscriber("reader").capacity(CAPACITY).subscribe::<E>();
    bus.start();
    per_operation(|value| {
        bus.publish(E::new(value));
        assert!(reader.try_recv().is_ok(), "an event was lost");
    })
}

fn asking<A: Ask>() -> Sample {
    let mut asker = A::open(3);
    per_operation(|value| {
        runtime().block_on(asker.ask(value));
    })
}

fn subscribing() -> Sample {
    let bus = Bus::new();
    bus.start();
    per_operation(|_| {
        drop(bus.subscriber("visitor").capacity(CAPACITY).late().subscribe::<Plain>())
    })
}
