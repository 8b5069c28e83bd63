//! The state that the asker and the calls of an open request share.

use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Request;
use super::parts::{Parts, Stage};
use super::recent::Trace;
use super::rule::Rule;
use super::state::{Closed, Lost, State};
use crate::engine::{Candidate, Invocation, Mailbox, Pending};
use crate::event::{Delivery, TypeInfo};
use crate::outcome::End;
use crate::registry::{Core, Phase, Requests};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, discard};

/// One open request, shared by the asker's future and every call made of it.
pub(super) struct Exchange<Q: Request> {
    pub(super) core: Arc<Core>,
    /// The handler invocation or component that asks, if known.
    pub(super) asker: Option<Arc<Invocation>>,
    pub(super) began: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) rule: Rule,
    /// The call site, if the call blocks.
    pub(super) blocking_at: Option<&'static Location<'static>>,
    /// The responders' times, if requests are traced. Its lock is taken alone, or while the state's
    /// lock is held.
    pub(super) trace: Option<Box<Trace>>,
    /// Set together with the state's `end`, under the lock.
    ended: AtomicBool,
    pub(super) state: Mutex<State<Q::Response>>,
}

impl<Q: Request> Exchange<Q> {
    // Always inlined, so that it is constructed in place.
    #[inline(always)]
    pub(super) fn new(
        core: Arc<Core>,
        asker: Option<Arc<Invocation>>,
        began: Instant,
        deadline: Option<Instant>,
        rule: Rule,
        blocking_at: Option<&'static Location<'static>>,
        parts: Parts<Q::Response>,
    ) -> Self {
        let (ended, state) = (AtomicBool::new(false), Mutex::new(State::new(parts)));
        let trace = core.requests.traces.load(Ordering::Relaxed).then(Box::default);
        Self { core, asker, began, deadline, rule, blocking_at, trace, ended, state }
    }

    /// Returns the asker's waker if the asker has a decision to make. With a predicate it always
    /// has. A nested request must decide, whenever it loses a candidate, whether that closes a
    /// cycle.
    pub(super) fn waker(&self, state: &mut State<Q::Response>, lost: Lost) -> Option<Waker> {
        state.recheck |= lost == Lost::Candidate && self.nested().is_some();
        let decides = self.rule == Rule::Until || state.recheck;
        if decides || state.decided(self.rule).is_some() { state.waker.take() } else { None }
    }

    /// The asking invocation, if the request is nested.
    pub(super) fn nested(&self) -> Option<&Arc<Invocation>> {
        self.asker.as_ref().filter(|asker| asker.is_handling())
    }

    /// What the request still waits for.
    pub(super) fn pending(&self) -> Pending {
        let registry = self.core.registry();
        let state = self.state.lock();
        let responders = registry.find(TypeInfo::of::<Q>()).map(|entry| &entry.responders);
        let by_name = |name: &str| {
            let all = responders.into_iter().flat_map(|all| all.mailboxes());
            let present: Vec<_> = all.filter(|it| *it.settings.name == *name).cloned().collect();
            match registry.phase {
                Phase::Buffering if present.is_empty() => vec![Candidate::Unknown],
                _ => present.into_iter().map(Candidate::Queued).collect(),
            }
        };
        let by_number = |mailbox: u64| match registry.listeners.get(&mailbox) {
            Some(listener) => Candidate::Queued(Arc::clone(&listener.mailbox)),
            None => Candidate::Unknown,
        };
        let parts = state.candidates(|name, responder| match responder.stage {
            Stage::Waiting => Some(by_name(name)),
            Stage::Queued => Some(vec![by_number(responder.mailbox)]),
            Stage::Handling => Some(vec![Candidate::Handling(responder.mailbox)]),
            _ => None,
        });
        // The predicate may accept an answer that it has not been called with yet.
        let undecided = self.rule == Rule::Until && state.rejected < state.responded;
        let ends = state.end.is_some() || registry.phase == Phase::Closed;
        let needs =
            if ends || undecided { 0 } else { self.rule.needs(state.responded, parts.len()) };
        Pending { needs, parts }
    }

    /// Ends the request for its asker and takes its contents.
    pub(super) fn end(&self, state: &mut State<Q::Response>, end: End) -> Closed<Q::Response> {
        self.refuse_answers(state, end);
        state.close()
    }

    pub(super) fn refuse_answers(&self, state: &mut State<Q::Response>, end: End) {
        state.end.get_or_insert(end);
        // Ordering: Release pairs with the Acquire in `is_open`.
        self.ended.store(true, Ordering::Release);
    }

    /// Whether an answer would still count.
    pub(super) fn is_open(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `refuse_answers`: the asker's earlier writes
        // are visible.
        !self.ended.load(Ordering::Acquire)
    }

    /// Records that the responder took the request from its queue. Returns its index.
    pub(super) fn take(&self, responder: &Mailbox) -> usize {
        let mut state = self.state.lock();
        let place = state.place(responder.id);
        if let Some(responder) = state.responder(place) {
            responder.stage = Stage::Handling;
        }
        drop(state);
        if self.trace.is_some() {
            self.note_taken(responder);
        }
        place
    }

    /// Records the responder's answer.
    pub(super) fn answer(&self, place: usize, name: &Arc<str>, answer: Delivery<Q::Response>) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            drop(state);
            discard(answer);
            return self.count(|requests| &requests.late);
        }
        let part = state.part_of(place);
        if part.is_none() {
            state.set_stage(place, Stage::Responded);
            state.unexpected.push((Arc::clone(name), answer));
            return;
        }
        let arrival = state.responded;
        let Some(part) = part.and_then(|part| state.parts.get_mut(part)) else { return };
        if part.answer.is_some() {
            drop(state);
            discard(answer);
            return self.count(|requests| &requests.duplicate);
        }
        part.answer = Some((arrival, answer));
        state.responded += 1;
        state.pending -= 1;
        let lost = if self.rule == Rule::Until { Lost::Candidate } else { Lost::Nothing };
        let waker = self.waker(&mut state, lost);
        drop(state);
        wake(waker);
    }

    /// Counts a discarded answer.
    pub(super) fn count(&self, counter: impl FnOnce(&Requests) -> &AtomicU64) {
        counter(&self.core.requests).fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a responder is done. The index belongs to an open request.
    pub(super) fn set_stage(&self, place: impl FnOnce(&State<Q::Response>) -> usize, stage: Stage) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return;
        }
        let place = place(&state);
        let lost = state.set_stage(place, stage);
        let waker = self.waker(&mut state, lost);
        drop(state);
        wake(waker);
    }
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        crate::sync::wake(|| waker.wake());
    }
}
