//! Open requests, and statistics of ended ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::endings::{Ending, Endings};
use crate::engine::Ticket;
use crate::outcome::{RequestTrace, TroubledRequest};
use crate::sync::{AtomicBool, AtomicU64, Mutex, discard};

/// Open requests, and statistics of ended ones.
#[derive(Default)]
pub(crate) struct Requests {
    open: Mutex<Open>,
    pub(crate) endings: Endings,
    /// Answers that arrived after their request had ended.
    pub(crate) late: AtomicU64,
    /// Answers under a name that had already answered.
    pub(crate) duplicate: AtomicU64,
    /// The last requests that failed or were incomplete, newest last.
    troubles: Mutex<VecDeque<TroubledRequest>>,
    /// Whether new requests are traced. Ordering: Relaxed, since each request uses the value that
    /// it read.
    pub(crate) traces: AtomicBool,
    /// The traces of the last ended requests, each with its number in the order of opening; the
    /// last to end comes last.
    traced: Mutex<VecDeque<(u64, RequestTrace)>>,
}

/// How many troubled requests are kept.
pub(crate) const TROUBLES: usize = 16;

/// How many request traces are kept.
const TRACES: usize = 64;

/// The open requests, in reusable slots.
#[derive(Default)]
struct Open {
    /// Each slot has the request's number in the order of opening.
    slots: Vec<Option<(u64, Arc<dyn Ticket>)>>,
    free: Vec<usize>,
    opened: u64,
}

/// The slot of an open request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(usize);

/// If there are more slots than this, they are freed once no request is open.
const KEPT_SLOTS: usize = 64;

impl Requests {
    /// Adds a request to the open ones.
    pub(crate) fn open(&self, ticket: Arc<dyn Ticket>) -> Slot {
        let mut open = self.open.lock();
        open.opened += 1;
        let entry = Some((open.opened, ticket));
        match open.free.pop() {
            Some(slot) => {
                open.slots[slot] = entry;
                Slot(slot)
            }
            None => {
                open.slots.push(entry);
                Slot(open.slots.len() - 1)
            }
        }
    }

    /// Removes a request that ended.
    pub(crate) fn end(&self, Slot(slot): Slot, ending: Ending, time: Option<Duration>) {
        let mut open = self.open.lock();
        let entry = open.slots[slot].take();
        open.free.push(slot);
        if open.slots.len() > KEPT_SLOTS && open.slots.len() == open.free.len() {
            (open.slots, open.free) = (Vec::new(), Vec::new());
        }
        drop(open);
        drop(entry);
        self.endings.count(ending, time);
    }

    /// The open requests, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<dyn Ticket>> {
        self.numbered().into_iter().map(|(_, ticket)| ticket).collect()
    }

    /// The open requests, oldest first, each with its number in the order of opening.
    fn numbered(&self) -> Vec<(u64, Arc<dyn Ticket>)> {
        let mut entries: Vec<_> = self.open.lock().slots.iter().flatten().cloned().collect();
        entries.sort_unstable_by_key(|(number, _)| *number);
        entries
    }

    /// Keeps the trace of an ended request, which is still in its slot if it was ever opened.
    pub(crate) fn remember_trace(&self, slot: Option<Slot>, trace: RequestTrace) {
        let mut open = self.open.lock();
        let entry = slot.and_then(|Slot(slot)| open.slots[slot].as_ref());
        let number = entry.map(|(number, _)| *number).unwrap_or_else(|| {
            open.opened += 1;
            open.opened
        });
        drop(open);
        let mut traced = self.traced.lock();
        if traced.len() == TRACES {
            traced.pop_front();
        }
        traced.push_back((number, trace));
    }

    /// The last requests, newest last: the open ones and, up to the limit, the last ended ones with
    /// a trace.
    pub(crate) fn recent(&self) -> Vec<RequestTrace> {
        let mut open = self.numbered();
        let fewer = open.split_off(open.len().saturating_sub(TRACES));
        let mut recent: Vec<_> =
            fewer.iter().filter_map(|(number, ticket)| Some((*number, ticket.trace()?))).collect();
        // These may be the last references.
        open.into_iter().chain(fewer).for_each(|(_, ticket)| discard(ticket));
        let room = TRACES - recent.len();
        recent.extend(self.traced.lock().iter().rev().take(room).cloned());
        recent.sort_by_key(|(number, _)| *number);
        recent.into_iter().map(|(_, trace)| trace).collect()
    }

    /// Counts a request that ended before it was made.
    pub(crate) fn refuse(&self) {
        self.endings.count(Ending::Refused, None);
    }

    /// Keeps a request that failed or was incomplete.
    pub(crate) fn remember(&self, trouble: TroubledRequest) {
        let mut troubles = self.troubles.lock();
        if troubles.len() == TROUBLES {
            troubles.pop_front();
        }
        troubles.push_back(trouble);
    }

    pub(crate) fn troubles(&self) -> Vec<TroubledRequest> {
        self.troubles.lock().iter().cloned().collect()
    }

    pub(super) fn close_all(&self) {
        for ticket in self.list() {
            ticket.close();
        }
    }
}
