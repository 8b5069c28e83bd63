//! An event on its way to a reader.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::{Invocation, Mailbox};
use crate::event::{
    AnyEvent, AnyEventRef, Delivery, Event, EventRef, Key, Priority, Receipt, TypeInfo,
};
use crate::log::{Held, Kept, Loan};
use crate::outcome::{OpenRequest, RequestTrace};
use crate::overflow::DropReason;
use crate::trace::Context;

/// An event on its way to one reader's queue.
#[derive(Clone)]
pub(crate) struct Envelope {
    pub(crate) info: &'static TypeInfo,
    pub(crate) held: Held,
    pub(crate) priority: Priority,
    /// The key that the event coalesces by, if its type does.
    pub(crate) key: Option<Key>,
    /// Where the answer goes, if the reader is to answer the event.
    pub(crate) ticket: Option<Arc<dyn Ticket>>,
    /// The event is an answer that its asker receives, and may be replayed.
    pub(crate) answer: bool,
    /// The span that it comes from, if the bus traces.
    pub(crate) context: Context,
}

impl Envelope {
    /// The envelope of an event that was in the log of its type.
    pub(crate) fn logged(info: &'static TypeInfo, held: Held) -> Self {
        let (priority, context) = (info.rank, Context::default());
        Self { info, held, priority, key: None, ticket: None, answer: false, context }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.held.stamp().sequence
    }

    /// The bytes needed to hold it, without memory that the event owns elsewhere.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Self>() + self.info.size
    }
}

/// An open request as the engine and the registry see it. Implemented only by the crate, so its
/// methods may be called under a lock, except where noted.
pub(crate) trait Ticket: Send + Sync {
    /// Sends the request to these responders and no others. Called once, under the registry's lock,
    /// before any of them can take it. Returns the asker's waker if that decides the outcome.
    fn assign(
        &self,
        sequence: u64,
        responders: &mut dyn Iterator<Item = &Arc<Mailbox>>,
    ) -> Option<Waker>;

    /// The bus closes while the request is in its buffer; these are its responders. Called under
    /// the registry's lock.
    fn strand(&self, responders: Vec<Arc<str>>);

    /// A responder will not get the request, or lost it. Called with no lock held.
    fn discarded(&self, mailbox: u64, reason: DropReason);

    /// The bus is closed. Called with no lock held.
    fn close(&self);

    /// The request's type.
    fn info(&self) -> &'static TypeInfo;

    /// Whether its asker waits.
    fn is_open(&self) -> bool;

    /// The request as a typed value, for the responder that took it.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// The request as a snapshot at this moment shows it. Called with no lock held.
    fn status(&self, now: Instant) -> OpenRequest;

    /// The trace of the request, while its asker waits. Called with no lock held.
    fn trace(&self) -> Option<RequestTrace>;

    /// The invocation that waits for the answers, if the request is a nested one.
    fn asker(&self) -> Option<Arc<Invocation>>;

    /// What the request still waits for. Called with neither the registry's lock nor a mailbox's
    /// held.
    fn pending(&self) -> Pending;

    /// Notes that something else that the asker waited for has ended: its next poll checks whether
    /// the request is in a cycle. Called with no lock held.
    fn reconsider(&self);

    /// Fails the request, to break a cycle of waiting responders. Called with no lock held.
    fn fail(&self, chain: Vec<String>);
}

/// What an open request waits for.
pub(crate) struct Pending {
    /// How many of the parts below have to answer before the request completes.
    pub(crate) needs: usize,
    /// For each expected responder that may still answer: the candidates for its answer.
    pub(crate) parts: Vec<Vec<Candidate>>,
}

/// One subscription that may still answer a request.
pub(crate) enum Candidate {
    /// A responder that may still sign in, or is about to leave.
    Unknown,
    /// The request is in this queue, or will be.
    Queued(Arc<Mailbox>),
    /// The subscription of this number is handling the request.
    Handling(u64),
}

/// An event that a reader took, before its type is restored.
#[doc(hidden)]
pub struct Taken {
    pub(crate) info: &'static TypeInfo,
    pub(crate) held: Held,
    /// If it is a call: where the answer goes, and the responder that took it.
    pub(crate) call: Option<(Arc<dyn Ticket>, Arc<Mailbox>)>,
    pub(crate) receipt: Receipt,
    pub(crate) member: usize,
}

/// An event that is lent in a batch, before its type is restored.
#[doc(hidden)]
pub struct LentTaken<'a> {
    pub(super) info: &'static TypeInfo,
    pub(super) loan: Loan<'a, Held>,
    pub(super) receipt: Receipt,
    pub(super) member: usize,
}

impl Taken {
    /// An event that was in the log of its type.
    #[inline]
    pub(super) fn logged(
        held: Held,
        receipt: Receipt,
        info: &'static TypeInfo,
        member: usize,
    ) -> Self {
        Self { info, held, call: None, receipt, member }
    }

    /// The place of the event's type among the members of the set.
    #[inline]
    pub fn member(&self) -> usize {
        self.member
    }

    // Always inlined: otherwise the event goes through memory.
    #[inline(always)]
    pub(crate) fn into_delivery<E: Event>(self) -> Delivery<E> {
        Delivery::new(kept(self.held), self.receipt)
    }

    #[inline]
    pub(crate) fn into_any(self) -> AnyEvent {
        AnyEvent::new(self.info, self.held, self.receipt)
    }
}

impl<'a> LentTaken<'a> {
    /// The place of the event's type among the members of the set.
    #[inline(always)]
    pub fn member(&self) -> usize {
        self.member
    }

    #[inline(always)]
    pub(crate) fn into_event<E: Event>(self) -> EventRef<'a, E> {
        match self.loan.downcast() {
            Ok(loan) => EventRef::new(loan, self.receipt),
            Err(_) => unreachable!("a mailbox gets only events of its members' types"),
        }
    }

    #[inline(always)]
    pub(crate) fn into_any(self) -> AnyEventRef<'a> {
        AnyEventRef::new(self.info, self.loan, self.receipt)
    }
}

impl fmt::Debug for LentTaken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.info.name, self.loan.stamp().sequence)
    }
}

/// The event with the type of the member that it is for.
#[inline]
pub(crate) fn kept<E: Event>(held: Held) -> Kept<E> {
    match held.downcast() {
        Ok(event) => event,
        Err(_) => unreachable!("a mailbox gets only events of its members' types"),
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.info.name, self.held.stamp().sequence)
    }
}
