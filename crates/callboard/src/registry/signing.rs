//! Signing in and out.

use std::sync::Arc;

use super::types::TypeEntry;
use super::{Listener, MemberInterest, Phase, Registry, Role, Wanted};
use crate::engine::{Admission, Aftermath, Entry, HandlerPanic, Mailbox, MailboxSettings, Reader};
use crate::event::{Event, TypeInfo};
use crate::overflow::Overflow;
use crate::sync::WaitList;

/// A subscription that is about to be opened.
pub(crate) struct SignIn {
    pub(crate) settings: MailboxSettings,
    /// How many calls the owner handles at once; `usize::MAX` if it hands them on.
    pub(crate) concurrency: usize,
    pub(crate) wanted: Wanted,
    /// Whether it is no set: a set of one type takes what it gets from a queue, as every set does.
    pub(crate) one_type: bool,
    pub(crate) late: bool,
    /// The age of the bus, in nanoseconds.
    pub(crate) signed_in: u64,
    /// Whether it begins with the retained events.
    pub(crate) retained: bool,
    /// Whether it has a queue in any case: the bus notes more of its events than a log does.
    pub(crate) queued: bool,
    /// Told when the reader has drained.
    pub(crate) changed: Arc<WaitList>,
}

impl SignIn {
    /// The type whose log the subscription reads, if it reads one: it reads events of one type, in
    /// the order in which they were published, and drops the newest. What waits for it is then a
    /// stretch of that log, and it needs no queue.
    fn log(&self) -> Option<&'static TypeInfo> {
        let Wanted::Members(members) = &self.wanted else {
            return None;
        };
        let [MemberInterest { info, role: Role::Observe }] = members[..] else {
            return None;
        };
        let keeps_order = self.settings.overflow == Overflow::DropNewest;
        (self.one_type && keeps_order && !self.queued).then_some(info)
    }
}

/// How many subscriptions that ended with panics are remembered.
const MOST_PANICKED: usize = 16;

/// A subscription that has ended, and whose handlers panicked.
pub(crate) struct Panicked {
    pub(crate) name: Arc<str>,
    pub(crate) panics: u64,
    pub(crate) last: Arc<HandlerPanic>,
}

impl Registry {
    /// A component says that it publishes events of a type. Returns its publisher's number.
    pub(crate) fn declare_publisher<E: Event>(
        &mut self,
        name: &Arc<str>,
        aftermath: &mut Aftermath<'_>,
    ) -> u32 {
        let (number, publisher) =
            (self.number_of(TypeInfo::of::<E>(), aftermath), self.publishers.number(name));
        self.types[number].publishers.declare(publisher);
        publisher
    }

    /// Signs a subscription in, and hands it the retained events if it asks for them, in one cut:
    /// what was published before is retained, what is published later arrives.
    pub(crate) fn sign_in(
        &mut self,
        id: u64,
        signing: SignIn,
        aftermath: &mut Aftermath<'_>,
    ) -> Reader {
        let log = signing.log();
        let SignIn { settings, concurrency, wanted, late, signed_in, retained, changed, .. } =
            signing;
        let infos = wanted.infos();
        let (mailbox, reader) = match log {
            Some(info) => {
                let number = self.number_of(info, aftermath);
                let (capacity, mut opened) = (settings.capacity, None);
                let tap = self.types[number].feed.join(capacity, |tap| {
                    let gauge = Some(tap.gauge().clone());
                    let mailbox = Arc::new(Mailbox::new(id, settings, concurrency, &infos, gauge));
                    opened = Some(Arc::clone(&mailbox));
                    mailbox
                });
                let Some(mailbox) = opened else { unreachable!("a feed opens a mailbox") };
                (Arc::clone(&mailbox), Reader::of_log(mailbox, changed, tap, info))
            }
            None => {
                let mailbox = Arc::new(Mailbox::new(id, settings, concurrency, &infos, None));
                self.add_to_routes(&mailbox, &wanted, aftermath);
                (Arc::clone(&mailbox), Reader::of_queue(mailbox, changed))
            }
        };
        self.count_collectors(&wanted, 1, aftermath);
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
        let listener = Listener { mailbox, wanted, late, signed_in, replayed: 0 };
        self.listeners.insert(id, listener);
        reader
    }

    /// Makes the types that a subscription would name known, without a subscription.
    pub(crate) fn declare(&mut self, wanted: &Wanted, aftermath: &mut Aftermath<'_>) {
        for info in wanted.infos() {
            self.number_of(info, aftermath);
        }
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
                    if interest.is_among(&members[..member]) {
                        continue;
                    }
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
                entry.feed.has(mailbox).then_some(0)
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
        self.count_collectors(&listener.wanted, -1, aftermath);
        self.keep_panics(&listener.mailbox);
        let mut accounts = listener.mailbox.leave(aftermath);
        match &listener.wanted {
            Wanted::Members(members) => {
                for member in members {
                    let number = self.number_of(member.info, aftermath);
                    self.types[number].leave(mailbox);
                    accounts.extend(self.types[number].feed.leave(&listener.mailbox));
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

    /// Remembers the panics of a subscription that ends: `diagnose` tells of them still.
    fn keep_panics(&mut self, mailbox: &Mailbox) {
        let (last, panics) = {
            let inbox = mailbox.inbox();
            let attendance = inbox.attendance();
            (attendance.last_panic.clone(), attendance.panics)
        };
        if let Some(last) = last {
            let name = Arc::clone(&mailbox.settings.name);
            self.panicked.push_back(Panicked { name, panics, last });
            if self.panicked.len() > MOST_PANICKED {
                self.panicked.pop_front();
            }
        }
    }
}
