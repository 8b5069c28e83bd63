//! The pitfalls of buses like this one: each is impossible here, or the bus names the culprit and
//! the cure at once.

mod asking;
mod capacities;
mod crowds;
mod reading;
mod starting;
mod thresholds;
mod wiring;

use callboard::{Bus, Event, Finding, FindingKind, Request};

use crate::listening::said;

#[derive(Debug, Event)]
#[event(type = "pit.step")]
struct Step(#[expect(dead_code, reason = "read by Debug")] u32);

#[derive(Debug, Event)]
#[event(type = "pit.other")]
struct Other;

#[derive(Debug, Event)]
#[event(type = "pit.answer")]
struct Answer;

#[derive(Debug, Request)]
#[request(type = "pit.question", response = Answer)]
struct Question;

fn found(bus: &Bus, kind: FindingKind) -> Option<Finding> {
    bus.diagnose().findings.into_iter().find(|finding| finding.kind == kind)
}

#[track_caller]
fn expect(bus: &Bus, kind: FindingKind) -> Finding {
    let diagnosis = bus.diagnose();
    let finding = diagnosis.findings.iter().find(|finding| finding.kind == kind);
    finding.unwrap_or_else(|| panic!("no {kind:?} among:\n{diagnosis}")).clone()
}
