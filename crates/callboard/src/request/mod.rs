//! Scatter-gather: one request, many named responders, and an outcome for each of them.
//!
//! ```text
//!   asker                        bus                              responders
//!
//!   Gather ──dispatch──►  log of Q ──► observers of Q
//!     ▲                   responders of Q ──► Mailbox ──► Call ──┐ respond / decline / drop
//!     │                                                          │
//!     └───────────── Exchange: a part per responder ◄────────────┘
//!                    (answers never travel through queues)
//! ```
//!
//! An [`Exchange`](exchange::Exchange) is one open request: a part for each responder, and the
//! asker's waker. Every [`Call`] points to it, so delivering an answer takes one step, independent
//! of the number of open requests. The answer is also published as an event, which any component
//! may observe.
//!
//! The [`Parts`](parts::Parts) begin as the names given to the builder, store the answers as they
//! arrive, and end up in [`Gathered`].

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
mod responder;
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
pub use responder::Responder;

use crate::event::{Abilities, Event, TypeInfo};

/// An event that requests answers: every responder of its type may answer once.
///
/// Derive it instead of [`Event`], which the derive implements too. The answer is itself an event.
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
    /// The type of the answers.
    type Response: Event;
}

impl<Q: Request> Abilities<Q> {
    /// Declares that events of the type are requests. `#[derive(Request)]` does this; a manual
    /// implementation of [`Request`] must do it itself. Without it, requests are still answered,
    /// but [`catalogue`](crate::Bus::catalogue), [`snapshot`](crate::Bus::snapshot) and
    /// [`diagnose`](crate::Bus::diagnose) treat the type as a plain event.
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
