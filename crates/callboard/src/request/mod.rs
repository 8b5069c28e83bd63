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
//! however many requests are open. The answer is published as an event too, for those who watch.
//!
//! The [`Parts`](parts::Parts) begin as the names that the builder was given; answers are put into
//! them as they come, and in the end they are what was [`Gathered`].

mod ask;
mod builder;
mod call;
mod exchange;
mod gather;
mod gathered;
mod parts;
mod pending;
mod rule;
mod ticket;
mod waits;

pub use ask::{Answer, Ask, AskOf};
pub use builder::RequestBuilder;
pub use call::Call;
pub use gather::Gather;
pub use gathered::Gathered;

use crate::event::Event;
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

/// A responder's inbox: a subscription to the calls of one request type.
pub type Responder<Q> = Subscription<Call<Q>>;
