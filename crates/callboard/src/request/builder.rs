//! Asking.

use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use super::{Gather, Gathered, Request};
use crate::bus::Bus;
use crate::engine::{Invocation, Origin, Scope};
use crate::error::RequestError;
use crate::event::Delivery;
use crate::registry::Core;

/// The default time a request waits for its answers.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A request being put together. Get one from [`Bus::request`] or
/// [`Call::request`](super::Call::request).
///
/// Awaiting it is the same as awaiting [`gather`](Self::gather).
#[must_use = "a request is made only by `gather`"]
pub struct RequestBuilder<Q: Request> {
    pub(super) core: Arc<Core>,
    pub(super) request: Q,
    pub(super) origin: Origin,
    /// The invocation or the component that asks, if it is known.
    pub(super) asker: Option<Arc<Invocation>>,
    pub(super) expected: Parts<Q::Response>,
    pub(super) completion: Completion<Q::Response>,
    pub(super) timeout: Duration,
    /// Where it is asked, if by a blocking call.
    pub(super) blocking_at: Option<&'static Location<'static>>,
}

/// When the request is complete, as its asker says.
pub(super) enum Completion<R: 'static> {
    All,
    AtLeast(usize),
    Until(Predicate<R>),
    Settled,
}

/// A predicate over the answers so far.
pub(super) type Predicate<R> = Box<dyn FnMut(&[(Arc<str>, Delivery<R>)]) -> bool + Send>;

impl Bus {
    /// Opens a request; finish it with [`gather`](RequestBuilder::gather).
    ///
    /// Every responder of the type is asked, and the subscribers of the type, and of everything,
    /// see the request as an event. Before the start it waits, within its time, for its responders
    /// to sign in; after it, an expected responder that does not exist is reported at once.
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
        let (origin, asker) = Scope::current_asker();
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
            completion: Completion::All,
            timeout: DEFAULT_TIMEOUT,
            blocking_at: None,
        }
    }

    /// The responders whose answers are awaited, by name; adds to those named before, and a name
    /// given twice counts once. At least one is needed.
    ///
    /// Others may answer too: their answers don't count, and are found in
    /// [`Gathered::unexpected`].
    // Without the hint it is inlined or not, as the rest of the program has it.
    #[inline]
    pub fn expect(mut self, responders: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for name in responders {
            self.expected.add(name.as_ref());
        }
        self
    }

    /// The name of the component that asks, for a request made outside handlers: diagnosis, console
    /// and [`Call::askers`](super::Call::askers) show it. Default: unnamed. A nested request is asked
    /// by the component whose handler makes it, whatever is said here.
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
        if self.asker.is_none() {
            self.asker = Some(Arc::new(Invocation::of_component(name.as_ref().into())));
        }
        self
    }

    /// Complete with all the expected answers. This is the default.
    pub fn all(mut self) -> Self {
        self.completion = Completion::All;
        self
    }

    /// Complete with this many of the expected answers. Default: all. With 0 it is complete, and
    /// taken back, at once: to tell without asking, publish.
    pub fn at_least(mut self, answers: usize) -> Self {
        self.completion = Completion::AtLeast(answers);
        self
    }

    /// Complete with the first of the expected answers. Default: all.
    pub fn first(self) -> Self {
        self.at_least(1)
    }

    /// Complete once `predicate`, given the expected answers so far and the names of those who
    /// gave them, says so; it is asked after each. Default: complete with all.
    ///
    /// If it panics, the poll of the gather does.
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
        mut self,
        predicate: impl FnMut(&[(Arc<str>, Delivery<Q::Response>)]) -> bool + Send + 'static,
    ) -> Self {
        self.completion = Completion::Until(Box::new(predicate));
        self
    }

    /// Complete once the fate of every expected responder is known: each has answered, declined,
    /// abandoned the request, has no room for it or does not exist. Nobody's failure ends it
    /// early, so it collects as many answers as can be had. Default: complete with all.
    ///
    /// A circle is the exception: if one expected responder waits for the handler that asks, its
    /// fate is not known before that handler ends, and the whole request fails with
    /// [`RequestError::Cycle`], also where others could answer.
    ///
    /// The result is [complete](Gathered::is_complete) even if nobody answered;
    /// [`Gathered::missing`] and [`Gathered::into_all`] say who did not.
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
    pub fn settled(mut self) -> Self {
        self.completion = Completion::Settled;
        self
    }

    /// How long to wait, on the bus's clock, from the first poll of the gather. Default: 10
    /// seconds. [`Duration::MAX`] waits for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the request and gathers its answers.
    ///
    /// # Errors
    ///
    /// If the request can't be made at all: see [`RequestError`]. A request that was made and got
    /// fewer answers than it wanted is a result, not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the request: responders that have not taken it will not see
    /// it, and answers that come later are counted as late.
    pub fn gather(self) -> Gather<Q> {
        Gather::new(self)
    }

    /// [`gather`](Self::gather), parking the thread.
    ///
    /// # Errors
    ///
    /// As [`gather`](Self::gather).
    ///
    /// In a drop callback, or in the destructor of an event, it blocks the operation that runs it, and
    /// that operation's caller: its responders must be on other threads.
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
        let expected: Vec<&str> = self.expected.named().map(|(name, _)| name).collect();
        f.debug_struct("RequestBuilder")
            .field("request", &self.request)
            .field("expect", &expected)
            .field("complete_with", &self.completion)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<R: 'static> fmt::Debug for Completion<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::AtLeast(answers) => write!(f, "AtLeast({answers})"),
            Self::Until(_) => f.write_str("Until"),
            Self::Settled => f.write_str("Settled"),
        }
    }
}
