//! One open request: its parts, its answers, and who waits for them.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Request;
use super::parts::{Parts, Player, Stage};
use super::rule::Rule;
use crate::engine::{Invocation, Mailbox};
use crate::event::Delivery;
use crate::outcome::{End, Outcome};
use crate::registry::{Core, Requests};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, discard, isolate};

/// One open request, shared by the asker's future and every call made of it.
pub(super) struct Exchange<Q: Request> {
    pub(super) core: Arc<Core>,
    /// The invocation that asks, if the request is a nested one.
    pub(super) asker: Option<Arc<Invocation>>,
    pub(super) began: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) rule: Rule,
    /// Set, under the lock, with the state's `end`.
    ended: AtomicBool,
    pub(super) state: Mutex<State<Q::Response>>,
}

/// What the lock of an exchange guards.
pub(super) struct State<R: 'static> {
    /// Those that are expected; empty once the asker has them.
    pub(super) parts: Parts<R>,
    /// Responders that are another's namesake, were not expected, or have the request queued when
    /// it ends. Their places follow those of the parts.
    pub(super) others: Vec<Other>,
    /// How many parts have an answer, and how many others still may get one.
    pub(super) responded: usize,
    pub(super) pending: usize,
    /// The bus is done with it: its responders have it, or the buffer was full.
    pub(super) dispatched: bool,
    /// The most responders that the wait-for graph has counted on before that.
    pub(super) sighted: usize,
    /// Who could have answered, if the bus closed with the request in its buffer.
    pub(super) stranded: Option<Vec<Arc<str>>>,
    /// The request's number; 0 until it was accepted.
    pub(super) sequence: u64,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) end: Option<End>,
    /// The circle of waiting responders that the request closes: it fails.
    pub(super) cycle: Option<Vec<String>>,
    /// Somebody who might have answered will not: a nested request may now be in a circle.
    pub(super) recheck: bool,
    pub(super) waker: Option<Waker>,
}

/// What a request held when it ended.
pub(super) struct Closed<R: 'static> {
    pub(super) parts: Parts<R>,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) waker: Option<Waker>,
    /// The bus may hold the request somewhere, in its buffer or in a queue.
    pub(super) queued: bool,
}

/// What a request lost by the step that its asker may have to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Nothing,
    /// Somebody who might have answered will not.
    Candidate,
}

/// A responder without a part of its own.
pub(super) struct Other {
    pub(super) player: Player,
    /// The place of the part whose name it has.
    pub(super) namesake: Option<usize>,
}

impl<R: 'static> State<R> {
    fn new(parts: Parts<R>) -> Self {
        Self {
            others: Vec::new(),
            responded: 0,
            pending: parts.len(),
            parts,
            dispatched: false,
            sighted: 0,
            stranded: None,
            sequence: 0,
            unexpected: Vec::new(),
            end: None,
            cycle: None,
            recheck: false,
            waker: None,
        }
    }

    /// Returns whether any that were expected, or counted on, are absent.
    pub(super) fn assign(&mut self, responders: &mut dyn Iterator<Item = &Arc<Mailbox>>) -> Lost {
        self.dispatched = true;
        let (mut next, mut found) = (0, 0);
        for mailbox in responders {
            let name = &mailbox.settings.name;
            let (mailbox, stage) = (mailbox.id, Stage::Queued);
            let player = Player { mailbox, name: Some(Arc::clone(name)), stage };
            // Responders are often named in the order in which they have signed in.
            let place = self.parts.find(name, next);
            next = place.map_or(next, |place| place + 1);
            found += usize::from(place.is_some());
            match place.and_then(|place| self.parts.get_mut(place)) {
                Some(part) if part.player.mailbox == 0 => part.player = player,
                _ => self.others.push(Other { player, namesake: place }),
            }
        }
        let before = self.pending;
        self.give_up_waiting(&Stage::NoSuchResponder);
        let lost = self.pending < before || found < self.sighted;
        if lost { Lost::Candidate } else { Lost::Nothing }
    }

    /// The buffer was full: nobody will get it.
    pub(super) fn refuse(&mut self) {
        self.dispatched = true;
        self.give_up_waiting(&Stage::Full);
    }

    fn give_up_waiting(&mut self, stage: &Stage) {
        for part in self.parts.iter_mut().filter(|part| part.player.stage == Stage::Waiting) {
            part.player.stage = stage.clone();
            self.pending -= 1;
        }
    }

    /// It never left the buffer, and these responders are all there are.
    pub(super) fn give_up_on_absent(&mut self, present: &[Arc<str>]) {
        for place in 0..self.parts.len() {
            let absent = |(name, _): &(&str, _)| !present.iter().any(|other| **other == **name);
            if self.parts.get(place).filter(absent).is_some() {
                self.set_stage(place, Stage::NoSuchResponder);
            }
        }
    }

    /// The stage that counts for a part: if there are namesakes, that of the most hopeful.
    fn stage(&self, place: usize) -> Option<&Stage> {
        let (_, part) = self.parts.get(place)?;
        if part.answer.is_some() {
            return Some(&Stage::Responded);
        }
        let namesakes = self.others.iter().filter(|other| other.namesake == Some(place));
        Some(namesakes.map(|other| &other.player.stage).fold(&part.player.stage, Ord::max))
    }

    /// Every expected responder's outcome, if the time were over. `present` are the responders
    /// there are while the request waits for the start.
    pub(super) fn outcomes(&self, present: &[Arc<str>]) -> Vec<(Arc<str>, Outcome)> {
        let is_absent = |name: &str| !present.iter().any(|other| **other == *name);
        let outcome = |place, name: &str| {
            let stage = self.stage(place)?;
            let absent = *stage == Stage::Waiting && is_absent(name);
            Some(if absent { Outcome::NoSuchResponder } else { stage.outcome(End::TimedOut) })
        };
        let named = self.parts.named().enumerate();
        named.filter_map(|(place, (name, _))| Some((name.into(), outcome(place, name)?))).collect()
    }

    /// The mailboxes of the responders that have the request queued.
    pub(super) fn queued(&self) -> impl Iterator<Item = u64> {
        let players = self.parts.players().chain(self.others.iter().map(|other| &other.player));
        players.filter(|player| player.stage == Stage::Queued).map(|player| player.mailbox)
    }

    /// The place of a responder.
    pub(super) fn place(&self, mailbox: u64) -> usize {
        let of_part = self.parts.players().position(|player| player.mailbox == mailbox);
        of_part.unwrap_or_else(|| {
            let place = self.others.iter().position(|other| other.player.mailbox == mailbox);
            self.parts.len() + place.unwrap_or(self.others.len())
        })
    }

    fn player(&mut self, place: usize) -> Option<&mut Player> {
        let expected = self.parts.len();
        if place < expected {
            return self.parts.get_mut(place).map(|part| &mut part.player);
        }
        self.others.get_mut(place - expected).map(|other| &mut other.player)
    }

    /// The place of the part that a responder's answer would be for.
    fn part_of(&self, place: usize) -> Option<usize> {
        match place.checked_sub(self.parts.len()) {
            None => Some(place),
            Some(other) => self.others.get(other)?.namesake,
        }
    }

    fn set_stage(&mut self, place: usize, stage: Stage) {
        let part = self.part_of(place);
        let is_hopeful =
            |state: &Self| part.and_then(|part| state.stage(part)).is_some_and(Stage::is_hopeful);
        let before = is_hopeful(self);
        if let Some(player) = self.player(place) {
            player.stage = stage;
        }
        // No responder that is done with a request gets it again: hope does not come back.
        if before && !is_hopeful(self) {
            self.pending -= 1;
        }
    }

    /// How many expected responders have answered.
    pub(super) fn responded(&self) -> usize {
        self.responded
    }

    /// How the request ends by this rule, if that is certain.
    pub(super) fn decided(&self, rule: Rule) -> Option<End> {
        rule.decided(self.responded, self.pending)
    }

    /// Gives each part the stage that counts for it, and keeps a list of those who may still take
    /// the request.
    fn settle(&mut self) {
        let queued = self.parts.players().filter(|player| player.stage == Stage::Queued).cloned();
        let queued: Vec<_> = queued.map(|player| Other { player, namesake: None }).collect();
        for place in 0..self.parts.len() {
            let stage = self.stage(place).cloned();
            if let (Some(stage), Some(part)) = (stage, self.parts.get_mut(place)) {
                part.player.stage = stage;
            }
        }
        self.others.extend(queued);
    }

    /// Takes everything out; each part has the stage that counts for it.
    fn close(&mut self) -> Closed<R> {
        if self.responded < self.parts.len() || !self.others.is_empty() {
            self.settle();
        }
        Closed {
            parts: std::mem::replace(&mut self.parts, Parts::new()),
            unexpected: std::mem::take(&mut self.unexpected),
            waker: self.waker.take(),
            queued: !self.dispatched || self.queued().next().is_some(),
        }
    }
}

impl<Q: Request> Exchange<Q> {
    pub(super) fn new(
        core: Arc<Core>,
        asker: Option<Arc<Invocation>>,
        began: Instant,
        deadline: Option<Instant>,
        rule: Rule,
        parts: Parts<Q::Response>,
    ) -> Self {
        let (ended, state) = (AtomicBool::new(false), Mutex::new(State::new(parts)));
        Self { core, asker, began, deadline, rule, ended, state }
    }

    /// The asker's waker, if it has something to decide. With a predicate it always has. A nested
    /// request has something to decide whenever a candidate is lost: whether that closes a circle.
    pub(super) fn waker(&self, state: &mut State<Q::Response>, lost: Lost) -> Option<Waker> {
        state.recheck |=
            self.asker.is_some() && (lost == Lost::Candidate || self.rule == Rule::Until);
        let decides = self.rule == Rule::Until || state.recheck;
        if decides || state.decided(self.rule).is_some() { state.waker.take() } else { None }
    }

    /// Ends the request, for its asker, and takes everything out of it.
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
        // Ordering: Acquire pairs with the Release in `refuse_answers`: what the asker did before is seen.
        !self.ended.load(Ordering::Acquire)
    }

    /// The responder takes the request from its queue. Returns its place and its name.
    pub(super) fn take(&self, mailbox: u64) -> (usize, Arc<str>) {
        let mut state = self.state.lock();
        let place = state.place(mailbox);
        let name = state.player(place).and_then(|player| {
            player.stage = Stage::Handling;
            player.name.take()
        });
        (place, name.unwrap_or_default())
    }

    /// The responder answers.
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
        let waker = self.waker(&mut state, Lost::Nothing);
        drop(state);
        wake(waker);
    }

    /// Counts an answer that went nowhere.
    pub(super) fn count(&self, counter: impl FnOnce(&Requests) -> &AtomicU64) {
        counter(&self.core.requests).fetch_add(1, Ordering::Relaxed);
    }

    /// The responder declines.
    pub(super) fn decline(&self, place: usize, reason: Arc<str>) {
        self.set_stage(|_| place, Stage::Declined(reason));
    }

    /// The responder dropped its call.
    pub(super) fn abandon(&self, place: usize) {
        self.set_stage(|_| place, Stage::Abandoned);
    }

    /// A responder's part is over. Places are those of an open request.
    pub(super) fn set_stage(&self, place: impl FnOnce(&State<Q::Response>) -> usize, stage: Stage) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return;
        }
        let place = place(&state);
        state.set_stage(place, stage);
        let waker = self.waker(&mut state, Lost::Candidate);
        drop(state);
        wake(waker);
    }
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        isolate("a waker", || waker.wake());
    }
}
