//! A request that a responder has received.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use super::asker::Asker;
use super::exchange::Exchange;
use super::parts::Stage;
use super::{Request, RequestBuilder};
use crate::engine::{Invocation, Mailbox, Origin, Scope, Taken, kept};
use crate::event::{Delivery, Receipt, Received, TypeInfo, describe, metadata, received};
use crate::log::{Kept, Stamp};
use crate::outcome::Outcome;
use crate::sync::{OnceLock, discard};

/// A request that a responder has received. It dereferences to the request, and is answered once,
/// with [`respond`](Self::respond) or [`decline`](Self::decline).
///
/// Dropping it unanswered (a panic, an early return) notifies the asker at once.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event, Outcome, Request};
///
/// #[derive(Debug, Event)]
/// struct Answer(u32);
///
/// #[derive(Debug, Request)]
/// #[request(response = Answer)]
/// struct Question(u32);
///
/// let bus = Bus::new();
/// let mut oracle = bus.responder::<Question>("oracle");
/// bus.start();
/// std::thread::spawn(move || {
///     for call in oracle.iter() {
///         match call.0 {
///             0 => call.decline("not a question"),
///             n => call.respond(Answer(n * 2)),
///         }
///     }
/// });
///
/// let gathered = bus.request(Question(21)).expect(["oracle"]).gather_blocking()?;
/// assert_eq!(gathered.get("oracle").unwrap().0, 42);
///
/// let gathered = bus.request(Question(0)).expect(["oracle"]).gather_blocking()?;
/// assert_eq!(gathered.outcome("oracle"), Some(Outcome::Declined("not a question".into())));
/// # Ok::<(), callboard::RequestError>(())
/// ```
#[must_use = "a call that is dropped unanswered counts as abandoned"]
pub struct Call<Q: Request> {
    /// `Some` until the call is dropped.
    question: Option<Kept<Q>>,
    pub(super) exchange: Arc<Exchange<Q>>,
    responder: Arc<Mailbox>,
    /// The responder's index in the exchange.
    place: usize,
    receipt: Receipt,
    answered: bool,
    /// The asker of nested requests made for this call; set when the first may be made.
    invocation: OnceLock<Arc<Invocation>>,
}

impl<Q: Request> Call<Q> {
    #[inline]
    pub(super) fn new(taken: Taken) -> Self {
        let Taken { held, call, receipt, .. } = taken;
        let Some((ticket, responder)) = call else {
            unreachable!("a responder is given calls only")
        };
        let Ok(exchange) = ticket.into_any().downcast::<Exchange<Q>>() else {
            unreachable!("a mailbox gets only events of its members' types")
        };
        let place = exchange.take(&responder);
        let question = Some(kept(held));
        let (answered, invocation) = (false, OnceLock::new());
        Self { question, exchange, responder, place, receipt, answered, invocation }
    }

    /// Answers the request. If the request has already ended, the answer is counted as late and
    /// discarded.
    pub fn respond(mut self, answer: Q::Response) {
        self.end();
        if !self.exchange.is_open() {
            discard(answer);
            self.exchange.count(|requests| &requests.late);
            return;
        }
        let core = &self.exchange.core;
        let published_at = core.moment();
        let origin = self.origin_of_nested();
        let held = core.accept_answer(answer, origin, published_at);
        let answer =
            Delivery::new(kept(held), Receipt::new(0, published_at.is_known().then_some(0)));
        self.exchange.answer(self.place, &self.responder.settings.name, answer);
    }

    /// Declines to answer, with a reason.
    ///
    /// To build the reason from the request, see [`decline_with`](Self::decline_with).
    pub fn decline(mut self, reason: impl Into<String>) {
        // The conversion is user code: if it panics, the call counts as dropped.
        let reason: String = reason.into();
        self.end();
        self.exchange.set_stage(|_| self.place, Stage::Declined(reason.into()));
    }

    /// [Declines](Self::decline) with a reason built from the request.
    ///
    /// # Panics
    ///
    /// If `reason` panics. The call then counts as dropped unanswered.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Outcome, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Answer;
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Answer)]
    /// # struct Question(&'static str);
    /// let bus = Bus::new();
    /// let mut oracle = bus.responder::<Question>("oracle");
    /// bus.start();
    /// std::thread::spawn(move || {
    ///     for call in oracle.iter() {
    ///         call.decline_with(|question| format!("`{}` is no question", question.0));
    ///     }
    /// });
    /// let gathered = bus.request(Question("no")).expect(["oracle"]).gather_blocking()?;
    /// let declined = Outcome::Declined("`no` is no question".into());
    /// assert_eq!(gathered.outcome("oracle"), Some(declined));
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    pub fn decline_with<R: Into<String>>(self, reason: impl FnOnce(&Q) -> R) {
        let reason = reason(&self);
        self.decline(reason);
    }

    /// Returns the request as a delivery that can outlive the call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Call, Event, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Answer;
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Answer)]
    /// # struct Question(u32);
    /// fn refuse(call: Call<Question>) -> u32 {
    ///     let question = call.delivery();
    ///     call.decline("not today");
    ///     question.0
    /// }
    /// # let bus = callboard::Bus::new();
    /// # let mut oracle = bus.responder::<Question>("oracle");
    /// # bus.start();
    /// # let asked = std::thread::spawn(move || {
    /// #     bus.request(Question(7)).expect(["oracle"]).gather_blocking()
    /// # });
    /// # assert_eq!(refuse(oracle.blocking_recv().unwrap()), 7);
    /// # assert!(asked.join().unwrap().is_ok());
    /// ```
    pub fn delivery(&self) -> Delivery<Q> {
        Delivery::new(self.question().clone(), self.receipt.clone())
    }

    /// Opens a nested request, made in order to answer this one. It is for hand-written responder
    /// loops: inside a handler run by [`serve`](crate::Subscription::serve), a plain
    /// [`Bus::request`](crate::Bus::request) is nested automatically.
    ///
    /// # Examples
    ///
    /// A nested request to a responder that waits for it fails at once:
    ///
    /// ```
    /// # use callboard::{Bus, Event, Request, RequestError};
    /// # #[derive(Debug, Event)]
    /// # struct Answer;
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Answer)]
    /// # struct Question;
    /// let bus = Bus::new();
    /// let mut a = bus.responder::<Question>("a");
    /// bus.start();
    /// let asked = std::thread::spawn({
    ///     let bus = bus.clone();
    ///     move || bus.request(Question).expect(["a"]).gather_blocking()
    /// });
    /// let call = a.blocking_recv().unwrap();
    /// let error = call.request(Question).expect(["a"]).gather_blocking().unwrap_err();
    /// assert_eq!(error, RequestError::Cycle { chain: vec!["a".into(), "a".into()] });
    /// call.respond(Answer);
    /// assert!(asked.join().unwrap().unwrap().is_complete());
    /// ```
    pub fn request<P: Request>(&self, request: P) -> RequestBuilder<P> {
        let origin = self.origin_of_nested();
        let core = Arc::clone(&self.exchange.core);
        RequestBuilder::new(core, request, origin, Some(self.invocation()))
    }

    /// The name of this responder.
    pub fn responder(&self) -> &str {
        &self.responder.settings.name
    }

    /// The chain of components that wait for the answer: the asker of this request, then, if that
    /// is a handler of another call, the asker of that call, and so on. Empty if the asker has no
    /// name.
    ///
    /// See [`RequestBuilder::asker`] for an example.
    pub fn askers(&self) -> Vec<Asker> {
        let first = self.exchange.asker.clone();
        let chain = std::iter::successors(first, |asker| asker.asked_by());
        chain.map(|asker| Asker::of(&asker)).collect()
    }

    /// Ends this responder's part with a known outcome that is neither an answer nor its own
    /// refusal. It is for proxies of remote responders, such as those of a link to other processes.
    /// [`Outcome::Responded`] and [`Outcome::NotAwaited`] count as [`Outcome::Abandoned`], since
    /// there is no answer. If a responder ran out of time, the asker still waits until this
    /// request's own timeout.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Outcome, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Answer;
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Answer)]
    /// # struct Question;
    /// # let bus = Bus::new();
    /// # let mut far = bus.responder::<Question>("far");
    /// # bus.start();
    /// # std::thread::spawn(move || {
    /// #     for call in far.iter() {
    /// call.conclude(Outcome::Gone);
    /// #     }
    /// # });
    /// # let gathered = bus.request(Question).expect(["far"]).gather_blocking()?;
    /// assert_eq!(gathered.outcome("far"), Some(Outcome::Gone));
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    pub fn conclude(mut self, outcome: Outcome) {
        self.end();
        self.exchange.set_stage(|_| self.place, outcome.into());
    }

    /// Whether the asker waits for this responder's answer: it [expects](RequestBuilder::expect)
    /// its name, and the request has not ended.
    pub fn is_expected(&self) -> bool {
        let state = self.exchange.state.lock();
        state.end.is_none() && state.part_of(self.place).is_some()
    }

    /// Whether the asker still waits for answers.
    pub fn is_open(&self) -> bool {
        self.exchange.is_open()
    }

    /// When the asker stops waiting, on the bus's clock; `None` if it never does.
    pub fn deadline(&self) -> Option<Instant> {
        self.exchange.deadline
    }

    metadata!();

    pub(super) fn stamp(&self) -> &Stamp {
        self.question().stamp()
    }

    /// The origin of its answer, and of what is asked in order to answer it.
    pub(super) fn origin_of_nested(&self) -> Origin {
        self.exchange.core.origin().caused_by(self.stamp().as_cause())
    }

    fn question(&self) -> &Kept<Q> {
        let Some(question) = &self.question else { unreachable!("the call is dropped") };
        question
    }

    /// Ends the call: nothing waits for it afterwards.
    fn end(&mut self) {
        self.answered = true;
        if self.exchange.trace.is_some() {
            self.exchange.note_ended(self.responder.id);
        }
        if let Some(invocation) = self.invocation.get() {
            invocation.answer();
        }
    }

    pub(super) fn invocation(&self) -> Arc<Invocation> {
        let invocation = self.invocation.get_or_init(|| {
            let request = Arc::downgrade(&self.exchange);
            let Mailbox { id, settings, .. } = &*self.responder;
            Arc::new(Invocation::of_call(*id, Arc::clone(&settings.name), self.sequence(), request))
        });
        Arc::clone(invocation)
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::of_call(TypeInfo::of::<Q>(), self.stamp(), self.invocation())
    }
}

impl<Q: Request> Drop for Call<Q> {
    fn drop(&mut self) {
        if !self.answered {
            self.end();
            self.exchange.set_stage(|_| self.place, Stage::Abandoned);
        }
        let question = self.question.take();
        if std::mem::needs_drop::<Q>() {
            // A panic in the request's destructor must not reach the responder.
            discard(question);
        }
    }
}

impl<Q: Request> Deref for Call<Q> {
    type Target = Q;

    fn deref(&self) -> &Q {
        self.question()
    }
}

impl<Q: Request> fmt::Debug for Call<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Call");
        shown.field("request", &**self.question()).field("responder", &self.responder());
        describe(&mut shown, self.stamp(), &self.receipt);
        shown.finish_non_exhaustive()
    }
}

impl<Q: Request> Received for Call<Q> {
    received!(_item => Q::TYPE);
}
