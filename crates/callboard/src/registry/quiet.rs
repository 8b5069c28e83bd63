//! Which subscriptions still have work to do.

use std::sync::Arc;

use super::{Core, Listener, Phase, Registry};
use crate::engine::{HandlerStats, Holds, Scope};

/// The outstanding work of one subscription.
pub(crate) struct Busy {
    pub(crate) name: Arc<str>,
    /// How many events are queued for it.
    pub(crate) queued: usize,
    /// How many of its handlers are running.
    pub(crate) handling: u64,
    /// Whether it took an event and has not asked for the next.
    pub(crate) in_hand: bool,
    /// What a paced reader holds back.
    pub(crate) holds: Holds,
    /// Whether the bus runs handlers for its events.
    served: bool,
}

impl Busy {
    /// How many events handlers have or are about to get, or the reader holds back. For a
    /// hand-written loop the bus can't know whether it is done with the last event it took.
    pub(crate) fn served_in_hand(&self) -> u64 {
        let held = self.holds != Holds::Nothing;
        self.handling + u64::from(self.served && self.in_hand) + u64::from(held)
    }
}

impl Registry {
    /// The subscriptions with outstanding work, in the order of signing in; test observers do not
    /// count.
    pub(crate) fn busy(&self) -> Vec<Busy> {
        let all = self.listeners.values().map(|listener| &listener.mailbox);
        let components = all.filter(|mailbox| !mailbox.settings.excluded_from_settle);
        let busy = components.map(|mailbox| {
            // Read the queue length first: an event that leaves the queue afterwards is seen as in
            // flight.
            let queued = self.figures(mailbox).queued;
            let inbox = mailbox.inbox();
            let HandlerStats { handling, served, holds, .. } = *inbox.handler_stats();
            let in_hand = mailbox.in_hand();
            let name = Arc::clone(&mailbox.settings.name);
            Busy { name, queued, handling, in_hand, holds, served }
        });
        let idle = |it: &Busy| it.queued == 0 && it.served_in_hand() == 0 && !it.in_hand;
        busy.filter(|it| !idle(it)).collect()
    }

    /// How many events are buffered for the start.
    pub(crate) fn buffered(&self) -> usize {
        if self.phase == Phase::Buffering { self.buffer.len() } else { 0 }
    }
}

impl Core {
    /// The types of the open requests.
    pub(crate) fn open_requests(&self) -> Vec<&'static str> {
        self.requests.list().iter().map(|ticket| ticket.info().name).collect()
    }

    /// The name of this bus's subscriber whose handler makes this call. Such a handler can't wait
    /// for all handlers, since it would wait for itself.
    pub(crate) fn calling_handler(&self) -> Option<Arc<str>> {
        let server = Scope::current_server()?;
        let registry = self.registry();
        let Listener { mailbox, .. } = registry.listeners.get(&server.id)?;
        Some(Arc::clone(&mailbox.settings.name))
    }
}
