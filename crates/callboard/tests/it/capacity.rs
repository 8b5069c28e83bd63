//! Promise 4: a subscription of capacity n holds n; the n+1st is dropped, and counted against it,
//! its event type and the reason.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use callboard::{Bus, Delivery, DropReason, Dropped, Event, EventSet, Overflow, Subscription};

use crate::support::{Log, Rng, in_time, publish_all};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Event)]
struct Tock(#[expect(dead_code, reason = "tells them apart in messages")] u64);

#[derive(Debug, EventSet)]
enum Clock {
    Tick(Delivery<Tick>),
    Tock(Delivery<Tock>),
}

fn numbers(ticks: &mut Subscription<Tick>) -> Vec<u64> {
    ticks.try_iter().map(|tick| tick.0).collect()
}

fn drops_of(bus: &Bus) -> Log<Dropped> {
    let drops = Log::new();
    let log = drops.clone();
    bus.on_drop(move |dropped| log.push(dropped.clone()));
    drops
}

#[test]
fn subscription_holds_exactly_its_capacity() {
    for capacity in [0, 1, 2, 7, 100, 1_000] {
        let bus = Bus::new();
        let drops = drops_of(&bus);
        let mut ticks = bus.subscriber("clock").capacity(capacity).subscribe::<Tick>();
        assert_eq!(ticks.capacity(), capacity);
        bus.start();
        let n = capacity as u64;
        for number in 0..n {
            let published = bus.publish(Tick(number));
            assert_eq!((published.delivered(), published.dropped()), (1, 0));
        }
        assert_eq!((ticks.len(), drops.len()), (capacity, 0));
        for number in n..n + 3 {
            let published = bus.publish(Tick(number));
            assert_eq!((published.delivered(), published.dropped()), (0, 1));
        }
        assert_eq!(ticks.len(), capacity);
        assert_eq!(ticks.ledger().dropped(DropReason::Full), 3);
        assert_eq!(ticks.pending_missed(), 3);
        let snapshot = bus.snapshot();
        let of_type = snapshot.event_type("tick").unwrap().ledger;
        assert_eq!((of_type.offered, of_type.dropped(DropReason::Full)), (n + 3, 3));
        assert_eq!(snapshot.subscriber("clock").unwrap().high_water, capacity);

        let reported = drops.take();
        assert_eq!(reported.len(), 3, "once per dropped event");
        for (number, dropped) in (n..).zip(&reported) {
            assert_eq!(dropped.event_type(), "tick");
            assert_eq!(dropped.subscriber(), "clock");
            assert_eq!(dropped.capacity(), capacity);
            assert_eq!(dropped.reason(), DropReason::Full);
            assert_eq!(dropped.sequence(), number + 1);
        }
        assert!(numbers(&mut ticks).into_iter().eq(0..n), "those that were there stay");
    }
}

#[test]
fn one_taken_makes_room_for_exactly_one() {
    let bus = Bus::new();
    let mut ticks = bus.subscriber("clock").capacity(3).subscribe::<Tick>();
    bus.start();
    publish_all(&bus, (0..3).map(Tick));
    for number in 3..50 {
        assert_eq!(ticks.try_recv().unwrap().0, number - 3);
        assert_eq!(bus.publish(Tick(number)).delivered(), 1);
        assert_eq!(bus.publish(Tick(1_000)).dropped(), 1);
    }
}

#[test]
fn defaults_are_a_hundred_events_the_newest_dropped() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    publish_all(&bus, (0..150).map(Tick));
    assert_eq!(Bus::DEFAULT_CAPACITY, 100);
    assert!(numbers(&mut ticks).into_iter().eq(0..100));
}

#[test]
fn drop_oldest_keeps_the_newest() {
    for capacity in [1, 2, 7] {
        let bus = Bus::new();
        let drops = drops_of(&bus);
        let mut ticks = bus
            .subscriber("clock")
            .capacity(capacity)
            .overflow(Overflow::DropOldest)
            .subscribe::<Tick>();
        bus.start();
        for number in 0..20 {
            let published = bus.publish(Tick(number));
            assert_eq!(published.delivered(), 1, "the new one is queued");
            assert_eq!(published.dropped(), usize::from(number >= capacity as u64));
        }
        let lost = 20 - capacity as u64;
        assert_eq!(ticks.len(), capacity);
        assert_eq!(ticks.ledger().dropped(DropReason::Oldest), lost);
        let sequences = drops.take().into_iter().map(|dropped| dropped.sequence());
        assert!(sequences.eq(1..=lost), "the reports name the ones that were lost");
        let first = ticks.try_recv().unwrap();
        assert_eq!((first.0, first.missed()), (lost, lost));
        assert!(ticks.try_iter().all(|tick| tick.missed() == 0));
    }
}

#[test]
fn no_policy_fits_anything_into_no_room() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce] {
        let bus = Bus::new();
        let ticks = bus.subscriber("clock").capacity(0).overflow(overflow).subscribe::<Tick>();
        bus.start();
        assert_eq!(bus.publish(Tick(0)).dropped(), 1, "{overflow:?}");
        assert!(ticks.is_empty());
        assert_eq!(ticks.ledger().dropped(DropReason::Full), 1);
    }
}

#[test]
fn greatest_capacity_costs_nothing_until_used() {
    let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
    let mut ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
    bus.publish(Tick(0));
    bus.start();
    publish_all(&bus, (1..1_000).map(Tick));
    assert!(numbers(&mut ticks).into_iter().eq(0..1_000));
}

#[test]
fn set_has_one_capacity_for_all_its_members() {
    let bus = Bus::new();
    let mut clock = bus.subscriber("clock").capacity(3).subscribe::<Clock>();
    bus.start();
    bus.publish(Tick(0));
    bus.publish(Tock(1));
    bus.publish(Tick(2));
    assert_eq!(bus.publish(Tock(3)).dropped(), 1);
    let snapshot = bus.snapshot();
    assert_eq!(snapshot.event_type("tock").unwrap().ledger.dropped(DropReason::Full), 1);
    assert_eq!(snapshot.event_type("tick").unwrap().ledger.dropped_total(), 0);
    assert!(clock.try_iter().map(|item| matches!(item, Clock::Tick(_))).eq([true, false, true]));
}

#[test]
fn lossy_drop_is_counted_and_not_reported() {
    let bus = Bus::new();
    let drops = drops_of(&bus);
    let lossy = bus.subscriber("lossy").capacity(1).lossy().subscribe::<Tick>();
    let critical = bus.subscriber("critical").capacity(1).subscribe::<Tick>();
    bus.start();
    publish_all(&bus, (0..3).map(Tick));
    assert_eq!(lossy.ledger().dropped(DropReason::Full), 2);
    assert_eq!(critical.ledger().dropped(DropReason::Full), 2);
    assert!(drops.take().iter().map(Dropped::subscriber).eq(["critical", "critical"]));
}

#[test]
fn drop_callback_is_replaced_by_the_next() {
    let bus = Bus::new();
    let first = drops_of(&bus);
    let _ticks = bus.subscriber("clock").capacity(0).subscribe::<Tick>();
    bus.start();
    bus.publish(Tick(0));
    let second = drops_of(&bus);
    bus.publish(Tick(1));
    assert_eq!((first.len(), second.len()), (1, 1));
}

#[test]
fn next_event_says_how_many_were_lost_before_it() {
    let bus = Bus::new();
    let mut clock = bus.subscriber("clock").capacity(2).subscribe::<Clock>();
    bus.start();
    let missed = |item: Clock| match item {
        Clock::Tick(tick) => tick.missed(),
        Clock::Tock(tock) => tock.missed(),
    };
    publish_all(&bus, (0..5).map(Tick));
    assert_eq!(clock.pending_missed(), 3);
    assert!(clock.try_iter().map(missed).eq([0, 0]));
    bus.publish(Tock(5));
    assert_eq!(clock.pending_missed(), 0);
    bus.publish(Tock(6));
    bus.publish(Tick(7));
    assert!(clock.try_iter().map(missed).eq([3, 0]), "whatever its type");
    bus.publish(Tock(8));
    assert!(clock.try_iter().map(missed).eq([1]));
}

#[test]
fn racing_publishers_fill_it_exactly() {
    const EACH: u64 = 2_000;
    in_time("publishers that race for the last place", || {
        let bus = Bus::new();
        let drops = drops_of(&bus);
        let full = bus.subscriber("full").capacity(1_000).subscribe::<Tick>();
        bus.start();
        let delivered: usize = thread::scope(|scope| {
            let publish = || (0..EACH).map(|number| bus.publish(Tick(number)).delivered()).sum();
            let publishers = [0; 4].map(|_| scope.spawn(publish));
            publishers.map(|publisher| publisher.join().unwrap()).iter().sum::<usize>()
        });
        assert_eq!((delivered, full.len()), (1_000, 1_000));
        assert_eq!(full.ledger().dropped(DropReason::Full), 4 * EACH - 1_000);
        assert_eq!(drops.len() as u64, 4 * EACH - 1_000);
    });
}

#[test]
fn reader_that_races_never_sees_more_than_the_capacity() {
    in_time("a reader that races with publishers", || {
        let bus = Bus::new();
        let mut ticks = bus.subscriber("clock").capacity(5).subscribe::<Tick>();
        bus.start();
        let done = AtomicBool::new(false);
        let (received, missed) = thread::scope(|scope| {
            scope.spawn(|| {
                publish_all(&bus, (0..20_000).map(Tick));
                done.store(true, Ordering::SeqCst);
            });
            let (mut received, mut missed) = (0, 0);
            loop {
                let last = done.load(Ordering::SeqCst);
                assert!(ticks.len() <= 5);
                for tick in ticks.try_iter() {
                    missed += tick.missed();
                    assert_eq!(tick.0, received + missed, "missed() tells exactly what is lost");
                    received += 1;
                }
                if last {
                    break (received, missed + ticks.pending_missed());
                }
            }
        });
        assert_eq!(received + missed, 20_000);
        assert_eq!(bus.snapshot().subscriber("clock").unwrap().high_water.max(5), 5);
    });
}

#[test]
fn capacity_is_exact_however_a_reader_falls_behind_and_catches_up() {
    for capacity in [0, 1, 2, 31, 32, 33, 100] {
        let bus = Bus::new();
        let mut rng = Rng::new(capacity as u64 + 1);
        let mut reader = bus.subscriber("reader").capacity(capacity).subscribe::<Tick>();
        let mut ahead = bus.subscriber("ahead").capacity(usize::MAX).subscribe::<Tick>();
        bus.start();
        let (mut expected, mut lost, mut number) = (Vec::new(), 0, 0);
        for _ in 0..2_000 {
            for _ in 0..rng.below(capacity + 3) {
                number += 1;
                let published = bus.publish(Tick(number));
                if expected.len() < capacity {
                    assert_eq!((published.delivered(), published.dropped()), (2, 0));
                    expected.push((number, std::mem::take(&mut lost)));
                } else {
                    assert_eq!((published.delivered(), published.dropped()), (1, 1));
                    lost += 1;
                }
                assert_eq!(reader.len(), expected.len());
                assert_eq!(reader.pending_missed(), lost);
            }
            let took = rng.below(capacity + 3).min(expected.len());
            for (number, missed) in expected.drain(..took) {
                let event = reader.try_recv().unwrap();
                assert_eq!((event.0, event.missed()), (number, missed), "capacity {capacity}");
            }
            if rng.one_in(2) {
                ahead.try_iter().for_each(drop);
            }
        }
        assert!(reader.ledger().balances());
    }
}

#[test]
fn demand_counts_what_comes_by_the_queue_between_two_takes() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = Bus::new();
        let builder = bus.subscriber("clock").capacity(2).overflow(overflow);
        let mut ticks = builder.subscribe::<Tick>();
        let demand = || bus.snapshot().subscriber("clock").unwrap().demand;
        bus.start();
        publish_all(&bus, (0..5).map(Tick));
        assert_eq!(demand(), 5, "{overflow:?}: 2 wait, 3 were lost");
        bus.pause();
        publish_all(&bus, (5..7).map(Tick));
        bus.start();
        assert_eq!(demand(), 7, "{overflow:?}: 4 wait, 3 were lost");
        bus.publish(Tick(7));
        assert_eq!(demand(), 8, "{overflow:?}: 4 wait, 4 were lost");

        // Taking an event from either place resets the count of losses.
        for _ in 0..4 {
            assert!(ticks.try_recv().is_ok());
            publish_all(&bus, (8..11).map(Tick));
        }
        assert_eq!(demand(), 8, "{overflow:?}: less waits or is lost");
    }
}
