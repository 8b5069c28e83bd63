//! The calls that are in responders' hands, each with the one that its request was made for.

use std::sync::{Arc, Weak};

use super::Ticket;
use crate::sync::{Mutex, discard_any};

/// One call in a responder's hands. The call has it as long as it lives: a link without one has no parent,
/// so that the last of a long chain does not drop all of it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) mailbox: u64,
    pub(crate) responder: Arc<str>,
    request: Weak<dyn Ticket>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The responder is at it: in the handler that `serve` runs, or else until the call is answered or
    /// dropped.
    occupies: bool,
    served: bool,
    /// The call that the request was made for, while the answer may be waited for there.
    parent: Option<Arc<Link>>,
}

impl Link {
    pub(crate) fn new(
        mailbox: u64,
        responder: Arc<str>,
        request: Weak<dyn Ticket>,
        parent: Option<Arc<Self>>,
    ) -> Self {
        let state = State { occupies: true, served: false, parent };
        Self { mailbox, responder, request, state: Mutex::new(state) }
    }

    /// The call was answered or dropped: nobody waits for it any more.
    pub(crate) fn end_call(&self) {
        let mut state = self.state.lock();
        state.occupies &= state.served;
        let parent = state.parent.take();
        drop(state);
        drop(parent);
    }

    pub(super) fn begin_handler(&self) {
        self.state.lock().served = true;
    }

    pub(super) fn end_handler(&self) {
        self.state.lock().occupies = false;
    }

    /// Whether the responder can't take another one because of it.
    pub(crate) fn occupies(&self) -> bool {
        self.state.lock().occupies
    }

    /// This one and those that wait for it, outwards.
    pub(crate) fn chain(self: &Arc<Self>) -> impl Iterator<Item = Arc<Self>> {
        std::iter::successors(Some(Arc::clone(self)), |link| link.parent())
    }

    /// The call whose responder waits for the answer to this one.
    fn parent(&self) -> Option<Arc<Self>> {
        let request = self.request.upgrade();
        let is_open = request.as_ref().is_some_and(|request| request.is_open());
        // It may be the last one.
        discard_any(request);
        if is_open { self.state.lock().parent.clone() } else { None }
    }
}
