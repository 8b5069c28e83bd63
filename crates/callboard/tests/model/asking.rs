//! The model's part about requests: what the contract says under "Asking".

use std::sync::Arc;

use callboard::{End, Outcome, Phase, Priority, RequestError};

use crate::events::{Kind, Value};
use crate::model::{Fate, Model};
use callboard::{DropReason, Event};

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
    deadline: u64,
    sequence: u64,
    dispatch: Dispatch,
    slots: Vec<Slot>,
    responses: Vec<Answer>,
    unexpected: Vec<Answer>,
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
    fn stage(&self, name: &str) -> Option<&Stage> {
        self.slots.iter().filter(|slot| slot.name == name).map(|slot| &slot.stage).max()
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
        let needed = match self.rule {
            Rule::All => self.expected.len(),
            Rule::First => 1,
            Rule::AtLeast(answers) => answers,
            Rule::Until(answers) => answers.max(1),
        };
        if responded >= needed {
            return Some(End::Met);
        }
        // Nobody knows what a predicate will say.
        let hopeless = match self.rule {
            Rule::Until(_) => pending == 0,
            _ => responded + pending < needed,
        };
        hopeless.then_some(End::Unreachable)
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
        names: &[&'static str],
        rule: Rule,
        timeout: u64,
        part: u32,
    ) -> Result<usize, RequestError> {
        let mut expected: Vec<&str> = Vec::new();
        for name in names {
            if !expected.contains(name) {
                expected.push(name);
            }
        }
        if expected.is_empty() {
            return Err(RequestError::NobodyExpected { request: crate::events::Ask::TYPE });
        }
        let at_least = match rule {
            Rule::AtLeast(answers) => answers,
            _ => 0,
        };
        if at_least > expected.len() {
            return Err(RequestError::TooFewExpected { at_least, expected: expected.len() });
        }
        if self.phase == Phase::Closed {
            return Err(RequestError::Closed);
        }
        let request = self.gathers.len();
        self.gathers.push(Gather {
            open: true,
            expected,
            rule,
            deadline: self.now + timeout,
            sequence: 0,
            dispatch: Dispatch::Waiting,
            slots: Vec::new(),
            responses: Vec::new(),
            unexpected: Vec::new(),
            frozen: None,
        });
        let value = Value { kind: Kind::Ask, key: 0, parts: vec![part] };
        match self.publish(value, Priority::Normal, None, Some(request)) {
            Fate::Buffered { sequence } => self.gathers[request].sequence = sequence,
            Fate::BufferFull => self.gathers[request].dispatch = Dispatch::Refused,
            Fate::Routed { .. } | Fate::Unheard | Fate::Closed => {}
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
        gather.sequence = sequence;
        gather.dispatch = Dispatch::Done;
        gather.slots = slots;
    }

    /// Whether an answer would still count.
    pub(crate) fn is_open(&self, request: usize) -> bool {
        self.gathers[request].open && self.gathers[request].frozen.is_none()
    }

    /// A responder's part has come this far.
    pub(crate) fn set_stage(&mut self, request: usize, sub: usize, stage: Stage) {
        if !self.is_open(request) {
            return;
        }
        let slots = &mut self.gathers[request].slots;
        let slot = slots.iter_mut().find(|slot| slot.sub == sub).expect("it was asked");
        slot.stage = stage;
    }

    /// The responder answers: everybody sees it, and the asker gets it.
    pub(crate) fn respond(&mut self, request: usize, sub: usize, part: u32) {
        if !self.is_open(request) {
            return;
        }
        let cause = Some(self.gathers[request].sequence);
        let value = Value { kind: Kind::Reply, key: 0, parts: vec![part] };
        let sequence = match self.publish(value, Priority::Normal, cause, None) {
            Fate::Routed { sequence, .. } | Fate::Buffered { sequence } => sequence,
            // It had been given its number when it turned out not to fit.
            Fate::BufferFull => self.sequence,
            Fate::Unheard | Fate::Closed => 0,
        };
        self.set_stage(request, sub, Stage::Responded);
        let gather = &mut self.gathers[request];
        let slot = gather.slots.iter().find(|slot| slot.sub == sub).expect("it was asked");
        let answer = (slot.name.to_owned(), part, sequence);
        if !gather.expected.contains(&slot.name) {
            gather.unexpected.push(answer);
        } else if gather.responses.iter().all(|(name, ..)| *name != answer.0) {
            gather.responses.push(answer);
        }
    }

    /// Its end, if it has one now: the asker must have been woken.
    pub(crate) fn end(&self, request: usize) -> Option<End> {
        let gather = &self.gathers[request];
        let timed_out = (self.now >= gather.deadline).then_some(End::TimedOut);
        gather.decided().or(timed_out)
    }

    /// The asker looks.
    pub(crate) fn poll_gather(&mut self, request: usize) -> Option<Brought> {
        let end = self.end(request)?;
        let gather = &self.gathers[request];
        let responders = || self.subs.iter().filter(|sub| sub.opening.wants.answers());
        let present = |name: &str| responders().any(|sub| sub.opening.name == name);
        let missing = gather.expected.iter().map(|name| {
            let outcome = gather.outcome(name, end, present(name));
            ((*name).to_owned(), outcome)
        });
        let brought = Brought {
            end,
            sequence: gather.sequence,
            responses: gather.responses.clone(),
            unexpected: gather.unexpected.clone(),
            missing: missing.filter(|(_, outcome)| *outcome != Outcome::Responded).collect(),
        };
        self.withdraw(request);
        Some(brought)
    }

    /// Nobody waits any more: who has not taken the request will not see it.
    pub(crate) fn withdraw(&mut self, request: usize) {
        self.gathers[request].open = false;
        self.buffer.retain(|item| item.request != Some(request));
        for sub in &mut self.subs {
            while let Some(place) = sub.queue.iter().position(|item| item.request == Some(request))
            {
                sub.remove(place, DropReason::Withdrawn);
            }
        }
    }

    /// The bus closes: what was certain stays, everything else ends.
    pub(crate) fn freeze_gathers(&mut self) {
        for gather in &mut self.gathers {
            gather.frozen = Some(gather.decided().unwrap_or(End::Closed));
        }
    }
}
