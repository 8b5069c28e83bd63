//! Waiting for the answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::builder::Predicate;
use super::cycle::cycle;
use super::exchange::{Exchange, State};
use super::{Gathered, Request, RequestBuilder};
use crate::engine::Ticket;
use crate::error::RequestError;
use crate::event::{Delivery, TypeInfo};
use crate::outcome::{End, Outcome, Troubled, TroubledRequest};
use crate::registry::{Accepted, Core, Parcel, Phase};
use crate::sync::{Mutex, discard};
use crate::time::{Deadline, deadline_after};

/// The future of [`RequestBuilder::gather`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Gather<Q: Request> {
    stage: Stage<Q>,
}

enum Stage<Q: Request> {
    New(RequestBuilder<Q>),
    Open(Open<Q>),
    Over,
}

/// A request that was made. Dropping it withdraws the request.
struct Open<Q: Request> {
    core: Arc<Core>,
    exchange: Arc<Exchange<Q>>,
    id: u64,
    deadline: Deadline,
    predicate: Option<Predicate<Q::Response>>,
    responses: Vec<(Arc<str>, Delivery<Q::Response>)>,
    /// How many of the responses the predicate has seen.
    judged: usize,
}

impl<Q: Request> Gather<Q> {
    pub(super) fn new(builder: RequestBuilder<Q>) -> Self {
        Self { stage: Stage::New(builder) }
    }
}

// Nothing in it is pinned.
impl<Q: Request> Unpin for Gather<Q> {}

impl<Q: Request> Future for Gather<Q> {
    type Output = Result<Gathered<Q::Response>, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::New(_) = &self.stage {
            let Stage::New(builder) = std::mem::replace(&mut self.stage, Stage::Over) else {
                unreachable!("matched above")
            };
            match open(builder) {
                Ok(open) => self.stage = Stage::Open(open),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let Stage::Open(open) = &mut self.stage else {
            panic!("`Gather` polled after it was ready");
        };
        let Poll::Ready(end) = open.poll(context) else {
            return Poll::Pending;
        };
        let gathered = open.finish(end);
        self.stage = Stage::Over;
        Poll::Ready(Ok(gathered))
    }
}

/// Makes the request.
fn open<Q: Request>(builder: RequestBuilder<Q>) -> Result<Open<Q>, RequestError> {
    let RequestBuilder { core, request, scope, expected, at_least, predicate, timeout } = builder;
    let info = TypeInfo::of::<Q>();
    if expected.is_empty() {
        return Err(RequestError::NobodyExpected { request: info.name });
    }
    let at_least = at_least.unwrap_or(expected.len());
    if at_least > expected.len() {
        return Err(RequestError::TooFewExpected { at_least, expected: expected.len() });
    }
    let needed = if predicate.is_some() { usize::MAX } else { at_least };
    let core = core.upgrade().ok_or(RequestError::Closed)?;
    let clock = &*core.settings.clock;
    let priority = Q::ABILITIES.rank(&request);
    let deadline = deadline_after(clock, timeout);
    let exchange = Arc::new(Exchange {
        core: Arc::downgrade(&core),
        ancestry: scope.ancestry,
        began: clock.now(),
        deadline,
        needed,
        state: Mutex::new(State::new(&expected)),
    });
    let ticket: Arc<dyn Ticket> = Arc::clone(&exchange) as _;
    let weak: Weak<dyn Ticket> = Arc::downgrade(&ticket);
    let published_at = core.timestamp();
    // From here on, dropping `open` undoes it all. It is entered before it is accepted, so that a
    // bus that closes meanwhile finds it.
    let open = Open {
        id: core.requests.open(weak),
        exchange: Arc::clone(&exchange),
        deadline: Deadline::at(deadline),
        predicate,
        responses: Vec::new(),
        judged: 0,
        core: Arc::clone(&core),
    };
    if let Some(ancestry) = &exchange.ancestry {
        let chain = cycle(&core.registry(), info, ancestry, &expected, needed);
        if let Some(chain) = chain {
            core.requests.remember(TroubledRequest {
                event_type: info.name.into(),
                sequence: None,
                kind: Troubled::Cycle { chain: chain.clone() },
            });
            return Err(RequestError::Cycle { chain });
        }
    }
    let mut parcel = Parcel {
        event: Some(request),
        priority,
        key: None,
        cause: scope.cause,
        published_at,
        answer: false,
        keep: false,
        kept: None,
        ticket: Some(ticket),
    };
    let accepted = core.accept(&mut parcel);
    discard(parcel);
    match accepted {
        Accepted::Routed(..) | Accepted::Unheard => {}
        Accepted::Buffered { sequence, .. } => {
            let mut state = exchange.state.lock();
            if state.sequence == 0 {
                state.sequence = sequence;
            }
        }
        Accepted::BufferFull => exchange.state.lock().refuse(),
        Accepted::Closed => return Err(RequestError::Closed),
    }
    Ok(open)
}

impl<Q: Request> Open<Q> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        let waker = context.waker().clone();
        let (end, (responded, pending)) = {
            let mut state = self.exchange.state.lock();
            self.responses.append(&mut state.answers);
            let old = state.waker.replace(waker);
            let seen = (state.end, state.tally());
            drop(state);
            drop(old);
            seen
        };
        // What was certain before the bus closed stays so.
        let needed = self.exchange.needed;
        if responded >= needed || self.judge() {
            return Poll::Ready(End::Met);
        }
        let possible =
            if self.predicate.is_some() { pending > 0 } else { responded + pending >= needed };
        if !possible {
            return Poll::Ready(End::Unreachable);
        }
        if let Some(end) = end {
            return Poll::Ready(end);
        }
        self.deadline.poll(&*self.core.settings.clock, context).map(|()| End::TimedOut)
    }

    /// Has the predicate judge each answer that has come since the last time.
    fn judge(&mut self) -> bool {
        let Some(predicate) = &mut self.predicate else {
            return false;
        };
        while self.judged < self.responses.len() {
            self.judged += 1;
            if predicate(&self.responses[..self.judged]) {
                return true;
            }
        }
        false
    }

    fn finish(&mut self, end: End) -> Gathered<Q::Response> {
        let waiting = !self.exchange.state.lock().dispatched;
        let present = waiting.then(|| self.core.registry().responders(TypeInfo::of::<Q>()));
        let mut state = self.exchange.state.lock();
        state.end = Some(end);
        // Answers that came between the decision and this moment are in time.
        self.responses.append(&mut state.answers);
        if let Some(present) = present.filter(|_| !state.dispatched) {
            // It never left the buffer: who had not even signed in?
            state.give_up_on_absent(&present);
        }
        let outcomes = state.outcomes(end);
        let (sequence, unexpected) = (state.sequence, std::mem::take(&mut state.unexpected));
        drop(state);
        if end != End::Met {
            let named = |(name, outcome): &(Arc<str>, Outcome)| (name.to_string(), outcome.clone());
            self.core.requests.remember(TroubledRequest {
                event_type: Q::TYPE.into(),
                sequence: Some(sequence),
                kind: Troubled::Ended { end, outcomes: outcomes.iter().map(named).collect() },
            });
        }
        let answered = |outcome: &Outcome| *outcome == Outcome::Responded;
        Gathered {
            sequence,
            responses: std::mem::take(&mut self.responses),
            unexpected,
            missing: outcomes.into_iter().filter(|(_, outcome)| !answered(outcome)).collect(),
            end,
        }
    }
}

impl<Q: Request> Drop for Open<Q> {
    fn drop(&mut self) {
        self.core.requests.end(self.id);
        let (out, waker) = {
            let mut state = self.exchange.state.lock();
            state.end.get_or_insert(End::Unreachable);
            (!state.dispatched || !state.queued().is_empty(), state.waker.take())
        };
        drop(waker);
        self.exchange.discard_answers();
        self.responses.drain(..).for_each(discard);
        if !out {
            return;
        }
        self.core.with(|registry, aftermath| {
            // The bus may have started since: with its lock held it can't.
            let (sequence, waiting, queued) = {
                let state = self.exchange.state.lock();
                (state.sequence, !state.dispatched, state.queued())
            };
            if waiting && registry.phase != Phase::Closed {
                registry.buffer.withdraw(sequence, aftermath);
            }
            for mailbox in queued {
                if let Some(listener) = registry.listeners.get(&mailbox) {
                    listener.mailbox.withdraw(sequence, aftermath);
                }
            }
        });
    }
}

impl<Q: Request> fmt::Debug for Gather<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("request", &Q::TYPE).finish_non_exhaustive()
    }
}
