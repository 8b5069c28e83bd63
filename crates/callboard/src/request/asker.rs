//! The component that waits for an answer.

use std::sync::Arc;

use crate::engine::Invocation;

/// A component that waits for the answer to a call. Returned by
/// [`Call::askers`](super::Call::askers).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asker {
    /// The name of the subscriber whose handler asks, or the name given to
    /// [`RequestBuilder::asker`](super::RequestBuilder::asker) or of
    /// [`CallContext::request`](super::CallContext::request).
    pub name: Arc<str>,
    /// The sequence number of the event that this handler handles; `None` outside handlers.
    pub handling: Option<u64>,
}

impl Asker {
    pub(super) fn of(invocation: &Invocation) -> Self {
        let name = Arc::clone(&invocation.name);
        Self { name, handling: invocation.is_handling().then_some(invocation.sequence) }
    }
}
