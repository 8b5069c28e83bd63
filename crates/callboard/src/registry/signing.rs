//! Opening and closing subscriptions in the registry.

use std::sync::Arc;

use super::types::TypeEntry;
use super::{Listener, MemberInterest, Phase, Registry, Role, Wanted};
use crate::engine::{Admission, Deferred, Entry, Mailbox, MailboxSettings, Reader};
use crate::event::{Event, TypeInfo};
use crate::outcome::PanickedSubscriber;
use crate::overflow::Overflow;
use crate::sync::WaitList;

/// A subscription that is about to be opened.
pub(crate) struct SignIn {
    pub(crate) settings: MailboxSettings,
    /// How many calls the owner handles at once; `usize::MAX` if it passes them on.
    pub(crate) concurrency: usize,
    pub(crate) wanted: Wanted,
    /// Whether it subscribes to a plain type. A set of one type merges logs, as every set does.
    pub(crate) one_type: bool,
    pub(crate) late: bool,
    /// The age of the bus, in nanoseconds.
    pub(crate) signed_in: u64,
    /// Whether it begins with the retained events.
    pub(crate) retained: bool,
    /// Notified when the reader has drained.
    pub(crate) changed: Arc<WaitList>,
}

impl SignIn {
    /// Whether the reader reads logs without a lock. This requires the drop-newest policy, so that its
    /// backlog is a contiguous range of each log. `traces`: whether the bus traces; if so, events with
    /// a span go through the queue.
    fn reads_unlocked(&self, traces: bool) -> bool {
        let observes = match &self.wanted {
            Wanted::Members(members) => members.iter().any(|it| it.role == Role::Observe),
            Wanted::Everything | Wanted::Matching(_) => true,
            Wanted::Nothing(_) => false,
        };
        observes && self.settings.overflow == Overflow::DropNewest && !traces
    }

    /// The type whose log the reader reads directly, if it [reads](Self::reads_unlocked) logs without a
    /// lock.
    fn log(&self) -> Option<&'static TypeInfo> {
        match self.wanted.members() {
            [MemberInterest { info, role: Role::Observe }] if self.one_type => Some(info),
            _ => None,
        }
    }
}

/// How many ended subscriptions with panics are kept.
const MOST_PANICKED: usize = 16;

impl Registry {
    /// Declares that a component publishes events of a type. Returns its publisher number.
    pub(crate) fn declare_publisher<E: Event>(
        &mut self,
        name: &Arc<str>,
        deferred: &mut Deferred<'_>,
    ) -> u32 {
        let (number, publisher) =
            (self.number_of(TypeInfo::of::<E>(), deferred), self.publishers.number(name));
        self.types[number].publishers.declare(publisher);
        publisher
    }

    /// Signs a subscription in and delivers the retained events if it wants them. This is atomic:
    /// earlier events are retained ones, later events arrive normally.
    pub(crate) fn sign_in(
        &mut self,
        id: u64,
        signing: SignIn,
        deferred: &mut Deferred<'_>,
    ) -> Reader {
        let unlocked = signing.reads_unlocked(self.traces);
        let log = signing.log().filter(|_| unlocked);
        let SignIn { settings, concurrency, wanted, late, signed_in, retained, changed, .. } =
            signing;
        let log = log.map(|info| {
            let number = self.number_of(info, deferred);
            (number, self.types[number].feed.log.join(settings.capacity))
        });
        let progress = log.as_ref().map(|(number, cursor)| (*number, cursor.progress().clone()));
        let merges = unlocked && log.is_none();
        let mailbox = Mailbox::new(id, settings, concurrency, wanted.infos(), progress, merges);
        let mailbox = Arc::new(mailbox);
        let cursor = match log {
            Some((number, cursor)) => {
                self.types[number].feed.add(Arc::clone(&mailbox), 0);
                Some(cursor)
            }
            None => {
                self.add_to_types(&mailbox, &wanted, deferred);
                None
            }
        };
        let (horizon, timed) = (&self.horizon, self.keeps_time);
        let reader = Reader::new(Arc::clone(&mailbox), changed, cursor, horizon, timed);
        self.count_collectors(&wanted, 1, deferred);
        if retained {
            self.hand_over_retained(&mailbox, deferred);
        }
        if self.phase == Phase::Closed {
            mailbox.close(deferred);
        }
        match &wanted {
            Wanted::Members(_) => wanted.infos().for_each(|info| self.refresh_mode_of(info)),
            _ => self.refresh_modes(),
        }
        let listener = Listener { mailbox, wanted, late, signed_in, replayed: 0 };
        self.listeners.insert(id, listener);
        reader
    }

    /// Adds the types that a subscription would name, without opening one.
    pub(crate) fn declare(&mut self, wanted: &Wanted, deferred: &mut Deferred<'_>) {
        for info in wanted.infos() {
            self.number_of(info, deferred);
        }
    }

    fn add_to_types(
        &mut self,
        mailbox: &Arc<Mailbox>,
        wanted: &Wanted,
        deferred: &mut Deferred<'_>,
    ) {
        let members = wanted.members();
        for (member, interest) in members.iter().enumerate() {
            if interest.is_among(&members[..member]) {
                continue;
            }
            let number = self.number_of(interest.info, deferred);
            let same_type = |it: &MemberInterest| it.info.id() == interest.info.id();
            if members.iter().any(|it| same_type(it) && it.role != interest.role) {
                mailbox.set_doubles();
            }
            match interest.role {
                Role::Observe => {
                    self.types[number].add_reader(mailbox, member);
                }
                Role::Respond => self.types[number].responders.add(Arc::clone(mailbox), member),
            }
        }
        for entry in self.types.iter_mut().filter(|entry| wanted.wants_unnamed(entry.info)) {
            let member = mailbox.add_member(entry.info);
            entry.add_reader(mailbox, member);
        }
    }

    fn hand_over_retained(&mut self, mailbox: &Arc<Mailbox>, deferred: &mut Deferred<'_>) {
        let retained = |(number, entry): (usize, &mut TypeEntry)| {
            let member = mailbox.member_reading(number)?;
            Some(Entry::new(entry.begin_with_retained()?, member))
        };
        let mut kept: Vec<Entry> = self.types.iter_mut().enumerate().filter_map(retained).collect();
        kept.sort_by_key(Entry::sequence);
        for entry in kept {
            mailbox.offer(entry, Admission::Beyond, deferred);
        }
    }

    /// Signs a subscription out and frees its queued events.
    pub(crate) fn sign_out(&mut self, mailbox: u64, deferred: &mut Deferred<'_>) {
        let Some(listener) = self.listeners.remove(&mailbox) else {
            return;
        };
        self.count_collectors(&listener.wanted, -1, deferred);
        self.keep_panics(&listener.mailbox);
        for (type_number, place, removed) in listener.mailbox.logs() {
            let entry = &mut self.types[type_number];
            let account = entry.feed.leave(place, removed);
            entry.departed.add(&account.ledger);
        }
        let accounts = listener.mailbox.leave(deferred);
        match &listener.wanted {
            Wanted::Members(members) => {
                for member in members {
                    let number = self.number_of(member.info, deferred);
                    self.types[number].leave(mailbox);
                    self.refresh_mode(number);
                }
            }
            Wanted::Everything | Wanted::Matching(_) => {
                self.types.iter_mut().for_each(|entry| entry.leave(mailbox));
                self.refresh_modes();
            }
            Wanted::Nothing(_) => {}
        }
        for account in accounts {
            let number = self.number_of(account.info, deferred);
            self.types[number].departed.add(&account.ledger);
        }
    }

    /// Keeps the panics of an ending subscription, so that `diagnose` still reports them.
    fn keep_panics(&mut self, mailbox: &Mailbox) {
        let (last_panic, panics) = {
            let inbox = mailbox.inbox();
            let handler_stats = inbox.handler_stats();
            (handler_stats.last_panic.clone(), handler_stats.panics)
        };
        if let Some(last_panic) = last_panic {
            let name = mailbox.settings.name.to_string();
            self.panicked.push_back(PanickedSubscriber { name, panics, last_panic });
            if self.panicked.len() > MOST_PANICKED {
                self.panicked.pop_front();
            }
        }
    }
}
