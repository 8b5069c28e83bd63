//! The wait-for graph of nested requests, in which a circle is a deadlock.
//!
//! ```text
//!   invocation ──asked──► request ──expects──► responder ──busy with──► invocation ──► …
//! ```
//!
//! A nested request is one that was made while an event or a call was handled: that invocation
//! waits for it. Only invocations that wait are known here, so an ordinary request costs nothing.
//! The graph is built from them when a circle can have come about:
//!
//! - when a nested request is made, before it is sent;
//! - when a nested request loses a candidate for an answer (declined, abandoned, left, no room),
//!   or a predicate has rejected an answer;
//! - when an invocation that waited for several requests has one of them ended.
//!
//! A call that is taken from its queue can close no circle: its responder was not stuck.
//!
//! Who is stuck is found as in any AND-OR graph (the OR and k-of-n models of Knapp, "Deadlock
//! detection in distributed databases", 1987): everything that can still make progress is marked
//! until nothing more can be, and what is left waits for ever.
//!
//! - An invocation makes progress if one of its requests does: its handler may be waiting for any
//!   of them.
//! - A request does if as many candidates as it needs do, or if it is about to end without them.
//! - A responder does if fewer of its invocations than it handles at once are stuck, or if it
//!   sleeps for its next event, whatever it said of itself.
//!
//! If the request that was looked at is stuck, a shortest circle through it is the deadlock; the
//! youngest request in it fails, with the names of the whole circle.

mod graph;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::engine::{Invocation, Ticket};
use crate::sync::{Mutex, discard, process_wide};
use graph::Graph;

process_wide! {
    /// All waits of the process: a chain of nested requests may cross buses. This lock is taken
    /// before every other.
    static WAITS: Mutex<Waits> = Mutex::new(Waits::new());
}

/// The invocations that wait, by the subscription that took their event and by their address.
struct Waits {
    by_mailbox: BTreeMap<u64, BTreeMap<usize, Waiter>>,
    /// How many nested requests there have been.
    begun: u64,
}

/// An invocation, and the requests that it waits for: at least one.
struct Waiter {
    invocation: Arc<Invocation>,
    requests: Vec<Asked>,
}

/// An open nested request.
#[derive(Clone)]
struct Asked {
    asker: Arc<Invocation>,
    /// Its number in the order of opening.
    number: u64,
    ticket: Weak<dyn Ticket>,
}

/// An open nested request's place in the graph, given up when dropped.
pub(super) struct Wait(Asked);

impl Wait {
    /// The request is about to be sent; `None` if it is no nested one.
    ///
    /// # Errors
    ///
    /// The names of the circle, if it would close one.
    pub(super) fn begin(ticket: &Arc<dyn Ticket>) -> Result<Option<Self>, Vec<String>> {
        let Some(asker) = ticket.asker() else {
            return Ok(None);
        };
        let mut waits = WAITS.lock();
        waits.begun += 1;
        let asked = Asked { asker, number: waits.begun, ticket: Arc::downgrade(ticket) };
        waits.add(asked.clone());
        let graph = Graph::of(&waits, &asked);
        let circle = graph.circle();
        if circle.is_some() {
            // There was none before, so this is the youngest request in it.
            waits.remove(&asked);
        }
        drop(waits);
        let chain = circle.map(|circle| circle.names());
        drop(graph);
        match chain {
            None => Ok(Some(Self(asked))),
            Some(chain) => Err(chain),
        }
    }

    /// The request has lost a candidate.
    pub(super) fn recheck(&self) {
        self.0.recheck();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let others = WAITS.lock().remove(&self.0);
        // The asker waits for these still, and perhaps for nothing that could make progress; or it
        // is about to drop them.
        let others = others.iter().filter_map(|other| other.ticket.upgrade());
        others.for_each(|ticket| {
            ticket.reconsider();
            discard(ticket);
        });
    }
}

impl Asked {
    /// Fails the youngest request of each circle that this one is in.
    fn recheck(&self) {
        loop {
            let mut waits = WAITS.lock();
            if !waits.has(self) {
                // Another check has failed it.
                return;
            }
            let graph = Graph::of(&waits, self);
            let Some(circle) = graph.circle() else {
                drop(waits);
                return;
            };
            let (victim, ticket) = circle.youngest();
            // Without it the circle is open, also before its asker has given it up.
            waits.remove(&victim);
            drop(waits);
            ticket.fail(circle.names());
            if victim.number == self.number {
                return;
            }
        }
    }
}

impl Waits {
    const fn new() -> Self {
        Self { by_mailbox: BTreeMap::new(), begun: 0 }
    }

    fn add(&mut self, asked: Asked) {
        let waiters = self.by_mailbox.entry(asked.asker.mailbox).or_default();
        let waiter = waiters.entry(address(&asked.asker)).or_insert_with(|| {
            let invocation = Arc::clone(&asked.asker);
            Waiter { invocation, requests: Vec::new() }
        });
        waiter.requests.push(asked);
    }

    fn has(&self, asked: &Asked) -> bool {
        let waiters = self.by_mailbox.get(&asked.asker.mailbox);
        let waiter = waiters.and_then(|waiters| waiters.get(&address(&asked.asker)));
        waiter.is_some_and(|it| it.requests.iter().any(|other| other.number == asked.number))
    }

    /// Removes a request, if it is there. Returns the others that its asker waits for.
    fn remove(&mut self, asked: &Asked) -> Vec<Asked> {
        let mailbox = asked.asker.mailbox;
        let Some(waiters) = self.by_mailbox.get_mut(&mailbox) else {
            return Vec::new();
        };
        let Some(waiter) = waiters.get_mut(&address(&asked.asker)) else {
            return Vec::new();
        };
        waiter.requests.retain(|other| other.number != asked.number);
        let others = waiter.requests.clone();
        if others.is_empty() {
            waiters.remove(&address(&asked.asker));
        }
        if waiters.is_empty() {
            self.by_mailbox.remove(&mailbox);
        }
        others
    }

    /// The invocations of a subscription that wait.
    fn of(&self, mailbox: u64) -> impl ExactSizeIterator<Item = &Waiter> {
        static NONE: BTreeMap<usize, Waiter> = BTreeMap::new();
        self.by_mailbox.get(&mailbox).unwrap_or(&NONE).values()
    }
}

fn address(invocation: &Arc<Invocation>) -> usize {
    Arc::as_ptr(invocation).addr()
}
