//! The wait-for graph of nested requests, in which a cycle is a deadlock.
//!
//! ```text
//!   invocation ──asked──► request ──expects──► responder ──busy with──► invocation ──► …
//! ```
//!
//! A nested request is one made while an event or a call is handled; that invocation waits for it.
//! Only waiting invocations are tracked, so an ordinary request costs nothing. The graph is built
//! from them when a cycle may have formed:
//!
//! - when a nested request is made, before it is sent;
//! - when a nested request loses a candidate for an answer (declined, abandoned, left, no room), or
//!   its predicate rejects an answer;
//! - when a nested request that waited for the start is sent, since its candidates are unknown
//!   until then;
//! - when one of several requests that an invocation waits for ends.
//!
//! Taking a call from its queue can't close a cycle, since its responder was not stuck.
//!
//! Stuck nodes are found as in any AND-OR graph (the OR and k-of-n models of Knapp, "Deadlock
//! detection in distributed databases", 1987): nodes that can still make progress are marked until
//! a fixed point; the unmarked rest waits forever.
//!
//! - An invocation makes progress if one of its requests does: its handler may be waiting for any
//!   of them.
//! - A request does if enough of its candidates do, or if it is about to end without them.
//! - A responder does if fewer of its invocations are stuck than it handles at once, or if it
//!   sleeps for its next event, regardless of its declared concurrency.
//!
//! If the checked request is stuck, a shortest cycle through it is the deadlock; the youngest
//! request in it fails, with the names of the whole cycle. The cycle only passes through answers
//! that can't arrive: an answer with a candidate that makes progress still can. Among several such
//! cycles, the first one counts, in the order in which responders are named, have subscribed and
//! took their events.

mod graph;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::engine::{Invocation, Ticket};
use crate::sync::{Mutex, discard, process_wide};
use graph::Graph;

process_wide! {
    /// All waits of the process, since a chain of nested requests may cross buses. This lock is
    /// taken before every other.
    static WAITS: Mutex<Waits> = Mutex::new(Waits::new());
}

/// The waiting invocations, by the subscription that took their event and by that event.
struct Waits {
    by_mailbox: BTreeMap<u64, BTreeMap<Key, Waiter>>,
    /// The number of nested requests so far.
    begun: u64,
}

/// The sequence number of an invocation's event, and its address in case two share a number.
type Key = (u64, usize);

/// An invocation and the requests that it waits for, of which there is at least one.
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

/// An open nested request's entry in the graph, removed on drop.
pub(super) struct Wait(Asked);

impl Wait {
    /// Registers a request that this invocation is about to send.
    ///
    /// # Errors
    ///
    /// The names of the cycle that the request would close, if any.
    pub(super) fn begin(
        ticket: &Arc<dyn Ticket>,
        asker: &Arc<Invocation>,
    ) -> Result<Self, Vec<String>> {
        let asker = Arc::clone(asker.node());
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
            Some(chain) => Err(chain),
            None => Ok(Self(asked)),
        }
    }

    /// Checks for a cycle after the request lost a candidate.
    pub(super) fn recheck(&self) {
        self.0.recheck();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let others = WAITS.lock().remove(&self.0);
        // The asker still waits for these, perhaps without any that can make progress, or is about
        // to drop them.
        let others = others.iter().filter_map(|other| other.ticket.upgrade());
        others.for_each(|ticket| {
            ticket.reconsider();
            discard(ticket);
        });
    }
}

impl Asked {
    /// Fails the youngest request of each cycle that contains this one.
    fn recheck(&self) {
        loop {
            let mut waits = WAITS.lock();
            if !waits.has(self) {
                // Another check has already failed it.
                return;
            }
            let graph = Graph::of(&waits, self);
            let Some(circle) = graph.circle() else {
                drop(waits);
                return;
            };
            let (victim, ticket) = circle.youngest();
            // Removing it breaks the cycle, even before its asker gives it up.
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
        let waiter = waiters.entry(key(&asked.asker)).or_insert_with(|| {
            let invocation = Arc::clone(&asked.asker);
            Waiter { invocation, requests: Vec::new() }
        });
        waiter.requests.push(asked);
    }

    fn has(&self, asked: &Asked) -> bool {
        let waiters = self.by_mailbox.get(&asked.asker.mailbox);
        let waiter = waiters.and_then(|waiters| waiters.get(&key(&asked.asker)));
        waiter.is_some_and(|it| it.requests.iter().any(|other| other.number == asked.number))
    }

    /// Removes a request, if present. Returns the other requests that its asker waits for.
    fn remove(&mut self, asked: &Asked) -> Vec<Asked> {
        let mailbox = asked.asker.mailbox;
        let Some(waiters) = self.by_mailbox.get_mut(&mailbox) else {
            return Vec::new();
        };
        let Some(waiter) = waiters.get_mut(&key(&asked.asker)) else {
            return Vec::new();
        };
        waiter.requests.retain(|other| other.number != asked.number);
        let others = waiter.requests.clone();
        if others.is_empty() {
            waiters.remove(&key(&asked.asker));
        }
        if waiters.is_empty() {
            self.by_mailbox.remove(&mailbox);
        }
        others
    }

    /// The waiting invocations of a subscription, oldest event first.
    fn of(&self, mailbox: u64) -> impl ExactSizeIterator<Item = &Waiter> {
        static NONE: BTreeMap<Key, Waiter> = BTreeMap::new();
        self.by_mailbox.get(&mailbox).unwrap_or(&NONE).values()
    }
}

fn key(invocation: &Arc<Invocation>) -> Key {
    (invocation.sequence, Arc::as_ptr(invocation).addr())
}
