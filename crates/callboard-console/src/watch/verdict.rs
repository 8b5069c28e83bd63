//! The verdict: whether all is well, and current and earlier problems in words.

use std::time::Duration;

use callboard::{Diagnosis, Finding, FindingKind, Phase, Snapshot};
use serde::Serialize;

use super::rates::Totals;
use super::recent::Recent;

/// The maximum number of findings in the verdict, and of earlier ones.
const TOLD: usize = 8;

/// The verdict.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) ok: bool,
    /// What is not well, in words.
    pub(super) lines: Vec<String>,
    /// What was not well earlier, in words.
    pub(super) earlier: Vec<String>,
    /// The places of the earlier ones among the findings.
    pub(super) past: Vec<usize>,
}

impl Verdict {
    /// A finding about something that happened belongs to the verdict for the time `recently` after
    /// its last occurrence.
    pub(super) fn of(
        diagnosis: &Diagnosis,
        rates: &Totals,
        recent: &Recent,
        recently: Duration,
    ) -> Self {
        let Diagnosis { findings, snapshot, .. } = diagnosis;
        let mut lines = Vec::new();
        lines.extend(phase(snapshot));
        if rates.dropped_critical >= 0.1 {
            lines.push(format!(
                "{:.1} events a second are lost by critical subscribers",
                rates.dropped_critical
            ));
        }
        let grave = findings.iter().enumerate().filter(|(_, found)| is_grave(found.kind));
        let (grave, past): (Vec<_>, Vec<_>) = grave
            .map(|(place, found)| (place, found, recent.ago(found, snapshot)))
            .partition(|(_, _, ago)| *ago < recently);
        let told = |name: &str| grave.iter().any(|(_, found, _)| found.culprit == name);
        for of in &snapshot.subscribers {
            // Three quarters of the capacity.
            let slow = of.capacity > 0 && of.queued >= of.capacity - of.capacity / 4;
            if slow && !told(&of.name) {
                let (name, queued, capacity) = (&of.name, of.queued, of.capacity);
                lines.push(format!("`{name}` is slow: {queued} of {capacity} events wait"));
            }
        }
        lines.extend(grave.iter().take(TOLD).map(|(_, found, _)| found.to_string()));
        lines.extend(more(grave.len(), "findings"));
        let mut earlier: Vec<_> = past
            .iter()
            .take(TOLD)
            .map(|(_, Finding { culprit, seen, .. }, ago)| {
                format!("earlier, {} ago: `{culprit}` {seen}", time(*ago))
            })
            .collect();
        earlier.extend(more(past.len(), "earlier findings"));
        let past = past.into_iter().map(|(place, ..)| place).collect();
        Self { ok: lines.is_empty(), lines, earlier, past }
    }
}

/// Describes how many of these are not listed.
fn more(of: usize, what: &str) -> Option<String> {
    let more = of.checked_sub(TOLD).filter(|more| *more > 0);
    more.map(|more| format!("and {more} more {what}"))
}

/// A duration in its largest whole unit.
fn time(of: Duration) -> String {
    match of.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
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
        Phase::Buffering => Some(format!("the bus has not started: {waiting} for `start`")),
        Phase::Closed => Some("the bus is closed".to_owned()),
        _ => None,
    }
}

/// Whether a finding means that something is wrong. The others are advice, or implied by the phase.
fn is_grave(kind: FindingKind) -> bool {
    !matches!(
        kind,
        FindingKind::NotStarted
            | FindingKind::Refused
            | FindingKind::Paused
            | FindingKind::NothingCoalesces
            | FindingKind::CapacityTooLarge
            | FindingKind::Unheard
            | FindingKind::NeverPublished
            | FindingKind::DuplicateSubscriber
    )
}
