//! The builder of requests.

use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use super::rule::Rule;
use super::{Gather, Gathered, Request};
use crate::bus::Bus;
use crate::engine::{Invocation, Origin, Scope};
use crate::error::RequestError;
use crate::event::Delivery;
use crate::registry::Core;

/// The most names that room is made for at once: an iterator may promise more than there are, or
/// repeat some.
const MOST_RESERVED: usize = 64;

/// The default time a request waits for its answers.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Configures a request. Created by [`Bus::request`] or [`Call::request`](super::Call::request).
///
/// Awaiting it is the same as awaiting [`gather`](Self::gather).
#[must_use = "a request is made only by `gather`"]
pub struct RequestBuilder<Q: Request> {
    pub(super) core: Arc<Core>,
    pub(super) request: Q,
    pub(super) origin: Origin,
    /// The handler invocation or component that asks, if known.
    pub(super) asker: Option<Arc<Invocation>>,
    pub(super) expected: Parts<Q::Response>,
    /// When the request is complete; `None` means with all the expected answers.
    pub(super) rule: Option<Rule>,
    /// Set if the rule is `Until`.
    pub(super) predicate: Option<Predicate<Q::Response>>,
    pub(super) timeout: Duration,
    /// The call site, if the call blocks.
    pub(super) blocking_at: Option<&'static Location<'static>>,
}

/// A predicate over the answers so far.
pub(super) type Predicate<R> = Box<dyn FnMut(&[(Arc<str>, Delivery<R>)]) -> bool + Send>;

impl Bus {
    /// Opens a request; finish it with [`gather`](RequestBuilder::gather).
    ///
    /// Every responder of the type receives the request; subscribers of the type, and of
    /// everything, see it as an event. Before the start, the request waits, within its timeout, for
    /// its responders to sign in. After the start, an expected responder that does not exist is
    /// reported at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, Outcome, Request};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Verdict { valid: bool }
    ///
    /// #[derive(Debug, Request)]
    /// #[request(type = "config.validate", response = Verdict)]
    /// struct ValidateConfig { yaml: &'static str }
    ///
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let mut inbox = bus.responder::<ValidateConfig>("basic");
    /// bus.start();
    /// std::thread::spawn(move || {
    ///     for call in inbox.iter() {
    ///         let valid = !call.yaml.is_empty();
    ///         call.respond(Verdict { valid });
    ///     }
    /// });
    ///
    /// let gathered = bus
    ///     .request(ValidateConfig { yaml: "a: 1" })
    ///     .expect(["basic", "template"])
    ///     .at_least(1)
    ///     .timeout(Duration::from_secs(5))
    ///     .gather()
    ///     .await?;
    /// for (responder, verdict) in gathered.responses() {
    ///     assert_eq!((responder, verdict.valid), ("basic", true));
    /// }
    /// assert!(gathered.missing().eq([("template", Outcome::NoSuchResponder)]));
    /// # Ok::<(), callboard::RequestError>(())
    /// # }).unwrap();
    /// ```
    pub fn request<Q: Request>(&self, request: Q) -> RequestBuilder<Q> {
        let (origin, asker) = (self.core().origin(), Scope::current_asker());
        RequestBuilder::new(Arc::clone(self.core()), request, origin, asker)
    }
}

impl<Q: Request> RequestBuilder<Q> {
    pub(super) fn new(
        core: Arc<Core>,
        request: Q,
        origin: Origin,
        asker: Option<Arc<Invocation>>,
    ) -> Self {
        Self {
            core,
            request,
            origin,
            asker,
            expected: Parts::new(),
            rule: None,
            predicate: None,
            timeout: DEFAULT_TIMEOUT,
            blocking_at: None,
        }
    }

    /// Adds the names of the responders whose answers are awaited. A repeated name counts once. At
    /// least one is needed.
    ///
    /// Other responders may answer too; their answers don't count and appear in
    /// [`Gathered::unexpected`].
    // Without the hint, inlining would depend on the rest of the program.
    #[inline]
    pub fn expect(mut self, responders: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let responders = responders.into_iter();
        self.expected.reserve(responders.size_hint().0.min(MOST_RESERVED));
        for name in responders {
            self.expected.add(name.as_ref());
        }
        self
    }

    /// The name of the component that asks, for a request made outside handlers. The diagnosis, the
    /// console and [`Call::askers`](super::Call::askers) show it, and so does the wiring if a
    /// component of that name has a [`Publisher`](crate::Publisher) or is served. Default: unnamed.
    /// Nested requests ignore it: their asker is the component whose handler makes the request.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Answer;
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Answer)]
    /// # struct Question;
    /// # let bus = Bus::new();
    /// # let mut oracle = bus.responder::<Question>("oracle");
    /// # bus.start();
    /// # let asked = std::thread::spawn(move || {
    /// bus.request(Question).asker("pilgrim").expect(["oracle"]).gather_blocking()
    /// # });
    /// # let call = oracle.blocking_recv().unwrap();
    /// # assert_eq!(&*call.askers()[0].name, "pilgrim");
    /// # call.respond(Answer);
    /// # assert!(asked.join().unwrap().is_ok());
    /// ```
    pub fn asker(mut self, name: impl AsRef<str>) -> Self {
        if !self.asker.as_ref().is_some_and(|asker| asker.is_handling()) {
            self.asker = Some(Arc::new(Invocation::of_component(name.as_ref().into())));
        }
        self
    }

    /// Completes with all the expected answers. This is the default.
    pub fn all(self) -> Self {
        self.complete(None, None)
    }

    /// Completes with this many of the expected answers. Default: all. With 0 the request
    /// completes, and is withdrawn, at once; to notify without waiting, publish instead.
    pub fn at_least(self, answers: usize) -> Self {
        self.complete(Some(Rule::AtLeast(answers)), None)
    }

    /// Completes with the first of the expected answers. Default: all.
    pub fn first(self) -> Self {
        self.at_least(1)
    }

    /// Completes once `predicate` returns true. It is called after each expected answer, with the
    /// expected answers so far and the names of their responders. Default: complete with all.
    ///
    /// A panic of the predicate propagates out of the poll of the gather.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, End, Event, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Vote(bool);
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Vote)]
    /// # struct Motion;
    /// # let bus = Bus::new();
    /// # for name in ["a", "b", "c"] {
    /// #     let mut voter = bus.responder::<Motion>(name);
    /// #     std::thread::spawn(move || voter.iter().for_each(|call| call.respond(Vote(true))));
    /// # }
    /// # bus.start();
    /// let carried = bus
    ///     .request(Motion)
    ///     .expect(["a", "b", "c"])
    ///     .until(|votes| votes.iter().filter(|(_, vote)| vote.0).count() >= 2)
    ///     .gather_blocking()?;
    /// assert_eq!(carried.end(), End::Met);
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    pub fn until(
        self,
        predicate: impl FnMut(&[(Arc<str>, Delivery<Q::Response>)]) -> bool + Send + 'static,
    ) -> Self {
        self.complete(Some(Rule::Until), Some(Box::new(predicate)))
    }

    /// Completes once the outcome of every expected responder is known: it has answered, declined
    /// or abandoned the request, has no room for it, or does not exist. No failure ends the request
    /// early, so it collects every available answer. Default: complete with all.
    ///
    /// Cycles are the exception: if one expected responder waits for the handler that asks, its
    /// outcome is unknown until that handler ends, so the whole request fails with
    /// [`RequestError::Cycle`], even if others could answer.
    ///
    /// The result is [complete](Gathered::is_complete) even if no responder answered;
    /// [`Gathered::missing`] and [`Gathered::into_all`] list those that did not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, End, Event, Outcome, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Health(bool);
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Health)]
    /// # struct Probe;
    /// # let bus = Bus::new();
    /// # let mut disk = bus.responder::<Probe>("disk");
    /// # std::thread::spawn(move || disk.iter().for_each(|call| call.respond(Health(true))));
    /// # bus.start();
    /// let gathered = bus.request(Probe).expect(["cache", "disk"]).settled().gather_blocking()?;
    /// assert_eq!(gathered.end(), End::Met);
    /// assert!(gathered.get("disk").unwrap().0);
    /// assert!(gathered.missing().eq([("cache", Outcome::NoSuchResponder)]));
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    pub fn settled(self) -> Self {
        self.complete(Some(Rule::Settled), None)
    }

    fn complete(mut self, rule: Option<Rule>, predicate: Option<Predicate<Q::Response>>) -> Self {
        (self.rule, self.predicate) = (rule, predicate);
        self
    }

    /// How long to wait, on the bus's clock, from the first poll of the gather. Default: 10
    /// seconds. [`Duration::MAX`] waits forever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the request and gathers its answers.
    ///
    /// # Errors
    ///
    /// If the request can't be made at all: see [`RequestError`]. Getting fewer answers than
    /// requested is a result, not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the request: responders that have not taken it will not see
    /// it, and later answers are counted as late.
    pub fn gather(self) -> Gather<Q> {
        Gather::new(self)
    }

    /// [`gather`](Self::gather), parking the thread.
    ///
    /// # Errors
    ///
    /// As [`gather`](Self::gather).
    ///
    /// In a drop callback or an event's destructor, it blocks the operation that runs it, and that
    /// operation's caller; the responders must run on other threads.
    #[track_caller]
    pub fn gather_blocking(mut self) -> Result<Gathered<Q::Response>, RequestError> {
        let (core, site) = (Arc::clone(&self.core), Location::caller());
        self.blocking_at = Some(site);
        core.block_on("gather_blocking", site, self.gather())
    }
}

impl<Q: Request> IntoFuture for RequestBuilder<Q> {
    type Output = Result<Gathered<Q::Response>, RequestError>;
    type IntoFuture = Gather<Q>;

    fn into_future(self) -> Gather<Q> {
        self.gather()
    }
}

impl<Q: Request> fmt::Debug for RequestBuilder<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.rule.map_or("All".to_owned(), |rule| format!("{rule:?}"));
        let expected: Vec<&str> = self.expected.named().map(|(name, _)| name).collect();
        f.debug_struct("RequestBuilder")
            .field("request", &self.request)
            .field("expect", &expected)
            .field("complete_with", &format_args!("{rule}"))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
