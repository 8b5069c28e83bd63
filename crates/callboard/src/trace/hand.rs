//! The tracing contexts of events that a reader is handling.

use super::Context;

/// The contexts of the events that a reader took and is still handling: one, except while it fills
/// a buffer.
///
/// Allocated on first use, so that it costs one word on a bus that does not trace.
#[derive(Debug, Default)]
pub(crate) struct Hand(Option<Box<Held>>);

#[derive(Debug, Default)]
struct Held {
    contexts: Vec<Context>,
    /// Whether handled events accumulate: asking for the next does not end the handling of earlier
    /// ones.
    collects: bool,
}

impl Hand {
    /// Ends the handling of earlier events when the reader asks for the next.
    #[inline]
    pub(crate) fn release(&mut self) {
        if let Some(held) = &mut self.0 {
            held.release();
        }
    }

    /// Adds the context of an event that the reader took. Runs no user code, since a lock may be
    /// held.
    pub(crate) fn hold(&mut self, context: Context) {
        self.0.get_or_insert_default().contexts.push(context);
    }

    /// Passes the context of the event taken last to a handler.
    #[inline]
    pub(crate) fn take(&mut self) -> Context {
        self.0.as_mut().and_then(|held| held.contexts.pop()).unwrap_or_default()
    }

    /// Sets whether the reader fills a buffer.
    pub(crate) fn collect(&mut self, collects: bool) {
        if let Some(held) = &mut self.0 {
            held.collects = collects;
        }
    }
}

impl Held {
    #[cold]
    fn release(&mut self) {
        if !self.collects {
            self.contexts.clear();
        }
    }
}
