//! The responders of one type of requests.

use std::sync::Arc;

use super::queue::{Admission, Entry};
use super::{Deferred, Envelope, Mailbox, Routed};
use crate::room;

/// The responders of one type of requests, in the order in which they subscribed, which is that of
/// the numbers of their mailboxes. Each gets its call in its queue.
#[derive(Default)]
pub(crate) struct Responders {
    list: Vec<Responder>,
}

struct Responder {
    mailbox: Arc<Mailbox>,
    /// The mailbox's member number for the type.
    member: usize,
}

impl Responders {
    pub(crate) fn add(&mut self, mailbox: Arc<Mailbox>, member: usize) {
        self.list.push(Responder { mailbox, member });
    }

    pub(crate) fn remove(&mut self, mailbox: u64) {
        if let Ok(place) = self.list.binary_search_by_key(&mailbox, |it| it.mailbox.id) {
            self.list.remove(place);
        }
        room::shrink_if_sparse(&mut self.list);
    }

    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.list.iter().map(|responder| &responder.mailbox)
    }

    /// Offers a call to each of them.
    pub(crate) fn offer(
        &self,
        call: Envelope,
        admission: Admission,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let mut routed = Routed::default();
        let Some((last, others)) = self.list.split_last() else {
            deferred.discard_event(call);
            return routed;
        };
        for Responder { mailbox, member } in others {
            routed += mailbox.offer(Entry::new(call.clone(), *member), admission, deferred);
        }
        routed += last.mailbox.offer(Entry::new(call, last.member), admission, deferred);
        routed
    }
}
