//! Thresholds of findings: values just below them are not reported.

use std::time::Duration;

use callboard::{
    Bus, Diagnosis, Event, FindingKind, Importance, Phase, Snapshot, SubscriberSnapshot,
    TypeSnapshot,
};

use super::{Other, Step};
use crate::support::publish_all;
use FindingKind::{
    CapacityTooLarge, CapacityTooSmall, HandlerBlocks, MemoryHeld, NotReading, NotStarted, Paused,
    TooSlow, Unheard,
};

/// A bus with one subscriber that has taken an event, lost `lost` events, and asked for more.
fn snapshot(lost: u32) -> Snapshot {
    let bus = Bus::new();
    let mut reader = bus.subscriber("reader").capacity(1).subscribe::<Step>();
    bus.start();
    publish_all(&bus, (0..=lost).map(Step));
    while reader.try_recv().is_ok() {}
    let snapshot = bus.snapshot();
    assert_eq!(snapshot.subscribers[0].ledger.lost(), u64::from(lost));
    snapshot
}

fn kinds(snapshot: Snapshot) -> Vec<FindingKind> {
    Diagnosis::of(snapshot).findings.iter().map(|finding| finding.kind).collect()
}

/// The findings if the subscriber, which has lost `lost` events, is changed.
fn of_reader(lost: u32, change: impl FnOnce(&mut SubscriberSnapshot)) -> Vec<FindingKind> {
    let mut snapshot = snapshot(lost);
    change(&mut snapshot.subscribers[0]);
    kinds(snapshot)
}

#[test]
fn buffering_is_a_finding_if_something_waits() {
    let found = |started, phase, queued| {
        let mut snapshot = snapshot(0);
        (snapshot.started, snapshot.phase, snapshot.buffer.queued) = (started, phase, queued);
        kinds(snapshot)
    };
    assert_eq!(found(false, Phase::Buffering, 0), []);
    assert_eq!(found(false, Phase::Buffering, 1), [NotStarted]);
    assert_eq!(found(true, Phase::Buffering, 0), []);
    assert_eq!(found(true, Phase::Buffering, 1), [Paused]);
    assert_eq!(found(true, Phase::Running, 1), [], "it is about to be replayed");
}

#[test]
fn handler_blocks_if_it_takes_a_second_while_something_waits() {
    let handling = |milliseconds, queued| {
        of_reader(0, |of| {
            of.capacity = 10;
            of.handling = 1;
            of.handling_for = Some(Duration::from_millis(milliseconds));
            of.queued = queued;
        })
    };
    assert_eq!(handling(999, 1), []);
    assert_eq!(handling(1_000, 1), [HandlerBlocks]);
    assert_eq!(handling(60_000, 0), [], "nobody minds");
}

#[test]
fn handler_whose_time_is_unknown_blocks_if_its_queue_is_full() {
    let in_hand = |queued| {
        of_reader(0, |of| {
            (of.capacity, of.queued) = (10, queued);
            of.in_hand = true;
        })
    };
    assert_eq!(in_hand(9), []);
    assert_eq!(in_hand(10), [HandlerBlocks]);
}

#[test]
fn subscription_that_is_full_is_not_read_unless_somebody_is_about_to() {
    let full = |capacity, queued, waiting| {
        of_reader(0, |of| (of.capacity, of.queued, of.waiting) = (capacity, queued, waiting))
    };
    assert_eq!(full(10, 9, false), []);
    assert_eq!(full(10, 10, false), [NotReading]);
    assert_eq!(full(10, 10, true), [], "it has just been woken");
    assert_eq!(full(0, 0, false), [], "that of no capacity is never full");
}

#[test]
fn losses_are_a_matter_of_capacity_until_they_never_end() {
    let lossy = |importance, lost, demand, delivered, queued| {
        of_reader(lost, |of| {
            (of.capacity, of.queued, of.waiting) = (11, queued, true);
            (of.importance, of.demand, of.ledger.delivered) = (importance, demand, delivered);
        })
    };
    let critical = |lost, demand, delivered, queued| {
        lossy(Importance::Critical, lost, demand, delivered, queued)
    };
    assert_eq!(critical(0, 0, 1, 11), [], "it is full, and has lost nothing");
    assert_eq!(critical(1, 20, 1, 11), [CapacityTooSmall]);
    assert_eq!(critical(80, 20, 1, 11), [CapacityTooSmall], "it lost no more than 4 times 20");
    assert_eq!(critical(81, 20, 1, 11), [TooSlow]);
    assert_eq!(critical(81, 20, 0, 11), [CapacityTooSmall], "it took none: who knows how fast");
    assert_eq!(critical(81, 20, 1, 6), [TooSlow], "it is half full");
    assert_eq!(critical(81, 20, 1, 5), [CapacityTooSmall], "it has caught up");
    assert_eq!(lossy(Importance::Lossy, 1, 20, 1, 11), []);
    assert_eq!(lossy(Importance::Lossy, 81, 20, 1, 11), []);
}

#[test]
fn capacity_is_too_large_if_it_is_large_and_hardly_used_by_many_events() {
    let used = |capacity, high_water, offered| {
        of_reader(0, |of| {
            (of.capacity, of.high_water, of.ledger.offered) = (capacity, high_water, offered);
        })
    };
    assert_eq!(used(1_024, 127, 1_000), [CapacityTooLarge]);
    assert_eq!(used(1_023, 1, 1_000), [], "it is not large");
    assert_eq!(used(1_024, 128, 1_000), [], "an eighth was used");
    assert_eq!(used(1_024, 127, 999), [], "who knows what will come");
    assert_eq!(used(usize::MAX, 127, 1_000), [], "it was meant to have no end");
}

#[test]
fn advised_capacity_holds_four_times_what_was_ever_used() {
    let advice = |high_water| {
        let mut snapshot = snapshot(0);
        let of = &mut snapshot.subscribers[0];
        (of.capacity, of.high_water, of.ledger.offered) = (10_000, high_water, 1_000);
        Diagnosis::of(snapshot).findings[0].advice
    };
    assert_eq!(advice(1), Some(100), "a little is the default");
    assert_eq!(advice(25), Some(100));
    assert_eq!(advice(26), Some(110), "104, rounded up");
    assert_eq!(advice(500), Some(2_000));
}

#[test]
fn memory_is_a_finding_from_a_mebibyte_on() {
    const MEBIBYTE: usize = 1 << 20;
    assert_eq!(of_reader(0, |of| of.bytes = MEBIBYTE - 1), []);
    assert_eq!(of_reader(0, |of| of.bytes = MEBIBYTE), [MemoryHeld]);

    let buffer = |bytes| {
        let mut snapshot = snapshot(0);
        snapshot.buffer.bytes = bytes;
        kinds(snapshot)
    };
    assert_eq!(buffer(MEBIBYTE - 1), []);
    assert_eq!(buffer(MEBIBYTE), [MemoryHeld]);

    let kept = |memory, waiting| {
        let mut snapshot = snapshot(0);
        (snapshot.types[0].memory, snapshot.bytes) = (memory, waiting);
        kinds(snapshot)
    };
    assert_eq!(kept(MEBIBYTE - 1, 0), []);
    assert_eq!(kept(MEBIBYTE, 0), [MemoryHeld]);
    assert_eq!(kept(MEBIBYTE, MEBIBYTE / 8), [], "what waits may fill an eighth of it");
    assert_eq!(kept(MEBIBYTE, MEBIBYTE / 8 - 1), [MemoryHeld]);
}

#[test]
fn type_is_unheard_if_it_was_published_and_nobody_ever_listened() {
    let unheard = |published, unheard, subscribers| {
        let mut snapshot = snapshot(0);
        snapshot.subscribers.clear();
        let of: &mut TypeSnapshot = &mut snapshot.types[0];
        (of.published, of.unheard, of.subscribers) = (published, unheard, subscribers);
        kinds(snapshot)
    };
    assert_eq!(unheard(1, 1, 0), [Unheard]);
    assert_eq!(unheard(2, 1, 0), [], "somebody listened once");
    assert_eq!(unheard(1, 1, 1), [], "somebody listens now");
    assert_eq!(unheard(0, 0, 0), [], "it is only known");
}

#[test]
fn type_whose_listener_left_before_it_was_published_is_no_finding() {
    let bus = Bus::new();
    drop(bus.subscribe::<Other>("visitor"));
    bus.start();
    let known = bus.snapshot().event_type(Other::TYPE).map(|of| of.published);
    assert_eq!(known, Some(0));
    assert_eq!(bus.diagnose().to_string(), "nothing found");
}
