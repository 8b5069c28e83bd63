//! Who has something left to do.

use std::sync::Arc;

use super::{Core, Listener, Phase, Registry};
use crate::engine::{HandlerStats, Holds, Scope};

/// What one subscription has left to do.
pub(crate) struct Busy {
    pub(crate) name: Arc<str>,
    /// How many events wait for it.
    pub(crate) queued: usize,
    /// How many of its served handlers run.
    pub(crate) handling: u64,
    /// It took an event, and has not asked for the next.
    pub(crate) in_hand: bool,
    /// What a reader that paces itself holds back.
    pub(crate) holds: Holds,
    /// Its events are handed to handlers that the bus runs.
    served: bool,
}

impl Busy {
    /// How many events handlers have, are about to get, or the reader holds back. Of a hand-written loop the bus can't
    /// know whether it is done with the last event that it took.
    pub(crate) fn served_in_hand(&self) -> u64 {
        let held = self.holds != Holds::Nothing;
        self.handling + u64::from(self.served && self.in_hand) + u64::from(held)
    }
}

impl Registry {
    /// Everybody that has anything left to do, in the order of signing in; observers that are
    /// there for tests do not count.
    pub(crate) fn busy(&self) -> Vec<Busy> {
        let all = self.listeners.values().map(|listener| &listener.mailbox);
        let components = all.filter(|mailbox| !mailbox.settings.excluded_from_settle);
        let busy = components.map(|mailbox| {
            // The queue first: what leaves it afterwards is seen in the reader's hands.
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

    /// How many events wait for the start.
    pub(crate) fn buffered(&self) -> usize {
        if self.phase == Phase::Buffering { self.buffer.inbox.len() } else { 0 }
    }
}

impl Core {
    /// The types of the open requests.
    pub(crate) fn open_requests(&self) -> Vec<&'static str> {
        self.requests.list().iter().map(|ticket| ticket.info().name).collect()
    }

    /// The name of the subscriber of this bus whose handler calls this: to wait for all handlers
    /// would be to wait for itself.
    pub(crate) fn calling_handler(&self) -> Option<Arc<str>> {
        let server = Scope::current_server()?;
        let registry = self.registry();
        let Listener { mailbox, .. } = registry.listeners.get(&server.id)?;
        Some(Arc::clone(&mailbox.settings.name))
    }
}
