//! The rules that derive findings from a snapshot.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::reading::{blocks, is_behind, panicked, reading};
use super::{Finding, FindingKind, asking, cycles, links, startup};
use crate::event::two_types;
use crate::overflow::{DropReason, Dropped, Importance, Overflow};
use crate::registry::Phase;
use crate::report::{count, first_of, times};
use crate::snapshot::{
    BlockingCall, FailedTicks, InterestSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot,
};

/// A capacity of at least this many events is too large if less than 1/8 of it was ever used.
const LARGE_CAPACITY: usize = 1_024;

/// How many events must have been offered before a capacity is called too large.
const ENOUGH_EVENTS: u64 = 1_000;

/// Memory findings name holders of at least this many bytes.
const MUCH_MEMORY: usize = 1 << 20;

/// The culprit if no part of a bus is.
const THE_BUS: &str = "(bus)";

/// Applies every rule, most severe first.
pub(super) fn apply(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    start(snapshot, &mut found);
    drain(snapshot, &mut found);
    startup::apply(snapshot, &mut found);
    links::apply(snapshot, &mut found);
    for clash in &snapshot.name_clashes {
        let seen = format!("is the name of {}", two_types(&clash.first, &clash.second));
        let cure = "give one of them another with `#[event(type = \"…\")]`";
        found.add(FindingKind::NameClash, &clash.event_type, seen, cure);
    }
    for BlockingCall { call, call_site, times: number } in &snapshot.blocking_calls {
        let often = times(*number);
        let seen = format!("blocked the only thread of a runtime, {often}, at {call_site}");
        let cure = "await the async form, or call it from a thread of its own";
        found.weigh(*number, FindingKind::BlocksRuntime, call, seen, cure);
    }
    for FailedTicks { event_type, call_site, times: number, message } in &snapshot.failed_ticks {
        let (often, said) = (times(*number), message.lines().next().unwrap_or_default());
        let seen = format!(
            "has a `publish_every`, at {call_site}, whose function panicked {often}, last with: {said}"
        );
        let cure = "fix the function; the ticks on which it panicked are skipped";
        found.weigh(*number, FindingKind::TickFailed, event_type, seen, cure);
    }
    let open = &snapshot.requests.open;
    snapshot.subscribers.iter().for_each(|subscriber| reading(subscriber, open, &mut found));
    let ended = snapshot.panicked.iter();
    ended.for_each(|of| panicked(&of.name, of.panics, &of.last_panic, &mut found));
    asking::apply(&snapshot.requests.troubled, &mut found);
    let is_link = |name: &str| snapshot.links.iter().any(|link| link.name == name);
    let own = snapshot.subscribers.iter().filter(|of| !is_link(&of.name));
    own.for_each(|subscriber| capacity(subscriber, &mut found));
    coalescing(snapshot, &mut found);
    memory(snapshot, &mut found);
    if snapshot.started {
        let listeners = listeners(snapshot);
        snapshot.types.iter().for_each(|of| wiring(&listeners, of, &mut found));
    }
    namesakes(snapshot, &mut found);
    cycles::apply(snapshot, &mut found);
    found.sorted()
}

/// Findings, each with its severity among those of its kind.
pub(super) struct Findings(Vec<(u64, Finding)>);

impl Findings {
    /// Adds a finding of a kind without degrees of severity, or with at most one finding.
    pub(super) fn add(
        &mut self,
        kind: FindingKind,
        who: &str,
        seen: String,
        cure: impl Into<String>,
    ) {
        self.weigh(0, kind, who, seen, cure);
    }

    pub(super) fn weigh(
        &mut self,
        weight: u64,
        kind: FindingKind,
        who: &str,
        seen: String,
        cure: impl Into<String>,
    ) {
        let (culprit, cure) = (who.to_owned(), cure.into());
        self.0.push((weight, Finding { kind, culprit, seen, cure, advice: None }));
    }

    pub(super) fn advise(
        &mut self,
        weight: u64,
        kind: FindingKind,
        who: &str,
        seen: String,
        advice: usize,
    ) {
        self.weigh(weight, kind, who, seen, format!("use `.capacity({advice})`"));
        self.0.iter_mut().last().into_iter().for_each(|(_, last)| last.advice = Some(advice));
    }

    /// Sorts by kind, most severe first, and within one kind the worst first.
    fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|(weight, finding)| (finding.kind as usize, Reverse(*weight)));
        self.0.into_iter().map(|(_, finding)| finding).collect()
    }
}

fn start(snapshot: &Snapshot, found: &mut Findings) {
    if snapshot.phase == Phase::Buffering && snapshot.buffer.queued > 0 {
        let waiting = count(snapshot.buffer.queued, "event");
        if snapshot.started {
            let seen = format!("holds {waiting}, since the bus is paused");
            found.add(FindingKind::Paused, Dropped::BUFFER, seen, "call `start` to resume");
        } else {
            let mut cure = "call `start` once every component has subscribed".to_owned();
            if !snapshot.missing.is_empty() {
                let missing = snapshot.missing.iter().map(|name| format!("`{name}`"));
                cure += &format!(" (missing: {})", first_of(missing, ", "));
            }
            let seen = format!("holds {waiting}, since the bus was never started");
            found.add(FindingKind::NotStarted, Dropped::BUFFER, seen, cure);
        }
    }
    let of_type = |of: &TypeSnapshot| of.buffered.dropped(DropReason::BufferFull);
    let dropped: u64 = snapshot.types.iter().map(of_type).sum();
    if dropped > 0 {
        let seen =
            format!("dropped {} beyond {}", count(dropped, "event"), snapshot.buffer.capacity);
        let cure = "raise `pre_start_capacity`, start earlier, or implement `Coalesce` for what \
                    comes in bursts";
        found.add(FindingKind::BufferTooSmall, Dropped::BUFFER, seen, cure);
    }
}

fn drain(snapshot: &Snapshot, found: &mut Findings) {
    let Snapshot { draining, cut_off, refused, .. } = *snapshot;
    if draining && snapshot.phase != Phase::Closed {
        let seen = "is draining: it refuses what is published or asked outside handlers".to_owned();
        let cure = "await `drain` to its end, or call `close`";
        found.add(FindingKind::Draining, THE_BUS, seen, cure);
    } else if cut_off > 0 {
        let (by, cure) = if draining {
            let cure =
                "use `serve` or `serve_async` in place of a hand-written loop, or a longer timeout";
            ("by `drain` ", cure)
        } else {
            ("", "use `drain`, during which handlers may publish")
        };
        let seen = format!(
            "was closed {by}before handlers were done; publications of theirs that it refused: \
             {cut_off}"
        );
        found.add(FindingKind::CutOff, THE_BUS, seen, cure);
    } else if draining && refused > 0 {
        let refused = count(refused, "publication");
        let seen = format!("was closed by `drain` and has refused {refused} from outside handlers");
        let cure = "publish in the handler itself, or end spawned tasks before `drain`";
        found.add(FindingKind::Refused, THE_BUS, seen, cure);
    }
}

fn coalescing(snapshot: &Snapshot, found: &mut Findings) {
    let keyed: HashSet<_> =
        snapshot.types.iter().filter(|of| of.coalesces).map(|of| &of.event_type).collect();
    for of in snapshot.subscribers.iter().filter(|of| of.overflow == Overflow::Coalesce) {
        let InterestSnapshot::Types(types) = &of.interest else { continue };
        if !types.iter().any(|name| keyed.contains(name)) {
            let seen = "is to coalesce, but no event of its types has a key".to_owned();
            let cure = "implement `Coalesce` for one, or choose another overflow";
            found.add(FindingKind::NothingCoalesces, &of.name, seen, cure);
        }
    }
}

fn capacity(of: &SubscriberSnapshot, found: &mut Findings) {
    let lost = of.ledger.lost();
    if lost > 0 && of.importance == Importance::Critical && !blocks(of) {
        if is_behind(of) {
            let seen = format!(
                "lost {} and has {} waiting: more come than it takes",
                count(lost, "event"),
                of.queued
            );
            let cure = "no capacity is enough: handle them faster, merge them by key, or \
                        subscribe to fewer";
            found.weigh(lost, FindingKind::TooSlow, &of.name, seen, cure);
        } else {
            // The capacity needed at the worst moment, rounded up to a multiple of ten.
            let advice = of.demand.max(of.capacity.saturating_add(1)).next_multiple_of(10);
            let seen = format!("lost {} with capacity {}", count(lost, "event"), of.capacity);
            found.advise(lost, FindingKind::CapacityTooSmall, &of.name, seen, advice);
        }
    }
    // An unbounded capacity is intentional.
    let large = (LARGE_CAPACITY..usize::MAX).contains(&of.capacity);
    let ample = large && of.high_water < of.capacity / 8;
    if ample && of.ledger.offered >= ENOUGH_EVENTS {
        let advice = (of.high_water * 4).max(100).next_multiple_of(10);
        let seen = format!(
            "has used {} of its capacity of {} at most, and a stall would show late",
            of.high_water, of.capacity
        );
        let unused = (of.capacity - of.high_water) as u64;
        found.advise(unused, FindingKind::CapacityTooLarge, &of.name, seen, advice);
    }
}

fn memory(snapshot: &Snapshot, found: &mut Findings) {
    let buffer = &snapshot.buffer;
    let mut holders = vec![(Dropped::BUFFER, buffer.queued, buffer.bytes)];
    let queues = snapshot.subscribers.iter();
    holders.extend(queues.map(|queue| (queue.name.as_str(), queue.queued, queue.bytes)));
    holders.retain(|(_, _, bytes)| *bytes >= MUCH_MEMORY);
    for (holder, events, bytes) in holders {
        let events = count(events, "event");
        let seen = format!("holds {events}, {bytes} of the bus's {} bytes", snapshot.bytes);
        let cure = "read them, or lower its capacity";
        found.weigh(bytes as u64, FindingKind::MemoryHeld, holder, seen, cure);
    }
    for of in &snapshot.types {
        // Queued events fill most of their blocks, so more memory means kept deliveries.
        if of.memory >= MUCH_MEMORY && of.memory > 8 * snapshot.bytes {
            let seen = format!(
                "has events that lie in {} bytes of memory, while all that waits is {}",
                of.memory, snapshot.bytes
            );
            let cure = "keep fewer of its deliveries: copy what you need";
            found.weigh(of.memory as u64, FindingKind::MemoryHeld, &of.event_type, seen, cure);
        }
    }
}

/// The first subscriber that named each type.
fn listeners(snapshot: &Snapshot) -> HashMap<&str, &str> {
    let mut listeners = HashMap::new();
    for subscriber in &snapshot.subscribers {
        if let InterestSnapshot::Types(types) = &subscriber.interest {
            for named in types {
                listeners.entry(named.as_str()).or_insert(subscriber.name.as_str());
            }
        }
    }
    listeners
}

/// Reports types published without subscribers, subscribed but never published, and requests
/// without a responder.
fn wiring(listeners: &HashMap<&str, &str>, of: &TypeSnapshot, found: &mut Findings) {
    let listener = listeners.get(of.event_type.as_str());
    let only_declared = of.published == 0 && listener.is_none();
    // The bus publishes its own types only when there is something to report.
    if only_declared || of.of_the_bus {
        return;
    }
    let (kind, seen, cure) = if of.request && of.responders == 0 {
        let cure = "sign one in with `bus.responder::<…>(\"…\")`";
        (FindingKind::NoResponder, "has no responder".to_owned(), cure)
    } else if of.request && of.unheard > 0 {
        let seen = format!("was published {}, which asks nobody", times(of.unheard));
        (FindingKind::Unheard, seen, "ask it with `bus.request(…).expect([…])`")
    } else if of.request {
        return;
    } else if of.published > 0 && of.published == of.unheard && of.subscribers == 0 {
        let seen = format!("was published {} and has no subscriber", times(of.published));
        (FindingKind::Unheard, seen, "subscribe to it, or stop publishing it")
    } else if let (0, Some(listener), []) = (of.published, listener, &of.publishers[..]) {
        let seen = format!("was never published, and `{listener}` subscribes to it");
        (FindingKind::NeverPublished, seen, "publish it, or unsubscribe")
    } else {
        return;
    };
    found.weigh(of.unheard, kind, &of.event_type, seen, cure);
}

/// Reports names shared by several responders of one request type, or by several subscriptions to
/// the same events.
fn namesakes(snapshot: &Snapshot, found: &mut Findings) {
    let mut crowds: HashMap<(&str, Part<'_>), u64> = HashMap::new();
    for of in &snapshot.subscribers {
        parts(of).for_each(|part| *crowds.entry((&of.name, part)).or_default() += 1);
    }
    crowds.retain(|_, crowd| *crowd > 1);
    let mut named = HashSet::new();
    for of in &snapshot.subscribers {
        for part in parts(of) {
            let Some(crowd) = crowds.remove(&(of.name.as_str(), part)) else { continue };
            let (kind, seen, cure) = match part {
                Part::Answers(request) => (
                    FindingKind::DuplicateResponder,
                    format!(
                        "is the name of {crowd} responders of `{request}`, and only the first \
                         answer counts"
                    ),
                    "give each responder a name of its own",
                ),
                // Report the pair once, however many types they share.
                Part::Reads(_) if !named.insert(&of.name) => continue,
                Part::Reads(events) => (
                    FindingKind::DuplicateSubscriber,
                    format!("is the name of {crowd} subscriptions to `{events}`"),
                    "give each a name of its own, or reports can't tell them apart",
                ),
            };
            found.weigh(crowd, kind, &of.name, seen, cure);
        }
    }
}

/// One of the things that a subscription does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part<'a> {
    /// Answers requests of this type.
    Answers(&'a str),
    /// Reads the events of this type, or of this pattern.
    Reads(&'a str),
}

/// What a subscription does, without duplicates.
fn parts(of: &SubscriberSnapshot) -> impl Iterator<Item = Part<'_>> {
    let (types, pattern) = match &of.interest {
        InterestSnapshot::Types(types) => (&types[..], None),
        InterestSnapshot::Matching(pattern) => (&[][..], Some(pattern.as_str())),
        InterestSnapshot::Everything => (&[][..], Some(">")),
        InterestSnapshot::BadPattern(_) => (&[][..], None),
    };
    let first = types.iter().enumerate().filter(|(number, it)| !types[..*number].contains(*it));
    let of_types = first
        .map(|(_, it)| if of.answers.contains(it) { Part::Answers(it) } else { Part::Reads(it) });
    of_types.chain(pattern.map(Part::Reads))
}
