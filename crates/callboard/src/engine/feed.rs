//! The readers of one event type's log.

use std::sync::Arc;

use super::queue::{Admission, Entry};
use super::sources::Removed;
use super::{Account, Deferred, Envelope, Horizon, Mailbox};
use crate::event::{Event, TypeInfo};
use crate::log::{Held, Log, ReaderStats, Stamp, Windows};
use crate::overflow::DropReason;
use crate::room;

/// The log of one event type, and the mailboxes whose readers read it.
///
/// Such a reader also has a queue, for what can't go through the log: see [`engine`](super).
pub(crate) struct Feed {
    info: &'static TypeInfo,
    pub(crate) log: Log,
    horizon: Arc<Horizon>,
    /// The number of the type.
    number: usize,
    /// How many of its readers read by a cursor: all but those of this one log alone.
    cursors: usize,
    /// In the places that the log assigns.
    readers: Vec<LogSubscriber>,
    /// How many of them are critical: a loss is an incident.
    critical: usize,
    /// The places of the readers that drop an older event for the one being written. Empty between
    /// two events.
    evicting: Vec<usize>,
    /// The readers that found nothing, each once.
    waiters: Vec<LogSubscriber>,
    /// How many of them have left.
    departed_waiters: usize,
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

/// A reader of a log: a mailbox, and the index of the log among its sources.
#[derive(Clone)]
pub(super) struct LogSubscriber {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) source: usize,
}

/// The readers of a log, asked by it for their capacity.
struct Asked<'a> {
    info: &'static TypeInfo,
    readers: &'a [LogSubscriber],
    evicting: &'a mut Vec<usize>,
}

impl Windows for Asked<'_> {
    fn admit(&mut self, place: usize, sequence: u64) -> u64 {
        let (room, evicts) = self.readers[place].mailbox.admit(self.info, sequence);
        if evicts {
            self.evicting.push(place);
        }
        room
    }
}

impl Feed {
    pub(crate) fn new(info: &'static TypeInfo, number: usize, horizon: Arc<Horizon>) -> Self {
        Self {
            info,
            log: Log::new(info.shape),
            horizon,
            number,
            cursors: 0,
            readers: Vec::new(),
            critical: 0,
            evicting: Vec::new(),
            waiters: Vec::new(),
            departed_waiters: 0,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    pub(crate) fn mailboxes(&self) -> impl ExactSizeIterator<Item = &Arc<Mailbox>> {
        self.readers.iter().map(|reader| &reader.mailbox)
    }

    /// Adds a reader that reads by a cursor. Returns the index of its source.
    pub(crate) fn join_by_cursor(&mut self, mailbox: &Arc<Mailbox>, member: usize) -> usize {
        let cursor = self.log.join_with_window();
        let source = mailbox.add_source(cursor, self.info, self.number, member, &self.horizon);
        self.add(Arc::clone(mailbox), source);
        source
    }

    /// Adds the mailbox of a reader that has just joined the log, which is this one of its sources.
    pub(crate) fn add(&mut self, mailbox: Arc<Mailbox>, source: usize) {
        self.critical += usize::from(mailbox.is_critical());
        self.cursors += usize::from(mailbox.progress().is_none());
        self.readers.push(LogSubscriber { mailbox, source });
    }

    /// Removes the reader in this place, from whose events some were `removed`. Returns its account of
    /// the log, with the waiting events counted as dropped: the caller drops its cursor.
    pub(crate) fn leave(&mut self, place: usize, removed: Removed) -> Account {
        let mut account = Account::new(self.info);
        self.add_stats(place, &mut account);
        removed.correct(&mut account.ledger);
        self.log.leave(place);
        let left = self.readers.swap_remove(place);
        room::shrink_if_sparse(&mut self.readers);
        self.critical -= usize::from(left.mailbox.is_critical());
        self.cursors -= usize::from(left.mailbox.progress().is_none());
        self.remove_waiter(&left);
        let waiting = std::mem::take(&mut account.ledger.queued);
        account.ledger.count_drops(DropReason::Unsubscribed, waiting);
        account
    }

    /// Removes a leaving reader from the waiters. Its entry may stay until half of the entries are
    /// stale.
    fn remove_waiter(&mut self, left: &LogSubscriber) {
        self.departed_waiters += usize::from(left.mailbox.set_registered(left.source, false));
        if self.departed_waiters * 2 >= self.waiters.len() {
            self.waiters.retain(|waiter| waiter.mailbox.is_registered(waiter.source));
            self.departed_waiters = 0;
        }
    }

    /// Adds the log's statistics of the reader in this place to an account.
    pub(crate) fn add_stats(&self, place: usize, account: &mut Account) -> ReaderStats {
        let stats = self.log.stats(place);
        account.ledger.offered += stats.offered;
        account.ledger.delivered += stats.taken;
        account.ledger.queued += stats.waiting;
        account.ledger.count_drops(DropReason::Full, stats.dropped);
        stats
    }

    /// Registers a reader that has found nothing, to be woken by the next event.
    pub(crate) fn register_waiter(&mut self, mailbox: &Arc<Mailbox>, source: usize) {
        // A reader without capacity gets only replays and retained events, which wake it without this
        // list.
        let hopeful = mailbox.settings.capacity > 0;
        if hopeful && !mailbox.set_registered(source, true) {
            self.waiters.push(LogSubscriber { mailbox: Arc::clone(mailbox), source });
        }
    }

    /// Writes an event to the log. Takes it out of `event` if a reader will get it, or if `keep` is
    /// set; then it is also returned.
    #[inline(always)]
    pub(crate) fn offer<E: Event>(
        &mut self,
        event: &mut Option<E>,
        stamp: Stamp,
        keep: bool,
        deferred: &mut Deferred<'_>,
    ) -> (Routed, Option<Held>) {
        let sequence = stamp.sequence;
        let admitted = match self.log.admit_as_before(sequence) {
            Some(all) => all,
            None => self.admit_each(sequence),
        };
        let held = self.log.write(admitted, event, stamp, keep);
        if self.cursors > 0 {
            self.horizon.advance(sequence, self.number);
        }
        let mut dropped = self.log.refused().len();
        if dropped > 0 && self.critical > 0 {
            self.note_refused(dropped, sequence, deferred);
        }
        if !self.waiters.is_empty() {
            deferred.wake_waiters(&mut self.waiters);
            self.departed_waiters = 0;
        }
        if !self.evicting.is_empty() {
            dropped += self.make_room(sequence, deferred);
        }
        (Routed { delivered: admitted, dropped }, held)
    }

    /// Offers an event to each reader. Returns how many get it.
    #[inline(never)]
    fn admit_each(&mut self, sequence: u64) -> usize {
        let Self { info, log, readers, evicting, .. } = self;
        log.admit_each(sequence, &mut Asked { info, readers, evicting })
    }

    /// Drops older events to make room for the one that was just written. Returns how many were
    /// dropped.
    #[inline(never)]
    fn make_room(&mut self, sequence: u64, deferred: &mut Deferred<'_>) -> usize {
        let Self { info, readers, evicting, .. } = self;
        let evicting = evicting.drain(..).map(|place| &readers[place].mailbox);
        evicting.filter(|mailbox| mailbox.make_room(info, sequence, deferred)).count()
    }

    /// Notes that `dropped` readers were refused the event that was just written, which may be an
    /// incident.
    // A call of its own, so that an event that every reader gets is fast.
    #[inline(never)]
    fn note_refused(&mut self, dropped: usize, sequence: u64, deferred: &mut Deferred<'_>) {
        if self.log.stops() {
            self.tell_slow(deferred);
        }
        if deferred.count_drops(self.critical(dropped)) {
            self.report_refused(sequence, deferred);
        }
    }

    /// Reports readers that have just lost an event, and perhaps not the one before.
    #[cold]
    fn tell_slow(&self, deferred: &mut Deferred<'_>) {
        let refused = self.log.refused().iter().map(|place| &self.readers[*place].mailbox);
        refused.filter(|mailbox| mailbox.falls_behind()).for_each(|it| deferred.tell_slow(it));
    }

    fn refused(&self) -> impl Iterator<Item = &Mailbox> {
        self.log.refused().iter().map(|place| &*self.readers[*place].mailbox)
    }

    /// How many of the readers that were refused the event are critical.
    #[inline]
    fn critical(&self, refused: usize) -> u64 {
        let critical = match self.critical {
            0 => 0,
            all if all == self.readers.len() => refused,
            _ => self.refused().filter(|mailbox| mailbox.is_critical()).count(),
        };
        critical as u64
    }

    #[cold]
    fn report_refused(&self, sequence: u64, deferred: &mut Deferred<'_>) {
        self.refused().filter(|mailbox| mailbox.is_critical()).for_each(|mailbox| {
            deferred.report(mailbox.dropped(self.info, sequence, DropReason::Full));
        });
    }

    /// Publishes the event that was just written as a dead letter for each reader that was refused
    /// it.
    #[cold]
    pub(crate) fn bury_refused(&self, held: &Held, deferred: &mut Deferred<'_>) {
        for mailbox in self.refused() {
            deferred.bury(self.info, held, Some((&mailbox.settings.name, DropReason::Full)));
        }
    }

    /// Resumes every reader at the first event that is held back, if there is one.
    pub(crate) fn resume_held(&mut self, deferred: &mut Deferred<'_>) {
        if !self.log.resume_held() {
            return;
        }
        if !self.waiters.is_empty() {
            deferred.wake_waiters(&mut self.waiters);
            self.departed_waiters = 0;
        }
        // A reader without capacity is not a waiter, but still gets a replay.
        let idle = self.readers.iter().filter(|it| it.mailbox.settings.capacity == 0);
        idle.for_each(|it| deferred.wake(it.mailbox.wake()));
    }

    /// Reveals the next event that is held back, of this number, to the readers that were
    /// [resumed](Self::resume_held).
    pub(crate) fn reveal(&mut self, sequence: u64) {
        if self.cursors > 0 {
            // First: a reader that sees the event must see the loss that it reports.
            for LogSubscriber { mailbox, .. } in &self.readers {
                mailbox.note_revealed(self.info, sequence);
            }
        }
        self.log.reveal(false);
        if self.cursors > 0 {
            self.horizon.advance(sequence, self.number);
        }
    }

    /// Ends the hold: all events are revealed.
    pub(crate) fn end_hold(&mut self, deferred: &mut Deferred<'_>) {
        if let Some(cursor) = self.log.end_hold() {
            deferred.drop_cursors(Box::new(cursor));
        }
    }

    /// Hands an event to every reader through its queue.
    pub(crate) fn hand_over(
        &mut self,
        envelope: &Envelope,
        admission: Admission,
        deferred: &mut Deferred<'_>,
    ) -> Routed {
        let mut routed = Routed::default();
        for (place, LogSubscriber { mailbox, source }) in self.readers.iter().enumerate() {
            if mailbox.progress().is_none() {
                let member = mailbox.member_of(*source);
                routed += mailbox.offer(Entry::new(envelope.clone(), member), admission, deferred);
                continue;
            }
            let waiting = usize::try_from(self.log.waiting(place)).unwrap_or(usize::MAX);
            if admission == Admission::Bounded && waiting >= mailbox.settings.capacity {
                self.log.refuse(place);
                mailbox.refuse();
                mailbox.report(envelope.info, envelope.sequence(), DropReason::Full, deferred);
                if mailbox.falls_behind() {
                    deferred.tell_slow(mailbox);
                }
                let name = &mailbox.settings.name;
                deferred.bury(envelope.info, &envelope.held, Some((name, DropReason::Full)));
                routed.dropped += 1;
                continue;
            }
            mailbox.add_lost(self.log.take_lost(place));
            let entry = Entry::new(envelope.clone(), 0);
            routed += mailbox.offer(entry, Admission::Beyond, deferred);
            self.log.note_queued(place);
        }
        self.log.recheck_capacity();
        routed
    }

    /// Notes that every reader lost this many events before the next one that it gets.
    pub(crate) fn add_lost(&mut self, lost: u64) {
        for (place, LogSubscriber { mailbox, .. }) in self.readers.iter().enumerate() {
            if mailbox.progress().is_some() {
                self.log.add_lost(place, lost);
            } else {
                mailbox.add_lost(lost);
            }
        }
    }
}
