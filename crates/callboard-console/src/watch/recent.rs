//! When the events reported by findings last happened.
//!
//! Some findings, such as a loss or a panic, report something that happened, which the bus counts
//! forever. This module records when each count last grew. Other findings, such as a blocked
//! handler, describe the current state and have no count here.

use std::collections::HashMap;
use std::time::Duration;

use callboard::{Finding, FindingKind, Importance, Outcome, Snapshot, Troubled};

use super::rates::lost_by_link;

/// What a count counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Count {
    /// What critical subscriptions of a name lost.
    Lost,
    Panics,
    /// What the start buffer lost.
    Buffer,
    Blocking,
    /// Ticks of a type that failed.
    Ticks,
    /// The last late subscription of a name.
    Late,
    /// The last request of a type that failed.
    Failed,
    /// The last request for which the responder of a name was missing.
    Asked,
    /// What handlers published for other events, of a type.
    Led,
    /// What a link to other processes lost.
    Link,
}

/// When each count last grew, since the console began.
#[derive(Default)]
pub(crate) struct Recent {
    at: Duration,
    grown: HashMap<(Count, String), (u64, Duration)>,
}

impl Recent {
    /// Adds a snapshot that was taken at this time. Counts in the first snapshot are assumed to
    /// have grown at that time.
    pub(crate) fn update(&mut self, at: Duration, snapshot: &Snapshot) {
        self.at = at;
        let mut before = std::mem::take(&mut self.grown);
        let grown = counts(snapshot).into_iter().map(|((of, name), count)| {
            let key = (of, name.to_owned());
            let last = match before.remove(&key) {
                Some((old, last)) if count <= old => last,
                _ => at,
            };
            (key, (count, last))
        });
        self.grown = grown.collect();
    }

    /// How long ago the event reported by a finding last happened; 0 if it lasts.
    pub(super) fn ago(&self, found: &Finding, snapshot: &Snapshot) -> Duration {
        let count = count_of(found.kind).filter(|count| {
            // An expected component counts as missing until it signs in.
            *count != Count::Asked || !snapshot.missing.contains(&found.culprit)
        });
        let name = if count == Some(Count::Buffer) { "" } else { &found.culprit };
        let grown = count.and_then(|count| self.grown.get(&(count, name.to_owned())));
        grown.map_or(Duration::ZERO, |(_, last)| self.at.saturating_sub(*last))
    }
}

/// The count that a finding reports; `None` for findings about the current state.
fn count_of(kind: FindingKind) -> Option<Count> {
    Some(match kind {
        FindingKind::CapacityTooSmall
        | FindingKind::TooSlow
        | FindingKind::ReplayBeyondCapacity => Count::Lost,
        FindingKind::HandlerPanicked => Count::Panics,
        FindingKind::BufferTooSmall => Count::Buffer,
        FindingKind::BlocksRuntime => Count::Blocking,
        FindingKind::TickFailed => Count::Ticks,
        FindingKind::SubscribedLate => Count::Late,
        FindingKind::RequestFailed | FindingKind::RequestCycle => Count::Failed,
        FindingKind::NotSignedIn => Count::Asked,
        FindingKind::PublishCycle => Count::Led,
        FindingKind::LinkLost => Count::Link,
        _ => return None,
    })
}

/// All non-zero counts of a snapshot.
fn counts(snapshot: &Snapshot) -> HashMap<(Count, &str), u64> {
    let mut counts: HashMap<(Count, &str), u64> = HashMap::new();
    let mut add = |of, name, count| {
        if count > 0 {
            let sum = counts.entry((of, name)).or_default();
            *sum = sum.saturating_add(count);
        }
    };
    for of in &snapshot.subscribers {
        if of.importance == Importance::Critical {
            add(Count::Lost, &of.name, of.ledger.lost());
        }
        add(Count::Panics, &of.name, of.panics);
        add(Count::Late, &of.name, u64::from(of.late));
    }
    for of in &snapshot.types {
        add(Count::Buffer, "", of.buffered.lost());
        let handling = of.publishers.iter().flat_map(|by| &by.handling);
        add(Count::Led, &of.event_type, handling.map(|(_, times)| times).sum());
    }
    for of in &snapshot.failed_ticks {
        add(Count::Ticks, &of.event_type, of.times);
    }
    for of in &snapshot.links {
        add(Count::Link, &of.name, lost_by_link(of));
    }
    for call in &snapshot.blocking_calls {
        add(Count::Blocking, &call.call, call.times);
    }
    // The bus only remembers the last ones, so their sequence numbers serve as counts.
    let mut reach = |of, name, number: u64| {
        let last = counts.entry((of, name)).or_default();
        *last = number.max(*last);
    };
    for request in &snapshot.requests.troubled {
        let number = request.sequence.unwrap_or_default();
        reach(Count::Failed, request.event_type.as_str(), number);
        if let Troubled::Ended { outcomes, .. } = &request.kind {
            absent(outcomes).for_each(|name| reach(Count::Asked, name, number));
        }
    }
    for request in &snapshot.requests.open {
        let number = request.sequence.unwrap_or_default();
        absent(&request.outcomes).for_each(|name| reach(Count::Asked, name, number));
    }
    counts
}

/// Responders that were asked but missing.
fn absent(outcomes: &[(String, Outcome)]) -> impl Iterator<Item = &str> {
    let absent = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::NoSuchResponder);
    absent.map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use callboard::{Bus, Diagnosis, Event};

    use super::*;

    #[derive(Debug, Event)]
    struct Tick;

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn a_loss_is_as_old_as_the_last_one() {
        let bus = Bus::new();
        let mut slow = bus.subscriber("slow").capacity(1).subscribe::<Tick>();
        bus.start();
        let mut recent = Recent::default();
        let mut ago = |at| {
            let Diagnosis { findings, snapshot, .. } = bus.diagnose();
            recent.update(at, &snapshot);
            let lost = findings.iter().find(|found| found.kind == FindingKind::CapacityTooSmall);
            lost.map(|lost| recent.ago(lost, &snapshot))
        };
        assert_eq!(ago(seconds(1)), None);
        (0..2).for_each(|_| _ = bus.publish(Tick));
        assert_eq!(slow.try_iter().count(), 1, "it reads");
        assert_eq!(ago(seconds(2)), Some(seconds(0)));
        assert_eq!(ago(seconds(9)), Some(seconds(7)));
        (0..2).for_each(|_| _ = bus.publish(Tick));
        assert_eq!(ago(seconds(10)), Some(seconds(0)), "one more");
        assert_eq!(ago(seconds(15)), Some(seconds(5)));
        drop(bus.subscriber("slow").late().subscribe::<Tick>());
        assert_eq!(ago(seconds(16)), Some(seconds(6)), "nothing was lost");
    }

    #[test]
    fn what_goes_on_is_never_past() {
        let bus = Bus::builder().expect_subscribers(["template"]).build().unwrap();
        let _full = bus.subscriber("full").capacity(1).subscribe::<Tick>();
        bus.start();
        bus.publish(Tick);
        let Diagnosis { findings, snapshot, .. } = bus.diagnose();
        let mut recent = Recent::default();
        recent.update(seconds(1), &snapshot);
        recent.update(seconds(1_000), &snapshot);
        let kinds = findings.iter().map(|found| found.kind).collect::<Vec<_>>();
        assert_eq!(kinds, [FindingKind::NotSignedIn, FindingKind::NotReading]);
        assert!(findings.iter().all(|found| recent.ago(found, &snapshot).is_zero()));
    }
}
