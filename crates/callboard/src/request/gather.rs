//! The future that gathers a request's answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use super::exchange::Exchange;
use super::gathered::discard_answers;
use super::predicate::PredicateState;
use super::rule::Rule;
use super::state::{Closed, State};
use super::waits::Wait;
use super::{Gathered, Request, RequestBuilder, span};
use crate::engine::Ticket;
use crate::error::RequestError;
use crate::event::TypeInfo;
use crate::outcome::{End, Troubled, TroubledRequest};
use crate::registry::{Accepted, Ending, Publication, Slot};
use crate::sync::{MutexGuard, discard, discard_any};
use crate::time::Deadline;
use crate::trace::Inquiry;

/// The future of [`RequestBuilder::gather`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Gather<Q: Request> {
    stage: Stage<Q>,
    /// The request's span, created by the first poll if the bus traces.
    inquiry: Inquiry,
}

enum Stage<Q: Request> {
    New(RequestBuilder<Q>),
    Open(Open<Q>),
    Over,
}

/// An open request. Dropping it withdraws the request.
struct Open<Q: Request> {
    exchange: Arc<Exchange<Q>>,
    /// Its slot among the open requests.
    slot: Slot,
    /// Its entry in the wait-for graph, if the request is nested.
    wait: Option<Wait>,
    deadline: Deadline,
    predicate: Option<PredicateState<Q::Response>>,
    /// Whether it has not been polled yet.
    is_new: bool,
    /// Whether the asker has the answers.
    over: bool,
    /// How the request ends if it is dropped early; then how it ended.
    ending: Ending,
    /// Whether the request may be in the bus's buffer or in a queue.
    queued: bool,
}

impl<Q: Request> Gather<Q> {
    pub(super) fn new(builder: RequestBuilder<Q>) -> Self {
        Self { stage: Stage::New(builder), inquiry: Inquiry::default() }
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
            let traces = builder.core.settings.trace;
            self.inquiry = Inquiry::begin(traces, Q::TYPE, builder.expected.len());
            match open(builder, &self.inquiry) {
                Ok(open) => self.stage = Stage::Open(open),
                Err(error) => {
                    self.inquiry.end(0, Some(&error.kind()));
                    return Poll::Ready(Err(error));
                }
            }
        }
        let Self { stage, inquiry } = &mut *self;
        let Stage::Open(open) = stage else {
            panic!("`Gather` polled after it was ready");
        };
        let polled = if inquiry.is_some() {
            span::poll(inquiry, || open.poll(context))
        } else {
            open.poll(context)
        };
        let Poll::Ready(gathered) = polled else {
            return Poll::Pending;
        };
        *stage = Stage::Over;
        Poll::Ready(gathered)
    }
}

/// Returns the completion rule, if the request can be made at all.
fn check<Q: Request>(builder: &RequestBuilder<Q>) -> Result<Rule, RequestError> {
    let expected = builder.expected.len();
    if expected == 0 {
        return Err(RequestError::NobodyExpected { request: Q::TYPE });
    }
    match builder.rule {
        None => Ok(Rule::AtLeast(expected)),
        Some(Rule::AtLeast(at_least)) if at_least > expected => {
            Err(RequestError::TooFewExpected { at_least, expected })
        }
        Some(rule) => Ok(rule),
    }
}

/// Opens the request.
fn open<Q: Request>(
    builder: RequestBuilder<Q>,
    inquiry: &Inquiry,
) -> Result<Open<Q>, RequestError> {
    let rule = match check(&builder) {
        Ok(rule) => rule,
        Err(error) => {
            builder.core.requests.refuse();
            discard(builder);
            return Err(error);
        }
    };
    let (timeout, blocking_at) = (builder.timeout, builder.blocking_at);
    let RequestBuilder { core, request, origin, asker, expected, predicate, .. } = builder;
    let origin = match &asker {
        // A served handler's publications have its name already.
        Some(asker) if !origin.is_named() => {
            origin.published_by(core.registry().publishers.number_of_asker(asker))
        }
        _ => origin,
    };
    let priority = Q::ABILITIES.rank(&request);
    let (published_at, began) = (core.moment(), core.settings.clock.now());
    let deadline = Deadline::from(began, timeout);
    let exchange = Exchange::new(core, asker, began, deadline.at(), rule, blocking_at, expected);
    let exchange = Arc::new(exchange);
    let ticket: Arc<dyn Ticket> = Arc::clone(&exchange) as _;
    let begin = |asker| {
        Wait::begin(&ticket, asker).map_err(|chain| {
            exchange.core.requests.refuse();
            exchange.abort(None, Ending::Refused);
            cycle(&exchange, chain)
        })
    };
    let wait = match exchange.nested().map(begin).transpose() {
        Ok(wait) => wait,
        Err(error) => {
            discard(request);
            return Err(error);
        }
    };
    // From here on, dropping `open` undoes everything. It is registered before it is accepted, so
    // that a concurrent close of the bus finds it.
    let mut open = Open {
        slot: exchange.core.requests.open(Arc::clone(&ticket)),
        exchange,
        wait,
        deadline,
        predicate: predicate.map(PredicateState::new),
        is_new: true,
        over: false,
        ending: Ending::GivenUp,
        queued: true,
    };
    let mut publication = Publication {
        ticket: Some(ticket),
        context: inquiry.context(),
        ..Publication::new(request, priority, origin, published_at)
    };
    let accepted = open.exchange.core.accept(&mut publication);
    discard(publication);
    match accepted {
        Accepted::Routed(..) | Accepted::Unheard => {}
        Accepted::Buffered { sequence, .. } => {
            let mut state = open.exchange.state.lock();
            if state.sequence == 0 {
                state.sequence = sequence;
            }
        }
        Accepted::BufferFull => open.exchange.state.lock().refuse(),
        Accepted::Closed => {
            open.ending = Ending::Gathered(End::Closed);
            return Err(RequestError::Closed);
        }
    }
    Ok(open)
}

/// The error of the request that closes a cycle of waiting responders.
fn cycle<Q: Request>(exchange: &Exchange<Q>, chain: Vec<String>) -> RequestError {
    let sequence = exchange.state.lock().sequence;
    exchange.core.requests.remember(TroubledRequest {
        event_type: Q::TYPE.into(),
        sequence: (sequence != 0).then_some(sequence),
        blocking_at: exchange.blocking_at.map(ToString::to_string),
        before_start: false,
        kind: Troubled::Cycle { chain: chain.clone() },
    });
    RequestError::Cycle { chain }
}

impl<Q: Request> Open<Q> {
    /// How long the request took, if requests are timed.
    fn time(&self) -> Option<Duration> {
        if !self.exchange.core.requests.endings.are_timed() {
            return None;
        }
        let now = self.exchange.core.now()?;
        Some(now.saturating_duration_since(self.exchange.began))
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Gathered<Q::Response>, RequestError>> {
        let Self { exchange, slot, wait, deadline, predicate, ending, .. } = self;
        // Cloning and dropping a waker runs user code, so neither happens under the lock. The first
        // poll will need one; a later one is likely to be the last.
        let mut waker = std::mem::take(&mut self.is_new).then(|| context.waker().clone());
        let (mut in_time, mut listens) = (true, false);
        let mut present = None;
        let (gathered, queued) = loop {
            let mut state = exchange.state.lock();
            if let Some(chain) = state.cycle.take() {
                drop(state);
                discard_any(waker);
                *ending = Ending::Refused;
                return Poll::Ready(Err(cycle(exchange, chain.into())));
            }
            // An end decided before the bus closed stays decided.
            let end = match predicate {
                None => state.decided(exchange.rule).or(state.end),
                Some(predicate) if predicate.judged < state.responded => {
                    predicate.fetch(&state.parts);
                    drop(state);
                    if !predicate.is_content() {
                        continue;
                    }
                    break exchange.finish(*slot, exchange.state.lock(), End::Met, present);
                }
                Some(_) => state.decided(exchange.rule).or(state.end),
            };
            if let Some(end) = end.or((!in_time).then_some(End::TimedOut)) {
                present = state.stranded.take().or(present);
                if state.dispatched || present.is_some() {
                    break exchange.finish(*slot, state, end, present);
                }
                // It never left the buffer: find the responders that have not signed in. It may
                // leave the buffer concurrently; then this is checked again.
                drop(state);
                present = Some(exchange.core.registry().responders(TypeInfo::of::<Q>()));
                continue;
            }
            state.rejected = state.responded;
            let recheck = std::mem::take(&mut state.recheck);
            let wakes = |waker: &Waker| waker.will_wake(context.waker());
            listens = listens || state.waker.as_ref().is_some_and(wakes);
            let old = waker.take().and_then(|waker| {
                listens = true;
                state.waker.replace(waker)
            });
            drop(state);
            discard_any(old);
            if let (true, Some(wait)) = (recheck, &wait) {
                wait.recheck();
                continue;
            }
            if !listens {
                waker = Some(context.waker().clone());
                continue;
            }
            ready!(deadline.poll(&*exchange.core.settings.clock, context));
            // The last answers may have come with the end of the time: one more look.
            in_time = false;
        };
        discard_any(waker);
        (self.over, self.queued) = (true, queued);
        self.ending = Ending::Gathered(gathered.end());
        Poll::Ready(Ok(gathered))
    }
}

impl<Q: Request> Exchange<Q> {
    /// Ends the request; `present` are its responders, if it was still undispatched. Also returns
    /// whether the request may be in the bus's buffer or in a queue.
    fn finish<'a>(
        &'a self,
        slot: Slot,
        mut state: MutexGuard<'a, State<Q::Response>>,
        end: End,
        present: Option<Vec<Arc<str>>>,
    ) -> (Gathered<Q::Response>, bool) {
        if let (false, Some(present)) = (state.dispatched, present) {
            state.give_up_on_absent(&present);
        }
        let (sequence, dispatched) = (state.sequence, state.dispatched);
        let Closed { mut parts, unexpected, waker, queued } = self.end(&mut state, end);
        drop(state);
        discard_any(waker);
        if end != End::Met {
            let outcomes = parts.named().map(|(name, part)| (name.into(), part.outcome(end)));
            self.core.requests.remember(TroubledRequest {
                event_type: Q::TYPE.into(),
                sequence: (sequence != 0).then_some(sequence),
                blocking_at: self.blocking_at.map(ToString::to_string),
                before_start: !dispatched,
                kind: Troubled::Ended { end, outcomes: outcomes.collect() },
            });
        }
        let responded = parts.sort();
        if self.trace.is_some() {
            self.remember(Some(slot), sequence, (&parts, &unexpected), (end, &end.to_string()));
        }
        (
            Gathered { request: TypeInfo::of::<Q>(), sequence, parts, responded, unexpected, end },
            queued,
        )
    }
}

impl<Q: Request> Exchange<Q> {
    /// Ends the request and discards its answers. Returns whether it may be in the buffer or in a
    /// queue.
    #[cold]
    fn abort(&self, slot: Option<Slot>, how: Ending) -> bool {
        let mut state = self.state.lock();
        let sequence = state.sequence;
        let mut closed = self.end(&mut state, End::Unreachable);
        drop(state);
        if self.trace.is_some() {
            closed.parts.sort();
            let how = match how {
                Ending::GivenUp => "withdrawn",
                Ending::Refused => "in a circle",
                Ending::Gathered(_) => "closed",
            };
            let held = (&closed.parts, &closed.unexpected[..]);
            self.remember(slot, sequence, held, (End::Unreachable, how));
        }
        discard_any(closed.waker);
        discard_answers(closed.parts, closed.unexpected);
        closed.queued
    }
}

impl<Q: Request> Drop for Open<Q> {
    fn drop(&mut self) {
        if !self.over {
            self.queued = self.exchange.abort(Some(self.slot), self.ending);
        }
        self.exchange.core.requests.end(self.slot, self.ending, self.time());
        // The request has ended, so no chain of waiting calls includes it any more.
        self.wait = None;
        if self.queued {
            self.withdraw();
        }
        // A task may be waiting until no request is open, or until a queue is empty.
        self.exchange.core.changed.notify_all();
    }
}

impl<Q: Request> Open<Q> {
    /// Removes the request from the buffer or the queues.
    #[cold]
    fn withdraw(&self) {
        self.exchange.core.with(|registry, deferred| {
            // The bus may have started since; it can't while its lock is held.
            let (sequence, waiting, queued) = {
                let state = self.exchange.state.lock();
                (state.sequence, !state.dispatched, state.queued().collect::<Vec<_>>())
            };
            if waiting {
                registry.buffer.withdraw(sequence, deferred);
            }
            for mailbox in queued {
                registry.withdraw(mailbox, sequence, deferred);
            }
        });
    }
}

impl<Q: Request> fmt::Debug for Gather<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("request", &Q::TYPE).finish_non_exhaustive()
    }
}
