//! Findings about handlers that publish in a cycle.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::FindingKind;
use super::rules::Findings;
use crate::report::first_of;
use crate::snapshot::Snapshot;

/// A cycle is reported once each of its steps was taken this often, since two components may
/// legitimately negotiate in a few rounds.
const ROUNDS: u64 = 10;

/// Which event type led to which, and how often.
type Steps<'a> = BTreeMap<&'a str, BTreeMap<&'a str, u64>>;

pub(super) fn apply(snapshot: &Snapshot, found: &mut Findings) {
    let mut steps = Steps::new();
    for of in &snapshot.types {
        for (handled, times) in of.publishers.iter().flat_map(|it| &it.handling) {
            *steps.entry(handled).or_default().entry(&of.event_type).or_default() += times;
        }
    }
    let mut known = HashSet::new();
    for start in steps.keys() {
        if known.contains(start) {
            continue;
        }
        let Some(circle) = circle(&steps, start) else { continue };
        known.extend(circle.iter().copied());
        let rounds = circle.windows(2).filter_map(|pair| steps.get(pair[0])?.get(pair[1])).min();
        let rounds = rounds.copied().unwrap_or(0);
        let path = circle.iter().map(|event_type| format!("`{event_type}`"));
        let seen = format!("leads back to itself: {}, {rounds} times", first_of(path, " → "));
        let cure = "have one of these handlers publish only when something has changed";
        found.weigh(rounds, FindingKind::PublishCycle, start, seen, cure);
    }
}

/// A shortest path from a type back to itself, over steps taken often enough.
fn circle<'a>(steps: &Steps<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let next = steps.get(at).into_iter().flatten().filter(|(_, times)| **times >= ROUNDS);
        for (next, _) in next {
            if *next == start {
                let mut circle = vec![start, at];
                while let Some(previous) = before.get(circle[circle.len() - 1]) {
                    circle.push(*previous);
                }
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(next) {
                before.insert(*next, at);
                queue.push_back(*next);
            }
        }
    }
    None
}
