//! The verdict: whether all is well, and in words what is not.

use callboard::{Diagnosis, FindingKind, Phase, Snapshot};
use serde::Serialize;

use super::rates::Totals;

/// The maximum number of findings in the verdict.
const TOLD: usize = 8;

/// The verdict.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) ok: bool,
    pub(super) lines: Vec<String>,
}

impl Verdict {
    pub(super) fn of(diagnosis: &Diagnosis, rates: &Totals) -> Self {
        let Diagnosis { findings, snapshot, .. } = diagnosis;
        let mut lines = Vec::new();
        lines.extend(phase(snapshot));
        if snapshot.phase == Phase::Running && !snapshot.missing.is_empty() {
            lines.push(format!("expected, but not signed in: {}", listed(&snapshot.missing)));
        }
        if rates.dropped_critical >= 0.1 {
            lines.push(format!(
                "{:.1} events a second are lost by critical subscribers",
                rates.dropped_critical
            ));
        }
        let grave: Vec<_> = findings.iter().filter(|found| is_grave(found.kind)).collect();
        let told = |name: &str| grave.iter().any(|found| found.culprit == name);
        for of in &snapshot.subscribers {
            // Three quarters of the capacity.
            let slow = of.capacity > 0 && of.queued >= of.capacity - of.capacity / 4;
            if slow && !told(&of.name) {
                let (name, queued, capacity) = (&of.name, of.queued, of.capacity);
                lines.push(format!("`{name}` is slow: {queued} of {capacity} events wait"));
            }
        }
        let more = grave.len().saturating_sub(TOLD);
        lines.extend(grave.iter().take(TOLD).map(ToString::to_string));
        if more > 0 {
            lines.push(format!("and {more} more findings"));
        }
        Self { ok: lines.is_empty(), lines }
    }
}

/// Describes the phase, unless the bus runs.
fn phase(snapshot: &Snapshot) -> Option<String> {
    let buffer = &snapshot.buffer;
    let waiting = format!("{} of {} events wait", buffer.queued, buffer.capacity);
    match snapshot.phase {
        Phase::Buffering if snapshot.started => {
            Some(format!("the bus is paused: {waiting} for `start`"))
        }
        Phase::Buffering if snapshot.missing.is_empty() => {
            Some(format!("the bus has not started: {waiting} for `start`"))
        }
        Phase::Buffering => Some(format!(
            "the bus has not started: {waiting}, and these have not signed in: {}",
            listed(&snapshot.missing)
        )),
        Phase::Closed => Some("the bus is closed".to_owned()),
        _ => None,
    }
}

/// Whether a finding means that something is wrong. The others are advice, or told by the phase.
fn is_grave(kind: FindingKind) -> bool {
    !matches!(
        kind,
        FindingKind::NotStarted
            | FindingKind::Paused
            | FindingKind::CapacityTooLarge
            | FindingKind::Unheard
            | FindingKind::NeverPublished
            | FindingKind::DuplicateSubscriber
    )
}

fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}
