//! What the bus knows of one event type.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::engine::{Admission, Aftermath, Assigned, Content, Envelope, Route, Routed, Ticket};
use crate::event::TypeInfo;
use crate::overflow::Ledger;

/// What the bus knows of one event type: who wants it, and what came of its events.
pub(crate) struct TypeEntry {
    pub(crate) info: &'static TypeInfo,
    /// The type's place in the order in which the bus met them.
    pub(crate) number: usize,
    pub(crate) route: Route,
    pub(crate) responders: Route,
    /// The latest event, if the type retains.
    pub(crate) retained: Option<Envelope>,
    pub(crate) published: u64,
    /// Events published while running that nobody subscribed to.
    pub(crate) unheard: u64,
    /// The accounts of subscriptions that have ended.
    pub(crate) departed: Ledger,
}

impl TypeEntry {
    pub(super) fn new(info: &'static TypeInfo, number: usize) -> Self {
        Self {
            info,
            number,
            route: Route::default(),
            responders: Route::default(),
            retained: None,
            published: 0,
            unheard: 0,
            departed: Ledger::default(),
        }
    }

    /// Brings an event to everybody who reads the type and, if it is a request, to everybody who
    /// answers it.
    pub(super) fn route(
        &mut self,
        envelope: Envelope,
        ticket: Option<Arc<dyn Ticket>>,
        admission: Admission,
        aftermath: &mut Aftermath,
    ) -> Routed {
        let mut routed = self.route.offer(&envelope, admission, aftermath);
        let asked = ticket.is_some();
        if let Some(ticket) = ticket {
            aftermath.wake(ticket.assign(envelope.meta.sequence, &self.assigned()));
            let call = Envelope { content: Content::Call(ticket), key: None, ..envelope.clone() };
            let of_responders = self.responders.offer(&call, admission, aftermath);
            aftermath.discard_content(call.content);
            routed.delivered += of_responders.delivered;
            routed.dropped += of_responders.dropped;
        }
        if routed == Routed::default() && !asked {
            self.unheard += 1;
        }
        if self.info.retain {
            if let Some(old) = self.retained.replace(envelope) {
                aftermath.discard_content(old.content);
            }
        } else {
            aftermath.discard_content(envelope.content);
        }
        routed
    }

    pub(super) fn assigned(&self) -> Vec<Assigned> {
        let assigned = |mailbox: &Arc<crate::engine::Mailbox>| Assigned {
            mailbox: mailbox.id,
            name: Arc::clone(&mailbox.settings.name),
        };
        self.responders.mailboxes().map(assigned).collect()
    }

    pub(super) fn leave(&mut self, mailbox: u64) {
        self.route.remove(mailbox);
        self.responders.remove(mailbox);
    }
}

/// A `TypeId` is a hash already.
pub(crate) type IdentityHash = BuildHasherDefault<TypeIdHasher>;

/// Takes a `TypeId`'s own bits for its hash.
#[derive(Debug, Default)]
pub(crate) struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
