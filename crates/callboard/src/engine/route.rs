//! The subscribers that take the events of one type through queues of their own.

use std::sync::Arc;

use super::queue::{Admission, Entry};
use super::{Deferred, Envelope, Mailbox};
use crate::room;

/// The mailboxes that take one event type through their queues, in the order in which they
/// subscribed, which is that of their numbers.
#[derive(Default)]
pub(crate) struct Route {
    stops: Vec<Stop>,
}

struct Stop {
    mailbox: Arc<Mailbox>,
    /// The mailbox's member number for the type.
    member: usize,
}

/// How many subscribers of an event got it, and how many dropped one for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) delivered: usize,
    pub(crate) dropped: usize,
}

impl std::ops::AddAssign for Routed {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.dropped += other.dropped;
    }
}

impl Route {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.stops.is_empty()
    }

    pub(crate) fn add(&mut self, mailbox: Arc<Mailbox>, member: usize) {
        self.stops.push(Stop { mailbox, member });
    }

    pub(crate) fn remove(&mut self, mailbox: u64) {
        if let Some(place) = self.place(mailbox) {
            self.stops.remove(place);
        }
        room::shrink_if_sparse(&mut self.stops);
    }

    /// The mailbox's member number for the type, if it takes the type.
    pub(crate) fn member(&self, mailbox: u64) -> Option<usize> {
        self.place(mailbox).map(|place| self.stops[place].member)
    }

    fn place(&self, mailbox: u64) -> Option<usize> {
        self.stops.binary_search_by_key(&mailbox, |stop| stop.mailbox.id).ok()
    }

    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.stops.iter().map(|stop| &stop.mailbox)
    }

    /// Offers the event to every mailbox of the route.
    pub(crate) fn offer(
        &self,
        envelope: Envelope,
        admission: Admission,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let mut routed = Routed::default();
        let Some((last, others)) = self.stops.split_last() else {
            deferred.discard_event(envelope);
            return routed;
        };
        for Stop { mailbox, member } in others {
            routed += mailbox.offer(Entry::new(envelope.clone(), *member), admission, deferred);
        }
        routed += last.mailbox.offer(Entry::new(envelope, last.member), admission, deferred);
        routed
    }
}
