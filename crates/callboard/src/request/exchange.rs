//! One open request: its slots, its answers, and who waits for them.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use super::Request;
use crate::engine::{Assigned, Link, Ticket, TicketStatus};
use crate::event::{Delivery, TypeInfo};
use crate::outcome::{End, Outcome};
use crate::overflow::DropReason;
use crate::registry::{Core, Requests};
use crate::sync::{AtomicU64, Mutex, Ordering, discard, isolate};

/// One open request, shared by the asker's future and every call made of it.
pub(super) struct Exchange<Q: Request> {
    pub(super) core: Weak<Core>,
    /// The calls that the asker was handling.
    pub(super) ancestry: Option<Arc<Link>>,
    pub(super) began: Instant,
    pub(super) deadline: Option<Instant>,
    /// How many expected responders must answer; more than there are if a predicate decides.
    pub(super) needed: usize,
    pub(super) state: Mutex<State<Q::Response>>,
}

/// What the lock of an exchange guards.
pub(super) struct State<R: 'static> {
    /// A slot per expected name, then one for each responder that is another's namesake or was
    /// not expected.
    slots: Vec<Slot>,
    /// How many of the slots are the expected names'.
    expected: usize,
    /// The bus is done with it: its responders have it, or the buffer was full.
    pub(super) dispatched: bool,
    /// The request's number; 0 until it was accepted.
    pub(super) sequence: u64,
    /// The names that have answered: another answer by one of them is a duplicate.
    answered: Vec<Arc<str>>,
    /// Answers of expected responders that the asker has not fetched.
    pub(super) answers: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) end: Option<End>,
    pub(super) waker: Option<Waker>,
}

/// One responder's part.
#[derive(Debug)]
struct Slot {
    /// 0 until a responder of the name has the request.
    mailbox: u64,
    name: Arc<str>,
    stage: Stage,
}

/// Where one responder's part stands. The order is that of hope: of two responders with one name
/// the more hopeful stage counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    NoSuchResponder,
    Full,
    Abandoned,
    Declined(Arc<str>),
    /// For the start.
    Waiting,
    Queued,
    Handling,
    Responded,
}

impl<R: 'static> State<R> {
    pub(super) fn new(expected: &[Arc<str>]) -> Self {
        let slot = |name: &Arc<str>| Slot { mailbox: 0, name: name.clone(), stage: Stage::Waiting };
        Self {
            slots: expected.iter().map(slot).collect(),
            expected: expected.len(),
            dispatched: false,
            sequence: 0,
            answered: Vec::new(),
            answers: Vec::new(),
            unexpected: Vec::new(),
            end: None,
            waker: None,
        }
    }

    fn assign(&mut self, responders: &[Assigned]) {
        self.dispatched = true;
        for Assigned { mailbox, name } in responders {
            let of_name = |slot: &&mut Slot| slot.mailbox == 0 && slot.name == *name;
            match self.slots[..self.expected].iter_mut().find(of_name) {
                Some(slot) => (slot.mailbox, slot.stage) = (*mailbox, Stage::Queued),
                None => {
                    let (mailbox, name) = (*mailbox, Arc::clone(name));
                    self.slots.push(Slot { mailbox, name, stage: Stage::Queued });
                }
            }
        }
        self.give_up_waiting(&Stage::NoSuchResponder);
    }

    /// The buffer was full: nobody will get it.
    pub(super) fn refuse(&mut self) {
        self.dispatched = true;
        self.give_up_waiting(&Stage::Full);
    }

    fn give_up_waiting(&mut self, stage: &Stage) {
        for slot in self.slots.iter_mut().filter(|slot| slot.stage == Stage::Waiting) {
            slot.stage = stage.clone();
        }
    }

    /// It never left the buffer, and these responders are all there are.
    pub(super) fn give_up_on_absent(&mut self, present: &[Assigned]) {
        let absent =
            |slot: &&mut Slot| !present.iter().any(|responder| responder.name == slot.name);
        for slot in self.slots.iter_mut().filter(absent) {
            slot.stage = Stage::NoSuchResponder;
        }
    }

    /// The expected names with their stages.
    fn stages(&self) -> impl Iterator<Item = (&Arc<str>, &Stage)> {
        self.slots[..self.expected].iter().map(|slot| {
            let namesakes =
                self.slots[self.expected..].iter().filter(|other| other.name == slot.name);
            (&slot.name, namesakes.map(|other| &other.stage).fold(&slot.stage, Ord::max))
        })
    }

    /// How many expected responders have answered, and how many still may.
    pub(super) fn tally(&self) -> (usize, usize) {
        let responded = self.stages().filter(|(_, stage)| **stage == Stage::Responded).count();
        let hopeful = self.stages().filter(|(_, stage)| **stage >= Stage::Waiting).count();
        (responded, hopeful - responded)
    }

    /// Every expected responder's outcome, if the request ended like this.
    pub(super) fn outcomes(&self, end: End) -> Vec<(Arc<str>, Outcome)> {
        let outcome = |stage: &Stage| match stage {
            Stage::NoSuchResponder => Outcome::NoSuchResponder,
            Stage::Full => Outcome::QueueFull,
            Stage::Abandoned => Outcome::Abandoned,
            Stage::Declined(reason) => Outcome::Declined(Arc::clone(reason)),
            Stage::Responded => Outcome::Responded,
            _ if end != End::TimedOut => Outcome::NotAwaited,
            Stage::Waiting | Stage::Queued => Outcome::TimedOutQueued,
            Stage::Handling => Outcome::TimedOutHandling,
        };
        self.stages().map(|(name, stage)| (Arc::clone(name), outcome(stage))).collect()
    }

    /// The responders that have the request queued.
    pub(super) fn queued(&self) -> Vec<u64> {
        let queued = self.slots.iter().filter(|slot| slot.stage == Stage::Queued);
        queued.map(|slot| slot.mailbox).collect()
    }

    fn slot_of(&mut self, mailbox: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.mailbox == mailbox)
    }

    /// The asker's waker, if it has something to decide: with a predicate, always.
    fn wake_if_decided(&mut self, needed: usize) -> Option<Waker> {
        let (responded, pending) = self.tally();
        let decided = responded >= needed || responded + pending < needed;
        if decided { self.waker.take() } else { None }
    }
}

impl<Q: Request> Exchange<Q> {
    /// Frees the answers that nobody will fetch.
    pub(super) fn discard_answers(&self) {
        let mut state = self.state.lock();
        let answers = std::mem::take(&mut state.answers);
        let unexpected = std::mem::take(&mut state.unexpected);
        drop(state);
        answers.into_iter().chain(unexpected).for_each(discard);
    }

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
        let open = state.end.is_none();
        let Some(slot) = state.slot_of(mailbox) else {
            return;
        };
        let name = Arc::clone(&slot.name);
        if open {
            slot.stage = Stage::Responded;
        }
        let expected = state.slots[..state.expected].iter().any(|slot| slot.name == name);
        let duplicate = state.answered.contains(&name);
        if !open {
            drop(state);
            discard(answer);
            self.count(|requests| &requests.late);
        } else if !expected {
            state.unexpected.push((name, answer));
        } else if duplicate {
            drop(state);
            discard(answer);
            self.count(|requests| &requests.duplicate);
        } else {
            state.answered.push(Arc::clone(&name));
            state.answers.push((name, answer));
            let waker = state.wake_if_decided(self.needed);
            drop(state);
            wake(waker);
        }
    }

    /// Counts an answer that went nowhere.
    pub(super) fn count(&self, counter: impl FnOnce(&Requests) -> &AtomicU64) {
        if let Some(core) = self.core.upgrade() {
            counter(&core.requests).fetch_add(1, Ordering::Relaxed);
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
        let waker = state.wake_if_decided(self.needed);
        drop(state);
        wake(waker);
    }
}

impl<Q: Request> Drop for Exchange<Q> {
    fn drop(&mut self) {
        self.discard_answers();
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
        state.sequence = sequence;
        state.assign(responders);
        state.wake_if_decided(self.needed)
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

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
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
