//! Findings about readers: handlers that panic or block, and subscriptions that are not read.

use std::time::Duration;

use super::FindingKind;
use super::rules::Findings;
use crate::outcome::Outcome;
use crate::report::{count, first_of, times};
use crate::snapshot::{InterestSnapshot, OpenRequest, PanicSnapshot, SubscriberSnapshot};

/// A handler that runs for longer than this while events are queued counts as blocking.
const BLOCKS_AFTER: Duration = Duration::from_secs(1);

pub(super) fn reading(of: &SubscriberSnapshot, open: &[OpenRequest], found: &mut Findings) {
    if let Some(last) = &of.last_panic {
        panicked(&of.name, of.panics, last, found);
    }
    if let InterestSnapshot::BadPattern(problem) = &of.interest {
        let seen = format!("receives nothing: {problem}");
        found.add(FindingKind::BadPattern, &of.name, seen, "fix the pattern");
    }
    if of.late {
        let seen =
            format!("subscribed after the start, at {}, and may have lost events", of.call_site);
        let cure = "subscribe before `start`, or say `.late()`";
        found.add(FindingKind::SubscribedLate, &of.name, seen, cure);
    }
    if blocks(of) {
        let time = of.handling_for.map(|time| format!(" for {time:.1?}")).unwrap_or_default();
        let mut seen = format!("has been handling one event{time} with {} waiting", of.queued);
        let mut cure = "hand long work to a task of its own, or use `serve_concurrent`".to_owned();
        let own = open.iter().filter(|request| request.asker.as_deref() == Some(&of.name));
        if let Some(request) = own.max_by_key(|request| request.age) {
            let slow = request.outcomes.iter().filter(|(_, outcome)| is_awaited(outcome));
            let slow: Vec<_> = slow.map(|(name, _)| format!("`{name}`")).collect();
            let slow = first_of(slow.iter(), ", ");
            seen += &format!(": it waits for {slow} to answer `{}`", request.event_type);
            cure = format!("check {slow}, ask with a shorter timeout, or use `serve_concurrent`");
        }
        found.weigh(of.queued as u64, FindingKind::HandlerBlocks, &of.name, seen, cure);
    } else if is_full(of) && !is_busy(of) && !of.waiting {
        let seen = format!("is full with {} and does not receive", count(of.queued, "event"));
        let cure = format!("read or drop the subscription opened at {}", of.call_site);
        found.weigh(of.queued as u64, FindingKind::NotReading, &of.name, seen, cure);
    }
}

/// Reports handlers that panicked.
pub(super) fn panicked(name: &str, panics: u64, last: &PanicSnapshot, found: &mut Findings) {
    let PanicSnapshot { event_type, message } = last;
    let (often, said) = (times(panics), message.lines().next().unwrap_or_default());
    let seen = format!("has a handler that panicked {often}, last on `{event_type}`: {said}");
    let cure = "fix the handler; the event that it panicked on is not handled again";
    found.weigh(panics, FindingKind::HandlerPanicked, name, seen, cure);
}

/// Whether an open request still waits for a responder with this outcome so far.
fn is_awaited(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::TimedOutQueued | Outcome::TimedOutHandling)
}

fn is_busy(of: &SubscriberSnapshot) -> bool {
    of.handling > 0 || of.in_hand
}

fn is_full(of: &SubscriberSnapshot) -> bool {
    of.capacity > 0 && of.queued >= of.capacity
}

/// Whether a subscriber handles one event for too long while others are queued, so that no capacity
/// would suffice. If the time is not known, a full queue decides, unless the losses show that
/// events are still taken.
pub(super) fn blocks(of: &SubscriberSnapshot) -> bool {
    let unknown = || is_full(of) && !is_behind(of);
    let long = of.handling_for.map_or_else(unknown, |time| time >= BLOCKS_AFTER);
    is_busy(of) && of.queued > 0 && long
}

/// Whether a subscriber loses events constantly, not in bursts: it takes some, has lost several
/// times what a queue for the worst burst would hold, and is still full or nearly full.
pub(super) fn is_behind(of: &SubscriberSnapshot) -> bool {
    let often = of.ledger.lost() > 4 * of.demand as u64;
    often && of.ledger.delivered > 0 && of.queued >= of.capacity.div_ceil(2)
}
