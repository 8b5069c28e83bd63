//! Who reads the log of one event type.

use std::sync::Arc;

use super::queue::{Admission, Entry};
use super::{Account, Aftermath, Envelope, Mailbox, Routed};
use crate::event::{Event, TypeInfo};
use crate::log::{Gauge, Held, Log, Stamp, Standing, Tap};
use crate::overflow::DropReason;
use crate::room;
use crate::sync::Ordering;

/// The log of one event type, and the mailboxes whose readers read it.
///
/// Such a reader has a queue too, which is empty nearly always: what does not come by the log (a
/// replay, an event of another priority than its type's) comes by that.
pub(crate) struct Feed {
    info: &'static TypeInfo,
    log: Log,
    /// In the places that the log gives its readers.
    mailboxes: Vec<Arc<Mailbox>>,
    /// For how many of them a loss is an incident.
    critical: usize,
    /// Those whose readers have found nothing, each once.
    sleepers: Vec<Arc<Mailbox>>,
    /// How many of them have left.
    struck_off: usize,
}

impl Feed {
    pub(crate) fn new(info: &'static TypeInfo) -> Self {
        Self {
            info,
            log: Log::new(info.shape),
            mailboxes: Vec::new(),
            critical: 0,
            sleepers: Vec::new(),
            struck_off: 0,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.mailboxes.is_empty()
    }

    pub(crate) fn mailboxes(&self) -> impl ExactSizeIterator<Item = &Arc<Mailbox>> {
        self.mailboxes.iter()
    }

    /// Whether this one reads the log.
    pub(crate) fn has(&self, mailbox: &Mailbox) -> bool {
        let place = mailbox.gauge().map(Gauge::place);
        let there = place.and_then(|place| self.mailboxes.get(place));
        there.is_some_and(|there| there.id == mailbox.id)
    }

    /// Adds a reader: `open` makes its mailbox.
    pub(crate) fn join(&mut self, capacity: usize, open: impl FnOnce(&Tap) -> Arc<Mailbox>) -> Tap {
        let tap = self.log.join(capacity);
        let mailbox = open(&tap);
        self.critical += usize::from(mailbox.is_critical());
        self.mailboxes.push(mailbox);
        tap
    }

    /// Removes a reader. Returns what the log knows of it, with what waits for it counted as
    /// dropped: the caller drops its tap.
    pub(crate) fn leave(&mut self, mailbox: &Mailbox) -> Option<Account> {
        let place = mailbox.gauge()?.place();
        let mut account = Account::new(self.info);
        self.add_standing(place, &mut account);
        self.log.leave(place);
        let left = self.mailboxes.swap_remove(place);
        room::give_back(&mut self.mailboxes);
        debug_assert_eq!(left.id, mailbox.id, "the log knows its places");
        self.critical -= usize::from(left.is_critical());
        self.strike_off(&left);
        let waiting = std::mem::take(&mut account.ledger.queued);
        account.ledger.count_drops(DropReason::Unsubscribed, waiting);
        Some(account)
    }

    /// Strikes one that leaves off the sleepers. It may stay on the list, as one that is not
    /// enlisted, until it is worth to look for those.
    fn strike_off(&mut self, left: &Mailbox) {
        self.struck_off += usize::from(left.enlisted.swap(false, Ordering::Relaxed));
        if self.struck_off * 2 >= self.sleepers.len() {
            self.sleepers.retain(|sleeper| sleeper.enlisted.load(Ordering::Relaxed));
            self.struck_off = 0;
        }
    }

    /// Adds what the log knows of the reader in this place to an account.
    pub(crate) fn add_standing(&self, place: usize, account: &mut Account) -> Standing {
        let standing = self.log.standing(place);
        account.ledger.offered += standing.offered;
        account.ledger.delivered += standing.taken;
        account.ledger.queued += standing.waiting;
        account.ledger.count_drops(DropReason::Full, standing.dropped);
        standing
    }

    /// The reader has found nothing: it is woken by the next event.
    pub(crate) fn enlist(&mut self, mailbox: &Arc<Mailbox>) {
        // Nothing ever comes for one without capacity.
        let hopeful = mailbox.settings.capacity > 0;
        if hopeful && !mailbox.enlisted.swap(true, Ordering::Relaxed) {
            self.sleepers.push(Arc::clone(mailbox));
        }
    }

    /// Writes an event to the log. It is taken out of `event` if somebody will read it, or if
    /// `keep` asks for it; then it is returned too.
    #[inline(always)]
    pub(crate) fn offer<E: Event>(
        &mut self,
        event: &mut Option<E>,
        stamp: Stamp,
        keep: bool,
        aftermath: &mut Aftermath<'_>,
    ) -> (Routed, Option<Held>) {
        let sequence = stamp.sequence;
        let offered = self.log.offer(event, stamp, keep);
        let dropped = self.log.refused().len();
        if dropped > 0 && self.critical > 0 {
            self.note_refused(dropped, sequence, aftermath);
        }
        if !self.sleepers.is_empty() {
            aftermath.wake_sleepers(&mut self.sleepers);
            self.struck_off = 0;
        }
        (Routed { delivered: offered.admitted, dropped }, offered.held)
    }

    /// So many readers were refused the event that was just written, and that may be an incident.
    // A call of its own, so that an event that everybody gets is quick.
    #[inline(never)]
    fn note_refused(&mut self, dropped: usize, sequence: u64, aftermath: &mut Aftermath<'_>) {
        if self.log.stops() {
            self.tell_slow(aftermath);
        }
        if aftermath.count_drops(self.critical(dropped)) {
            self.report_refused(sequence, aftermath);
        }
    }

    /// Some reader has lost an event just now, and perhaps not the one before.
    #[cold]
    fn tell_slow(&self, aftermath: &mut Aftermath<'_>) {
        let refused = self.log.refused().iter().map(|place| &self.mailboxes[*place]);
        refused.filter(|mailbox| mailbox.falls_behind()).for_each(|it| aftermath.tell_slow(it));
    }

    /// Bytes of the memory that the events of the log lie in.
    pub(crate) fn bytes(&self) -> usize {
        self.log.bytes()
    }

    fn refused(&self) -> impl Iterator<Item = &Mailbox> {
        self.log.refused().iter().map(|place| &*self.mailboxes[*place])
    }

    /// For how many of those that were refused the event just now that is an incident.
    #[inline]
    fn critical(&self, refused: usize) -> u64 {
        let critical = match self.critical {
            0 => 0,
            all if all == self.mailboxes.len() => refused,
            _ => self.refused().filter(|mailbox| mailbox.is_critical()).count(),
        };
        critical as u64
    }

    #[cold]
    fn report_refused(&self, sequence: u64, aftermath: &mut Aftermath<'_>) {
        self.refused().filter(|mailbox| mailbox.is_critical()).for_each(|mailbox| {
            aftermath.report(mailbox.dropped(self.info, sequence, DropReason::Full));
        });
    }

    /// Has the event that was just written published as a dead letter of each reader that was
    /// refused it.
    #[cold]
    pub(crate) fn bury_refused(&self, held: &Held, aftermath: &mut Aftermath<'_>) {
        for mailbox in self.refused() {
            aftermath.bury(self.info, held, Some((&mailbox.settings.name, DropReason::Full)));
        }
    }

    /// Hands an event to every reader by its queue.
    pub(crate) fn hand_over(
        &mut self,
        envelope: &Envelope,
        admission: Admission,
        aftermath: &mut Aftermath<'_>,
    ) -> Routed {
        let mut routed = Routed::default();
        for (place, mailbox) in self.mailboxes.iter().enumerate() {
            let waiting = usize::try_from(self.log.waiting(place)).unwrap_or(usize::MAX);
            if admission == Admission::Bounded && waiting >= mailbox.settings.capacity {
                self.log.refuse(place);
                mailbox.refuse();
                mailbox.report(envelope.info, envelope.sequence(), DropReason::Full, aftermath);
                if mailbox.falls_behind() {
                    aftermath.tell_slow(mailbox);
                }
                let name = &mailbox.settings.name;
                aftermath.bury(envelope.info, &envelope.held, Some((name, DropReason::Full)));
                routed.dropped += 1;
                continue;
            }
            let mut entry = Entry::new(envelope.clone(), 0);
            entry.missed = self.log.take_lost(place);
            routed += mailbox.offer(entry, Admission::Beyond, aftermath);
            self.log.note_elsewhere(place);
        }
        self.log.squeeze();
        routed
    }

    /// Every reader lost these many events before what it gets next.
    pub(crate) fn add_lost(&mut self, lost: u64) {
        (0..self.mailboxes.len()).for_each(|place| self.log.add_lost(place, lost));
    }
}
