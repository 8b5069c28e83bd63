//! Findings about requests.

use std::collections::HashMap;

use super::FindingKind;
use super::rules::Findings;
use crate::outcome::{CYCLE_CURE, Outcome, Troubled, TroubledRequest};
use crate::registry::TROUBLES;
use crate::report::{first_of, times};

/// Reports failed requests, grouped by the kind of failure, most recent first.
pub(super) fn apply(troubled: &[TroubledRequest], found: &mut Findings) {
    let mut same: HashMap<(&str, FindingKind, String), (u64, u64, &str)> = HashMap::new();
    for (number, request) in (0..).zip(troubled) {
        if let Some((kind, seen, cure)) = trouble(request) {
            let (last, times, _) =
                same.entry((&request.event_type, kind, seen)).or_insert((0, 0, cure));
            (*last, *times) = (number, *times + 1);
        }
    }
    for ((event_type, kind, mut seen), (last, often, cure)) in same {
        if troubled.len() == TROUBLES {
            // Older ones may have been dropped from the list.
            seen += &format!(" ({often} of the last {TROUBLES} that failed)");
        } else if often > 1 {
            seen += &format!(" ({})", times(often));
        }
        found.weigh(last, kind, event_type, seen, cure);
    }
}

/// What went wrong with a request, and the cure; `None` if nothing did.
fn trouble(request: &TroubledRequest) -> Option<(FindingKind, String, &'static str)> {
    match &request.kind {
        Troubled::Cycle { chain } => {
            let seen = format!("could never be answered: {}", chain.join(" → "));
            Some((FindingKind::RequestCycle, seen, CYCLE_CURE))
        }
        // A declined request counts as answered.
        Troubled::Ended { end, outcomes } if outcomes.iter().any(is_trouble) => {
            let missing = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Responded);
            let missing: Vec<_> = missing.collect();
            let missing = missing.into_iter().map(|(name, outcome)| format!("`{name}` {outcome}"));
            let mut seen = format!("{end}: {}", first_of(missing, ", "));
            let mut cure = "check these responders, or ask for fewer answers with `at_least`";
            let queued = |(_, outcome): &(String, Outcome)| *outcome == Outcome::TimedOutQueued;
            if request.before_start {
                seen += "; the bus had not started, or was paused";
                cure = "call `start`: requests wait for it, too";
            } else if let (true, Some(site)) = (outcomes.iter().any(queued), &request.blocking_at) {
                seen += &format!("; asked by a blocking call at {site}");
                cure = "check these responders; if they run on the thread that the call blocks, \
                        await `gather` instead";
            }
            Some((FindingKind::RequestFailed, seen, cure))
        }
        Troubled::Ended { .. } => None,
    }
}

fn is_trouble((_, outcome): &(String, Outcome)) -> bool {
    !matches!(outcome, Outcome::Responded | Outcome::Declined(_) | Outcome::NotAwaited)
}
