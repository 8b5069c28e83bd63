//! The state of an open request: its parts, its answers and its asker's waker.

use std::sync::Arc;
use std::task::Waker;

use super::parts::{Parts, ResponderState, Stage};
use super::rule::Rule;
use crate::engine::{Candidate, Mailbox};
use crate::event::Delivery;
use crate::outcome::{End, Outcome};

/// The state guarded by an exchange's lock.
pub(super) struct State<R: 'static> {
    /// The expected responders; empty once the asker has them.
    pub(super) parts: Parts<R>,
    /// Responders that share another's name, were not expected, or have the request queued when it
    /// ends. Their indices follow those of the parts.
    others: Vec<Other>,
    /// How many parts have an answer, and how many others may still get one.
    pub(super) responded: usize,
    pub(super) pending: usize,
    /// How many answers a predicate has rejected.
    pub(super) rejected: usize,
    /// Whether the bus has sent the request to its responders, or dropped it because the buffer was
    /// full.
    pub(super) dispatched: bool,
    /// The responders present when the bus closed with the request in its buffer.
    pub(super) stranded: Option<Vec<Arc<str>>>,
    /// The request's sequence number; 0 until it is accepted.
    pub(super) sequence: u64,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) end: Option<End>,
    /// The cycle of waiting responders that the request closes; it makes the request fail.
    pub(super) cycle: Option<Box<[String]>>,
    /// A candidate was lost, so a nested request may now be part of a cycle.
    pub(super) recheck: bool,
    pub(super) waker: Option<Waker>,
}

/// The contents of a request when it ended.
pub(super) struct Closed<R: 'static> {
    pub(super) parts: Parts<R>,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) waker: Option<Waker>,
    /// Whether the request may be in the bus's buffer or in a queue.
    pub(super) queued: bool,
}

/// What a request lost by a state change; decides whether to wake the asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Nothing,
    /// A responder that might have answered will not, or a predicate may reject an answer.
    Candidate,
}

/// A responder without its own part.
struct Other {
    responder: ResponderState,
    /// The index of the part with the same name.
    namesake: Option<usize>,
}

impl<R: 'static> State<R> {
    pub(super) fn new(parts: Parts<R>) -> Self {
        Self {
            others: Vec::new(),
            responded: 0,
            pending: parts.len(),
            rejected: 0,
            parts,
            dispatched: false,
            stranded: None,
            sequence: 0,
            unexpected: Vec::new(),
            end: None,
            cycle: None,
            recheck: false,
            waker: None,
        }
    }

    /// Returns whether any expected responder is absent, or may have left since the request was
    /// made.
    pub(super) fn assign(
        &mut self,
        sequence: u64,
        responders: &mut dyn Iterator<Item = &Arc<Mailbox>>,
    ) -> Lost {
        let has_waited = self.sequence != 0;
        self.sequence = sequence;
        self.dispatched = true;
        let mut next = 0;
        for mailbox in responders {
            let responder = ResponderState { mailbox: mailbox.id, stage: Stage::Queued };
            // Responders are often named in the order in which they signed in.
            let place = self.parts.find(&mailbox.settings.name, next);
            next = place.map_or(next, |place| place + 1);
            match place.and_then(|place| self.parts.get_mut(place)) {
                Some(part) if part.responder.mailbox == 0 => part.responder = responder,
                _ => self.others.push(Other { responder, namesake: place }),
            }
        }
        let before = self.pending;
        self.give_up_waiting(&Stage::NoSuchResponder);
        if has_waited || self.pending < before { Lost::Candidate } else { Lost::Nothing }
    }

    /// The buffer was full: no responder will get the request.
    pub(super) fn refuse(&mut self) {
        self.dispatched = true;
        self.give_up_waiting(&Stage::Full);
    }

    fn give_up_waiting(&mut self, stage: &Stage) {
        for part in self.parts.iter_mut().filter(|part| part.responder.stage == Stage::Waiting) {
            part.responder.stage = stage.clone();
            self.pending -= 1;
        }
    }

    /// The request never left the buffer, and only these responders exist.
    pub(super) fn give_up_on_absent(&mut self, present: &[Arc<str>]) {
        for place in 0..self.parts.len() {
            let absent = |(name, _): &(&str, _)| !present.iter().any(|other| **other == **name);
            if self.parts.get(place).filter(absent).is_some() {
                self.set_stage(place, Stage::NoSuchResponder);
            }
        }
    }

    /// The stage that counts for a part: among responders that share its name, the greatest.
    fn stage(&self, place: usize) -> Option<&Stage> {
        let (_, part) = self.parts.get(place)?;
        if part.answer.is_some() {
            return Some(&Stage::Responded);
        }
        let namesakes = self.others.iter().filter(|other| other.namesake == Some(place));
        Some(namesakes.map(|other| &other.responder.stage).fold(&part.responder.stage, Ord::max))
    }

    /// The stage of each expected responder.
    pub(super) fn stages(&self) -> impl Iterator<Item = (&str, &Stage)> {
        let named = self.parts.named().enumerate();
        named.filter_map(|(place, (name, _))| Some((name, self.stage(place)?)))
    }

    /// Every expected responder's outcome, if the request timed out now. `present` are the
    /// responders signed in while the request waits for the start.
    pub(super) fn outcomes(&self, present: &[Arc<str>]) -> Vec<(String, Outcome)> {
        let is_absent = |name: &str| !present.iter().any(|other| **other == *name);
        let outcome = |place, name: &str| {
            let stage = self.stage(place)?;
            let absent = *stage == Stage::Waiting && is_absent(name);
            Some(if absent { Outcome::NoSuchResponder } else { stage.outcome(End::TimedOut) })
        };
        let named = self.parts.named().enumerate();
        named.filter_map(|(place, (name, _))| Some((name.into(), outcome(place, name)?))).collect()
    }

    /// The mailboxes that have the request queued.
    pub(super) fn queued(&self) -> impl Iterator<Item = u64> {
        let responders =
            self.parts.responders().chain(self.others.iter().map(|other| &other.responder));
        responders
            .filter(|responder| responder.stage == Stage::Queued)
            .map(|responder| responder.mailbox)
    }

    /// The index of a responder.
    pub(super) fn place(&self, mailbox: u64) -> usize {
        let of_part = self.parts.responders().position(|responder| responder.mailbox == mailbox);
        of_part.unwrap_or_else(|| {
            let place = self.others.iter().position(|other| other.responder.mailbox == mailbox);
            self.parts.len() + place.unwrap_or(self.others.len())
        })
    }

    pub(super) fn responder(&mut self, place: usize) -> Option<&mut ResponderState> {
        let expected = self.parts.len();
        if place < expected {
            return self.parts.get_mut(place).map(|part| &mut part.responder);
        }
        self.others.get_mut(place - expected).map(|other| &mut other.responder)
    }

    /// The index of the part that a responder's answer belongs to.
    pub(super) fn part_of(&self, place: usize) -> Option<usize> {
        match place.checked_sub(self.parts.len()) {
            None => Some(place),
            Some(other) => self.others.get(other)?.namesake,
        }
    }

    /// Returns whether the responder's part could still get an answer before.
    pub(super) fn set_stage(&mut self, place: usize, stage: Stage) -> Lost {
        let part = self.part_of(place);
        let is_hopeful =
            |state: &Self| part.and_then(|part| state.stage(part)).is_some_and(Stage::is_hopeful);
        let before = is_hopeful(self);
        if let Some(responder) = self.responder(place) {
            responder.stage = stage;
        }
        // A responder never gets a request twice, so a lost candidate stays lost.
        if before && !is_hopeful(self) {
            self.pending -= 1;
        }
        if before { Lost::Candidate } else { Lost::Nothing }
    }

    /// How the request ends by this rule, if already decided.
    pub(super) fn decided(&self, rule: Rule) -> Option<End> {
        rule.decided(self.responded, self.pending)
    }

    /// The candidates for each expected answer that is still possible. An absent responder counts,
    /// with no candidate, until the request is sent.
    pub(super) fn candidates(
        &self,
        candidates: impl Fn(&str, &ResponderState) -> Option<Vec<Candidate>>,
    ) -> Vec<Vec<Candidate>> {
        let parts = self.parts.named().enumerate();
        let unanswered = parts.filter(|(_, (_, part))| part.answer.is_none());
        let candidates = unanswered.filter_map(|(place, (name, part))| {
            let namesakes = self.others.iter().filter(|other| other.namesake == Some(place));
            let responders =
                std::iter::once(&part.responder).chain(namesakes.map(|other| &other.responder));
            let lists = responders.filter_map(|responder| candidates(name, responder));
            lists.reduce(|mut all, more| {
                all.extend(more);
                all
            })
        });
        candidates.collect()
    }

    /// Gives each part the stage that counts for it, and lists the responders that may still take
    /// the request.
    fn settle(&mut self) {
        let queued =
            self.parts.responders().filter(|responder| responder.stage == Stage::Queued).cloned();
        let queued: Vec<_> = queued.map(|responder| Other { responder, namesake: None }).collect();
        for place in 0..self.parts.len() {
            let stage = self.stage(place).cloned();
            if let (Some(stage), Some(part)) = (stage, self.parts.get_mut(place)) {
                part.responder.stage = stage;
            }
        }
        self.others.extend(queued);
    }

    /// Takes the contents; each part has the stage that counts for it.
    pub(super) fn close(&mut self) -> Closed<R> {
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
