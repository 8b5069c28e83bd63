//! A queue with its accounts: the data behind a mailbox's lock, and the start buffer.
//!
//! Plain data, like the queue in it.

mod admission;
mod merging;
mod withdrawal;

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

pub(crate) use merging::merge;

use super::cursors::{Cursors, Input, Place};
use super::handler_stats::{HandlerStats, NO_STATS};
use super::queue::{Entry, Queue};
use super::sources::{Source, Sources};
use super::{Mailbox, Taken, kept};
use crate::error::TryRecvError;
use crate::event::{Delivery, Event, Receipt, TypeInfo};
use crate::log::Moment;
use crate::overflow::{DropReason, Ledger, Overflow};
use crate::trace::{Context, Trail};

/// A queue with its accounts and the state of its reader.
pub(crate) struct Inbox {
    /// The event that is about to arrive takes the place of one that waits.
    supersedes: bool,
    /// The queued entries; allocated for the first entry, since the reader of a log hardly ever has
    /// one.
    queue: Option<Box<Queue>>,
    /// The logs that its reader reads, unless it reads only one, without a lock.
    pub(crate) sources: Option<Box<Sources>>,
    /// One event may arrive twice, as an event and as a request.
    pub(super) doubles: bool,
    pub(crate) capacity: usize,
    overflow: Overflow,
    /// Why an event that does not fit is dropped.
    refusal: DropReason,
    /// One per member of the set. A reader of everything gets one more per type it meets; the start
    /// buffer has one for each type.
    pub(crate) accounts: Vec<Account>,
    /// Events lost since the last one queued, to be reported by the next one queued.
    pub(crate) gap: u64,
    pub(crate) high_water: usize,
    /// The capacity that would have sufficed: the most that was queued or lost between two takes.
    pub(crate) demand: usize,
    lost_since_take: usize,
    pub(super) state: State,
    /// Set while the reader sleeps.
    pub(crate) waker: Option<Waker>,
    /// The reader was woken by an event and has not tried to take it yet.
    pub(super) woken: bool,
    /// How the reader handles events, once there is anything to record.
    handler_stats: Option<Box<HandlerStats>>,
}

/// Whether a mailbox accepts events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Events are accepted.
    Open,
    /// The bus is closed: queued events may still be read.
    Closed,
    /// The reader is gone.
    Gone,
}

/// The ledger of one member.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) info: &'static TypeInfo,
    pub(crate) ledger: Ledger,
}

/// The result of offering an event.
pub(crate) struct Offered {
    pub(crate) queued: bool,
    /// The event that was lost: this one, or an older one that made room for it.
    pub(crate) lost: Option<(Entry, DropReason)>,
}

impl Account {
    pub(crate) fn new(info: &'static TypeInfo) -> Self {
        Self { info, ledger: Ledger::default() }
    }
}

impl Inbox {
    pub(crate) fn new(capacity: usize, overflow: Overflow, refusal: DropReason) -> Self {
        Self {
            supersedes: false,
            queue: None,
            sources: None,
            doubles: false,
            capacity,
            overflow,
            refusal,
            accounts: Vec::new(),
            gap: 0,
            high_water: 0,
            demand: 0,
            lost_since_take: 0,
            state: State::Open,
            waker: None,
            woken: false,
            handler_stats: None,
        }
    }

    /// The queued events, most urgent first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.queue.iter().flat_map(|queue| queue.iter())
    }

    /// How many events wait. The registry's lock is held if it reads logs.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len()) + self.in_logs()
    }

    /// How much of the capacity is used. The registry's lock is held if it reads logs.
    #[inline]
    pub(crate) fn occupied(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.occupied()) + self.in_logs()
    }

    /// How many events wait in logs. The registry's lock is held.
    #[inline]
    fn in_logs(&self) -> usize {
        let waiting = self.sources.as_ref().map_or(0, |sources| sources.waiting());
        usize::try_from(waiting).unwrap_or(usize::MAX)
    }

    /// Whether an event waits, in the queue or at a cursor that is not in the reader.
    #[inline]
    pub(super) fn has_more(&mut self) -> bool {
        let queued = self.queue.as_ref().is_some_and(|queue| queue.len() > 0);
        queued || self.sources.as_mut().is_some_and(|sources| sources.next().is_some())
    }

    /// The logs that its reader reads.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().flat_map(|sources| sources.iter())
    }

    /// The cursors, unless they are in the reader.
    #[inline]
    fn cursors(&mut self) -> Option<&mut Cursors> {
        let sources = self.sources.as_mut().filter(|sources| !sources.read_unlocked)?;
        Some(&mut sources.cursors)
    }

    /// How many events wait in the queue.
    pub(crate) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// How many of these are about to be merged into another.
    pub(crate) fn merging(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len() - queue.occupied())
    }

    /// Whether some waiting event has a loss to report.
    pub(super) fn has_losses(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.losses.is_empty())
    }

    /// When the oldest queued event was published, if the bus keeps time.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.entries().filter_map(|it| it.envelope.held.stamp().published_at()).min()
    }

    /// How the reader handles events.
    pub(crate) fn handler_stats(&self) -> &HandlerStats {
        self.handler_stats.as_deref().unwrap_or(&NO_STATS)
    }

    pub(crate) fn handler_stats_mut(&mut self) -> &mut HandlerStats {
        self.handler_stats.get_or_insert_default()
    }

    /// Notes that the reader has finished this many events, on a bus that keeps time, and perhaps
    /// taken more.
    #[inline(never)]
    pub(super) fn note_finished(&mut self, events: u32, now: Moment, takes: bool) {
        let stats = self.handler_stats_mut();
        stats.finish_current(events, now);
        if takes {
            stats.in_hand_since = now;
        }
    }

    /// The oldest of the most urgent entries.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.queue.as_ref()?.first()
    }

    /// Takes the next event, or the one in this place of the queue.
    #[inline]
    pub(super) fn take(
        &mut self,
        mailbox: &Arc<Mailbox>,
        now: Moment,
        place: Option<Place>,
        hold: impl FnOnce(Context) -> Trail,
    ) -> Result<Taken, TryRecvError> {
        if self.sources.is_some()
            && let Some(taken) = self.take_logged(now)
        {
            return Ok(taken);
        }
        let queue = self.queue.as_mut();
        let Some(entry) = queue.and_then(|queue| match place {
            None => queue.pop(),
            Some(place) => queue.pop_at(place),
        }) else {
            return if self.state == State::Open {
                Err(TryRecvError::Empty)
            } else {
                Err(TryRecvError::Closed)
            };
        };
        self.lost_since_take = 0;
        let ledger = &mut self.accounts[entry.member].ledger;
        ledger.queued -= 1;
        ledger.delivered += 1;
        let missed = self.report(entry.place());
        let Entry { envelope, member, .. } = entry;
        let call = envelope.ticket.map(|ticket| (ticket, Arc::clone(mailbox)));
        let mut receipt = Receipt::new(missed, envelope.held.stamp().waited_until(now));
        if envelope.context.is_some() {
            receipt.trace(hold(envelope.context));
        }
        Ok(Taken { info: envelope.info, held: envelope.held, call, receipt, member })
    }

    /// Takes the next event of the only log, if nothing is queued.
    #[inline]
    pub(super) fn take_from_only_log<E: Event>(&mut self, now: Moment) -> Option<Delivery<E>> {
        if self.queue.as_ref().is_some_and(|queue| queue.len() > 0 || !queue.losses.is_empty()) {
            return None;
        }
        let log = self.cursors()?.only()?;
        if !log.look() {
            return None;
        }
        let waiting = usize::try_from(log.known()).unwrap_or(usize::MAX);
        let held = log.take_any(false)?;
        self.high_water = self.high_water.max(waiting);
        self.lost_since_take = 0;
        let receipt = Receipt::new(0, held.stamp().waited_until(now));
        Some(Delivery::new(kept(held), receipt))
    }

    /// Takes the next event, if it is in a log.
    fn take_logged(&mut self, now: Moment) -> Option<Taken> {
        let queued =
            self.queue.as_ref().map(|queue| (queue.occupied(), queue.first().map(Entry::place)));
        let sources = self.sources.as_mut()?;
        let due = sources.next()?;
        let cursors = &mut sources.cursors;
        let mut waiting = usize::try_from(cursors.known_to_all()).unwrap_or(usize::MAX);
        let mut first = true;
        if let Some((occupied, queued)) = queued {
            waiting += occupied;
            first = queued.is_none_or(|queued| due.place < queued);
        }
        let logged = if first { cursors.take(due, false) } else { None };
        self.high_water = self.high_water.max(waiting);
        let (held, &Input { info, member, .. }) = logged?;
        self.lost_since_take = 0;
        let receipt = Receipt::new(self.report(due.place), held.stamp().waited_until(now));
        Some(Taken::logged(held, receipt, info, member))
    }

    /// Releases the queue's spare memory, if it is empty.
    pub(super) fn shrink_if_empty(&mut self) {
        if let Some(queue) = self.queue.as_mut().filter(|queue| queue.len() == 0) {
            queue.shrink_if_empty();
        }
    }

    /// Takes everything out: dropped for this reason or, without one, delivered.
    pub(crate) fn take_all(&mut self, dropped: Option<DropReason>) -> Vec<Entry> {
        let Some(mut queue) = self.queue.take() else { return Vec::new() };
        let entries: Vec<Entry> = queue.take_all().collect();
        for entry in &entries {
            let ledger = &mut self.accounts[entry.member].ledger;
            ledger.queued -= 1;
            match dropped {
                Some(reason) => ledger.count_drop(reason),
                None => ledger.delivered += 1,
            }
        }
        entries
    }
}

/// Accounts for an entry taken out of the queue for a reason other than being read.
fn unqueue(accounts: &mut [Account], entry: &Entry, reason: DropReason) {
    let ledger = &mut accounts[entry.member].ledger;
    ledger.queued -= 1;
    ledger.count_drop(reason);
}
