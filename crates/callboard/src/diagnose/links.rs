//! Findings about links to other processes.

use super::FindingKind;
use super::rules::Findings;
use crate::outcome::CYCLE_CURE;
use crate::report::{count, first_of};
use crate::snapshot::Snapshot;

pub(super) fn apply(snapshot: &Snapshot, found: &mut Findings) {
    for link in &snapshot.links {
        for circle in &link.circles {
            let seen = format!("has seen requests of two processes wait for each other: {circle}");
            found.weigh(0, FindingKind::RequestCycle, &link.name, seen, CYCLE_CURE);
        }
        if let Some(trouble) = &link.trouble {
            let seen = format!("is {}: {trouble}", link.state);
            let cure = match link.state.as_str() {
                "online" | "regrouping" => "see the link's own snapshot",
                _ => "look at the server and the network; what waits is sent when it is back",
            };
            found.weigh(link.queued, FindingKind::LinkInTrouble, &link.name, seen, cure);
        }
        let lost: u64 = link.dropped.iter().fold(0, |sum, (_, events)| sum.saturating_add(*events));
        if lost > 0 {
            let reasons = link.dropped.iter().filter(|(_, events)| *events > 0);
            let reasons: Vec<_> = reasons.map(|(why, events)| format!("{events} {why}")).collect();
            let seen = format!("lost {}: {}", count(lost, "event"), first_of(reasons.iter(), ", "));
            let cure = "see the link's own snapshot for the types and nodes";
            found.weigh(lost, FindingKind::LinkLost, &link.name, seen, cure);
        }
    }
}
