//! Requests to a single responder.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Gather, Gathered, Request, RequestBuilder};
use crate::bus::Bus;
use crate::error::{AskError, RequestError};
use crate::event::Delivery;
use crate::outcome::Outcome;

/// A request to one responder. Created by [`Bus::ask`].
#[derive(Debug)]
#[must_use = "a question is asked only `of` somebody"]
pub struct Ask<Q: Request> {
    builder: RequestBuilder<Q>,
}

/// A request to one named responder, made when it is awaited. Created by [`Ask::of`].
#[derive(Debug)]
#[must_use = "a question is asked only when it is awaited, or by `answer_blocking`"]
pub struct AskOf<Q: Request> {
    responder: String,
    builder: RequestBuilder<Q>,
}

impl Bus {
    /// Asks one responder: `bus.ask(request).of("name").await` returns its answer, or the reason
    /// why there is none.
    ///
    /// As with [`request`](Self::request), every responder of the type receives the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{AskError, Bus, Event, Outcome, Request};
    ///
    /// #[derive(Debug, Event)]
    /// struct Answer(u32);
    ///
    /// #[derive(Debug, Request)]
    /// #[request(response = Answer)]
    /// struct Question;
    ///
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let mut oracle = bus.responder::<Question>("oracle");
    /// bus.start();
    /// std::thread::spawn(move || oracle.iter().for_each(|call| call.respond(Answer(42))));
    ///
    /// assert_eq!(bus.ask(Question).of("oracle").await?.0, 42);
    ///
    /// let error = bus.ask(Question).of("nobody").await.unwrap_err();
    /// assert_eq!(error.outcome(), Some(&Outcome::NoSuchResponder));
    /// assert_eq!(error.to_string(), "`nobody` did not answer `question`: no such responder");
    /// # Ok::<(), AskError>(())
    /// # }).unwrap();
    /// ```
    pub fn ask<Q: Request>(&self, request: Q) -> Ask<Q> {
        Ask { builder: self.request(request) }
    }
}

impl<Q: Request> Ask<Q> {
    /// How long to wait; see [`RequestBuilder::timeout`]. Default: 10 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { builder: self.builder.timeout(timeout) }
    }

    /// Names the responder that should answer.
    pub fn of(self, responder: impl Into<String>) -> AskOf<Q> {
        let responder = responder.into();
        AskOf { builder: self.builder.expect([&responder]), responder }
    }
}

impl<Q: Request> AskOf<Q> {
    /// How long to wait; see [`RequestBuilder::timeout`]. Default: 10 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { builder: self.builder.timeout(timeout), ..self }
    }

    /// Makes the request and parks the thread until the answer arrives.
    ///
    /// # Errors
    ///
    /// The reason why there is no answer, as when it is awaited.
    #[track_caller]
    pub fn answer_blocking(self) -> Result<Delivery<Q::Response>, AskError> {
        let Self { responder, builder } = self;
        answer::<Q>(&responder, builder.gather_blocking())
    }
}

impl<Q: Request> IntoFuture for AskOf<Q> {
    type Output = Result<Delivery<Q::Response>, AskError>;
    type IntoFuture = Answer<Q>;

    fn into_future(self) -> Answer<Q> {
        Answer { responder: self.responder, gather: self.builder.gather() }
    }
}

/// The future of [`AskOf`]. Dropping it withdraws the question.
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Answer<Q: Request> {
    responder: String,
    gather: Gather<Q>,
}

impl<Q: Request> Future for Answer<Q> {
    type Output = Result<Delivery<Q::Response>, AskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let gathered = ready!(Pin::new(&mut self.gather).poll(context));
        Poll::Ready(answer::<Q>(&self.responder, gathered))
    }
}

fn answer<Q: Request>(
    responder: &str,
    gathered: Result<Gathered<Q::Response>, RequestError>,
) -> Result<Delivery<Q::Response>, AskError> {
    let gathered = gathered.map_err(AskError::Request)?;
    if let Some(answer) = gathered.get(responder) {
        return Ok(answer.clone());
    }
    let outcome = gathered.outcome(responder).unwrap_or(Outcome::NotAwaited);
    let (responder, end) = (responder.to_owned(), gathered.end());
    Err(AskError::NoAnswer { responder, request: Q::TYPE, outcome, end })
}
