//! Publishing, to those who read and to those who don't.

use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use callboard::{AnyEvent, Bus, Event, EventSet, Overflow, Subscription};

use crate::BURST;
use crate::clock::StoppedClock;
use crate::events::{Heap, Inbox, Keyed, Message, Plain};

/// A bus that runs, and its only subscription.
fn open<S: EventSet>() -> (Bus, Subscription<S>) {
    let bus = Bus::new();
    let reader = bus.subscribe("reader");
    bus.start();
    (bus, reader)
}

pub(crate) fn plain_one_by_one(count: u64) -> u64 {
    one_by_one(count, open::<Plain>())
}

pub(crate) fn heap_one_by_one(count: u64) -> u64 {
    one_by_one(count, open::<Heap>())
}

pub(crate) fn keyed_one_by_one(count: u64) -> u64 {
    one_by_one(count, open_with::<Keyed>(Overflow::Coalesce))
}

pub(crate) fn oldest_one_by_one(count: u64) -> u64 {
    one_by_one(count, open_with::<Plain>(Overflow::DropOldest))
}

pub(crate) fn timed_one_by_one(count: u64) -> u64 {
    let bus = Bus::builder().timestamps(true).clock(StoppedClock::new()).build();
    let bus = bus.expect("a clock is no wrong setting");
    let reader = bus.subscribe::<Plain>("reader");
    bus.start();
    one_by_one(count, (bus, reader))
}

fn open_with<E: Event>(overflow: Overflow) -> (Bus, Subscription<E>) {
    let bus = Bus::new();
    let reader = bus.subscriber("reader").overflow(overflow).subscribe();
    bus.start();
    (bus, reader)
}

fn one_by_one<M: Message>(count: u64, (bus, mut reader): (Bus, Subscription<M>)) -> u64 {
    let mut received = 0;
    for value in 0..count {
        bus.publish(M::new(value));
        let right = reader.try_recv().is_ok_and(|event| event.value() == value);
        received += u64::from(right);
    }
    received
}

pub(crate) fn plain_in_batches(count: u64) -> u64 {
    fan_out::<1>(count)
}

/// Publishes bursts to `N` subscribers, each of which then reads by batches until it has all.
pub(crate) fn fan_out<const N: usize>(count: u64) -> u64 {
    let bus = Bus::new();
    let mut readers: [Subscription<Plain>; N] =
        array::from_fn(|index| bus.subscribe(format!("reader {index}")));
    bus.start();
    let mut received = 0;
    for burst in 0..count / BURST {
        let first = burst * BURST;
        for value in first..first + BURST {
            bus.publish(Plain::new(value));
        }
        for reader in &mut readers {
            let mut expected = first;
            while let Ok(batch) = reader.try_recv_batch() {
                for event in batch {
                    received += u64::from(event.value() == expected);
                    expected += 1;
                }
            }
        }
    }
    received
}

pub(crate) fn full_lossy(count: u64) -> u64 {
    let bus = Bus::new();
    let reader = bus.subscriber("reader").lossy().subscribe();
    bus.start();
    publish_to_full(&bus, &reader, count)
}

/// Each drop is reported to a callback.
pub(crate) fn full_critical(count: u64) -> u64 {
    let (bus, reader) = open();
    let reported = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&reported);
    bus.on_drop(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let dropped = publish_to_full(&bus, &reader, count);
    // Ordering: Relaxed, since the callback runs on this thread.
    dropped.min(reported.load(Ordering::Relaxed))
}

/// Fills the reader's queue, then publishes so often, and returns how many were dropped.
fn publish_to_full(bus: &Bus, reader: &Subscription<Plain>, count: u64) -> u64 {
    while bus.publish(Plain::new(0)).dropped() == 0 {}
    let dropped: usize = (0..count).map(|value| bus.publish(Plain::new(value)).dropped()).sum();
    assert_eq!(reader.len(), Bus::DEFAULT_CAPACITY, "the reader stayed full");
    dropped as u64
}

/// The bus has a subscriber, but none of the type.
pub(crate) fn unheard(count: u64) -> u64 {
    let (bus, reader) = open::<Heap>();
    let delivered: usize = (0..count).map(|value| bus.publish(Plain::new(value)).delivered()).sum();
    if delivered == 0 && reader.is_empty() { count } else { 0 }
}

pub(crate) fn any_event(count: u64) -> u64 {
    let (bus, mut reader) = open::<AnyEvent>();
    let mut received = 0;
    for value in 0..count {
        bus.publish(Plain::new(value));
        let right = reader.try_recv().is_ok_and(|event| {
            event.downcast_ref::<Plain>().is_some_and(|event| event.value() == value)
        });
        received += u64::from(right);
    }
    received
}

/// One of the two types is published; that a set may hold another is what it costs.
pub(crate) fn event_set(count: u64) -> u64 {
    let (bus, mut reader) = open::<Inbox>();
    let mut received = 0;
    for value in 0..count {
        bus.publish(Plain::new(value));
        received += match reader.try_recv() {
            Ok(Inbox::Plain(event)) => u64::from(event.value() == value),
            Ok(Inbox::Heap(_)) | Err(_) => 0,
        };
    }
    received
}
