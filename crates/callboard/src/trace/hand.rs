//! The contexts of what a reader has in hand.

use super::Context;

/// The contexts of the events that a reader took and is not done with: of one, except while it
/// fills a buffer.
///
/// Made when it is first needed: a reader of a bus that does not trace has a word of it.
#[derive(Debug, Default)]
pub(crate) struct Hand(Option<Box<Held>>);

#[derive(Debug, Default)]
struct Held {
    contexts: Vec<Context>,
    /// Whether asking for the next event does not end the handling of those before it.
    collects: bool,
}

impl Hand {
    /// The reader asks for its next event: it is done with those before.
    #[inline]
    pub(crate) fn release(&mut self) {
        if let Some(held) = &mut self.0 {
            held.release();
        }
    }

    /// The reader has taken an event that has this context. It runs no user code: a lock may be held.
    pub(crate) fn hold(&mut self, context: Context) {
        self.0.get_or_insert_default().contexts.push(context);
    }

    /// A handler takes over the event that was taken last.
    #[inline]
    pub(crate) fn take(&mut self) -> Context {
        self.0.as_mut().and_then(|held| held.contexts.pop()).unwrap_or_default()
    }

    /// Whether the reader fills a buffer.
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
