//! Wiring that leads nowhere.

use std::cell::Cell;
use std::pin::pin;

use callboard::testing::block_on;
use callboard::{Bus, FindingKind};

use super::{Other, Question, Step, expect, found, said};
use crate::support::poll;

#[test]
fn wiring_that_leads_nowhere_is_named() {
    let bus = Bus::new();
    let _steps = bus.subscribe::<Step>("steps");
    bus.start();
    bus.publish(Other);
    assert_eq!(expect(&bus, FindingKind::Unheard).culprit, "pit.other");
    let finding = expect(&bus, FindingKind::NeverPublished);
    assert_eq!(finding.culprit, "pit.step");
    assert!(finding.seen.contains("`steps` subscribes to it"), "{finding}");
    drop(block_on(bus.request(Question).expect(["ghost"]).gather()));
    assert_eq!(expect(&bus, FindingKind::NoResponder).culprit, "pit.question");
}

#[test]
fn two_types_of_one_name_are_both_named() {
    mod elsewhere {
        #[derive(Debug, callboard::Event)]
        #[event(type = "pit.step")]
        pub(super) struct Namesake;
    }
    let bus = Bus::new();
    let mut steps = bus.subscribe::<Step>("steps");
    bus.start();
    let said = said(|| {
        bus.publish(elsewhere::Namesake);
    });
    assert!(said[0].contains("Step") && said[0].contains("Namesake"), "{said:?}");
    assert_eq!(expect(&bus, FindingKind::NameClash).culprit, "pit.step");
    assert!(steps.try_recv().is_err(), "the other type's events are not this one's");
}

#[test]
fn a_pattern_that_is_none_is_named_and_matches_nothing() {
    let bus = Bus::new();
    let mut audit = None;
    let said = said(|| audit = Some(bus.subscriber("audit").subscribe_matching("config.par*")));
    assert!(said[0].contains("`config.par*`") && said[0].contains("`config.*`"), "{said:?}");
    let finding = expect(&bus, FindingKind::BadPattern);
    assert_eq!(finding.culprit, "audit");
    bus.start();
    bus.publish(Step(1));
    assert!(audit.unwrap().is_empty());
}

#[test]
fn handlers_that_publish_in_a_circle_are_named_once_it_was_gone_round() {
    let bus = Bus::new();
    let (steps, others) = (bus.subscribe::<Step>("stepper"), bus.subscribe::<Other>("other"));
    bus.start();
    let left = Cell::new(12);
    let mut stepper = pin!(steps.serve_async(async |_| {
        if left.get() > 0 {
            left.set(left.get() - 1);
            bus.publish(Other);
        }
    }));
    let mut other = pin!(others.serve_async(async |_| {
        bus.publish(Step(0));
    }));
    bus.publish(Step(0));
    for round in 0..12 {
        let seen = found(&bus, FindingKind::PublishCycle);
        assert_eq!(seen.is_some(), round >= 10, "after {round} rounds: {seen:?}");
        assert!(poll(&mut stepper).is_pending() && poll(&mut other).is_pending());
    }
    let finding = expect(&bus, FindingKind::PublishCycle);
    let seen = "leads back to itself: `pit.other` → `pit.step` → `pit.other`, 12 times";
    assert_eq!((&*finding.culprit, &*finding.seen), ("pit.other", seen));
    let snapshot = bus.snapshot();
    let publishers = &snapshot.event_type("pit.step").unwrap().publishers;
    assert_eq!(publishers[0].handling, [("pit.other".to_owned(), 12)]);
}

#[test]
fn type_that_leads_to_itself_is_a_circle_and_a_chain_is_none() {
    let bus = Bus::new();
    let (steps, others) = (bus.subscribe::<Step>("stepper"), bus.subscribe::<Other>("other"));
    bus.start();
    let mut stepper = pin!(steps.serve_async(async |_| {
        bus.publish(Other);
    }));
    for _ in 0..20 {
        bus.publish(Step(0));
    }
    assert!(poll(&mut stepper).is_pending());
    assert_eq!(found(&bus, FindingKind::PublishCycle), None, "a chain has an end");
    let left = Cell::new(20 + 19);
    let mut other = pin!(others.serve_async(async |_| {
        left.set(left.get() - 1);
        if left.get() >= 20 {
            bus.publish(Other);
        }
    }));
    while bus.snapshot().subscriber("other").unwrap().queued > 0 {
        assert!(poll(&mut other).is_pending());
    }
    let finding = expect(&bus, FindingKind::PublishCycle);
    assert_eq!(finding.seen, "leads back to itself: `pit.other` → `pit.other`, 19 times");
}
