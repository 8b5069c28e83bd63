//! Who listens to what, and the phase the bus is in: everything its one lock guards.
//!
//! The lock is the bus's sequencer: an event gets its number and reaches every queue that wants it
//! under one hold, which is what gives all readers one order. It is held for as long as it takes
//! to append to those queues, and never while a user's code runs.

mod buffer;
mod core;
mod interest;
mod requests;
mod types;
mod watch;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(crate) use self::core::{Core, CoreSettings, Jitter, PRE_START_CAPACITY};
pub(crate) use buffer::Buffer;
pub use interest::{Interest, MemberInterest};
pub(crate) use interest::{Role, Wanted};
pub(crate) use requests::Requests;
pub(crate) use types::{IdentityHash, TypeEntry};

use crate::engine::{
    Account, Admission, Aftermath, Assigned, Content, Envelope, Mailbox, Routed, Ticket,
};
use crate::event::{Key, Meta, Payload, Priority, TypeInfo};

/// Where a bus is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Phase {
    /// Events are kept until [`start`](crate::Bus::start): the bus has not started, or is paused.
    Buffering,
    /// Events reach their subscribers as they are published.
    Running,
    /// No event is accepted any more.
    Closed,
}

/// Everything the bus's one lock guards.
pub(crate) struct Registry {
    pub(crate) phase: Phase,
    /// Whether the bus has ever been started: a subscriber that comes now may have missed events.
    pub(crate) ever_started: bool,
    /// The number of the last event accepted.
    pub(crate) sequence: u64,
    pub(crate) types: HashMap<TypeId, TypeEntry, IdentityHash>,
    /// The types in the order in which the bus met them.
    pub(crate) known: Vec<TypeId>,
    /// Types that share their name with one met earlier.
    pub(crate) clashes: Vec<(&'static TypeInfo, &'static TypeInfo)>,
    by_name: HashMap<&'static str, &'static TypeInfo>,
    pub(crate) listeners: BTreeMap<u64, Listener>,
    pub(crate) buffer: Buffer,
    /// Events published after `close`.
    pub(crate) refused: u64,
}

/// A subscription as the registry knows it.
pub(crate) struct Listener {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) wanted: Wanted,
    /// It came after the start without saying that it meant to.
    pub(crate) late: bool,
}

/// An event on its way into the bus.
pub(crate) struct Parcel<P> {
    pub(crate) info: &'static TypeInfo,
    /// Makes the shared value; not called if nobody will ever read it.
    pub(crate) payload: P,
    pub(crate) priority: Priority,
    pub(crate) key: Option<Key>,
    pub(crate) cause: u64,
    pub(crate) published_at: Option<std::time::Instant>,
    /// If the event is an answer, its asker hears it.
    pub(crate) answer: bool,
    /// If the event is a request: where its answers go.
    pub(crate) ticket: Option<Arc<dyn Ticket>>,
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It reached these many queues.
    Routed(u64, Routed),
    /// It waits for the start.
    Buffered {
        sequence: u64,
        /// An older event with its key waits too.
        mergeable: bool,
        /// Nothing else waits.
        first: bool,
    },
    /// The buffer was full.
    BufferFull,
    Closed,
}

impl Registry {
    pub(crate) fn new(pre_start_capacity: usize) -> Self {
        Self {
            phase: Phase::Buffering,
            ever_started: false,
            sequence: 0,
            types: HashMap::default(),
            known: Vec::new(),
            clashes: Vec::new(),
            by_name: HashMap::new(),
            listeners: BTreeMap::new(),
            buffer: Buffer::new(pre_start_capacity),
            refused: 0,
        }
    }

    /// Accepts an event: gives it its number, and routes or buffers it.
    pub(crate) fn accept<P: FnOnce() -> Payload>(
        &mut self,
        parcel: Parcel<P>,
        aftermath: &mut Aftermath,
    ) -> Accepted {
        if self.phase == Phase::Closed {
            self.refused += 1;
            return Accepted::Closed;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let running = self.phase == Phase::Running;
        let info = parcel.info;
        let entry = self.entry(info, aftermath);
        entry.published += 1;
        if running && parcel.ticket.is_none() && !info.retain && entry.route.is_empty() {
            entry.unheard += u64::from(!parcel.answer);
            return Accepted::Routed(sequence, Routed::default());
        }
        let envelope = Envelope {
            info,
            content: Content::Event((parcel.payload)()),
            meta: Meta {
                sequence,
                cause: parcel.cause,
                missed: 0,
                published_at: parcel.published_at,
                taken_at: None,
            },
            priority: parcel.priority,
            key: parcel.key,
        };
        if running {
            let routed = entry.route(envelope, parcel.ticket, Admission::Bounded, aftermath);
            return Accepted::Routed(sequence, routed);
        }
        let number = entry.number;
        self.buffer.push(envelope, number, parcel.ticket, aftermath)
    }

    /// The entry of a type, made when the bus meets it first.
    pub(crate) fn entry(
        &mut self,
        info: &'static TypeInfo,
        aftermath: &mut Aftermath,
    ) -> &mut TypeEntry {
        let id = info.id();
        if !self.types.contains_key(&id) {
            self.meet(id, info, aftermath);
        }
        match self.types.get_mut(&id) {
            Some(entry) => entry,
            None => unreachable!("the type was met above"),
        }
    }

    fn meet(&mut self, id: TypeId, info: &'static TypeInfo, aftermath: &mut Aftermath) {
        let mut entry = TypeEntry::new(info, self.known.len());
        for listener in self.listeners.values() {
            if listener.wanted.wants_unnamed(info) {
                let member = listener.mailbox.add_member(info);
                entry.route.add(Arc::clone(&listener.mailbox), member);
            }
        }
        self.types.insert(id, entry);
        self.buffer.inbox.accounts.push(Account::new(info));
        self.known.push(id);
        match self.by_name.get(info.name) {
            Some(first) => {
                aftermath.report_clash(first, info);
                self.clashes.push((first, info));
            }
            None => drop(self.by_name.insert(info.name, info)),
        }
    }

    /// Signs a subscription in, and hands it the retained events if it asks for them, in one cut:
    /// what was published before is retained, what is published later arrives.
    pub(crate) fn sign_in(
        &mut self,
        mailbox: Arc<Mailbox>,
        wanted: Wanted,
        late: bool,
        retained: bool,
        aftermath: &mut Aftermath,
    ) {
        match &wanted {
            Wanted::Members(members) => {
                for (number, member) in members.iter().enumerate() {
                    let entry = self.entry(member.info, aftermath);
                    let route = match member.role {
                        Role::Observe => &mut entry.route,
                        Role::Respond => &mut entry.responders,
                    };
                    route.add(Arc::clone(&mailbox), number);
                }
            }
            Wanted::Everything | Wanted::Matching(_) => {
                for id in &self.known {
                    let Some(entry) = self.types.get_mut(id) else {
                        continue;
                    };
                    if wanted.wants_unnamed(entry.info) {
                        let member = mailbox.add_member(entry.info);
                        entry.route.add(Arc::clone(&mailbox), member);
                    }
                }
            }
            Wanted::Nothing(_) => {}
        }
        if retained {
            self.hand_over_retained(&mailbox, aftermath);
        }
        if self.phase == Phase::Closed {
            mailbox.close(aftermath);
        }
        let listener = Listener { mailbox, wanted, late };
        self.listeners.insert(listener.mailbox.id, listener);
    }

    fn hand_over_retained(&self, mailbox: &Arc<Mailbox>, aftermath: &mut Aftermath) {
        let mut kept: Vec<(&Envelope, usize)> = self
            .types
            .values()
            .filter_map(|entry| Some((entry.retained.as_ref()?, entry.route.member(mailbox.id)?)))
            .collect();
        kept.sort_by_key(|(envelope, _)| envelope.meta.sequence);
        for (envelope, member) in kept {
            let entry = crate::engine::Entry { envelope: envelope.clone(), member };
            mailbox.offer(entry, Admission::Beyond, aftermath);
        }
    }

    /// Signs a subscription out and frees what was queued for it.
    pub(crate) fn sign_out(&mut self, mailbox: u64, aftermath: &mut Aftermath) {
        let Some(listener) = self.listeners.remove(&mailbox) else {
            return;
        };
        match &listener.wanted {
            Wanted::Members(members) => {
                for member in members {
                    if let Some(entry) = self.types.get_mut(&member.info.id()) {
                        entry.leave(mailbox);
                    }
                }
            }
            Wanted::Everything | Wanted::Matching(_) => {
                for entry in self.types.values_mut() {
                    entry.leave(mailbox);
                }
            }
            Wanted::Nothing(_) => {}
        }
        for account in listener.mailbox.leave(aftermath) {
            if let Some(entry) = self.types.get_mut(&account.info.id()) {
                entry.departed.add(&account.ledger);
            }
        }
    }

    /// Replays the buffer to everybody present, in order, and lets later events through. Returns
    /// how many were replayed, and how many the buffer had to drop since the last start.
    pub(crate) fn start(&mut self, aftermath: &mut Aftermath) -> (usize, usize) {
        if self.phase != Phase::Buffering {
            return (0, 0);
        }
        self.phase = Phase::Running;
        self.ever_started = true;
        let (entries, overflowed) = self.buffer.take();
        let replayed = entries.len();
        for (envelope, ticket) in entries {
            let entry = self.entry(envelope.info, aftermath);
            entry.route(envelope, ticket, Admission::Beyond, aftermath);
        }
        for ((number, asked), dropped) in &overflowed {
            // What the buffer dropped was newer than all that it kept: whoever would have got it
            // missed it just before what comes next.
            if let Some(entry) = self.types.get(&self.known[*number]) {
                let readers = entry.route.mailboxes();
                let responders = entry.responders.mailboxes().filter(|_| *asked);
                let readers = readers.chain(responders);
                readers.for_each(|mailbox| mailbox.inbox().gap += *dropped as u64);
            }
        }
        (replayed, overflowed.values().sum())
    }

    /// Ends everything: nothing is accepted any more, and what is buffered is dropped.
    pub(crate) fn close(&mut self, aftermath: &mut Aftermath) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.buffer.close(aftermath);
        for entry in self.types.values_mut() {
            if let Some(retained) = entry.retained.take() {
                aftermath.discard_content(retained.content);
            }
        }
        for listener in self.listeners.values() {
            listener.mailbox.close(aftermath);
        }
    }

    /// The responders of a type, in the order in which they signed in.
    pub(crate) fn responders(&self, info: &TypeInfo) -> Vec<Assigned> {
        self.types.get(&info.id()).map(|entry| entry.assigned()).unwrap_or_default()
    }
}
