//! The requests that are open, and what came of those that ended.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use crate::engine::Ticket;
use crate::outcome::TroubledRequest;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The requests that are open, and what came of those that ended.
#[derive(Default)]
pub(crate) struct Requests {
    open: Mutex<HashMap<u64, Weak<dyn Ticket>>>,
    next: AtomicU64,
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

impl Requests {
    /// Enters a request among the open ones.
    pub(crate) fn open(&self, ticket: Weak<dyn Ticket>) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(id, ticket);
        id
    }

    /// The request has ended.
    pub(crate) fn end(&self, id: u64) {
        let ticket = self.open.lock().remove(&id);
        if ticket.is_some() {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The open requests, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<dyn Ticket>> {
        let open = self.open.lock();
        let mut tickets: Vec<_> =
            open.iter().filter_map(|(id, ticket)| Some((*id, ticket.upgrade()?))).collect();
        drop(open);
        tickets.sort_by_key(|(id, _)| *id);
        tickets.into_iter().map(|(_, ticket)| ticket).collect()
    }

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
