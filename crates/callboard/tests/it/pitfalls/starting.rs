//! Starting: forgetting it, arriving late, a buffer that is too small.

use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Coalesce, Event, FindingKind, Overflow};

use super::{Other, Question, Step, expect, found, said};

#[test]
fn forgetting_start_is_named_with_what_waits_and_who_is_missing() {
    let clock = ManualClock::new();
    let bus =
        Bus::builder().clock(clock.clone()).expect_subscribers(["here", "absent"]).build().unwrap();
    let _here = bus.subscribe::<Step>("here");
    let said = said(|| {
        bus.publish(Step(1));
        bus.publish(Step(2));
        bus.publish(Other);
        clock.advance(Duration::from_secs(9));
        assert_eq!(bus.diagnose().snapshot.buffer.queued, 3);
        clock.advance(Duration::from_secs(1));
        clock.advance(Duration::from_secs(100));
    });
    assert_eq!(said.len(), 1, "it is said once: {said:?}");
    assert!(said[0].contains("3 (`pit.step` ×2, `pit.other` ×1)"), "{}", said[0]);
    assert!(said[0].contains("call `start`"), "{}", said[0]);

    let finding = expect(&bus, FindingKind::NotStarted);
    assert!(finding.to_string().contains("holds 3 events"), "{finding}");
    assert!(finding.cure.contains("missing: `absent`"), "{finding}");
    bus.start();
    assert_eq!(found(&bus, FindingKind::NotStarted), None);
}

#[test]
fn a_bus_dropped_unstarted_says_what_was_lost() {
    let said = said(|| {
        let bus = Bus::new();
        bus.publish(Other);
        drop(bus);
    });
    assert!(said[0].contains("never started") && said[0].contains("`pit.other` ×1"), "{said:?}");
}

#[test]
fn a_bus_that_was_started_in_time_says_nothing() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let said = said(|| {
        bus.publish(Other);
        bus.start();
        clock.advance(Duration::from_secs(60));
        drop(bus);
    });
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn coalescing_without_a_key_is_named_with_the_call_site() {
    #[derive(Debug, Event)]
    #[event(coalesce)]
    struct Latest;

    impl Coalesce for Latest {
        type Key = ();

        fn key(&self) {}
    }

    let bus = Bus::new();
    let coalescing = |name| bus.subscriber(name).overflow(Overflow::Coalesce);
    let said_of_others = said(|| {
        drop(coalescing("keyed").subscribe::<Latest>());
        drop(coalescing("all").subscribe::<AnyEvent>());
    });
    assert_eq!(said_of_others, Vec::<String>::new());
    let line = line!() + 1;
    let said = said(|| drop(coalescing("keyless").subscribe::<Step>()));
    assert_eq!(said.len(), 1, "{said:?}");
    let place = format!("starting.rs:{line}:");
    assert!(said[0].contains("`keyless`") && said[0].contains(&place), "{}", said[0]);
    assert!(said[0].contains("`Coalesce`"), "{}", said[0]);
}

#[test]
fn subscribing_too_late_is_named_with_the_call_site() {
    let bus = Bus::new();
    bus.start();
    let mut late = None;
    let line = line!() + 1;
    let said = said(|| late = Some(bus.subscribe::<Step>("tardy")));
    assert_eq!(said.len(), 1, "{said:?}");
    let place = format!("starting.rs:{line}:");
    assert!(said[0].contains("`tardy`") && said[0].contains(&place), "{}", said[0]);
    assert!(said[0].contains("`.late()`"), "{}", said[0]);

    let finding = expect(&bus, FindingKind::SubscribedLate);
    assert_eq!(finding.culprit, "tardy");
    assert!(finding.seen.contains(&place), "{finding}");
    drop(late);
    assert_eq!(found(&bus, FindingKind::SubscribedLate), None);
}

#[test]
fn subscribing_late_on_purpose_is_not_named() {
    let bus = Bus::new();
    bus.start();
    let said = said(|| drop(bus.subscriber("planned").late().subscribe::<Step>()));
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn a_start_buffer_too_small_is_named() {
    let bus = Bus::builder().pre_start_capacity(2).build().unwrap();
    for n in 0..5 {
        bus.publish(Step(n));
    }
    let finding = expect(&bus, FindingKind::BufferTooSmall);
    assert!(finding.seen.contains("dropped 3 events beyond 2"), "{finding}");
    assert!(finding.cure.contains("Coalesce"), "{finding}");
}

#[test]
fn expected_subscriber_that_never_signed_in_is_named_before_the_start_and_after_it() {
    let bus = Bus::builder().expect_subscribers(["here", "absent"]).build().unwrap();
    let _here = bus.subscribe::<Step>("here");
    // No event waits, and yet the start does not happen.
    assert_eq!(expect(&bus, FindingKind::NotSignedIn).culprit, "absent");
    bus.start();
    let finding = expect(&bus, FindingKind::NotSignedIn);
    assert_eq!(
        (&*finding.culprit, &*finding.seen),
        ("absent", "is expected and has not signed in")
    );
    let _absent = bus.subscriber("absent").late().subscribe::<Step>();
    assert_eq!(found(&bus, FindingKind::NotSignedIn), None);
}

#[test]
fn responder_that_was_asked_and_is_not_there_is_named() {
    let bus = Bus::builder().expect_responders(["absent"]).build().unwrap();
    let _shop = bus.responder::<Question>("shop");
    bus.start();
    drop(bus.request(Question).expect(["absent", "unknown"]).gather_blocking());
    let diagnosis = bus.diagnose();
    let of_kind = diagnosis.findings.iter().filter(|it| it.kind == FindingKind::NotSignedIn);
    let shown: Vec<_> = of_kind.map(|it| (it.culprit.as_str(), it.seen.as_str())).collect();
    let expected = [
        ("absent", "is expected and has not signed in; it was asked for `pit.question`"),
        ("unknown", "was asked for `pit.question` and has no responder of that name"),
    ];
    assert_eq!(shown, expected);
    // It may be present in another role.
    let _observer = bus.subscriber("unknown").late().subscribe::<Question>();
    assert!(found(&bus, FindingKind::NotSignedIn).is_some());
    let _unknown = bus.subscriber("unknown").late().responder::<Question>();
    let _absent = bus.subscriber("absent").late().responder::<Question>();
    assert_eq!(found(&bus, FindingKind::NotSignedIn), None, "they have come since");
}

#[test]
fn replay_that_exceeds_a_capacity_and_costs_events_is_named_with_the_capacity_that_suffices() {
    let bus = Bus::new();
    let mut slow = bus.subscriber("slow").capacity(4).subscribe::<Step>();
    for number in 0..9 {
        bus.publish(Step(number));
    }
    bus.start();
    assert_eq!(found(&bus, FindingKind::ReplayBeyondCapacity), None, "it lost nothing");
    bus.publish(Step(9));
    let finding = expect(&bus, FindingKind::ReplayBeyondCapacity);
    let seen = "was given 9 events by the start, with a capacity of 4, and has lost 1";
    assert_eq!((&*finding.culprit, &*finding.seen, finding.advice), ("slow", seen, Some(10)));
    assert_eq!(slow.try_iter().count(), 9);
}
