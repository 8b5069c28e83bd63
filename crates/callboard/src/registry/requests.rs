//! The requests that are open, and what came of those that ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::endings::{Ending, Endings};
use crate::engine::Ticket;
use crate::outcome::TroubledRequest;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The requests that are open, and what came of those that ended.
#[derive(Default)]
pub(crate) struct Requests {
    open: Mutex<Open>,
    pub(crate) endings: Endings,
    /// Answers that came after their request had ended.
    pub(crate) late: AtomicU64,
    /// Answers by a responder of a name that had answered already.
    pub(crate) duplicate: AtomicU64,
    /// Requests that ended, whatever their end.
    pub(crate) ended: AtomicU64,
    /// The last requests that did not get what they wanted, newest last.
    troubles: Mutex<VecDeque<TroubledRequest>>,
}

/// How many troubled requests are remembered.
const TROUBLES: usize = 16;

/// The open requests, in slots that are used again.
#[derive(Default)]
struct Open {
    /// Each with its number in the order of opening.
    slots: Vec<Option<(u64, Arc<dyn Ticket>)>>,
    free: Vec<usize>,
    opened: u64,
}

/// An open request's place among the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(usize);

/// With more slots than this, they are given up once no request is open.
const KEPT_SLOTS: usize = 64;

impl Requests {
    /// Enters a request among the open ones.
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

    /// The request has ended.
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
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// The open requests, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<dyn Ticket>> {
        let mut entries: Vec<_> = self.open.lock().slots.iter().flatten().cloned().collect();
        entries.sort_unstable_by_key(|(number, _)| *number);
        entries.into_iter().map(|(_, ticket)| ticket).collect()
    }

    /// A request ended before it was made.
    pub(crate) fn refuse(&self) {
        self.endings.count(Ending::Refused, None);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// A request did not get what it wanted.
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
