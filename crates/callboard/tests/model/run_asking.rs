//! The lockstep runner's part about requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::{Delivery, Gathered, RequestError};

use crate::asking::{Answer, Brought, Rule, Stage};
use crate::events::{Ask, Reply};
use crate::program::Op;
use crate::reader::Flag;
use crate::run::{Runner, Step, pick};

/// A request that is being waited for.
pub(crate) struct OpenGather {
    pub(crate) request: usize,
    future: Pin<Box<dyn Future<Output = Result<Gathered<Reply>, RequestError>>>>,
    pub(crate) flag: Arc<Flag>,
}

fn answers<'a>(all: impl Iterator<Item = (&'a str, &'a Delivery<Reply>)>) -> Vec<Answer> {
    all.map(|(name, reply)| (name.to_owned(), reply.0, reply.sequence())).collect()
}

impl Runner {
    pub(crate) fn ask(&mut self, expect: &[&'static str], rule: Rule, timeout: u64) -> Step {
        if self.gathers.len() >= 4 {
            return Ok(());
        }
        self.part += 1;
        let request = self.bus().request(Ask(self.part)).expect(expect.iter().copied());
        let request = match rule {
            Rule::All => request,
            Rule::First => request.first(),
            Rule::AtLeast(answers) => request.at_least(answers),
            Rule::Until(answers) => request.until(move |so_far| so_far.len() >= answers),
        };
        let gather = request.timeout(Duration::from_millis(timeout)).gather();
        let mut gather = OpenGather { request: 0, future: Box::pin(gather), flag: Arc::default() };
        // The first poll makes the request.
        match self.model.ask(expect, rule, timeout, self.part) {
            Ok(request) => {
                gather.request = request;
                self.gathers.push(gather);
                self.poll_gather(self.gathers.len() - 1)
            }
            Err(error) => {
                let polled = gather.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                let Poll::Ready(Err(bus)) = polled else {
                    return Err(format!("{}the model says {error:?}", self.trace));
                };
                self.same("why no request could be made", bus, error)
            }
        }
    }

    pub(crate) fn poll_gather(&mut self, slot: usize) -> Step {
        let gather = &mut self.gathers[slot];
        gather.flag.lower();
        let waker = Waker::from(Arc::clone(&gather.flag));
        let polled = gather.future.as_mut().poll(&mut Context::from_waker(&waker));
        let model = self.model.poll_gather(gather.request);
        let brought = match polled {
            Poll::Pending => None,
            Poll::Ready(Err(error)) => return Err(format!("{}gather: {error}", self.trace)),
            Poll::Ready(Ok(gathered)) => {
                self.gathers.remove(slot);
                let missing = gathered.missing().map(|(name, why)| (name.to_owned(), why));
                let brought = Brought {
                    end: gathered.end(),
                    sequence: gathered.sequence(),
                    responses: answers(gathered.responses()),
                    unexpected: answers(gathered.unexpected()),
                    missing: missing.collect(),
                };
                let causes = gathered.responses().chain(gathered.unexpected());
                for (_, reply) in causes {
                    self.same("an answer's cause", reply.cause(), Some(gathered.sequence()))?;
                }
                Some(brought)
            }
        };
        self.same("what the request brought", brought, model)
    }

    pub(crate) fn answer(&mut self, op: &Op) -> Step {
        let (Op::Respond(slot) | Op::Decline(slot) | Op::DropCall(slot)) = op else {
            return Ok(());
        };
        let Some(slot) = pick(*slot, self.calls.len()) else { return Ok(()) };
        let (call, request, sub) = self.calls.remove(slot);
        match op {
            Op::Respond(_) => {
                self.part += 1;
                call.respond(Reply(self.part));
                self.model.respond(request, sub, self.part);
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
