//! Carrying the trace context over the link.

use std::fmt;

use tracing::Span;

use crate::guard::fenced;

/// How a trace context is added to a message and read from it; by default there is none.
#[derive(Default)]
pub(crate) struct Propagation {
    pub(crate) inject: Option<Inject>,
    pub(crate) extract: Option<Extract>,
}

pub(crate) type Inject = Box<dyn Fn() -> Option<String> + Send + Sync>;
pub(crate) type Extract = Box<dyn Fn(&str) -> Span + Send + Sync>;

impl Propagation {
    /// The context to send for the span that `span` returns.
    pub(crate) fn inject(&self, span: impl FnOnce() -> Span) -> Box<[u8]> {
        let inject = |inject: &Inject| fenced(|| Ok(span().in_scope(inject))).unwrap_or(None);
        let context = self.inject.as_ref().and_then(inject);
        context.map(|context| context.into_bytes().into()).unwrap_or_default()
    }

    /// The span that continues a received context.
    pub(crate) fn extract(&self, context: &[u8]) -> Span {
        match (&self.extract, std::str::from_utf8(context)) {
            (Some(extract), Ok(context)) if !context.is_empty() => {
                fenced(|| Ok(extract(context))).unwrap_or_else(|_| Span::none())
            }
            _ => Span::none(),
        }
    }
}

impl fmt::Debug for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Propagation").finish_non_exhaustive()
    }
}
