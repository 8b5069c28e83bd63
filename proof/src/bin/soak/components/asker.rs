//! An asker: makes requests by every rule, and waits for what they bring, or does not. Responders
//! that ask others first make theirs here too.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callboard::{Bus, Call, Gathered, RequestBuilder, RequestError};

use super::part::{Doing, Part, Role};
use super::{Component, Rest};
use crate::checks::asking::Asked;
use crate::events::{Detail, Inquiry, Kind, Origin, Question};
use crate::phases::{Cue, Stage};
use crate::random::Random;

/// When a request is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    All,
    First,
    AtLeast(usize),
    Until(usize),
}

impl Rule {
    /// How many answers it takes of so many expected.
    pub(crate) fn needed(self, expected: usize) -> usize {
        match self {
            Self::All => expected,
            Self::First => 1,
            Self::AtLeast(answers) | Self::Until(answers) => answers,
        }
    }
}

/// Starts an asker: a task, or a thread.
pub(super) fn start(stage: &Arc<Stage>, mut random: Random) -> Component {
    let threaded = random.one_in(3);
    let about = if threaded { "thread" } else { "task" }.to_owned();
    let part = stage.cast("asker", Role::Asker, about);
    let (stage_of_asker, part_of_asker) = (Arc::clone(stage), Arc::clone(&part));
    let mut asker = Asker { stage: stage_of_asker, part: part_of_asker, random, ordered: true };
    if threaded {
        Component::thread(stage, part, move || {
            while let Some(turn) = asker.turn() {
                if let Turn::Ask(bus) = turn {
                    asker.ask_blocking(&bus);
                }
                asker.rest().of_thread();
            }
        })
    } else {
        Component::task(stage, part, async move {
            while let Some(turn) = asker.turn() {
                if let Turn::Ask(bus) = turn {
                    asker.ask(&bus).await;
                }
                asker.rest().of_task().await;
            }
        })
    }
}

/// Somebody who asks.
pub(super) struct Asker {
    pub(super) stage: Arc<Stage>,
    pub(super) part: Arc<Part>,
    pub(super) random: Random,
    /// Whether it does one thing at a time, and not several on several threads.
    pub(super) ordered: bool,
}

enum Turn {
    Ask(Bus),
    Hold,
}

/// A request to be made.
struct Plan {
    question: (u32, u32),
    expected: Vec<String>,
    rule: Rule,
    timeout: Duration,
    nested: bool,
    began: Instant,
}

impl Asker {
    /// What to do now; `None`: go.
    fn turn(&self) -> Option<Turn> {
        let cue = self.stage.cue();
        if cue == Cue::End || self.part.is_dismissed() {
            return None;
        }
        if let Cue::Hold(time) = cue {
            self.part.hold(time);
            return Some(Turn::Hold);
        }
        self.part.beat(self.stage.run.nanos());
        self.part.set_doing(Doing::Work);
        self.stage.bus().map(Turn::Ask)
    }

    /// Where its next question, or answer, comes from.
    pub(super) fn origin(&self, kind: Kind) -> Origin {
        Origin { ordered: self.ordered, ..self.stage.origin(&self.part, kind) }
    }

    fn rest(&mut self) -> Rest {
        match self.random.below(4) {
            _ if self.part.doing() == Doing::Hold => Rest::For(Duration::from_millis(1)),
            0 => Rest::For(Duration::from_millis(self.random.between(1, 4) as u64)),
            _ => Rest::Yield,
        }
    }

    async fn ask(&mut self, bus: &Bus) {
        let gives_up = self.random.one_in(8).then(|| self.random.between(0, 20) as u64);
        let gives_up = gives_up.map(Duration::from_millis);
        if self.random.one_in(4) {
            self.gather::<Detail>(|question| bus.request(question), false, gives_up).await;
        } else {
            self.gather::<Inquiry>(|question| bus.request(question), false, gives_up).await;
        }
    }

    fn ask_blocking(&mut self, bus: &Bus) {
        if self.random.one_in(4) {
            self.gather_blocking::<Detail>(|question| bus.request(question), false);
        } else {
            self.gather_blocking::<Inquiry>(|question| bus.request(question), false);
        }
    }

    /// Asks others in order to answer a call: an inquiry leads to details, and a detail, now and
    /// then, back to an inquiry, which may be a cycle.
    pub(super) async fn nest<Q: Question>(&mut self, call: &Call<Q>, served: bool) {
        // A served handler may ask the bus itself: it is known what it handles.
        let bus = self.stage.bus().filter(|_| served && self.random.one_in(2));
        match (Q::KIND, bus) {
            (Kind::Inquiry, Some(bus)) => {
                self.gather::<Detail>(|question| bus.request(question), true, None).await;
            }
            (Kind::Inquiry, None) => {
                self.gather::<Detail>(|question| call.request(question), true, None).await;
            }
            _ => self.gather::<Inquiry>(|question| call.request(question), true, None).await,
        }
    }

    /// The same, parking the thread.
    pub(super) fn nest_blocking<Q: Question>(&mut self, call: &Call<Q>) {
        if Q::KIND == Kind::Inquiry {
            self.gather_blocking::<Detail>(|question| call.request(question), true);
        } else {
            self.gather_blocking::<Inquiry>(|question| call.request(question), true);
        }
    }

    async fn gather<Q: Question>(
        &mut self,
        request: impl FnOnce(Q) -> RequestBuilder<Q>,
        nested: bool,
        gives_up: Option<Duration>,
    ) {
        let (plan, builder) = self.plan(request, nested);
        let gather = builder.gather();
        let result = match gives_up {
            None => Some(gather.await),
            Some(time) => tokio::select! {
                biased;
                result = gather => Some(result),
                () = tokio::time::sleep(time) => None,
            },
        };
        self.part.beat(self.stage.run.nanos());
        if let Some(result) = result {
            self.check::<Q>(&plan, &result);
        }
    }

    fn gather_blocking<Q: Question>(
        &mut self,
        request: impl FnOnce(Q) -> RequestBuilder<Q>,
        nested: bool,
    ) {
        let (plan, builder) = self.plan(request, nested);
        let result = builder.gather_blocking();
        self.part.beat(self.stage.run.nanos());
        self.check::<Q>(&plan, &result);
    }

    /// A request that is about to be made: it is counted, and must be polled at once.
    fn plan<Q: Question>(
        &mut self,
        request: impl FnOnce(Q) -> RequestBuilder<Q>,
        nested: bool,
    ) -> (Plan, RequestBuilder<Q>) {
        let origin = self.origin(Q::KIND);
        let random = &mut self.random;
        let responders = self.stage.responders(Q::KIND);
        let wanted = random.between(1, 4);
        let mut expected: Vec<String> = (0..wanted)
            .filter(|_| !responders.is_empty())
            .map(|_| responders[random.below(responders.len())].clone())
            .collect();
        if expected.is_empty() || random.one_in(20) {
            expected.push("nobody".to_owned());
        }
        expected.sort();
        expected.dedup();
        let rule = match random.below(6) {
            0..=2 => Rule::All,
            3 => Rule::First,
            4 => Rule::AtLeast(random.between(0, expected.len())),
            _ => Rule::Until(random.between(1, expected.len())),
        };
        let timeout = if nested { random.between(2, 30) } else { random.between(5, 100) };
        let timeout = Duration::from_millis(timeout as u64);
        let builder = request(Q::ask(origin, self.stage.census)).expect(&expected).timeout(timeout);
        let builder = match rule {
            Rule::All => builder,
            Rule::First => builder.first(),
            Rule::AtLeast(answers) => builder.at_least(answers),
            Rule::Until(answers) => builder.until(move |so_far| so_far.len() >= answers),
        };
        self.part.asked.fetch_add(1, Ordering::SeqCst);
        self.part.published.count(Q::KIND);
        let question = (origin.publisher, origin.number);
        let plan = Plan { question, expected, rule, timeout, nested, began: Instant::now() };
        (plan, builder)
    }

    fn check<Q: Question>(
        &self,
        plan: &Plan,
        result: &Result<Gathered<Q::Response>, RequestError>,
    ) {
        let took = plan.began.elapsed();
        match result {
            Ok(_) => {}
            // A later request may have closed the circle: this one was on the bus by then.
            Err(RequestError::Cycle { .. }) => self.part.unsure.count(Q::KIND),
            Err(_) => self.part.published.uncount(Q::KIND),
        }
        let asked = Asked {
            who: &self.part.name,
            question: plan.question,
            expected: &plan.expected,
            rule: plan.rule,
            timeout: plan.timeout,
            nested: plan.nested,
        };
        if let Err(fault) = asked.check::<Q>(result, took, self.stage.is_closing()) {
            self.stage.run.blame(fault);
        }
        self.stage.run.figures.requests.fetch_add(1, Ordering::Relaxed);
    }
}
