//! From a snapshot to findings.

use std::time::Duration;

use super::Finding;
use crate::outcome::{Outcome, Troubled};
use crate::overflow::{DropReason, Dropped, Importance};
use crate::registry::Phase;
use crate::snapshot::{InterestSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot};

/// A handler that runs for longer than this, with events waiting, blocks. Five times less than
/// what the ancestor's page shows as the typical mistake.
const BLOCKS_AFTER: Duration = Duration::from_secs(1);

/// A capacity of at least this many events, of which less than 1/8 was ever used, is too large.
const LARGE_CAPACITY: usize = 1_024;

/// How many events must have been offered before a capacity is called too large.
const ENOUGH_EVENTS: u64 = 1_000;

/// Whoever holds at least this many bytes is named.
const MUCH_MEMORY: usize = 1 << 20;

pub(super) fn apply(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    start(snapshot, &mut findings);
    for clash in &snapshot.name_clashes {
        findings.push(Finding::NameClash {
            event_type: clash.event_type.clone(),
            first: clash.first.clone(),
            second: clash.second.clone(),
        });
    }
    for subscriber in &snapshot.subscribers {
        reading(subscriber, &mut findings);
    }
    requests(snapshot, &mut findings);
    for subscriber in &snapshot.subscribers {
        capacity(subscriber, &mut findings);
    }
    memory(snapshot, &mut findings);
    if snapshot.started {
        for event_type in &snapshot.types {
            wiring(snapshot, event_type, &mut findings);
        }
    }
    findings
}

fn start(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let waiting = snapshot.buffer.queued;
    if snapshot.phase == Phase::Buffering && waiting > 0 {
        findings.push(if snapshot.started {
            Finding::Paused { waiting }
        } else {
            let missing = snapshot.missing.clone();
            Finding::NotStarted { waiting, dropped: snapshot.buffer.overflowed, missing }
        });
    }
    let of_type = |event_type: &TypeSnapshot| event_type.buffered.dropped(DropReason::BufferFull);
    let dropped = snapshot.types.iter().map(of_type).sum();
    if dropped > 0 {
        findings.push(Finding::BufferTooSmall { dropped, capacity: snapshot.buffer.capacity });
    }
}

fn reading(subscriber: &SubscriberSnapshot, findings: &mut Vec<Finding>) {
    let SubscriberSnapshot { queued, capacity, handling_for, .. } = *subscriber;
    if let InterestSnapshot::BadPattern(problem) = &subscriber.interest {
        let subscriber = subscriber.name.clone();
        findings.push(Finding::BadPattern { subscriber, problem: problem.clone() });
    }
    if subscriber.late {
        findings.push(Finding::SubscribedLate {
            subscriber: subscriber.name.clone(),
            call_site: subscriber.call_site.clone(),
        });
    }
    let busy = subscriber.handling > 0 || subscriber.in_hand;
    let full = capacity > 0 && queued >= capacity;
    let long = handling_for.map_or(full, |time| time >= BLOCKS_AFTER);
    if busy && queued > 0 && long {
        let subscriber = subscriber.name.clone();
        findings.push(Finding::HandlerBlocks { subscriber, handling_for, queued });
    } else if full && !busy && !subscriber.waiting {
        findings.push(Finding::NotReading {
            subscriber: subscriber.name.clone(),
            call_site: subscriber.call_site.clone(),
            queued,
        });
    }
}

fn requests(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for request in &snapshot.requests.troubled {
        let event_type = request.event_type.clone();
        findings.push(match &request.kind {
            Troubled::Cycle { chain } => Finding::RequestCycle { event_type, chain: chain.clone() },
            Troubled::Ended { end, outcomes } => {
                let missing = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Responded);
                Finding::RequestFailed {
                    event_type,
                    end: *end,
                    missing: missing.cloned().collect(),
                }
            }
        });
    }
}

fn capacity(subscriber: &SubscriberSnapshot, findings: &mut Vec<Finding>) {
    let SubscriberSnapshot { capacity, high_water, demand, .. } = *subscriber;
    let lost = subscriber.ledger.lost();
    let name = || subscriber.name.clone();
    if lost > 0 && subscriber.importance == Importance::Critical {
        // What was needed at the worst moment, rounded up to a round number of events.
        let advice = demand.max(capacity + 1).next_multiple_of(10);
        findings.push(Finding::CapacityTooSmall { subscriber: name(), capacity, lost, advice });
    }
    let ample = capacity >= LARGE_CAPACITY && high_water < capacity / 8;
    if ample && subscriber.ledger.offered >= ENOUGH_EVENTS {
        let advice = (high_water * 4).max(100).next_multiple_of(10);
        let subscriber = name();
        findings.push(Finding::CapacityTooLarge { subscriber, capacity, high_water, advice });
    }
}

fn memory(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let buffer = &snapshot.buffer;
    let mut holders = vec![(Dropped::BUFFER, buffer.queued, buffer.bytes)];
    let queues = snapshot.subscribers.iter();
    holders.extend(queues.map(|queue| (queue.name.as_str(), queue.queued, queue.bytes)));
    holders.retain(|(_, _, bytes)| *bytes >= MUCH_MEMORY);
    holders.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
    findings.extend(holders.into_iter().map(|(holder, events, bytes)| Finding::MemoryHeld {
        holder: holder.into(),
        events,
        bytes,
        total: snapshot.bytes,
    }));
}

/// Published but unheard, heard but never published, requests without a responder.
fn wiring(snapshot: &Snapshot, of: &TypeSnapshot, findings: &mut Vec<Finding>) {
    let event_type = || of.event_type.clone();
    let named = |subscriber: &SubscriberSnapshot| match &subscriber.interest {
        InterestSnapshot::Types(types) => types.contains(&of.event_type),
        _ => false,
    };
    let published = of.published;
    if of.request && of.responders == 0 {
        findings.push(Finding::NoResponder { event_type: event_type() });
    } else if published > 0 && published == of.unheard && of.subscribers == 0 && !of.request {
        findings.push(Finding::Unheard { event_type: event_type(), published });
    } else if published == 0 && snapshot.subscribers.iter().any(named) && !of.request {
        findings.push(Finding::NeverPublished { event_type: event_type() });
    }
}
