//! One open request: its slots, its answers, and who waits for them.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use super::Request;
use crate::engine::{Assigned, Link, Ticket, TicketStatus};
use crate::event::{Delivery, Payload, TypeInfo};
use crate::outcome::{End, Outcome};
use crate::overflow::DropReason;
use crate::registry::Core;
use crate::sync::{Mutex, Ordering, isolate};

/// One open request, shared by the asker's future and every call made of it.
pub(super) struct Exchange<Q: Request> {
    pub(super) core: Weak<Core>,
    pub(super) question: Arc<Q>,
    /// The calls that the asker was handling.
    pub(super) ancestry: Option<Arc<Link>>,
    pub(super) began: Instant,
    pub(super) deadline: Option<Instant>,
    /// How many expected responders must answer; more than there are if a predicate decides.
    pub(super) needed: usize,
    pub(super) state: Mutex<State<Q::Response>>,
}

/// What the lock of an exchange guards.
pub(super) struct State<R> {
    /// Expected names, each once, in the order in which they were named.
    pub(super) expected: Vec<Arc<str>>,
    /// The request's number; 0 until it was accepted.
    pub(super) sequence: u64,
    pub(super) dispatch: Dispatch,
    slots: Vec<Slot>,
    /// Answers of expected responders that the asker has not fetched.
    pub(super) answers: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) end: Option<End>,
    pub(super) waker: Option<Waker>,
}

/// How far the question has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dispatch {
    /// It waits for the start: responders may still sign in.
    Waiting,
    /// The responders there were have it.
    Done,
    /// The buffer was full.
    Refused,
}

/// One responder's part.
#[derive(Debug)]
struct Slot {
    mailbox: u64,
    name: Arc<str>,
    /// Which of the expected names it is.
    expected: Option<usize>,
    stage: Stage,
}

/// Where one responder's part stands. The order is that of hope: of two responders with one name
/// the more hopeful stage counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Full,
    Abandoned,
    Declined(Arc<str>),
    Queued,
    Handling,
    Responded,
}

/// Whether more can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) responded: usize,
    /// Expected responders that may still answer.
    pub(super) pending: usize,
}

impl<R> State<R> {
    pub(super) fn new(expected: Vec<Arc<str>>) -> Self {
        Self {
            expected,
            sequence: 0,
            dispatch: Dispatch::Waiting,
            slots: Vec::new(),
            answers: Vec::new(),
            unexpected: Vec::new(),
            end: None,
            waker: None,
        }
    }

    fn stage(&self, expected: usize) -> Option<&Stage> {
        self.slots
            .iter()
            .filter(|slot| slot.expected == Some(expected))
            .map(|slot| &slot.stage)
            .max()
    }

    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally { responded: 0, pending: 0 };
        for expected in 0..self.expected.len() {
            match (self.stage(expected), self.dispatch) {
                (Some(Stage::Responded), _) => tally.responded += 1,
                (Some(Stage::Queued | Stage::Handling), _) | (None, Dispatch::Waiting) => {
                    tally.pending += 1;
                }
                _ => {}
            }
        }
        tally
    }

    /// Every expected responder's outcome, if the request ended like this.
    pub(super) fn outcomes(&self, end: End) -> Vec<(Arc<str>, Outcome)> {
        let timed_out = end == End::TimedOut;
        let outcome = |expected| match (self.stage(expected), self.dispatch) {
            (Some(Stage::Responded), _) => Outcome::Responded,
            (Some(Stage::Declined(reason)), _) => Outcome::Declined(Arc::clone(reason)),
            (Some(Stage::Abandoned), _) => Outcome::Abandoned,
            (Some(Stage::Full), _) | (None, Dispatch::Refused) => Outcome::QueueFull,
            (Some(Stage::Handling), _) if timed_out => Outcome::TimedOutHandling,
            (Some(Stage::Queued), _) if timed_out => Outcome::TimedOutQueued,
            (Some(Stage::Queued | Stage::Handling), _) => Outcome::NotAwaited,
            (None, Dispatch::Done) => Outcome::NoSuchResponder,
            (None, Dispatch::Waiting) if timed_out => Outcome::TimedOutQueued,
            (None, Dispatch::Waiting) => Outcome::NotAwaited,
        };
        self.expected
            .iter()
            .enumerate()
            .map(|(number, name)| (Arc::clone(name), outcome(number)))
            .collect()
    }

    /// The responders that have the request queued.
    pub(super) fn queued(&self) -> Vec<u64> {
        self.slots
            .iter()
            .filter(|slot| slot.stage == Stage::Queued)
            .map(|slot| slot.mailbox)
            .collect()
    }

    fn slot_of(&mut self, mailbox: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.mailbox == mailbox)
    }

    /// The asker's waker, if it has something to decide.
    fn wake_if_decided(&mut self, needed: usize, answered: bool) -> Option<Waker> {
        let tally = self.tally();
        let by_predicate = answered && needed > self.expected.len();
        let decided = tally.responded >= needed || tally.responded + tally.pending < needed;
        if decided || by_predicate || tally.pending == 0 { self.waker.take() } else { None }
    }
}

impl<Q: Request> Exchange<Q> {
    /// The responder takes the request from its queue. Returns its name.
    pub(super) fn take(&self, mailbox: u64) -> Arc<str> {
        let mut state = self.state.lock();
        match state.slot_of(mailbox) {
            Some(slot) => {
                slot.stage = Stage::Handling;
                Arc::clone(&slot.name)
            }
            None => "".into(),
        }
    }

    /// Whether an answer by this responder would still count.
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().end.is_none()
    }

    /// The responder answers.
    pub(super) fn answer(&self, mailbox: u64, answer: Delivery<Q::Response>) {
        let mut state = self.state.lock();
        let Some(slot) = state.slot_of(mailbox) else {
            return;
        };
        let (expected, name) = (slot.expected, Arc::clone(&slot.name));
        slot.stage = Stage::Responded;
        if state.end.is_some() {
            drop(state);
            self.count_late();
            return;
        }
        match expected {
            None => {
                state.unexpected.push((name, answer));
                return;
            }
            Some(_) if state.answers.iter().any(|(other, _)| *other == name) => {
                drop(state);
                if let Some(core) = self.core.upgrade() {
                    core.requests.duplicate.fetch_add(1, Ordering::Relaxed);
                }
                return;
            }
            Some(_) => state.answers.push((name, answer)),
        }
        let waker = state.wake_if_decided(self.needed, true);
        drop(state);
        wake(waker);
    }

    pub(super) fn count_late(&self) {
        if let Some(core) = self.core.upgrade() {
            core.requests.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The responder declines.
    pub(super) fn decline(&self, mailbox: u64, reason: Arc<str>) {
        self.set_stage(mailbox, Stage::Declined(reason));
    }

    /// The responder dropped its call.
    pub(super) fn abandon(&self, mailbox: u64) {
        self.set_stage(mailbox, Stage::Abandoned);
    }

    fn set_stage(&self, mailbox: u64, stage: Stage) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return;
        }
        if let Some(slot) = state.slot_of(mailbox) {
            slot.stage = stage;
        }
        let waker = state.wake_if_decided(self.needed, false);
        drop(state);
        wake(waker);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        isolate("a waker", || waker.wake());
    }
}

impl<Q: Request> Ticket for Exchange<Q> {
    fn assign(&self, sequence: u64, responders: &[Assigned]) -> Option<Waker> {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return None;
        }
        state.sequence = sequence;
        state.dispatch = Dispatch::Done;
        state.slots = responders
            .iter()
            .map(|responder| Slot {
                mailbox: responder.mailbox,
                name: Arc::clone(&responder.name),
                expected: state.expected.iter().position(|name| *name == responder.name),
                stage: Stage::Queued,
            })
            .collect();
        state.wake_if_decided(self.needed, false)
    }

    fn discarded(&self, mailbox: u64, reason: DropReason) {
        match reason {
            DropReason::Full | DropReason::Oldest | DropReason::BufferFull => {
                self.set_stage(mailbox, Stage::Full);
            }
            DropReason::Unsubscribed => self.set_stage(mailbox, Stage::Abandoned),
            DropReason::Closed | DropReason::Coalesced | DropReason::Withdrawn => {}
        }
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.end.get_or_insert(End::Closed);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    fn into_payload(self: Arc<Self>) -> Payload {
        self
    }

    fn status(&self) -> TicketStatus {
        let state = self.state.lock();
        TicketStatus {
            info: TypeInfo::of::<Q>(),
            sequence: (state.sequence != 0).then_some(state.sequence),
            began: self.began,
            deadline: self.deadline,
            outcomes: state.outcomes(End::TimedOut),
        }
    }
}
