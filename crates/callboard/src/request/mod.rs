//! Scatter-gather: one question, many named responders, and an account of who answered and why
//! the others did not.
//!
//! ```text
//!   asker                        bus                              responders
//!
//!   Gather ──dispatch──►  route of Q ──► observers of Q
//!     ▲                   responders of Q ──► Mailbox ──► Call ──┐ respond / decline / drop
//!     │                                                          │
//!     └───────────── Exchange: a part per responder ◄────────────┘
//!                    (answers never travel through queues)
//! ```
//!
//! An [`Exchange`](exchange::Exchange) is one open request: the part of each responder, and the
//! asker's waker. Every [`Call`] points to it, so an answer finds its way back in one step,
//! however many requests are open. The answer is also published as an event, which any component may observe.
//!
//! The [`Parts`](parts::Parts) begin as the names that the builder was given; answers are put into
//! them as they come, and in the end they are what was [`Gathered`].

mod ask;
mod asker;
mod builder;
mod call;
mod context;
mod exchange;
mod gather;
mod gathered;
mod parts;
mod predicate;
mod recent;
mod rule;
mod span;
mod state;
mod ticket;
mod waits;

pub use ask::{Answer, Ask, AskOf};
pub use asker::Asker;
pub use builder::RequestBuilder;
pub use call::Call;
pub use context::CallContext;
pub use gather::Gather;
pub use gathered::Gathered;

use crate::event::{Abilities, Event, TypeInfo};
use crate::subscription::Subscription;

/// An event that asks: every responder of its type may answer once.
///
/// Derive it in place of [`Event`], which it implements too. The answer is an event itself.
///
/// # Examples
///
/// ```
/// use callboard::{Event, Request};
///
/// #[derive(Debug, Event)]
/// struct Verdict { valid: bool }
///
/// #[derive(Debug, Request)]
/// #[request(type = "config.validate", response = Verdict)]
/// struct ValidateConfig { yaml: String }
///
/// assert_eq!(ValidateConfig::TYPE, "config.validate");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request",
    note = "derive `Request` and name its answer: `#[request(response = …)]`"
)]
pub trait Request: Event {
    /// What a responder answers with.
    type Response: Event;
}

impl<Q: Request> Abilities<Q> {
    /// Events of the type are requests. `#[derive(Request)]` says so by itself; a [`Request`]
    /// implemented by hand says it here. Without it, requests are still answered, but
    /// [`catalogue`](crate::Bus::catalogue), [`snapshot`](crate::Bus::snapshot) and
    /// [`diagnose`](crate::Bus::diagnose) take the type for an event that does not ask.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Abilities, Bus, Event, EventRole, Request};
    ///
    /// #[derive(Debug, Event)]
    /// struct Counted(u32);
    ///
    /// #[derive(Debug)]
    /// struct Count;
    ///
    /// impl Event for Count {
    ///     const TYPE: &'static str = "count";
    ///     const ABILITIES: Abilities<Self> = Abilities::new().request();
    /// }
    ///
    /// impl Request for Count {
    ///     type Response = Counted;
    /// }
    ///
    /// let bus = Bus::new();
    /// bus.declare::<Count>();
    /// assert_eq!(bus.catalogue()[0].role, EventRole::Request { response: "counted" });
    /// ```
    #[must_use]
    pub const fn request(self) -> Self {
        self.answered_by(TypeInfo::of::<Q::Response>)
    }
}

/// A responder's inbox: a subscription to the calls of one request type.
pub type Responder<Q> = Subscription<Call<Q>>;
