//! From a snapshot to findings.

use std::time::Duration;

use super::{Finding, FindingKind};
use crate::event::two_types;
use crate::outcome::{Outcome, Troubled, TroubledRequest};
use crate::overflow::{DropReason, Dropped, Importance};
use crate::registry::Phase;
use crate::snapshot::{InterestSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot};

/// A handler that runs for longer than this, with events waiting, blocks.
const BLOCKS_AFTER: Duration = Duration::from_secs(1);

/// A capacity of at least this many events, of which less than 1/8 was ever used, is too large.
const LARGE_CAPACITY: usize = 1_024;

/// How many events must have been offered before a capacity is called too large.
const ENOUGH_EVENTS: u64 = 1_000;

/// Whoever holds at least this many bytes is named.
const MUCH_MEMORY: usize = 1 << 20;

/// Applies every rule, the gravest first.
pub(super) fn apply(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    start(snapshot, &mut found);
    for clash in &snapshot.name_clashes {
        let seen = format!("is the name of {}", two_types(&clash.first, &clash.second));
        let cure = "give one of them another with `#[event(type = \"…\")]`";
        found.add(FindingKind::NameClash, &clash.event_type, seen, cure);
    }
    snapshot.subscribers.iter().for_each(|subscriber| reading(subscriber, &mut found));
    snapshot.requests.troubled.iter().for_each(|request| answers(request, &mut found));
    snapshot.subscribers.iter().for_each(|subscriber| capacity(subscriber, &mut found));
    memory(snapshot, &mut found);
    if snapshot.started {
        snapshot.types.iter().for_each(|of| wiring(snapshot, of, &mut found));
    }
    found.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, kind: FindingKind, who: &str, seen: String, cure: impl Into<String>) {
        let (culprit, cure) = (who.to_owned(), cure.into());
        self.0.push(Finding { kind, culprit, seen, cure, advice: None });
    }

    fn advise(&mut self, kind: FindingKind, who: &str, seen: String, advice: usize) {
        self.add(kind, who, seen, format!("use `.capacity({advice})`"));
        self.0.iter_mut().last().into_iter().for_each(|last| last.advice = Some(advice));
    }
}

fn start(snapshot: &Snapshot, found: &mut Findings) {
    let waiting = snapshot.buffer.queued;
    if snapshot.phase == Phase::Buffering && waiting > 0 {
        if snapshot.started {
            let seen = format!("holds {waiting} events, since the bus is paused");
            found.add(FindingKind::Paused, Dropped::BUFFER, seen, "call `start` to resume");
        } else {
            let mut cure = "call `start` once every component has subscribed".to_owned();
            if !snapshot.missing.is_empty() {
                cure += &format!(" (missing: `{}`)", snapshot.missing.join("`, `"));
            }
            let seen = format!("holds {waiting} events, since the bus was never started");
            found.add(FindingKind::NotStarted, Dropped::BUFFER, seen, cure);
        }
    }
    let of_type = |of: &TypeSnapshot| of.buffered.dropped(DropReason::BufferFull);
    let dropped: u64 = snapshot.types.iter().map(of_type).sum();
    if dropped > 0 {
        let seen = format!("dropped {dropped} events beyond {}", snapshot.buffer.capacity);
        let cure = "raise `pre_start_capacity`, start earlier, or implement `Coalesce` for what \
                    comes in bursts";
        found.add(FindingKind::BufferTooSmall, Dropped::BUFFER, seen, cure);
    }
}

fn reading(of: &SubscriberSnapshot, found: &mut Findings) {
    if let InterestSnapshot::BadPattern(problem) = &of.interest {
        let seen = format!("receives nothing: {problem}");
        found.add(FindingKind::BadPattern, &of.name, seen, "mend the pattern");
    }
    if of.late {
        let seen =
            format!("subscribed after the start, at {}, and may have lost events", of.call_site);
        let cure = "subscribe before `start`, or say `.late()`";
        found.add(FindingKind::SubscribedLate, &of.name, seen, cure);
    }
    let busy = of.handling > 0 || of.in_hand;
    let full = of.capacity > 0 && of.queued >= of.capacity;
    let long = of.handling_for.map_or(full, |time| time >= BLOCKS_AFTER);
    if busy && of.queued > 0 && long {
        let time = of.handling_for.map(|time| format!(" for {time:.1?}")).unwrap_or_default();
        let seen = format!("has been handling one event{time} while {} wait", of.queued);
        let cure = "hand long work to a task of its own, or use `serve_concurrent`";
        found.add(FindingKind::HandlerBlocks, &of.name, seen, cure);
    } else if full && !busy && !of.waiting {
        let seen = format!("is full with {} events and does not receive", of.queued);
        let cure = format!("read or drop the subscription opened at {}", of.call_site);
        found.add(FindingKind::NotReading, &of.name, seen, cure);
    }
}

fn answers(request: &TroubledRequest, found: &mut Findings) {
    match &request.kind {
        Troubled::Cycle { chain } => {
            let seen = format!("could never be answered: {}", chain.join(" → "));
            let cure = "answer before asking, or serve concurrently";
            found.add(FindingKind::RequestCycle, &request.event_type, seen, cure);
        }
        // That a responder declined is its answer: nobody is to blame.
        Troubled::Ended { end, outcomes } if outcomes.iter().any(is_trouble) => {
            let missing = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Responded);
            let missing: Vec<_> =
                missing.map(|(name, outcome)| format!("`{name}` {outcome}")).collect();
            let seen = format!("{end}: {}", missing.join(", "));
            let cure = "see to these responders, or ask for fewer answers with `at_least`";
            found.add(FindingKind::RequestFailed, &request.event_type, seen, cure);
        }
        Troubled::Ended { .. } => {}
    }
}

fn is_trouble((_, outcome): &(String, Outcome)) -> bool {
    !matches!(outcome, Outcome::Responded | Outcome::Declined(_) | Outcome::NotAwaited)
}

fn capacity(of: &SubscriberSnapshot, found: &mut Findings) {
    let lost = of.ledger.lost();
    if lost > 0 && of.importance == Importance::Critical {
        if is_behind(of) {
            let seen = format!(
                "lost {lost} events and has {} waiting: more come than it takes",
                of.queued
            );
            let cure = "no capacity cures that: handle them faster, merge them by key, or \
                        subscribe to fewer";
            found.add(FindingKind::TooSlow, &of.name, seen, cure);
        } else {
            // What was needed at the worst moment, rounded up to a round number of events.
            let advice = of.demand.max(of.capacity.saturating_add(1)).next_multiple_of(10);
            let seen = format!("lost {lost} events with capacity {}", of.capacity);
            found.advise(FindingKind::CapacityTooSmall, &of.name, seen, advice);
        }
    }
    // One without end was meant to have none.
    let large = (LARGE_CAPACITY..usize::MAX).contains(&of.capacity);
    let ample = large && of.high_water < of.capacity / 8;
    if ample && of.ledger.offered >= ENOUGH_EVENTS {
        let advice = (of.high_water * 4).max(100).next_multiple_of(10);
        let seen = format!(
            "has used {} of its capacity of {} at most, and a stall would show late",
            of.high_water, of.capacity
        );
        found.advise(FindingKind::CapacityTooLarge, &of.name, seen, advice);
    }
}

/// Whether a subscriber loses events all the time, not in bursts: it takes some, has lost several
/// times what a queue that had held the worst moment would hold, and is still full or nearly.
fn is_behind(of: &SubscriberSnapshot) -> bool {
    let often = of.ledger.lost() > 4 * of.demand as u64;
    often && of.ledger.delivered > 0 && of.queued >= of.capacity.div_ceil(2)
}

fn memory(snapshot: &Snapshot, found: &mut Findings) {
    let buffer = &snapshot.buffer;
    let mut holders = vec![(Dropped::BUFFER, buffer.queued, buffer.bytes)];
    let queues = snapshot.subscribers.iter();
    holders.extend(queues.map(|queue| (queue.name.as_str(), queue.queued, queue.bytes)));
    holders.retain(|(_, _, bytes)| *bytes >= MUCH_MEMORY);
    holders.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
    for (holder, events, bytes) in holders {
        let seen = format!("holds {events} events, {bytes} of the bus's {} bytes", snapshot.bytes);
        found.add(FindingKind::MemoryHeld, holder, seen, "read them, or lower its capacity");
    }
    for of in &snapshot.types {
        // What waits lies in blocks that it fills, or fills for the most part.
        if of.memory >= MUCH_MEMORY && of.memory > 8 * snapshot.bytes {
            let seen = format!(
                "has events that lie in {} bytes of memory, while all that waits is {}",
                of.memory, snapshot.bytes
            );
            let cure = "keep fewer of its deliveries: copy out of them what is needed";
            found.add(FindingKind::MemoryHeld, &of.event_type, seen, cure);
        }
    }
}

/// Published but unheard, heard but never published, requests without a responder.
fn wiring(snapshot: &Snapshot, of: &TypeSnapshot, found: &mut Findings) {
    let named = |subscriber: &&SubscriberSnapshot| match &subscriber.interest {
        InterestSnapshot::Types(types) => types.contains(&of.event_type),
        _ => false,
    };
    if of.published == 0 && !snapshot.subscribers.iter().any(|it| named(&it)) {
        // The type may only be declared.
        return;
    }
    let (kind, seen, cure) = if of.request && of.responders == 0 {
        let cure = "sign one in with `bus.responder::<…>(\"…\")`";
        (FindingKind::NoResponder, "has no responder".to_owned(), cure)
    } else if of.request && of.unheard > 0 {
        let seen = format!("was published {} times, which asks nobody", of.unheard);
        (FindingKind::Unheard, seen, "ask it with `bus.request(…).expect([…])`")
    } else if of.request {
        return;
    } else if of.published > 0 && of.published == of.unheard && of.subscribers == 0 {
        let seen = format!("was published {} times and nobody listens", of.published);
        (FindingKind::Unheard, seen, "subscribe to it, or stop publishing it")
    } else if let (0, Some(listener)) = (of.published, snapshot.subscribers.iter().find(named)) {
        let seen = format!("was never published, and `{}` listens", listener.name);
        (FindingKind::NeverPublished, seen, "publish it, or stop listening")
    } else {
        return;
    };
    found.add(kind, &of.event_type, seen, cure);
}
