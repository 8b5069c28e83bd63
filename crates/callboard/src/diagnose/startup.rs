//! Findings about the start: missing subscribers and responders, and replays that were too long.

use std::collections::BTreeMap;

use super::FindingKind;
use super::rules::Findings;
use crate::outcome::{Outcome, Troubled};
use crate::overflow::Importance;
use crate::report::first_of;
use crate::snapshot::{Snapshot, SubscriberSnapshot};

pub(super) fn apply(snapshot: &Snapshot, found: &mut Findings) {
    missing(snapshot, found);
    snapshot.subscribers.iter().for_each(|subscriber| replay(subscriber, found));
}

/// Reports missing expected components and, after the start, absent responders that were asked.
fn missing(snapshot: &Snapshot, found: &mut Findings) {
    let mut asked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let troubled = snapshot.requests.troubled.iter().filter_map(|request| match &request.kind {
        Troubled::Ended { outcomes, .. } => Some((request.event_type.as_str(), outcomes)),
        Troubled::Cycle { .. } => None,
    });
    let troubled = troubled.filter(|_| snapshot.started);
    let open = snapshot.requests.open.iter().filter(|_| snapshot.started);
    let open = open.map(|request| (request.event_type.as_str(), &request.outcomes));
    for (event_type, outcomes) in troubled.chain(open) {
        for (name, _) in outcomes.iter().filter(|(_, it)| *it == Outcome::NoSuchResponder) {
            let answers = |of: &SubscriberSnapshot| {
                of.name == *name && of.answers.iter().any(|answered| answered == event_type)
            };
            let types = asked.entry(name).or_default();
            // The responder may have signed in since.
            if !types.contains(&event_type) && !snapshot.subscribers.iter().any(answers) {
                types.push(event_type);
            }
        }
    }
    asked.retain(|_, types| !types.is_empty());
    for name in &snapshot.missing {
        let types = asked.remove(name.as_str()).unwrap_or_default();
        let mut seen = "is expected and has not signed in".to_owned();
        if !types.is_empty() {
            seen += &format!("; it was asked for {}", quoted(&types));
        }
        let cure = "start it, correct the name, or remove it from the expected names";
        found.weigh(types.len() as u64, FindingKind::NotSignedIn, name, seen, cure);
    }
    for (name, types) in asked {
        let seen = format!("was asked for {} and has no responder of that name", quoted(&types));
        let cure = "sign it in under this name before the start, or expect an existing responder";
        found.weigh(types.len() as u64, FindingKind::NotSignedIn, name, seen, cure);
    }
}

fn quoted(types: &[&str]) -> String {
    first_of(types.iter().map(|event_type| format!("`{event_type}`")), ", ")
}

/// Reports replays that exceed a capacity: until they are read, all other events are lost.
fn replay(of: &SubscriberSnapshot, found: &mut Findings) {
    let capacity = of.capacity as u64;
    let lost = of.ledger.lost();
    if capacity > 0 && of.replayed > capacity && lost > 0 && of.importance == Importance::Critical {
        let seen = format!(
            "was given {} events by the start, with a capacity of {capacity}, and has lost {lost}",
            of.replayed
        );
        let held = usize::try_from(of.replayed).unwrap_or(usize::MAX);
        let advice = of.demand.max(held.saturating_add(1)).next_multiple_of(10);
        found.advise(lost, FindingKind::ReplayBeyondCapacity, &of.name, seen, advice);
    }
}
