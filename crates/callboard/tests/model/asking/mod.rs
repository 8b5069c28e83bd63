//! The model's part about requests: what the contract says under "Asking".

mod cycles;
mod record;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::{DropReason, End, Event, Outcome, RequestError};

use crate::events::{Ask, Value};
use crate::model::{Fate, Model, Role};

pub(crate) use record::{Record, Wrong};

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

/// When a gather is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    All,
    First,
    AtLeast(usize),
    /// Until a predicate has seen this many answers.
    Until(usize),
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
    /// The bus was closed: how it stood then.
    frozen: Option<End>,
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

    fn stage(&self, name: &str) -> Option<&Stage> {
        self.slots.iter().filter(|slot| slot.name == name).map(|slot| &slot.stage).max()
    }

    /// How many answers it needs.
    fn needed(&self) -> usize {
        match self.rule {
            Rule::All => self.expected.len(),
            Rule::First => 1,
            Rule::AtLeast(answers) => answers,
            Rule::Until(answers) => answers.max(1),
        }
    }

    /// Its end, if it is certain without a look at the clock.
    fn decided(&self) -> Option<End> {
        if self.frozen.is_some() {
            return self.frozen;
        }
        let (mut responded, mut pending) = (0, 0);
        for name in &self.expected {
            match self.stage(name) {
                Some(Stage::Responded) => responded += 1,
                Some(Stage::Queued | Stage::Handling) => pending += 1,
                None if self.dispatch == Dispatch::Waiting => pending += 1,
                _ => {}
            }
        }
        if responded >= self.needed() {
            return Some(End::Met);
        }
        // Nobody knows what a predicate will say.
        let hopeless = match self.rule {
            Rule::Until(_) => pending == 0,
            _ => responded + pending < self.needed(),
        };
        hopeless.then_some(End::Unreachable)
    }

    /// Whether its asker is woken by nothing but its end.
    pub(crate) fn sleeps_soundly(&self) -> bool {
        !matches!(self.rule, Rule::Until(_))
    }

    fn outcome(&self, name: &str, end: End, present: bool) -> Outcome {
        let timed_out = end == End::TimedOut;
        match self.stage(name) {
            Some(Stage::Responded) => Outcome::Responded,
            Some(Stage::Declined(why)) => Outcome::Declined(Arc::clone(why)),
            Some(Stage::Abandoned) => Outcome::Abandoned,
            Some(Stage::Full) => Outcome::QueueFull,
            None if self.dispatch == Dispatch::Refused => Outcome::QueueFull,
            None if self.dispatch == Dispatch::Done || !present => Outcome::NoSuchResponder,
            Some(Stage::Handling) if timed_out => Outcome::TimedOutHandling,
            Some(Stage::Queued) | None if timed_out => Outcome::TimedOutQueued,
            Some(Stage::Handling | Stage::Queued) | None => Outcome::NotAwaited,
        }
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
            frozen: None,
        };
        if let Some(chain) = self.cycle(&gather) {
            self.record.ended += 1;
            self.record.remember(None, Wrong::Cycle(chain.clone()));
            return Err(RequestError::Cycle { chain });
        }
        let request = self.gathers.len();
        self.gathers.push(gather);
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
        gather.sequence = Some(sequence);
        gather.dispatch = Dispatch::Done;
        gather.slots = slots;
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
        let slots = &mut self.gathers[request].slots;
        let slot = slots.iter_mut().find(|slot| slot.sub == sub).expect("it was asked");
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
    pub(crate) fn judge(&self, request: usize) -> Vec<Vec<u32>> {
        let gather = &self.gathers[request];
        let Rule::Until(needed) = gather.rule else { return Vec::new() };
        let parts: Vec<u32> = gather.responses.iter().map(|(_, part, _)| *part).collect();
        (1..=parts.len().min(needed.max(1))).map(|so_far| parts[..so_far].to_vec()).collect()
    }

    /// The asker looks.
    pub(crate) fn poll_gather(&mut self, request: usize) -> Option<Brought> {
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
        Some(brought)
    }

    /// Nobody waits any more: who has not taken the request will not see it.
    pub(crate) fn withdraw(&mut self, request: usize) {
        self.gathers[request].open = false;
        self.gathers[request].kept.clear();
        self.record.ended += 1;
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
