//! The contexts of what a reader has in hand.

use super::Context;

/// The contexts of the events that a reader took and is not done with: of one, except while it
/// fills a buffer.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    contexts: Vec<Context>,
    /// Whether asking for the next event does not end the handling of those before it.
    collects: bool,
}

impl Hand {
    /// The reader asks for its next event: it is done with those before.
    #[inline]
    pub(crate) fn release(&mut self) {
        if !self.contexts.is_empty() && !self.collects {
            self.drop_all();
        }
    }

    /// The reader has taken an event that has this context.
    #[cold]
    pub(crate) fn hold(&mut self, context: Context) {
        self.contexts.push(context);
    }

    /// A handler takes over the event that was taken last.
    #[inline]
    pub(crate) fn take(&mut self) -> Context {
        self.contexts.pop().unwrap_or_default()
    }

    /// Whether the reader fills a buffer.
    pub(crate) fn collect(&mut self, collects: bool) {
        self.collects = collects;
    }

    #[cold]
    fn drop_all(&mut self) {
        self.contexts.clear();
    }
}
