//! The lockstep runner's part about requests.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use callboard::{Call, Delivery, Gathered, Outcome, RequestError};

use crate::asking::{Answer, Asked, Brought, Rule, Stage, timeout};
use crate::events::{Ask, Kind, Reply, Value};
use crate::program::Op;
use crate::reader::Flag;
use crate::run::{Runner, Step, pick, same};

/// So many requests are open at a time at most.
const MOST_GATHERS: usize = 8;

/// A request that is being waited for.
pub(crate) struct OpenGather {
    pub(crate) request: usize,
    future: Pin<Box<dyn Future<Output = Result<Gathered<Reply>, RequestError>>>>,
    pub(crate) flag: Arc<Flag>,
    /// What the predicate was asked about, each time: the numbers of the answers.
    judged: Arc<Mutex<Vec<Vec<u32>>>>,
}

/// A call in hand: of which request, and of which subscription.
pub(crate) struct OpenCall {
    pub(crate) call: Call<Ask>,
    pub(crate) question: Rc<Value>,
    pub(crate) request: usize,
    pub(crate) sub: usize,
}

fn answers<'a>(all: impl Iterator<Item = (&'a str, &'a Delivery<Reply>)>) -> Vec<Answer> {
    all.map(|(name, reply)| (name.to_owned(), reply.part(), reply.sequence())).collect()
}

impl Runner {
    /// Makes a request, within a call if one is given: whom it expects, its rule and its timeout.
    pub(crate) fn ask(
        &mut self,
        call: Option<usize>,
        (expect, rule, milliseconds): (&[&'static str], Rule, u64),
        key: u8,
    ) -> Step {
        if self.gathers.len() >= MOST_GATHERS {
            return Ok(());
        }
        let (part, token, value) = self.value(Kind::Ask, key);
        let question = Ask::new(key, part, &token);
        let request = match call {
            None => self.bus().request(question),
            Some(call) => self.calls[call].call.request(question),
        };
        let request = request.expect(expect.iter().copied());
        let judged = Arc::<Mutex<Vec<_>>>::default();
        let request = match rule {
            Rule::All => request.all(),
            Rule::First => request.first(),
            Rule::AtLeast(answers) => request.at_least(answers),
            Rule::Settled => request.settled(),
            Rule::Until(answers) => {
                let judged = Arc::clone(&judged);
                request.until(move |so_far| {
                    let parts = so_far.iter().map(|(_, reply)| reply.part()).collect();
                    judged.lock().unwrap().push(parts);
                    so_far.len() >= answers
                })
            }
        };
        let future = Box::pin(request.timeout(timeout(milliseconds)).gather());
        let mut gather = OpenGather { request: 0, future, flag: Arc::default(), judged };
        let within = call.map(|call| (self.calls[call].request, self.calls[call].sub));
        let asked = Asked { expect, rule, timeout: milliseconds, within };
        // The first poll makes the request.
        match self.model.ask(asked, &value) {
            Ok(request) => {
                gather.request = request;
                self.gathers.push(gather);
                self.poll_gather(self.gathers.len() - 1)
            }
            Err(error) => {
                let polled = gather.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                let bus = match polled {
                    Poll::Ready(gathered) => gathered.map(|gathered| gathered.end()),
                    Poll::Pending => return Err(format!("a request: the model says {error:?}")),
                };
                same("why no request could be made", bus, Err(error))
            }
        }
    }

    /// An asker that looks again, or gives up.
    pub(crate) fn ask_again(&mut self, op: &Op) -> Step {
        let (Op::PollGather(slot) | Op::DropGather(slot)) = op else { return Ok(()) };
        let Some(slot) = pick(*slot, self.gathers.len()) else { return Ok(()) };
        if matches!(op, Op::PollGather(_)) {
            return self.poll_gather(slot);
        }
        let gather = self.gathers.remove(slot);
        self.model.withdraw(gather.request);
        Ok(())
    }

    pub(crate) fn poll_gather(&mut self, slot: usize) -> Step {
        let gather = &mut self.gathers[slot];
        gather.flag.lower();
        let waker = Waker::from(Arc::clone(&gather.flag));
        let polled = gather.future.as_mut().poll(&mut Context::from_waker(&waker));
        let judged = Arc::clone(&gather.judged);
        let expected = self.model.judge(gather.request);
        let model = self.model.poll_gather(gather.request);
        same("what the predicate was asked", &*judged.lock().unwrap(), &expected)?;
        let brought = match polled {
            Poll::Pending => None,
            Poll::Ready(Err(error)) => {
                self.gathers.remove(slot);
                Some(Err(error))
            }
            Poll::Ready(Ok(gathered)) => {
                self.gathers.remove(slot);
                look_up(&gathered)?;
                let missing = gathered.missing().map(|(name, why)| (name.to_owned(), why));
                Some(Ok(Brought {
                    end: gathered.end(),
                    sequence: gathered.sequence(),
                    responses: answers(gathered.responses()),
                    unexpected: answers(gathered.unexpected()),
                    missing: missing.collect(),
                }))
            }
        };
        same("what the request brought", brought, model)
    }

    pub(crate) fn answer(&mut self, op: &Op) -> Step {
        let (Op::Respond { call, .. } | Op::Decline(call) | Op::DropCall(call)) = op else {
            return Ok(());
        };
        let Some(place) = pick(*call, self.calls.len()) else { return Ok(()) };
        let OpenCall { call, request, sub, .. } = self.calls.remove(place);
        self.model.end_call(request, sub);
        match op {
            Op::Respond { key, .. } => {
                let (part, token, value) = self.value(Kind::Reply, *key);
                call.respond(Reply::new(*key, part, &token));
                self.model.respond(request, sub, &value);
            }
            Op::Decline(_) => {
                call.decline("no");
                self.model.set_stage(request, sub, Stage::Declined("no".into()));
            }
            _ => {
                drop(call);
                self.model.set_stage(request, sub, Stage::Abandoned);
            }
        }
        Ok(())
    }
}

/// What is found by name is what is listed.
fn look_up(gathered: &Gathered<Reply>) -> Step {
    for (name, reply) in gathered.responses() {
        let found = gathered.get(name).map(|reply| reply.sequence());
        same("an answer by name", found, Some(reply.sequence()))?;
        same("its outcome by name", gathered.outcome(name), Some(Outcome::Responded))?;
    }
    for (name, outcome) in gathered.missing() {
        same("a missing answer by name", gathered.get(name).is_some(), false)?;
        same("an outcome by name", gathered.outcome(name), Some(outcome))?;
    }
    for (_, reply) in gathered.responses().chain(gathered.unexpected()) {
        same("an answer's cause", reply.cause(), Some(gathered.sequence()))?;
    }
    Ok(())
}
