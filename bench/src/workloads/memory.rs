//! What is allocated: bytes per idle subscription, bytes while one is stalled, and how often memory
//! is asked for.

use callboard::{Bus, Event};
use tokio::sync::{broadcast, mpsc};

use crate::alloc::{self, Counted};
use crate::events::{Heap, Message, OTHERS, Plain};
use crate::harness::{Ask, CAPACITY, runtime};
use crate::peers::{Actors, Asked, Scatter};
use crate::row::{Against, Column, Row, Rule, Sample, Turn};

/// How many idle subscriptions are weighed.
const IDLE: usize = 1_000;

/// How many events a stalled subscriber is offered.
const STALLED: u64 = 1_000_000;

/// How often an operation is done while its allocations are counted.
const OPERATIONS: u64 = 10_000;

/// The same with fewer events: what is bounded is no smaller then.
const SOME_EVENTS: &str = "callboard, 10,000 events";

const BYTES: &[Column] = &[Column { name: "", unit: "bytes" }];
const ALLOCATIONS: &[Column] = &[Column { name: "", unit: "allocations" }];

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &str, about: &str, columns| {
        Row::new(format!("memory-{name}"), about).columns(columns).turn(Turn::Fixed(1))
    };
    let idle = row("idle", "bytes that an idle subscription of capacity 1,024 holds", BYTES)
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
    let stalled = row("stalled", "most bytes held while one of two readers is stalled", BYTES)
        .ours("callboard, 1,000,000 events", |_| stalled(STALLED))
        .baseline(SOME_EVENTS, "", |_| stalled(STALLED / 100))
        .goal("bounded: no more than after 10,000 events", Against::BestOf(&[SOME_EVENTS]), 1.01);
    let plain = row("publish-plain", "allocations of publish + receive, plain data", ALLOCATIONS)
        .ours("callboard", |_| publishing::<Plain>())
        .goal_on(0, "0", Rule::AtMost(0.0));
    let heap = row(
        "publish-heap",
        "allocations of publish + receive, beside the event's own",
        ALLOCATIONS,
    )
    .ours("callboard", |_| {
        // The event's own buffer is not the bus's doing.
        Sample::counted(publishing::<Heap>().figures[0] - 1.0)
    })
    .goal_on(0, "at most 1", Rule::AtMost(1.0));
    let ask = row("ask-3", "allocations of asking 3 responders, waiting for all", ALLOCATIONS)
        .ours("callboard", |_| asking::<Asked>())
        .peer("tokio mpsc + oneshot, by hand", |_| asking::<Scatter>())
        .peer("kameo ask", |_| asking::<Actors>())
        .goal_on(0, "at most 4", Rule::AtMost(4.0));
    let subscribe = row("subscribe", "allocations of subscribing and leaving", ALLOCATIONS)
        .ours("callboard", |_| subscribing())
        .peer("tokio broadcast", |_| {
            let sender = broadcast::Sender::<Plain>::new(CAPACITY);
            per_operation(|_| drop(sender.subscribe()))
        });
    vec![idle, stalled, plain, heap, ask, subscribe]
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
