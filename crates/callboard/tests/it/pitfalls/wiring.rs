//! Wiring that leads nowhere.

use callboard::testing::block_on;
use callboard::{Bus, FindingKind};

use super::{Other, Question, Step, expect, said};

#[test]
fn wiring_that_leads_nowhere_is_named() {
    let bus = Bus::new();
    let _steps = bus.subscribe::<Step>("steps");
    bus.start();
    bus.publish(Other);
    assert_eq!(expect(&bus, FindingKind::Unheard).culprit, "pit.other");
    let finding = expect(&bus, FindingKind::NeverPublished);
    assert_eq!(finding.culprit, "pit.step");
    assert!(finding.seen.contains("`steps` listens"), "{finding}");
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
