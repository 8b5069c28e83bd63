//! Tracing: the span that an event comes from, and the span of its handling.
//!
//! On a bus that traces ([`BusBuilder::trace`](crate::BusBuilder::trace)), a publication has a
//! span, and its [`Context`] travels with the event:
//!
//! ```text
//!   publish ──► PublishSpan ──► Context ──► Envelope ──► Taken ──► Reader: Hand ──► Handling
//!   gather  ──► Inquiry     ──┘  (in queues)             (until the reader asks again)
//! ```
//!
//! A context keeps its span open, and an open span is not exported. So it is dropped as early as
//! possible: with the entry of a queue, when the reader asks for its next event, or when the
//! handler ends. A [`Delivery`](crate::Delivery), which a reader may keep for longer, refers to it
//! weakly ([`Trail`]). A retained event has none.
//!
//! A `tracing` subscriber is user code, so spans are created, recorded, entered and dropped with no
//! lock held and with panics caught. Cloning a context, which may happen under a lock, only changes
//! a reference count.
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
