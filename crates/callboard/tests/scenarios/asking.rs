//! Several responders, of every conduct, and askers that may give up or run out of time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use callboard::{Bus, End, Gather, Gathered, Outcome, RequestBuilder, RequestError, Responder};

use super::props::{Answer, Question, Tally};
use super::stage::{Latch, Stage, breathe};

const NAMES: [&str; 3] = ["one", "two", "three"];
const TIMEOUT: Duration = Duration::from_secs(1);

/// What a responder does with what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conduct {
    Answers,
    Declines,
    Drops,
    /// Signs out, perhaps with the question queued.
    Leaves,
    /// Signs out with the question in its hands, and answers when it is over.
    AnswersLate,
}

const CONDUCTS: [Conduct; 5] =
    [Conduct::Answers, Conduct::Declines, Conduct::Drops, Conduct::Leaves, Conduct::AnswersLate];

/// Which answers complete the request.
#[derive(Debug, Clone, Copy)]
enum Rule {
    AtLeast(usize),
    /// Until one of so many has come.
    Until(usize),
}

/// What all parts of one scenario share.
#[derive(Clone)]
struct Scene {
    bus: Bus,
    tally: Tally,
    /// The asker waits, or is done.
    asked: Latch,
    /// The asker is done.
    over: Latch,
    answers: Arc<AtomicU64>,
}

pub(crate) fn scenario(stage: &mut impl Stage) {
    let scene = Scene {
        bus: stage.builder().build().expect("the settings are good"),
        tally: Tally::default(),
        asked: Latch::new(1),
        over: Latch::new(1),
        answers: Arc::default(),
    };
    if stage.once_in(2) {
        scene.bus.start();
    }
    let conducts = NAMES.map(|_| CONDUCTS[stage.choose(CONDUCTS.len())]);
    for (name, conduct) in NAMES.into_iter().zip(conducts) {
        stage.play(name, respond(scene.bus.responder(name), conduct, scene.clone()));
    }
    let rule = match stage.choose(4) {
        0 => Rule::Until(1 + stage.choose(NAMES.len())),
        _ => Rule::AtLeast(1 + stage.choose(NAMES.len())),
    };
    let patience = [None, None, Some(1), Some(2)][stage.choose(4)];
    let time_passes = conducts.contains(&Conduct::AnswersLate) || stage.once_in(4);
    if time_passes {
        let (asked, clock) = (scene.asked.clone(), stage.clock());
        stage.play("time", async move {
            asked.wait().await;
            clock.advance(TIMEOUT);
        });
    }
    let closes = stage.once_in(5);
    let trial = Trial { conducts, rule, patience, time_passes, closes };
    stage.play("asker", trial.ask(scene.clone()));
    // One that is closed may never have been started.
    if !closes || stage.once_in(2) {
        let starter = scene.bus.clone();
        stage.play("starter", async move {
            starter.start();
        });
    }
    let closer = scene.clone();
    stage.play("closer", async move {
        if !closes {
            closer.over.wait().await;
        }
        closer.bus.close();
    });
    stage.finish();
    assert_eq!(scene.bus.snapshot().requests.ended, 1);
    scene.tally.settle(scene.bus);
}

async fn respond(mut inbox: Responder<Question>, conduct: Conduct, scene: Scene) {
    let answer = || {
        scene.answers.fetch_add(1, Ordering::SeqCst);
        Answer { depth: 0, token: scene.tally.token() }
    };
    if conduct == Conduct::Leaves {
        breathe().await;
        return;
    }
    while let Some(call) = inbox.recv().await {
        call.token.read();
        breathe().await;
        match conduct {
            Conduct::Answers => call.respond(answer()),
            Conduct::Declines => call.decline("no"),
            Conduct::Drops | Conduct::Leaves => drop(call),
            Conduct::AnswersLate => {
                drop(inbox);
                scene.over.wait().await;
                assert!(!call.is_open());
                let before = late(&scene.bus);
                call.respond(answer());
                assert!(late(&scene.bus) > before, "it is counted as late");
                return;
            }
        }
    }
}

fn late(bus: &Bus) -> u64 {
    bus.snapshot().requests.late
}

struct Trial {
    conducts: [Conduct; 3],
    rule: Rule,
    /// How often the asker looks before it gives up.
    patience: Option<usize>,
    time_passes: bool,
    /// The bus is closed meanwhile.
    closes: bool,
}

impl Trial {
    async fn ask(self, scene: Scene) {
        let request = scene.bus.request(Question { depth: 0, token: scene.tally.token() });
        let request = self.rule.apply(request.expect(NAMES).timeout(TIMEOUT));
        let patient = Patient {
            gather: request.gather(),
            patience: self.patience,
            asked: scene.asked.clone(),
        };
        match patient.await {
            Some(Ok(gathered)) => self.check(&gathered),
            Some(Err(error)) => assert!(self.closes && error == RequestError::Closed, "{error}"),
            None => {}
        }
        scene.asked.arrive();
        scene.over.arrive();
    }

    fn check(&self, gathered: &Gathered<Answer>) {
        let needed = self.rule.needed();
        let outcomes = NAMES.map(|name| gathered.outcome(name).expect("each has an outcome"));
        let responded = outcomes.iter().filter(|it| **it == Outcome::Responded).count();
        assert_eq!(gathered.responses().len(), responded);
        gathered.responses().for_each(|(_, answer)| answer.token.read());
        let end = gathered.end();
        let what = || format!("{:?} {:?} {end:?} {outcomes:?}", self.conducts, self.rule);
        for (conduct, outcome) in self.conducts.iter().zip(&outcomes) {
            let possible = match outcome {
                Outcome::Responded => *conduct == Conduct::Answers,
                Outcome::Declined(reason) => *conduct == Conduct::Declines && &**reason == "no",
                Outcome::Abandoned => {
                    matches!(conduct, Conduct::Drops | Conduct::Leaves) || self.closes
                }
                Outcome::NoSuchResponder => *conduct == Conduct::Leaves,
                Outcome::TimedOutQueued | Outcome::TimedOutHandling => end == End::TimedOut,
                Outcome::NotAwaited => end != End::TimedOut,
                _ => false,
            };
            assert!(possible, "{}", what());
        }
        let hopeless = outcomes.iter().filter(|it| {
            let hopeful = [Outcome::NotAwaited, Outcome::TimedOutQueued, Outcome::TimedOutHandling];
            **it != Outcome::Responded && !hopeful.contains(it)
        });
        let reachable = NAMES.len() - hopeless.count();
        match end {
            End::Met => assert!(responded >= needed, "{}", what()),
            End::Unreachable => match self.rule {
                Rule::AtLeast(_) => assert!(reachable < needed, "{}", what()),
                Rule::Until(_) => assert_eq!(reachable, responded, "{}", what()),
            },
            End::TimedOut => {
                assert!(self.time_passes, "{}", what());
                assert!(responded < needed, "{}", what());
                // Who is absent when the time of a request that never left the buffer is over makes
                // it no less timed out.
                let left_the_buffer = outcomes
                    .iter()
                    .any(|it| !matches!(it, Outcome::TimedOutQueued | Outcome::NoSuchResponder));
                let certain = match self.rule {
                    Rule::AtLeast(_) => reachable < needed,
                    Rule::Until(_) => reachable == responded,
                };
                assert!(!(left_the_buffer && certain), "{}", what());
            }
            End::Closed => assert!(self.closes, "{}", what()),
        }
    }
}

impl Rule {
    fn needed(self) -> usize {
        match self {
            Self::AtLeast(needed) | Self::Until(needed) => needed,
        }
    }

    fn apply(self, request: RequestBuilder<Question>) -> RequestBuilder<Question> {
        match self {
            Self::AtLeast(needed) => request.at_least(needed),
            Self::Until(needed) => request.until(move |answers| answers.len() >= needed),
        }
    }
}

/// Gives up after so many looks.
struct Patient {
    gather: Gather<Question>,
    patience: Option<usize>,
    asked: Latch,
}

impl Future for Patient {
    type Output = Option<Result<Gathered<Answer>, RequestError>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(gathered) = Pin::new(&mut self.gather).poll(context) {
            return Poll::Ready(Some(gathered));
        }
        self.asked.arrive();
        if let Some(patience) = &mut self.patience {
            *patience -= 1;
            if *patience == 0 {
                return Poll::Ready(None);
            }
            // It looks again without being woken.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
