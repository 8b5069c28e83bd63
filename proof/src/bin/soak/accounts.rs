//! Accounts: what the bus says it did with every event, beside what the components counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use callboard::{DropReason, Ledger, Overflow, Phase, Snapshot, SubscriberSnapshot, TypeSnapshot};

use crate::component::{Part, Role};
use crate::events::Kind;
use crate::seat::Seat;
use crate::stage::Cue;
use crate::{Checked, check};

/// How many drops the drop callback was told of, by subscriber.
pub(crate) type Reports = HashMap<String, u64>;

/// The accounts at the last check.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    /// By subscriber: how many more events it was told that it missed than its ledger lost. The
    /// start buffer lost those.
    excess: HashMap<u32, u64>,
    /// What the start buffer had lost, by kind.
    of_buffer: [u64; Kind::COUNT],
}

impl Accounts {
    /// Checks a bus on which nothing happens, and on which every reader has just taken an event of
    /// each published kind, and so has been told of all that it missed.
    pub(crate) fn check(
        &mut self,
        snapshot: &Snapshot,
        parts: &[Arc<Part>],
        reports: &Reports,
    ) -> Checked {
        let mut of_buffer = [0; Kind::COUNT];
        for event_type in &snapshot.types {
            if let Some(kind) = Kind::named(&event_type.event_type) {
                of_buffer[kind as usize] = event_type.buffered.lost();
            }
        }
        let mut excess = HashMap::new();
        for part in parts {
            let Role::Subscriber(seat) = part.role else { continue };
            let Some(subscriber) = snapshot.subscriber(&part.name) else {
                let ended = part.is_dismissed() || part.is_gone();
                check!(ended, "`{}` reads and is not in the snapshot", part.name);
                continue;
            };
            let reported = reports.get(&part.name).copied().unwrap_or_default();
            let lost_by_buffer = |kind: Kind| {
                let lost = of_buffer[kind as usize] - self.of_buffer[kind as usize];
                lost * seat.wants.times(kind)
            };
            let by_buffer = Kind::ALL.into_iter().map(lost_by_buffer).sum();
            let before = self.excess.get(&part.number).copied();
            let now = check_subscriber(subscriber, part, &seat, reported)
                .and_then(|()| check_missed(subscriber, part, &seat, by_buffer, before))
                .map_err(|fault| format!("`{}`: {fault}\n{seat:?}\n{subscriber:#?}", part.name))?;
            excess.insert(part.number, now);
        }
        *self = Self { excess, of_buffer };
        check_whole(snapshot, parts)
    }
}

/// Checks that a subscriber was told of exactly the events that it lost, and that the start buffer
/// lost for it: `by_buffer` since the last check. Returns the [excess](Accounts::excess); `before` is
/// that of the last check.
fn check_missed(
    subscriber: &SubscriberSnapshot,
    part: &Part,
    seat: &Seat,
    by_buffer: u64,
    before: Option<u64>,
) -> Checked<u64> {
    let (told, lost) = (part.missed.load(Ordering::SeqCst), subscriber.ledger.lost());
    let excess = told.wrapping_sub(lost);
    if !seat.is_told_by_volley() {
        return Ok(excess);
    }
    // It is not known what the buffer lost before a new subscriber came.
    let more = excess.wrapping_sub(before.unwrap_or_default());
    let right = more == by_buffer || before.is_none() && more <= by_buffer;
    check!(right, "it was told of {told} missed events; it lost {lost}, the buffer {by_buffer}");
    Ok(excess)
}

fn check_subscriber(
    subscriber: &SubscriberSnapshot,
    part: &Part,
    seat: &Seat,
    reported: u64,
) -> Checked {
    let ledger = subscriber.ledger;
    check!(ledger.queued == 0, "{} events are queued though it is idle", ledger.queued);
    for kind in Kind::ALL {
        let of_kind = subscriber.accounts.iter().filter(|it| it.event_type == kind.name());
        let delivered: u64 = of_kind.map(|account| account.ledger.delivered).sum();
        let received = part.received.of(kind);
        check!(received == delivered, "{kind:?}: received {received}, delivered {delivered}");
    }
    let received = part.received.all();
    check!(received == ledger.delivered, "received {received}, delivered {}", ledger.delivered);
    for (reason, _) in ledger.drops() {
        let allowed = match reason {
            DropReason::Full => true,
            DropReason::Oldest => seat.overflow == Overflow::DropOldest,
            DropReason::Coalesced => seat.overflow == Overflow::Coalesce,
            DropReason::Withdrawn => seat.wants.answers(),
            _ => false,
        };
        check!(allowed, "an event is dropped as {reason}");
    }
    let incidents = if seat.lossy { 0 } else { ledger.lost() };
    check!(reported == incidents, "{reported} drops were reported, of {incidents}");
    Ok(())
}

/// What a reader checks when it ends: its own ledger. `pending` is what it would be told next, if
/// its subscription is closed.
pub(crate) fn check_own(part: &Part, cue: Cue, ledger: Ledger, pending: Option<u64>) -> Checked {
    check!(ledger.balances(), "its ledger does not balance at its end: {ledger:?}");
    let received = part.received.all();
    check!(received == ledger.delivered, "it received {received} until its end: {ledger:?}");
    let Some(pending) = pending else { return Ok(()) };
    check!(cue >= Cue::Closing, "its subscription ended though the bus is open");
    check!(ledger.queued == 0, "its subscription ended with events in its queue: {ledger:?}");
    // It may have been told of more: of what the start buffer lost.
    let told = part.missed.load(Ordering::SeqCst) + pending;
    check!(told >= ledger.lost(), "it was told of {told} missed events until its end: {ledger:?}");
    Ok(())
}

/// Checks a bus as a whole while nothing happens.
pub(crate) fn check_whole(snapshot: &Snapshot, parts: &[Arc<Part>]) -> Checked {
    check!(snapshot.balances(), "the accounts of the bus do not balance: {snapshot:#?}");
    let closed = snapshot.phase == Phase::Closed;
    for event_type in &snapshot.types {
        if let Some(kind) = Kind::named(&event_type.event_type) {
            check_type(kind, event_type, parts, closed)
                .map_err(|fault| format!("all {kind:?}: {fault}\n{event_type:#?}"))?;
        }
    }
    let open = &snapshot.requests.open;
    check!(open.is_empty(), "requests are open though no component asks: {open:?}");
    let asked: u64 = parts.iter().map(|part| part.asked.load(Ordering::SeqCst)).sum();
    let ended = snapshot.requests.ended;
    check!(asked == ended, "{asked} requests were made, and {ended} have ended");
    check!(snapshot.name_clashes.is_empty(), "types share a name: {:?}", snapshot.name_clashes);
    Ok(())
}

fn check_type(kind: Kind, event_type: &TypeSnapshot, parts: &[Arc<Part>], closed: bool) -> Checked {
    let TypeSnapshot { ledger, buffered, published, .. } = *event_type;
    check!((ledger.queued, buffered.queued) == (0, 0), "events are queued");
    let received: u64 = parts.iter().map(|part| part.received.of(kind)).sum();
    check!(received == ledger.delivered, "received {received}, delivered {}", ledger.delivered);
    let counted: u64 = parts.iter().map(|part| part.published.of(kind)).sum();
    let unsure = match kind {
        // A responder does not know whether its answer was in time.
        Kind::Verdict => counted,
        // A request that is made while the bus closes is refused, or was buffered before.
        Kind::Inquiry if closed => counted,
        _ => parts.iter().map(|part| part.unsure.of(kind)).sum(),
    };
    check!(
        (counted - unsure..=counted).contains(&published),
        "{counted} were published, of which {unsure} may have failed, and the bus has {published}"
    );
    Ok(())
}
