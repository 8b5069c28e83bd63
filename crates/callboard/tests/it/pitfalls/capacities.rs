//! Capacities that are too small, or far too large.

use callboard::{Bus, Coalesce, Event, FindingKind, Overflow};

use super::{Step, expect, found};

#[test]
fn a_capacity_too_small_comes_with_the_one_that_would_have_sufficed() {
    let bus = Bus::new();
    let mut bursty = bus.subscriber("bursty").capacity(10).subscribe::<Step>();
    bus.start();
    for n in 0..37 {
        bus.publish(Step(n));
    }
    while bursty.try_recv().is_ok() {}
    for n in 0..5 {
        bus.publish(Step(n));
    }
    let finding = expect(&bus, FindingKind::CapacityTooSmall);
    assert_eq!(finding.culprit, "bursty");
    assert!(finding.seen.contains("lost 27 events with capacity 10"), "{finding}");
    assert_eq!(finding.advice, Some(40), "37, rounded up");
    assert!(finding.cure.contains(".capacity(40)"), "{finding}");
}

#[test]
fn the_advised_capacity_holds_whatever_the_policy() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let advice = |capacity: usize| {
            let bus = Bus::new();
            let builder = bus.subscriber("bursty").capacity(capacity).overflow(overflow);
            let mut bursty = builder.subscribe::<Step>();
            bus.start();
            bus.publish(Step(0));
            assert_eq!(bursty.try_iter().count(), 1, "it does read");
            for n in 0..37 {
                bus.publish(Step(n));
            }
            found(&bus, FindingKind::CapacityTooSmall).and_then(|finding| finding.advice)
        };
        let advised = advice(10).expect("10 is too small");
        assert_eq!(advice(advised), None, "{overflow:?}: {advised} should suffice");
    }
}

#[test]
fn a_subscriber_that_is_always_behind_is_not_told_to_grow() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = Bus::new();
        let builder = bus.subscriber("slow").capacity(10).overflow(overflow);
        let mut slow = builder.subscribe::<Step>();
        bus.start();
        for n in 0..1_000 {
            bus.publish(Step(n));
            if n % 5 == 0 {
                slow.try_recv().expect("it is behind");
            }
        }
        let finding = expect(&bus, FindingKind::TooSlow);
        assert_eq!((finding.culprit.as_str(), finding.advice), ("slow", None), "{overflow:?}");
        assert_eq!(found(&bus, FindingKind::CapacityTooSmall), None, "{overflow:?}");
    }
}

#[test]
fn a_subscriber_that_loses_events_in_bursts_is_told_to_grow() {
    let bus = Bus::new();
    let mut bursty = bus.subscriber("bursty").capacity(10).subscribe::<Step>();
    bus.start();
    for n in 0..1_000 {
        bus.publish(Step(n));
        if n % 50 == 49 {
            while bursty.try_recv().is_ok() {}
        }
    }
    assert_eq!(expect(&bus, FindingKind::CapacityTooSmall).advice, Some(50));
}

#[test]
fn a_lossy_subscriber_is_not_told_to_grow() {
    let bus = Bus::new();
    let _lossy = bus.subscriber("lossy").capacity(1).lossy().subscribe::<Step>();
    bus.start();
    bus.publish(Step(1));
    bus.publish(Step(2));
    assert_eq!(found(&bus, FindingKind::CapacityTooSmall), None);
}

#[test]
fn a_capacity_far_too_large_comes_with_a_smaller_one() {
    let bus = Bus::new();
    let mut roomy = bus.subscriber("roomy").capacity(100_000).subscribe::<Step>();
    bus.start();
    for n in 0..1_000 {
        bus.publish(Step(n));
        roomy.try_recv().unwrap();
    }
    let finding = expect(&bus, FindingKind::CapacityTooLarge);
    assert_eq!(finding.culprit, "roomy");
    assert_eq!(finding.advice, Some(100));
    assert!(finding.seen.contains("1 of its capacity of 100000"), "{finding}");
}

#[test]
fn a_loop_that_blocks_is_not_told_to_grow_and_one_that_is_slow_does_not_block() {
    // The bus keeps no time, so it does not know for how long a loop has had its event.
    let bus = Bus::new();
    let mut blocked = bus.subscriber("blocked").capacity(20).subscribe::<Step>();
    let mut slow = bus.subscriber("slow").capacity(20).subscribe::<Step>();
    bus.start();
    bus.publish(Step(0));
    let _in_hand = blocked.try_recv().expect("the first");
    for n in 1..1_000 {
        if n % 5 == 0 {
            slow.try_recv().expect("it is behind");
        }
        bus.publish(Step(n));
    }
    let findings = bus.diagnose().findings;
    let of = |name: &str| {
        let of = findings.iter().filter(|finding| finding.culprit == name);
        of.map(|finding| finding.kind).collect::<Vec<_>>()
    };
    assert_eq!(of("blocked"), [FindingKind::HandlerBlocks]);
    assert_eq!(of("slow"), [FindingKind::TooSlow]);
}

#[test]
fn coalescing_without_a_key_is_a_finding() {
    #[derive(Debug, Event)]
    struct Level(u64);

    impl Coalesce for Level {
        type Key = u64;

        fn key(&self) -> u64 {
            self.0
        }
    }

    let bus = Bus::new();
    let coalesces = |name| bus.subscriber(name).overflow(Overflow::Coalesce);
    let _with_key = coalesces("levels").subscribe::<Level>();
    bus.start();
    assert_eq!(found(&bus, FindingKind::NothingCoalesces), None);
    let _without = coalesces("steps").late().subscribe::<Step>();
    let finding = expect(&bus, FindingKind::NothingCoalesces);
    assert_eq!(finding.culprit, "steps");
    assert!(finding.cure.contains("implement `Coalesce`"), "{finding}");
}
