//! A running handler: a node of the wait-for graph.

use std::sync::{Arc, Weak};

use super::Ticket;
use crate::sync::{AtomicU8, Ordering, discard_any};

/// One event or call being handled: by a handler that `serve` runs, or a call being handled by a
/// hand-written loop. Requests made in the process refer to it as their asker.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The subscription that took the event.
    pub(crate) mailbox: u64,
    /// The subscriber's name, or the helper's.
    pub(crate) name: Arc<str>,
    /// The number of the event.
    pub(crate) sequence: u64,
    /// The invocation on whose behalf it asks, if it is a helper.
    helps: Option<Arc<Self>>,
    /// The request to be answered, if it is a call.
    request: Option<Weak<dyn Ticket>>,
    /// A set of the flags below.
    state: AtomicU8,
}

/// The bus runs the handler.
const SERVED: u8 = 1;
/// That handler has ended.
const ENDED: u8 = 2;
/// The call was answered or dropped.
const ANSWERED: u8 = 4;

impl Invocation {
    pub(crate) fn of_call(
        mailbox: u64,
        name: Arc<str>,
        sequence: u64,
        request: Weak<dyn Ticket>,
    ) -> Self {
        let (helps, request) = (None, Some(request));
        Self { mailbox, name, sequence, helps, request, state: AtomicU8::new(0) }
    }

    /// A component that asks outside handlers. It is not a node of the graph: nothing waits for it.
    pub(crate) fn of_component(name: Arc<str>) -> Self {
        let (helps, request) = (None, None);
        Self { mailbox: 0, name, sequence: 0, helps, request, state: AtomicU8::new(0) }
    }

    /// A helper that asks under another name. In the graph, its requests are those of the invocation
    /// that it helps.
    pub(crate) fn helped_by(self: &Arc<Self>, name: Arc<str>) -> Self {
        let (helps, state) = (Some(Arc::clone(self)), AtomicU8::new(0));
        Self { mailbox: self.mailbox, name, sequence: self.sequence, helps, request: None, state }
    }

    /// The invocation in the graph: it, or the one that it helps.
    pub(crate) fn node(self: &Arc<Self>) -> &Arc<Self> {
        self.helps.as_ref().unwrap_or(self)
    }

    /// Whether it handles an event or a call; a [component](Self::of_component) outside handlers
    /// does not.
    pub(crate) fn is_handling(&self) -> bool {
        self.mailbox != 0
    }

    pub(super) fn of_event(mailbox: u64, name: Arc<str>, sequence: u64) -> Self {
        let (helps, request) = (None, None);
        Self { mailbox, name, sequence, helps, request, state: AtomicU8::new(SERVED) }
    }

    // Ordering, here and below: Relaxed, since the flags guard nothing. What the wait-for graph reads
    // under a lock, it reads together with the flags that were set before.
    fn set(&self, flag: u8) {
        self.state.fetch_or(flag, Ordering::Relaxed);
    }

    fn has(&self, flag: u8) -> bool {
        self.state.load(Ordering::Relaxed) & flag != 0
    }

    pub(crate) fn answer(&self) {
        self.set(ANSWERED);
    }

    pub(super) fn begin_handler(&self) {
        self.set(SERVED);
    }

    pub(super) fn end_handler(&self) {
        self.set(ENDED);
    }

    /// Whether it occupies one of its subscriber's handlers. A served handler does so until it
    /// ends; a call in a hand-written loop, until it is answered or dropped, unless the subscriber
    /// is `served` by now.
    pub(crate) fn occupies(&self, served: bool) -> bool {
        if self.has(SERVED) { !self.has(ENDED) } else { !served && !self.has(ANSWERED) }
    }

    /// Whether it handles the call of this request.
    pub(crate) fn handles(&self, ticket: &Arc<dyn Ticket>) -> bool {
        let request = self.request.as_ref().map(|request| request.as_ptr().cast::<()>());
        request == Some(Arc::as_ptr(ticket).cast::<()>())
    }

    /// The invocation that waits for the answer to its call, if there is one.
    pub(crate) fn asker(&self) -> Option<Arc<Self>> {
        let asker = self.asked_by().filter(|asker| asker.is_handling())?;
        Some(Arc::clone(asker.node()))
    }

    /// The invocation or component that waits for the answer to its call.
    pub(crate) fn asked_by(&self) -> Option<Arc<Self>> {
        if let Some(node) = &self.helps {
            return node.asked_by();
        }
        if self.has(ANSWERED) {
            return None;
        }
        let request = self.request.as_ref()?.upgrade();
        let open = request.as_ref().filter(|request| request.is_open());
        let asker = open.and_then(|request| request.asker());
        // This may be the last handle.
        discard_any(request);
        asker
    }
}
