//! The registry: subscriptions, event types and the phase of the bus, guarded by its one lock.
//!
//! The lock is the bus's sequencer: in one critical section an event gets its sequence number, is
//! written to the log of its type, and is appended to the matching queues, which gives all readers
//! one order. No user code runs under the lock.

mod accept;
mod blocking;
mod buffer;
mod core;
mod directory;
mod endings;
mod figures;
mod interest;
mod on_close;
mod publishers;
mod quiet;
mod requests;
mod signing;
#[cfg(test)]
mod tests;
mod types;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::core::{Core, CoreSettings, Jitter, LinkProbe, PRE_START_CAPACITY};
pub(crate) use accept::{Accepted, Heading, Publication};
pub(crate) use buffer::Buffer;
use buffer::{Gap, Replayed};
pub(crate) use directory::{Directory, Mode};
pub(crate) use endings::{Ending, time_bounds};
pub(crate) use figures::Figures;
pub use interest::{Interest, MemberInterest};
pub(crate) use interest::{Role, Wanted};
pub(crate) use on_close::{CloseList, OnClose};
pub(crate) use publishers::Publishers;
use publishers::Tally;
pub(crate) use quiet::Busy;
pub(crate) use requests::{Requests, Slot, TROUBLES};
pub(crate) use signing::SignIn;
pub(crate) use types::TypeEntry;

use crate::engine::{Account, Admission, DeadLetter, Deferred, Horizon, Mailbox, Source};
use crate::event::TypeInfo;
use crate::log::Moment;
use crate::outcome::PanickedSubscriber;
use crate::overflow::DropReason;

/// The phase of a bus's life.
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

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buffering => "buffering",
            Self::Running => "running",
            Self::Closed => "closed",
        })
    }
}

/// The state guarded by the bus's lock.
pub(crate) struct Registry {
    pub(crate) phase: Phase,
    /// Whether the bus is being drained, so that only handlers may publish.
    pub(crate) draining: bool,
    /// How many refused publications came from handlers.
    pub(crate) cut_off: u64,
    /// How many subscriptions receive dead letters; undelivered events are kept only for them.
    collectors: usize,
    /// Whether each event records when it was published.
    keeps_time: bool,
    /// Whether events carry the spans of their publishers.
    traces: bool,
    /// The sequence number of the last accepted event.
    pub(crate) sequence: u64,
    /// The latest moment at which an event was published, if the bus keeps time.
    latest: Moment,
    /// How far the logs are written, for readers of several of them.
    horizon: Arc<Horizon>,
    /// The types, in the order in which the bus first saw them.
    pub(crate) types: Vec<TypeEntry>,
    directory: Arc<Directory>,
    /// The last ended subscriptions whose handlers had panicked.
    pub(crate) panicked: VecDeque<PanickedSubscriber>,
    /// Types that share their name with an earlier type.
    pub(crate) clashes: Vec<(&'static TypeInfo, &'static TypeInfo)>,
    pub(crate) publishers: Publishers,
    pub(crate) listeners: BTreeMap<u64, Listener>,
    pub(crate) buffer: Buffer,
    /// What the first start did, once it has happened; from then on, a new subscriber may have missed
    /// events.
    pub(crate) first_start: Option<FirstStart>,
    /// Events published after `close`.
    pub(crate) refused: u64,
}

/// When the bus was first started, and the events that it replayed.
pub(crate) struct FirstStart {
    /// The age of the bus at the start; `None` if the clock panicked.
    pub(crate) after: Option<Duration>,
    /// How many events of each type were replayed, for the types that had any.
    pub(crate) held: Vec<(String, u64)>,
}

/// A subscription as the registry knows it.
pub(crate) struct Listener {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) wanted: Wanted,
    /// Whether it came after the start without declaring itself late.
    pub(crate) late: bool,
    /// When it signed in, in nanoseconds since the bus was built; 0 if the clock panicked.
    pub(crate) signed_in: u64,
    /// How many events the first start replayed to it.
    pub(crate) replayed: u64,
}

impl Registry {
    pub(crate) fn new(settings: &CoreSettings, directory: Arc<Directory>) -> Self {
        Self {
            keeps_time: settings.timestamps,
            traces: settings.trace,
            phase: Phase::Buffering,
            draining: false,
            cut_off: 0,
            collectors: 0,
            sequence: 0,
            latest: Moment::NONE,
            horizon: Arc::default(),
            types: Vec::new(),
            directory,
            panicked: VecDeque::new(),
            clashes: Vec::new(),
            publishers: Publishers::default(),
            listeners: BTreeMap::new(),
            buffer: Buffer::new(settings.pre_start_capacity),
            first_start: None,
            refused: 0,
        }
    }

    /// The entry of a type, if the bus knows it.
    pub(crate) fn find(&self, info: &TypeInfo) -> Option<&TypeEntry> {
        self.directory.find(info.id()).map(|handle| &self.types[handle.number])
    }

    /// The number of a type, which is added if it is new.
    fn number_of(&mut self, info: &'static TypeInfo, deferred: &mut Deferred<'_>) -> usize {
        match self.directory.find(info.id()) {
            Some(handle) => handle.number,
            None => self.register_type(info, deferred),
        }
    }

    #[cold]
    fn register_type(&mut self, info: &'static TypeInfo, deferred: &mut Deferred<'_>) -> usize {
        let mut known = self.types.iter().map(|entry| entry.info);
        if let Some(first) = known.find(|known| known.name == info.name) {
            deferred.report_clash(first, info);
            self.clashes.push((first, info));
        }
        let number = self.types.len();
        let mut entry = TypeEntry::new(info, number, &self.horizon);
        for listener in self.listeners.values() {
            if listener.wanted.wants_unnamed(info) {
                let member = listener.mailbox.add_member(info);
                let source = entry.add_reader(&listener.mailbox, member);
                // The reader may already be asleep.
                entry.feed.register_waiter(&listener.mailbox, source);
            }
        }
        self.types.push(entry);
        self.directory.add(info.id(), number);
        self.buffer.inbox.accounts.push(Account::new(info));
        self.refresh_mode(number);
        number
    }

    /// Recomputes how events of a type are published: without the lock if there are no subscribers,
    /// and by a short path if they only go to readers.
    fn refresh_mode(&mut self, number: usize) {
        let entry = &mut self.types[number];
        let running = self.phase == Phase::Running;
        let ordinary = running && !self.draining && self.collectors == 0;
        entry.mode = match entry.mode() {
            // Only the general path opens a span.
            Mode::LogOnly if self.traces => Mode::General,
            Mode::LogOnly if ordinary && self.keeps_time => Mode::LogTimed,
            mode if ordinary => mode,
            _ => Mode::General,
        };
        if let Some(handle) = self.directory.find(entry.info.id()) {
            // An event without subscribers has a span, too.
            handle.set_mode(if self.traces { Mode::General } else { entry.mode });
        }
    }

    /// Updates the number of subscriptions that receive dead letters.
    fn count_collectors(&mut self, wanted: &Wanted, by: isize, deferred: &Deferred<'_>) {
        if wanted.names(TypeInfo::of::<DeadLetter>()) {
            self.collectors = self.collectors.saturating_add_signed(by);
            deferred.collect(self.collectors > 0);
            self.refresh_modes();
        }
    }

    /// Registers a log reader that found nothing, so that the next event wakes it.
    pub(crate) fn register_waiter(&mut self, mailbox: &Arc<Mailbox>) {
        // A reader without capacity gets only replays and retained events, which wake it without these
        // lists.
        while let (1.., Some((type_number, source))) =
            (mailbox.settings.capacity, mailbox.unregistered_source())
        {
            self.types[type_number].feed.register_waiter(mailbox, source);
        }
    }

    fn refresh_mode_of(&mut self, info: &TypeInfo) {
        let number = self.directory.find(info.id()).map(|handle| handle.number);
        number.into_iter().for_each(|number| self.refresh_mode(number));
    }

    pub(crate) fn refresh_modes(&mut self) {
        (0..self.types.len()).for_each(|number| self.refresh_mode(number));
    }

    /// How many events of a type were published, and how many of them had no subscribers.
    pub(crate) fn published(&self, entry: &TypeEntry) -> (u64, u64) {
        let counted = self.directory.find(entry.info.id()).map_or(0, |handle| handle.unheard());
        (entry.published + counted, entry.unheard + counted)
    }

    /// Replays the buffer in order to all subscribers, and routes later events directly. Returns
    /// how many events were replayed, and how many the buffer dropped since the last start. `after`
    /// is the age of the bus, unless the clock panicked.
    pub(crate) fn start(
        &mut self,
        after: Option<Duration>,
        deferred: &mut Deferred<'_>,
    ) -> (usize, usize) {
        if self.phase != Phase::Buffering {
            return (0, 0);
        }
        self.phase = Phase::Running;
        let first = self.first_start.is_none();
        if first {
            self.first_start = Some(FirstStart { after, held: self.buffer.held() });
        }
        let offered_before = if first { self.offered() } else { Vec::new() };
        let overflowed = self.buffer.overflowed();
        let (mut replay, losses) = self.buffer.take();
        // A reader reports a loss between two events only if each is handed to it. And readers of several
        // logs don't look back, behind a dead letter that was not held back.
        let by_logs = losses.keys().all(|gap| gap.after >= replay.last)
            && replay.begins_behind(self.horizon.get());
        let (replayed, mut losses) = (replay.len(), losses.into_iter().peekable());
        self.types.iter_mut().for_each(|entry| entry.begin_replay(by_logs, deferred));
        for (sequence, event) in replay {
            while let Some((gap, lost)) = losses.next_if(|(gap, _)| gap.after < sequence) {
                self.add_lost(gap, lost);
            }
            match event {
                Replayed::Logged(number) => {
                    self.types[number].replay(sequence, by_logs, deferred);
                }
                Replayed::Queued(envelope) => {
                    let number = self.number_of(envelope.info, deferred);
                    self.types[number].deliver_to_all(envelope, Admission::Beyond, deferred);
                }
            }
        }
        self.types.iter_mut().for_each(|entry| entry.end_replay(deferred));
        losses.for_each(|(gap, lost)| self.add_lost(gap, lost));
        if first {
            let offered = self.offered().into_iter().zip(offered_before);
            for (listener, (after, before)) in self.listeners.values_mut().zip(offered) {
                listener.replayed = after - before;
            }
        }
        self.refresh_modes();
        (replayed, overflowed)
    }

    /// How many events each subscription has been offered so far.
    fn offered(&self) -> Vec<u64> {
        let listeners = self.listeners.values();
        listeners.map(|listener| self.figures(&listener.mailbox).ledger().offered).collect()
    }

    /// Records events that the type's subscriptions missed immediately before the next one.
    fn add_lost(&mut self, gap: Gap, lost: usize) {
        let lost = lost as u64;
        let entry = &mut self.types[gap.type_number];
        entry.feed.add_lost(lost);
        let responders = entry.responders.mailboxes().filter(|_| gap.asked);
        responders.for_each(|mailbox| mailbox.add_lost(lost));
    }

    /// Withdraws a request from a responder that has not taken it.
    pub(crate) fn withdraw(&mut self, mailbox: u64, sequence: u64, deferred: &mut Deferred<'_>) {
        let Some(Listener { mailbox, .. }) = self.listeners.get(&mailbox) else { return };
        let mut inbox = mailbox.inbox();
        let last = |source: &Source| self.types[source.type_number].feed.log.last(source.place());
        let withdrawn = inbox.withdraw(sequence, last);
        let reports = inbox.gap > 0;
        mailbox.show(&inbox);
        drop(inbox);
        if let Some(entry) = withdrawn {
            deferred.discard(mailbox.id, entry, DropReason::Withdrawn);
        }
        if reports {
            // Its next event, from any log, must report the loss.
            for (type_number, ..) in mailbox.logs() {
                self.types[type_number].feed.log.recheck_capacity();
            }
        }
    }

    /// Returns to buffering.
    pub(crate) fn pause(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Buffering;
            self.refresh_modes();
        }
    }

    /// Closes the registry: nothing is accepted any more, and buffered events are dropped.
    pub(crate) fn close(&mut self, deferred: &mut Deferred<'_>) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        // The responders may have left by the time the askers look.
        self.buffer.requests().for_each(|(info, ticket)| ticket.strand(self.responders(info)));
        for (_, event) in self.buffer.take_all(Some(DropReason::Closed)) {
            let envelope = match event {
                Replayed::Logged(number) => self.types[number].take_held_back(),
                Replayed::Queued(envelope) => Some(envelope),
            };
            if let Some(envelope) = envelope {
                self.buffer.report(envelope, DropReason::Closed, deferred);
            }
        }
        self.types.iter_mut().for_each(|entry| entry.end_replay(deferred));
        for entry in &mut self.types {
            if let Some(retained) = entry.retained.take() {
                deferred.discard_event(retained);
            }
        }
        for listener in self.listeners.values() {
            listener.mailbox.close(deferred);
        }
        self.refresh_modes();
    }

    /// The names of a type's responders, in the order in which they signed in.
    pub(crate) fn responders(&self, info: &TypeInfo) -> Vec<Arc<str>> {
        let mailboxes = self.find(info).into_iter().flat_map(|entry| entry.responders.mailboxes());
        mailboxes.map(|mailbox| Arc::clone(&mailbox.settings.name)).collect()
    }
}
