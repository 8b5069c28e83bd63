//! Ledgers: what the bus says it did with every event offered, beside what the readers and the
//! publishers counted themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use callboard::{DropReason, Ledger, Overflow, Phase, Snapshot, SubscriberSnapshot, TypeSnapshot};

use super::{Checked, holds, same};
use crate::components::{Doing, Part, Seat};
use crate::events::Kind;

/// The accounts at the end of the last phase, and who was there: what happened since then is the
/// difference.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    subscribers: HashMap<String, (u64, u64)>,
    /// What the start buffer lost, of each kind.
    buffer_lost: [u64; Kind::COUNT],
}

/// Everybody there ever was on a bus, and what its drop callback was told, by subscriber.
#[derive(Debug)]
pub(crate) struct Company<'a> {
    pub(crate) parts: &'a [Arc<Part>],
    pub(crate) reports: &'a BTreeMap<String, u64>,
}

impl Company<'_> {
    fn sum(&self, count: impl Fn(&Part) -> u64) -> u64 {
        self.parts.iter().map(|part| count(part)).sum()
    }
}

impl Accounts {
    /// Checks a bus on which nothing happens: nobody publishes or asks, and every queue is empty.
    /// Everybody who reads what publishers publish has just taken an event, and so has been told
    /// of all that it missed.
    pub(crate) fn check(&mut self, snapshot: &Snapshot, company: &Company<'_>) -> Checked {
        let mut next = Self::default();
        for event_type in &snapshot.types {
            if let Some(kind) = Kind::named(&event_type.event_type) {
                next.buffer_lost[kind as usize] = event_type.buffered.lost();
            }
        }
        for part in company.parts {
            let Some(seat) = part.seat() else { continue };
            let Some(subscriber) = snapshot.subscriber(&part.name) else {
                holds(
                    part.is_dismissed() || part.doing() == Doing::Gone,
                    || format!("the subscription of `{}`", part.name),
                    "in the snapshot",
                    || "nothing".to_owned(),
                )?;
                continue;
            };
            check_subscriber(subscriber, part, seat, company)?;
            let told = part.missed.load(Ordering::SeqCst);
            self.check_missed(subscriber, told, seat, &next)?;
            next.subscribers.insert(part.name.clone(), (subscriber.ledger.lost(), told));
        }
        *self = next;
        check_whole(snapshot, company)
    }

    /// `missed()` sums up to what was lost, by the subscriber's queue and by the start buffer.
    fn check_missed(
        &self,
        subscriber: &SubscriberSnapshot,
        told: u64,
        seat: Seat,
        now: &Self,
    ) -> Checked {
        let lost = subscriber.ledger.lost();
        let by_buffer: u64 = Kind::ALL
            .into_iter()
            .map(|kind| {
                let more = now.buffer_lost[kind as usize] - self.buffer_lost[kind as usize];
                more * seat.wants.times(kind)
            })
            .sum();
        let known = self.subscribers.get(&subscriber.name);
        let (lost_before, told_before) = known.copied().unwrap_or_default();
        let (lost, told) = (lost - lost_before, told - told_before);
        // Of one that came since the last look nobody knows what the buffer lost before it came; one
        // that got none of the volley may not have been told yet.
        if seat.wants.answers() || !seat.wants.hears_publishers() || seat.capacity == 0 {
            return Ok(());
        }
        let most = lost + by_buffer;
        let least = if known.is_some() { most } else { lost };
        holds(
            (least..=most).contains(&told),
            || format!("what `{}` was told that it missed since the last look", subscriber.name),
            format_args!("{lost} that it lost, and of {by_buffer} that the buffer did"),
            || format!("{told}; {:?}", subscriber.ledger),
        )
    }
}

/// Checks a bus that is closed and that everybody has left.
pub(crate) fn check_end(snapshot: &Snapshot, company: &Company<'_>) -> Checked {
    let left: Vec<&str> = snapshot.subscribers.iter().map(|one| one.name.as_str()).collect();
    same(|| "who is left on a bus that everybody left".to_owned(), Vec::new(), left)?;
    check_whole(snapshot, company)
}

/// What a reader checks as it goes: its own ledger. `pending` is what it would be told next, if
/// nothing more comes.
pub(crate) fn check_own(part: &Part, ledger: Ledger, pending: Option<u64>) -> Checked {
    let what = |of: &str| format!("{of} of `{}` as it goes ({})", part.name, part.about);
    holds(ledger.balances(), || what("the ledger"), "balanced", || format!("{ledger:?}"))?;
    same(|| what("the deliveries"), part.received.all(), ledger.delivered)?;
    let Some(pending) = pending else { return Ok(()) };
    same(|| what("the queue"), 0, ledger.queued)?;
    let told = part.missed.load(Ordering::SeqCst) + pending;
    // More than that it may have been told: what the start buffer lost.
    holds(
        told >= ledger.lost(),
        || what("the events told as missed"),
        format_args!("at least {}", ledger.lost()),
        || told.to_string(),
    )
}

fn check_subscriber(
    subscriber: &SubscriberSnapshot,
    part: &Part,
    seat: Seat,
    company: &Company<'_>,
) -> Checked {
    let what = |of: &str| format!("{of} of `{}` ({})", part.name, part.about);
    let ledger = subscriber.ledger;
    let shown = || format!("{ledger:?}");
    holds(ledger.balances(), || what("the ledger"), "balanced", shown)?;
    same(|| what("the queue"), (0, 0), (ledger.queued, subscriber.queued))?;
    for kind in Kind::ALL {
        let of_kind = subscriber.accounts.iter().filter(|one| one.event_type == kind.name());
        let ledgers: Vec<Ledger> = of_kind.map(|account| account.ledger).collect();
        let balanced = ledgers.iter().all(Ledger::balances);
        holds(balanced, || what("an account"), "balanced", || format!("{kind:?}: {ledgers:?}"))?;
        let delivered: u64 = ledgers.iter().map(|ledger| ledger.delivered).sum();
        let what = || what(&format!("the deliveries of {kind:?}"));
        same(what, part.received.of(kind), delivered)?;
    }
    same(|| what("the deliveries"), part.received.all(), ledger.delivered)?;
    let allowed = |reason| match reason {
        DropReason::Full => true,
        DropReason::Oldest => seat.overflow == Overflow::DropOldest,
        DropReason::Coalesced => seat.overflow == Overflow::Coalesce,
        DropReason::Withdrawn => seat.wants.answers(),
        _ => false,
    };
    for (reason, events) in ledger.drops() {
        holds(
            allowed(reason),
            || what("the reasons for drops"),
            format_args!("such as {:?} allows", seat.overflow),
            || format!("{events} {reason}"),
        )?;
    }
    let reported = company.reports.get(&part.name).copied().unwrap_or_default();
    let incidents = if seat.lossy { 0 } else { ledger.lost() };
    same(|| what("the drops reported"), incidents, reported)
}

/// What must hold of the bus as a whole while nothing happens.
fn check_whole(snapshot: &Snapshot, company: &Company<'_>) -> Checked {
    holds(
        snapshot.balances(),
        || "all accounts of the bus".to_owned(),
        "balanced",
        || format!("{snapshot:#?}"),
    )?;
    let closed = snapshot.phase == Phase::Closed;
    for event_type in &snapshot.types {
        check_type(event_type, company, closed)?;
    }
    let requests = &snapshot.requests;
    holds(
        requests.open.is_empty(),
        || "open requests while nobody asks".to_owned(),
        "none",
        || format!("{:?}", requests.open),
    )?;
    let asked = company.sum(|part| part.asked.load(Ordering::SeqCst));
    same(|| "requests that have ended".to_owned(), asked, requests.ended)?;
    let clashes = snapshot.name_clashes.len();
    same(|| "types that share a name".to_owned(), 0, clashes)
}

fn check_type(event_type: &TypeSnapshot, company: &Company<'_>, closed: bool) -> Checked {
    let Some(kind) = Kind::named(&event_type.event_type) else { return Ok(()) };
    let what = |of: &str| format!("{of} of all {kind:?}");
    let TypeSnapshot { ledger, buffered, published, .. } = *event_type;
    let shown = || format!("{event_type:?}");
    holds(ledger.balances(), || what("the ledger"), "balanced", shown)?;
    same(|| what("the queues"), (0, 0), (ledger.queued, buffered.queued))?;
    let delivered = company.sum(|part| part.received.of(kind));
    same(|| what("the deliveries"), delivered, ledger.delivered)?;
    // Whether an answer was published its responder can't know: it may have been too late.
    let counted = company.sum(|part| part.published.of(kind));
    match kind {
        Kind::Verdict | Kind::Fact => holds(
            published <= counted,
            || what("the publications"),
            format_args!("at the most {counted} answers"),
            shown,
        ),
        // A request that was made while the bus closed is refused, or was buffered before.
        Kind::Inquiry | Kind::Detail if closed => holds(
            published <= counted,
            || what("the publications"),
            format_args!("at the most {counted} requests"),
            shown,
        ),
        _ => {
            let unsure = company.sum(|part| part.unsure.of(kind));
            holds(
                (counted - unsure..=counted).contains(&published),
                || what("the publications"),
                format_args!("{counted}, of which {unsure} may have failed as a circle before"),
                shown,
            )
        }
    }
}
