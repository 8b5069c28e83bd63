//! Who listens to what, and the phase the bus is in: everything its one lock guards.
//!
//! The lock is the bus's sequencer: an event gets its number and reaches every queue that wants it
//! under one hold, which is what gives all readers one order. It is held for as long as it takes
//! to append to those queues, and never while a user's code runs.

mod buffer;
mod core;
mod directory;
mod interest;
mod requests;
mod types;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(crate) use self::core::{Core, CoreSettings, Jitter, PRE_START_CAPACITY};
pub(crate) use buffer::Buffer;
pub(crate) use directory::{Directory, Mode};
pub use interest::{Interest, MemberInterest};
pub(crate) use interest::{Role, Wanted};
pub(crate) use requests::{Requests, Slot};
pub(crate) use types::TypeEntry;

use crate::engine::{
    Account, Admission, Aftermath, Entry, Envelope, Mailbox, MailboxSettings, Reader, Routed,
    Ticket,
};
use crate::event::{Event, Key, Priority, TypeInfo};
use crate::log::{Held, Stamp};
use crate::overflow::{Ledger, Overflow};

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
    /// The types in the order in which the bus met them.
    pub(crate) types: Vec<TypeEntry>,
    directory: Arc<Directory>,
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
pub(crate) struct Parcel<E> {
    /// Taken out if anybody gets it; otherwise whoever publishes it drops it.
    pub(crate) event: Option<E>,
    pub(crate) priority: Priority,
    pub(crate) key: Option<Key>,
    pub(crate) cause: u64,
    pub(crate) published_at: Option<std::time::Instant>,
    /// If the event is an answer, its asker hears it.
    pub(crate) answer: bool,
    /// Whether whoever publishes it keeps it too: it is then found in `kept`.
    pub(crate) keep: bool,
    pub(crate) kept: Option<Held>,
    /// If the event is a request: where its answers go.
    pub(crate) ticket: Option<Arc<dyn Ticket>>,
}

impl<E> Parcel<E> {
    fn envelope(&mut self, info: &'static TypeInfo, held: Held) -> Envelope {
        let (key, ticket) = (self.key.clone(), self.ticket.take());
        Envelope { info, held, priority: self.priority, key, ticket }
    }
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It reached these many subscribers.
    Routed(u64, Routed),
    /// Nobody listens: it was counted.
    Unheard,
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
    pub(crate) fn new(pre_start_capacity: usize, directory: Arc<Directory>) -> Self {
        Self {
            phase: Phase::Buffering,
            ever_started: false,
            sequence: 0,
            types: Vec::new(),
            directory,
            clashes: Vec::new(),
            by_name: HashMap::new(),
            listeners: BTreeMap::new(),
            buffer: Buffer::new(pre_start_capacity),
            refused: 0,
        }
    }

    /// Accepts an event that goes by the log of its type and to nobody else, if this is one;
    /// otherwise it stays in `event`. This is what ordinary traffic is, and it is short.
    #[inline]
    pub(crate) fn accept_plain<E: Event>(
        &mut self,
        number: usize,
        priority: Priority,
        cause: u64,
        event: &mut Option<E>,
        aftermath: &mut Aftermath<'_>,
    ) -> Option<Accepted> {
        let entry = &mut self.types[number];
        if entry.mode != Mode::Plain || priority != entry.info.rank {
            return None;
        }
        self.sequence += 1;
        entry.published += 1;
        let stamp = Stamp::new(self.sequence, cause, None);
        let (routed, _) = entry.feed.offer(event, stamp, false, aftermath);
        Some(Accepted::Routed(self.sequence, routed))
    }

    /// Accepts an event: gives it its number, and routes or buffers it.
    pub(crate) fn accept<E: Event>(
        &mut self,
        parcel: &mut Parcel<E>,
        aftermath: &mut Aftermath<'_>,
    ) -> Accepted {
        if self.phase == Phase::Closed {
            self.refused += 1;
            return Accepted::Closed;
        }
        let number = match self.directory.find_event::<E>() {
            Some(card) => card.number,
            None => self.meet(TypeInfo::of::<E>(), aftermath),
        };
        let entry = &mut self.types[number];
        entry.published += 1;
        if self.phase == Phase::Running {
            if entry.mode == Mode::Quiet && parcel.ticket.is_none() && !parcel.keep {
                entry.unheard += u64::from(!parcel.answer);
                return Accepted::Unheard;
            }
            self.sequence += 1;
            let stamp = Stamp::new(self.sequence, parcel.cause, parcel.published_at);
            let routed = entry.publish(parcel, stamp, aftermath);
            return Accepted::Routed(self.sequence, routed);
        }
        self.sequence += 1;
        self.buffer_up(parcel, number, aftermath)
    }

    #[cold]
    fn buffer_up<E: Event>(
        &mut self,
        parcel: &mut Parcel<E>,
        number: usize,
        aftermath: &mut Aftermath<'_>,
    ) -> Accepted {
        let Some(event) = parcel.event.take() else {
            return Accepted::Unheard;
        };
        let stamp = Stamp::new(self.sequence, parcel.cause, parcel.published_at);
        let held = Held::new(stamp, event);
        parcel.kept = parcel.keep.then(|| held.clone());
        let envelope = parcel.envelope(self.types[number].info, held);
        self.buffer.push(envelope, number, aftermath)
    }

    /// The entry of a type, if the bus has met it.
    pub(crate) fn find(&self, info: &TypeInfo) -> Option<&TypeEntry> {
        self.directory.find(info.id()).map(|card| &self.types[card.number])
    }

    /// The number of a type, which the bus meets now if it has not before.
    fn number_of(&mut self, info: &'static TypeInfo, aftermath: &mut Aftermath<'_>) -> usize {
        match self.directory.find(info.id()) {
            Some(card) => card.number,
            None => self.meet(info, aftermath),
        }
    }

    #[cold]
    fn meet(&mut self, info: &'static TypeInfo, aftermath: &mut Aftermath<'_>) -> usize {
        let number = self.types.len();
        let mut entry = TypeEntry::new(info);
        for listener in self.listeners.values() {
            if listener.wanted.wants_unnamed(info) {
                let member = listener.mailbox.add_member(info);
                entry.route.add(Arc::clone(&listener.mailbox), member);
            }
        }
        self.types.push(entry);
        self.directory.add(info.id(), number);
        self.buffer.inbox.accounts.push(Account::new(info));
        match self.by_name.get(info.name) {
            Some(first) => {
                aftermath.report_clash(first, info);
                self.clashes.push((first, info));
            }
            None => drop(self.by_name.insert(info.name, info)),
        }
        self.sort_out(number);
        number
    }

    /// Sorts out how the events of a type are to be published: without a lock if nobody would get
    /// them, and by the log alone if nobody else would.
    fn sort_out(&mut self, number: usize) {
        let entry = &mut self.types[number];
        entry.mode = if self.phase == Phase::Running { entry.mode() } else { Mode::Full };
        if let Some(card) = self.directory.find(entry.info.id()) {
            card.set_mode(entry.mode);
        }
    }

    fn sort_out_of(&mut self, info: &TypeInfo) {
        let number = self.directory.find(info.id()).map(|card| card.number);
        number.into_iter().for_each(|number| self.sort_out(number));
    }

    fn sort_out_types(&mut self) {
        (0..self.types.len()).for_each(|number| self.sort_out(number));
    }

    /// How many events of a type were published, and how many of them nobody listened to.
    pub(crate) fn published(&self, entry: &TypeEntry) -> (u64, u64) {
        let counted = self.directory.find(entry.info.id()).map_or(0, |card| card.unheard());
        (entry.published + counted, entry.unheard + counted)
    }

    /// Signs a subscription in, and hands it the retained events if it asks for them, in one cut:
    /// what was published before is retained, what is published later arrives.
    pub(crate) fn sign_in(
        &mut self,
        id: u64,
        signing: SignIn,
        aftermath: &mut Aftermath<'_>,
    ) -> Reader {
        let SignIn { settings, wanted, late, retained, timestamps } = signing;
        let log = match &wanted {
            Wanted::Members(members) => match members[..] {
                // Such a reader's queue would always hold the newest of its type, in the order of
                // publication: it is a stretch of the type's log.
                [MemberInterest { info, role: Role::Observe }]
                    if settings.overflow == Overflow::DropNewest && !timestamps =>
                {
                    Some(info)
                }
                _ => None,
            },
            _ => None,
        };
        let infos = wanted.infos();
        let (mailbox, reader) = match log {
            Some(info) => {
                let number = self.number_of(info, aftermath);
                let (capacity, mut opened) = (settings.capacity, None);
                let tap = self.types[number].feed.join(id, capacity, |tap| {
                    let gauge = Some(Arc::clone(tap.gauge()));
                    let mailbox = Arc::new(Mailbox::new(id, settings, &infos, gauge));
                    opened = Some(Arc::clone(&mailbox));
                    mailbox
                });
                let Some(mailbox) = opened else { unreachable!("a feed opens a mailbox") };
                (Arc::clone(&mailbox), Reader::of_log(mailbox, tap, info))
            }
            None => {
                let mailbox = Arc::new(Mailbox::new(id, settings, &infos, None));
                self.add_to_routes(&mailbox, &wanted, aftermath);
                (Arc::clone(&mailbox), Reader::of_queue(mailbox))
            }
        };
        if retained {
            self.hand_over_retained(&mailbox, log.is_some(), aftermath);
        }
        if self.phase == Phase::Closed {
            mailbox.close(aftermath);
        }
        match &wanted {
            Wanted::Members(_) => infos.iter().for_each(|info| self.sort_out_of(info)),
            _ => self.sort_out_types(),
        }
        self.listeners.insert(id, Listener { mailbox, wanted, late });
        reader
    }

    fn add_to_routes(
        &mut self,
        mailbox: &Arc<Mailbox>,
        wanted: &Wanted,
        aftermath: &mut Aftermath<'_>,
    ) {
        match wanted {
            Wanted::Members(members) => {
                for (member, interest) in members.iter().enumerate() {
                    let number = self.number_of(interest.info, aftermath);
                    let entry = &mut self.types[number];
                    let route = match interest.role {
                        Role::Observe => &mut entry.route,
                        Role::Respond => &mut entry.responders,
                    };
                    route.add(Arc::clone(mailbox), member);
                }
            }
            Wanted::Everything | Wanted::Matching(_) => {
                for entry in &mut self.types {
                    if wanted.wants_unnamed(entry.info) {
                        let member = mailbox.add_member(entry.info);
                        entry.route.add(Arc::clone(mailbox), member);
                    }
                }
            }
            Wanted::Nothing(_) => {}
        }
    }

    fn hand_over_retained(
        &mut self,
        mailbox: &Arc<Mailbox>,
        reads_log: bool,
        aftermath: &mut Aftermath<'_>,
    ) {
        let member = |entry: &TypeEntry| {
            if reads_log {
                entry.feed.mailboxes().any(|other| other.id == mailbox.id).then_some(0)
            } else {
                entry.route.member(mailbox.id)
            }
        };
        let retained = |entry: &TypeEntry| {
            let envelope = entry.retained.as_ref()?;
            Some(Entry::new(envelope.clone(), member(entry)?))
        };
        let mut kept: Vec<Entry> = self.types.iter().filter_map(retained).collect();
        kept.sort_by_key(Entry::sequence);
        for entry in kept {
            mailbox.offer(entry, Admission::Beyond, aftermath);
        }
    }

    /// Signs a subscription out and frees what was queued for it.
    pub(crate) fn sign_out(&mut self, mailbox: u64, aftermath: &mut Aftermath<'_>) {
        let Some(listener) = self.listeners.remove(&mailbox) else {
            return;
        };
        let mut accounts = listener.mailbox.leave(aftermath);
        match &listener.wanted {
            Wanted::Members(members) => {
                for member in members {
                    let number = self.number_of(member.info, aftermath);
                    self.types[number].leave(mailbox);
                    accounts.extend(self.types[number].feed.leave(mailbox));
                    self.sort_out(number);
                }
            }
            Wanted::Everything | Wanted::Matching(_) => {
                self.types.iter_mut().for_each(|entry| entry.leave(mailbox));
                self.sort_out_types();
            }
            Wanted::Nothing(_) => {}
        }
        for account in accounts {
            let number = self.number_of(account.info, aftermath);
            self.types[number].departed.add(&account.ledger);
        }
    }

    /// Replays the buffer to everybody present, in order, and lets later events through. Returns
    /// how many were replayed, and how many the buffer had to drop since the last start.
    pub(crate) fn start(&mut self, aftermath: &mut Aftermath<'_>) -> (usize, usize) {
        if self.phase != Phase::Buffering {
            return (0, 0);
        }
        self.phase = Phase::Running;
        self.ever_started = true;
        let (envelopes, overflowed) = self.buffer.take();
        let replayed = envelopes.len();
        for envelope in envelopes {
            let number = self.number_of(envelope.info, aftermath);
            self.types[number].deliver_to_all(envelope, Admission::Beyond, true, aftermath);
        }
        for ((number, asked), dropped) in &overflowed {
            // What the buffer dropped was newer than all that it kept: whoever would have got it
            // missed it just before what comes next.
            let entry = &mut self.types[*number];
            let dropped = *dropped as u64;
            entry.feed.add_lost(dropped);
            let responders = entry.responders.mailboxes().filter(|_| *asked);
            let queues = entry.route.mailboxes().chain(responders);
            queues.for_each(|mailbox| mailbox.inbox().gap += dropped);
        }
        self.sort_out_types();
        (replayed, overflowed.values().sum())
    }

    /// Goes back to buffering.
    pub(crate) fn pause(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Buffering;
            self.sort_out_types();
        }
    }

    /// Ends everything: nothing is accepted any more, and what is buffered is dropped.
    pub(crate) fn close(&mut self, aftermath: &mut Aftermath<'_>) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.buffer.close(aftermath);
        for entry in &mut self.types {
            if let Some(retained) = entry.retained.take() {
                aftermath.discard_event(retained);
            }
        }
        for listener in self.listeners.values() {
            listener.mailbox.close(aftermath);
        }
        self.sort_out_types();
    }

    /// The names of a type's responders, in the order in which they signed in.
    pub(crate) fn responders(&self, info: &TypeInfo) -> Vec<Arc<str>> {
        let mailboxes = self.find(info).into_iter().flat_map(|entry| entry.responders.mailboxes());
        mailboxes.map(|mailbox| Arc::clone(&mailbox.settings.name)).collect()
    }

    /// How a subscription stands: what its queue and, if it reads one, its log know of it.
    pub(crate) fn figures(&self, mailbox: &Mailbox) -> Figures {
        let inbox = mailbox.inbox();
        let mut figures = Figures {
            queued: inbox.len(),
            high_water: inbox.high_water,
            demand: inbox.demand,
            missed: inbox.gap,
            bytes: inbox.entries().map(|entry| entry.envelope.footprint()).sum(),
            oldest: inbox
                .entries()
                .filter_map(|entry| entry.envelope.held.stamp().published_at())
                .min(),
            accounts: inbox.accounts.clone(),
        };
        drop(inbox);
        if let (Some(gauge), [account]) = (mailbox.gauge(), &mut figures.accounts[..])
            && let Some(entry) = self.find(account.info)
        {
            let standing = entry.feed.add_standing(mailbox.id, account);
            let waiting = usize::try_from(standing.waiting).unwrap_or(usize::MAX);
            figures.queued += waiting;
            figures.bytes += waiting * entry.info.size;
            figures.missed += gauge.lost();
            figures.high_water = figures.high_water.max(gauge.high_water()).max(figures.queued);
            let demand = usize::try_from(standing.demand).unwrap_or(usize::MAX);
            figures.demand = figures.demand.max(demand).max(figures.high_water);
        }
        figures
    }
}

/// A subscription that is about to be opened.
pub(crate) struct SignIn {
    pub(crate) settings: MailboxSettings,
    pub(crate) wanted: Wanted,
    pub(crate) late: bool,
    /// Whether it begins with the retained events.
    pub(crate) retained: bool,
    /// Whether the bus keeps time.
    pub(crate) timestamps: bool,
}

/// How a subscription stands.
pub(crate) struct Figures {
    pub(crate) queued: usize,
    pub(crate) high_water: usize,
    pub(crate) demand: usize,
    /// What it has lost since the last event queued.
    pub(crate) missed: u64,
    pub(crate) bytes: usize,
    /// When the oldest event queued was published.
    pub(crate) oldest: Option<std::time::Instant>,
    /// One per member.
    pub(crate) accounts: Vec<Account>,
}

impl Figures {
    /// The account of all members together.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut total = Ledger::default();
        self.accounts.iter().for_each(|account| total.add(&account.ledger));
        total
    }
}
