//! The model's part about requests: what the contract says under "Asking".

mod cycles;
mod record;
mod rule;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::{DropReason, End, Event, Outcome, RequestError};

use crate::events::{Ask, Value};
use crate::model::{Fate, Model, Role};

pub(crate) use record::{Record, Wrong};
pub(crate) use rule::Rule;

/// A timeout that never comes, in milliseconds.
pub(crate) const FOREVER: u64 = u64::MAX;

/// A timeout in milliseconds.
pub(crate) fn timeout(milliseconds: u64) -> Duration {
    if milliseconds == FOREVER { Duration::MAX } else { Duration::from_millis(milliseconds) }
}

/// A request that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) expect: &'a [&'static str],
    pub(crate) rule: Rule,
    /// In milliseconds.
    pub(crate) timeout: u64,
    /// It is made in order to answer this call: a request, and the subscription that handles it.
    pub(crate) within: Option<(usize, usize)>,
}

/// One responder's part. Of two responders with one name the more hopeful stage counts: the order
/// is that of hope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Full,
    Abandoned,
    Declined(Arc<str>),
    Queued,
    Handling,
    Responded,
}

#[derive(Debug)]
struct Slot {
    sub: usize,
    name: &'static str,
    stage: Stage,
}

/// Where the question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dispatch {
    /// In the buffer.
    Waiting,
    /// With the responders.
    Done,
    /// The buffer was full.
    Refused,
}

/// An answer: whose, its number, its sequence.
pub(crate) type Answer = (String, u32, u64);

/// One request.
#[derive(Debug)]
pub(crate) struct Gather {
    /// Whether somebody waits for it.
    pub(crate) open: bool,
    expected: Vec<&'static str>,
    rule: Rule,
    pub(crate) began: Instant,
    pub(crate) deadline: Option<Instant>,
    /// `None` if it was never accepted.
    pub(crate) sequence: Option<u64>,
    /// The call that it was made to answer: its request, and by which subscription.
    within: Option<(usize, usize)>,
    /// Who is done with a call of it.
    done: Vec<usize>,
    dispatch: Dispatch,
    /// The bus was closed with the question in its buffer: who would have been asked.
    stranded: Option<Vec<&'static str>>,
    slots: Vec<Slot>,
    responses: Vec<Answer>,
    unexpected: Vec<Answer>,
    /// The answers' values.
    kept: Vec<Rc<Value>>,
    /// How many of the answers its predicate has seen.
    judged: usize,
    /// The bus was closed: how it stood then.
    frozen: Option<End>,
    /// It has lost a candidate, and its asker has not looked since.
    unchecked: bool,
    /// It is to fail, as the youngest in this circle.
    failed: Option<Vec<String>>,
}

/// What a request brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) end: End,
    pub(crate) sequence: u64,
    pub(crate) responses: Vec<Answer>,
    pub(crate) unexpected: Vec<Answer>,
    pub(crate) missing: Vec<(String, Outcome)>,
}

impl Gather {
    /// The values that it keeps for its asker.
    pub(crate) fn kept(&self) -> &[Rc<Value>] {
        &self.kept
    }

    /// The name of a subscription that was asked.
    pub(crate) fn name_of(&self, sub: usize) -> &'static str {
        self.slots.iter().find(|slot| slot.sub == sub).expect("it was asked").name
    }
}

impl Model {
    /// Makes a request; returns its place among the gathers.
    pub(crate) fn ask(
        &mut self,
        asked: Asked<'_>,
        value: &Rc<Value>,
    ) -> Result<usize, RequestError> {
        let mut expected: Vec<&str> = Vec::new();
        for name in asked.expect {
            if !expected.contains(name) {
                expected.push(name);
            }
        }
        if expected.is_empty() {
            self.record.ended += 1;
            return Err(RequestError::NobodyExpected { request: Ask::TYPE });
        }
        let at_least = match asked.rule {
            Rule::AtLeast(answers) => answers,
            _ => 0,
        };
        if at_least > expected.len() {
            self.record.ended += 1;
            return Err(RequestError::TooFewExpected { at_least, expected: expected.len() });
        }
        let cause = asked.within.and_then(|(outer, _)| self.gathers[outer].sequence);
        let gather = Gather {
            open: true,
            expected,
            rule: asked.rule,
            began: self.now,
            deadline: self.now.checked_add(timeout(asked.timeout)),
            sequence: None,
            within: asked.within,
            done: Vec::new(),
            dispatch: Dispatch::Waiting,
            stranded: None,
            slots: Vec::new(),
            responses: Vec::new(),
            unexpected: Vec::new(),
            kept: Vec::new(),
            judged: 0,
            frozen: None,
            unchecked: false,
            failed: None,
        };
        let request = self.gathers.len();
        self.gathers.push(gather);
        if let Some(chain) = self.cycle(request) {
            self.gathers.pop();
            self.record.ended += 1;
            self.record.remember(None, Wrong::Cycle(chain.clone()));
            return Err(RequestError::Cycle { chain });
        }
        let priority = value.kind.rank(value.key);
        match self.publish(value, priority, cause, Role::Request(request)) {
            Fate::Buffered { sequence } => self.gathers[request].sequence = Some(sequence),
            Fate::BufferFull => self.gathers[request].dispatch = Dispatch::Refused,
            Fate::Routed { .. } | Fate::Unheard => {}
            Fate::Closed => {
                self.record.ended += 1;
                self.gathers[request].open = false;
                return Err(RequestError::Closed);
            }
        }
        Ok(request)
    }

    /// The request is given to everybody who answers now.
    pub(crate) fn assign(&mut self, request: usize, sequence: u64) {
        let responders = self.subs.iter().filter(|sub| sub.opening.wants.answers());
        let slots = responders
            .map(|sub| Slot { sub: sub.id, name: sub.opening.name, stage: Stage::Queued })
            .collect();
        let gather = &mut self.gathers[request];
        let waited = gather.sequence.replace(sequence).is_some();
        gather.dispatch = Dispatch::Done;
        gather.slots = slots;
        if waited || gather.expected.iter().any(|name| gather.stage(name).is_none()) {
            gather.lose();
        }
    }

    /// Whether an answer would still count.
    pub(crate) fn is_open(&self, request: usize) -> bool {
        self.gathers[request].open && self.gathers[request].frozen.is_none()
    }

    /// A responder's part has come this far.
    pub(crate) fn set_stage(&mut self, request: usize, sub: usize, stage: Stage) {
        // A call may still be taken when the bus is closed, but not answered.
        if !self.gathers[request].open || (stage != Stage::Handling && !self.is_open(request)) {
            return;
        }
        let gather = &mut self.gathers[request];
        let name = gather.name_of(sub);
        let pending = matches!(gather.stage(name), Some(Stage::Queued | Stage::Handling));
        let lost = matches!(stage, Stage::Full | Stage::Abandoned | Stage::Declined(_));
        if lost && pending && gather.expected.contains(&name) {
            gather.lose();
        }
        let slot = gather.slots.iter_mut().find(|slot| slot.sub == sub).expect("it was asked");
        slot.stage = stage;
    }

    /// The responder answers: everybody sees it, and the asker gets it.
    pub(crate) fn respond(&mut self, request: usize, sub: usize, value: &Rc<Value>) {
        if !self.is_open(request) {
            self.record.late += 1;
            return;
        }
        let cause = self.gathers[request].sequence;
        let priority = value.kind.rank(value.key);
        let sequence = match self.publish(value, priority, cause, Role::Answer) {
            Fate::Routed { sequence, .. } | Fate::Buffered { sequence } => sequence,
            // It had been given its number when it turned out not to fit.
            Fate::BufferFull => self.sequence,
            Fate::Unheard | Fate::Closed => 0,
        };
        self.set_stage(request, sub, Stage::Responded);
        let gather = &mut self.gathers[request];
        let name = gather.name_of(sub);
        let answer = (name.to_owned(), value.parts[0], sequence);
        if !gather.expected.contains(&name) {
            gather.unexpected.push(answer);
        } else if gather.responses.iter().all(|(name, ..)| *name != answer.0) {
            gather.responses.push(answer);
            if let Rule::Until(_) = gather.rule {
                gather.lose();
            } else {
                gather.judged += 1;
            }
        } else {
            self.record.duplicate += 1;
            return;
        }
        gather.kept.push(Rc::clone(value));
    }

    /// Its end, if it has one now: the asker must have been woken.
    pub(crate) fn end(&self, request: usize) -> Option<End> {
        let gather = &self.gathers[request];
        let over = gather.deadline.is_some_and(|deadline| self.now >= deadline);
        gather.decided().or(over.then_some(End::TimedOut))
    }

    /// Whether its asker must have been woken since it looked.
    pub(crate) fn is_woken(&self, request: usize) -> bool {
        let gather = &self.gathers[request];
        gather.failed.is_some() || gather.unchecked || self.end(request).is_some()
    }

    /// Every expected responder's outcome, if the request ended like this.
    pub(crate) fn outcomes(&self, request: usize, end: End) -> Vec<(String, Outcome)> {
        let gather = &self.gathers[request];
        let present = |name: &str| match &gather.stranded {
            Some(names) => names.contains(&name),
            None => self.has_responder(name),
        };
        let outcome = |name: &str| gather.outcome(name, end, present(name));
        gather.expected.iter().map(|name| ((*name).to_owned(), outcome(name))).collect()
    }

    /// What the predicate has been asked once the asker has looked: after each answer, about all
    /// there were so far, until it was content.
    pub(crate) fn judge(&mut self, request: usize) -> Vec<Vec<u32>> {
        let gather = &mut self.gathers[request];
        let Rule::Until(needed) = gather.rule else { return Vec::new() };
        if gather.failed.is_none() {
            gather.judged = gather.responses.len();
        }
        let parts: Vec<u32> = gather.responses.iter().map(|(_, part, _)| *part).collect();
        (1..=gather.judged.min(needed.max(1))).map(|so_far| parts[..so_far].to_vec()).collect()
    }

    /// The asker looks.
    pub(crate) fn poll_gather(&mut self, request: usize) -> Option<Result<Brought, RequestError>> {
        let gather = &mut self.gathers[request];
        let unchecked = std::mem::take(&mut gather.unchecked);
        if unchecked && gather.decided().is_none() {
            self.recheck(request);
        }
        if let Some(chain) = self.gathers[request].failed.clone() {
            self.record.remember(self.gathers[request].sequence, Wrong::Cycle(chain.clone()));
            self.withdraw(request);
            return Some(Err(RequestError::Cycle { chain }));
        }
        let end = self.end(request)?;
        let outcomes = self.outcomes(request, end);
        let gather = &self.gathers[request];
        let missing = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Responded);
        let brought = Brought {
            end,
            sequence: gather.sequence.unwrap_or(0),
            responses: gather.responses.clone(),
            unexpected: gather.unexpected.clone(),
            missing: missing.cloned().collect(),
        };
        if end != End::Met {
            self.record.remember(gather.sequence, Wrong::Ended(end, outcomes));
        }
        self.withdraw(request);
        Some(Ok(brought))
    }

    /// Nobody waits any more: who has not taken the request will not see it.
    pub(crate) fn withdraw(&mut self, request: usize) {
        self.gathers[request].open = false;
        self.gathers[request].kept.clear();
        self.record.ended += 1;
        self.recheck_others(request);
        if let Some(place) = self.buffer.iter().position(|item| item.request == Some(request)) {
            self.unbuffer(place, DropReason::Withdrawn);
        }
        for sub in &mut self.subs {
            while let Some(place) = sub.queue.iter().position(|item| item.request == Some(request))
            {
                sub.remove(place, DropReason::Withdrawn);
            }
        }
    }

    /// The bus closes: what was certain stays, everything else ends.
    pub(crate) fn freeze_gathers(&mut self) {
        let responders = self.subs.iter().filter(|sub| sub.opening.wants.answers());
        let names: Vec<_> = responders.map(|sub| sub.opening.name).collect();
        for gather in &mut self.gathers {
            gather.stranded = (gather.dispatch == Dispatch::Waiting).then(|| names.clone());
            gather.frozen = Some(gather.decided().unwrap_or(End::Closed));
        }
    }
}
