//! The pitfalls of buses like this one: each is impossible here, or the bus names the culprit and
//! the cure at once.

mod asking;
mod capacities;
mod reading;
mod starting;
mod wiring;

use std::sync::{Arc, Mutex};

use callboard::{Bus, Event, Finding, FindingKind, Request};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

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

/// Runs `code` and returns what the bus said aloud meanwhile, on this thread.
fn said(code: impl FnOnce()) -> Vec<String> {
    #[derive(Clone, Default)]
    struct Ear(Arc<Mutex<Vec<String>>>);
    struct Message(String);
    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }
    impl tracing::Subscriber for Ear {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == "callboard"
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut message = Message(String::new());
            event.record(&mut message);
            self.0.lock().unwrap().push(message.0);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
    let ear = Ear::default();
    tracing::subscriber::with_default(ear.clone(), code);
    std::mem::take(&mut ear.0.lock().unwrap())
}
