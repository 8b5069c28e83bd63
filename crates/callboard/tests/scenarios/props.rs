//! The events of the scenarios. Each is counted when it is made and when it is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard::{Bus, Coalesce, Event, Request};

/// Which events are alive, and what went wrong where a panic would be fenced in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    alive: BTreeMap<u64, bool>,
    faults: Vec<String>,
}

/// Stands in an event, and says when it is dropped.
#[derive(Debug)]
pub(crate) struct Token {
    tally: Tally,
    id: u64,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn token(&self) -> Token {
        let mut counts = self.counts();
        let id = counts.alive.len() as u64;
        counts.alive.insert(id, true);
        Token { tally: self.clone(), id }
    }

    /// Notes what a handler or a destructor found.
    pub(crate) fn fault(&self, fault: impl Into<String>) {
        self.counts().faults.push(fault.into());
    }

    /// The scenario is over: its bus is the last thing that may hold an event.
    ///
    /// # Panics
    ///
    /// If a fault was noted, an account does not balance or waits, or an event is still alive.
    pub(crate) fn settle(&self, bus: Bus) {
        let snapshot = bus.snapshot();
        assert!(snapshot.balances(), "an account does not balance: {snapshot:#?}");
        assert!(snapshot.requests.open.is_empty(), "a request is left open: {snapshot:#?}");
        assert!(snapshot.subscribers.is_empty(), "a subscription is left: {snapshot:#?}");
        for account in &snapshot.types {
            let waits = account.ledger.queued + account.buffered.queued;
            assert_eq!(waits, 0, "an event waits for nobody: {account:#?}");
        }
        drop(bus);
        let counts = self.counts();
        assert!(counts.faults.is_empty(), "{:?}", counts.faults);
        let left: Vec<_> = counts.alive.iter().filter(|it| *it.1).map(|it| it.0).collect();
        assert!(left.is_empty(), "events {left:?} of {} are left alive", counts.alive.len());
    }
}

impl Token {
    /// The event is read.
    pub(crate) fn read(&self) {
        if self.tally.counts().alive.get(&self.id) != Some(&true) {
            self.tally.fault(format!("event {} is read after it was dropped", self.id));
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let before = self.tally.counts().alive.insert(self.id, false);
        if before != Some(true) {
            self.tally.fault(format!("event {} is dropped twice", self.id));
        }
    }
}

/// The `number`th event of a publisher.
#[derive(Debug, Event)]
pub(crate) struct Note {
    pub(crate) publisher: usize,
    pub(crate) number: usize,
    pub(crate) token: Token,
}

/// A change of one of a few things; newer ones absorb older ones.
#[derive(Debug, Event)]
pub(crate) struct Change {
    pub(crate) key: usize,
    pub(crate) times: usize,
    pub(crate) token: Token,
}

impl Coalesce for Change {
    type Key = usize;

    fn key(&self) -> usize {
        self.key
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        let times = self.times + older.times;
        Some(Self { key: self.key, times, token: self.token.tally.token() })
    }
}

/// Kept for those who come later.
#[derive(Debug, Event)]
#[event(retain)]
pub(crate) struct Leader {
    pub(crate) number: usize,
    pub(crate) token: Token,
}

#[derive(Debug, Event)]
pub(crate) struct Answer {
    pub(crate) depth: usize,
    pub(crate) token: Token,
}

/// `depth` says how many questions led to it.
#[derive(Debug, Request)]
#[request(response = Answer)]
pub(crate) struct Question {
    pub(crate) depth: usize,
    pub(crate) token: Token,
}

/// What has to be asked before a question can be answered.
#[derive(Debug, Request)]
#[request(response = Answer)]
pub(crate) struct Consult {
    pub(crate) depth: usize,
    pub(crate) token: Token,
}
