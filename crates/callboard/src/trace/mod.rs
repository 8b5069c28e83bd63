//! Traces: which span an event comes from, and which its handling runs in.
//!
//! On a bus that traces ([`BusBuilder::trace`](crate::BusBuilder::trace)), a publication has a span,
//! and its [`Context`] travels with the event:
//!
//! ```text
//!   publish ──► PublishSpan ──► Context ──► Envelope ──► Taken ──► Reader: Hand ──► Handling
//!   gather  ──► Inquiry     ──┘  (in queues)             (until the reader asks again)
//! ```
//!
//! A context keeps its span open, and a span that is open is not exported. So it is dropped as early
//! as possible: with the entry of a queue, when the reader asks for its next event, or when the
//! handler ends. What a reader keeps for longer, a [`Delivery`](crate::Delivery), refers to it weakly
//! ([`Trail`]). A retained event keeps none.
//!
//! A `tracing` subscriber is a user's code: spans are made, recorded, entered and dropped with no lock
//! held and behind a fence. A context is cloned under locks, which is a reference count.
//!
//! Without the feature `tracing` all of this is empty.

#[cfg(feature = "tracing")]
mod spans;
#[cfg(feature = "tracing")]
pub(crate) use spans::{Context, Handling, Inquiry, PublishSpan, Trail};

#[cfg(not(feature = "tracing"))]
mod silent;
#[cfg(not(feature = "tracing"))]
pub(crate) use silent::{Context, Handling, Inquiry, PublishSpan, Trail};

mod hand;
pub(crate) use hand::Hand;
