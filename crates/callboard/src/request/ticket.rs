//! The interface of an open request to the engine and the registry.

use std::any::Any;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Request;
use super::exchange::{Exchange, wake};
use super::parts::Stage;
use crate::engine::{Invocation, Mailbox, Pending, Ticket};
use crate::event::TypeInfo;
use crate::outcome::{End, OpenRequest, RequestTrace};
use crate::overflow::DropReason;

impl<Q: Request> Ticket for Exchange<Q> {
    fn assign(
        &self,
        sequence: u64,
        responders: &mut dyn Iterator<Item = &Arc<Mailbox>>,
    ) -> Option<Waker> {
        let mut state = self.state.lock();
        let lost = state.assign(sequence, responders);
        self.waker(&mut state, lost)
    }

    fn strand(&self, responders: Vec<Arc<str>>) {
        self.state.lock().stranded = Some(responders);
    }

    fn discarded(&self, mailbox: u64, reason: DropReason) {
        let stage = match reason {
            DropReason::Full | DropReason::Oldest | DropReason::BufferFull => Stage::Full,
            DropReason::Unsubscribed => Stage::Abandoned,
            DropReason::Closed | DropReason::Coalesced | DropReason::Withdrawn => return,
        };
        self.set_stage(|state| state.place(mailbox), stage);
    }

    fn close(&self) {
        let mut state = self.state.lock();
        self.refuse_answers(&mut state, End::Closed);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    fn info(&self) -> &'static TypeInfo {
        TypeInfo::of::<Q>()
    }

    fn is_open(&self) -> bool {
        self.is_open()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn status(&self, now: Instant) -> OpenRequest {
        let info = TypeInfo::of::<Q>();
        let waits = !self.state.lock().dispatched;
        let present = if waits { self.core.registry().responders(info) } else { Vec::new() };
        let state = self.state.lock();
        let present = state.stranded.as_ref().unwrap_or(&present);
        OpenRequest {
            event_type: info.name.to_owned(),
            asker: self.asker.as_ref().map(|asker| asker.name.to_string()),
            sequence: (state.sequence != 0).then_some(state.sequence),
            age: now.saturating_duration_since(self.began),
            remaining: self.deadline.map(|deadline| deadline.saturating_duration_since(now)),
            outcomes: state.outcomes(present),
        }
    }

    fn trace(&self) -> Option<RequestTrace> {
        self.trace_so_far()
    }

    fn asker(&self) -> Option<Arc<Invocation>> {
        self.asker.clone()
    }

    fn pending(&self) -> Pending {
        self.pending()
    }

    fn reconsider(&self) {
        let mut state = self.state.lock();
        state.recheck = true;
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    fn fail(&self, chain: Vec<String>) {
        let mut state = self.state.lock();
        state.cycle = Some(chain.into());
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }
}
