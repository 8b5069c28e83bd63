//! A reader with cursors of its own, which merges several logs without a lock.

use std::sync::Arc;

use super::cursors::{Cursors, Due, Input, Place};
use super::horizon::Horizon;
use super::lending::{Lender, LentMerged, MOST_LENT};
use super::sources::Signals;
use super::{Mailbox, Next, Taken};
use crate::event::Receipt;
use crate::log::{Moment, Stamp};
use crate::sync::Ordering;

/// A reader with cursors of its own.
#[derive(Debug)]
pub(super) struct MergedReader {
    cursors: Cursors,
    horizon: Arc<Horizon>,
    signals: Arc<Signals>,
    /// Where the next event was found: in a log, or in this place of the queue.
    found: Result<Due, Option<Place>>,
    /// The most events that were seen waiting in the logs.
    high_water: u64,
}

impl Signals {
    /// The receipt of an event, in this place, that the reader takes.
    #[inline(always)]
    pub(super) fn receipt(
        &self,
        mailbox: &Mailbox,
        place: Place,
        stamp: &Stamp,
        now: Moment,
    ) -> Receipt {
        let reports = self.reports.load(Ordering::Relaxed);
        if !reports && !now.is_known() {
            return Receipt::default();
        }
        let missed = if reports { mailbox.missed(place) } else { 0 };
        Receipt::new(missed, stamp.waited_until(now))
    }
}

impl MergedReader {
    pub(super) fn new(signals: Arc<Signals>, horizon: Arc<Horizon>) -> Self {
        Self { cursors: Cursors::default(), horizon, signals, found: Err(None), high_water: 0 }
    }

    /// How far the bus has published. The cursors of all that was published so far are here then.
    #[inline(always)]
    fn look_at_horizon(&mut self, mailbox: &Mailbox) -> u64 {
        if self.signals.woken.load(Ordering::Relaxed) {
            self.signals.woken.store(false, Ordering::Relaxed);
        }
        let horizon = self.horizon.get();
        // A reader that sees the horizon sees the cursors added before it.
        if self.signals.arrived.load(Ordering::Relaxed) {
            mailbox.fetch_cursors(&mut self.cursors);
        }
        horizon
    }

    /// The next event of the logs.
    #[inline(always)]
    fn look(&mut self, mailbox: &Mailbox) -> Option<Due> {
        let until = self.look_at_horizon(mailbox);
        self.cursors.next_until(until, &self.horizon)
    }

    /// Takes the next event, if that is in a log and the queue is empty.
    #[inline(always)]
    pub(super) fn take_next(
        &mut self,
        mailbox: &Mailbox,
        finished: u32,
        now: Moment,
    ) -> Option<Taken> {
        let until = self.look_at_horizon(mailbox);
        // After that: a reader that sees how far the bus has published sees what was queued before.
        if self.signals.queued.load(Ordering::Relaxed) > 0 {
            return None;
        }
        if let Some(index) = self.cursors.find_lone(until, &self.horizon) {
            mailbox.finish_and_mark(finished, now);
            self.note_known();
            let (held, &Input { info, member, lane, .. }) = self.cursors.take_lone(index, until)?;
            let place = Place::in_lane(lane, 2 * until);
            let receipt = self.signals.receipt(mailbox, place, held.stamp(), now);
            return Some(Taken::logged(held, receipt, info, member));
        }
        let due = self.cursors.next_until(until, &self.horizon)?;
        mailbox.finish_and_mark(finished, now);
        self.take(due, mailbox, now)
    }

    /// Takes the event that was [found](Self::next) to be next, or returns its place in the queue.
    /// `finished` is how many events the reader has finished; `None` within a batch.
    pub(super) fn take_found(
        &mut self,
        mailbox: &Mailbox,
        finished: Option<u32>,
        now: Moment,
    ) -> Result<Option<Taken>, Option<Place>> {
        let found = std::mem::replace(&mut self.found, Err(None));
        found.map(|due| {
            if let Some(events) = finished {
                mailbox.finish_and_mark(events, now);
            }
            self.take(due, mailbox, now)
        })
    }

    #[inline(always)]
    fn take(&mut self, due: Due, mailbox: &Mailbox, now: Moment) -> Option<Taken> {
        self.note_known();
        let (held, &Input { info, member, .. }) = self.cursors.take(due, true)?;
        let receipt = self.signals.receipt(mailbox, due.place, held.stamp(), now);
        Some(Taken::logged(held, receipt, info, member))
    }

    /// Whether the next event was [found](Self::next) in a log.
    pub(super) fn found_in_log(&self) -> bool {
        self.found.is_ok()
    }

    /// The events found in the logs, to be lent in a batch.
    pub(super) fn lend<'a>(&'a mut self, lender: Lender<'a>) -> LentMerged<'a> {
        self.found = Err(None);
        self.note_known();
        // After the event that was found, one in the queue may come.
        let left = if self.signals.queued.load(Ordering::Relaxed) > 0 { 1 } else { MOST_LENT };
        let (logs, merge) = self.cursors.lend();
        LentMerged { logs, merge, signals: &self.signals, lender, left }
    }

    /// Notes how many events were found waiting in the logs.
    #[inline(always)]
    fn note_known(&mut self) {
        let known = self.cursors.known();
        if known > self.high_water {
            self.raise_high_water(known);
        }
    }

    /// Notes that this many were seen waiting in the logs.
    #[cold]
    fn raise_high_water(&mut self, known: u64) {
        self.high_water = self.high_water.max(known);
        let queued = self.signals.queued.load(Ordering::Relaxed);
        let waiting = usize::try_from(known).unwrap_or(usize::MAX).saturating_add(queued);
        self.signals.high_water.fetch_max(waiting, Ordering::Relaxed);
    }

    /// Where the next event is.
    pub(super) fn next(&mut self, mailbox: &Mailbox) -> Next {
        let mut due = self.look(mailbox);
        while self.signals.queued.load(Ordering::Relaxed) > 0
            && let Some(queued) = mailbox.first_queued()
        {
            self.raise_high_water(self.cursors.known());
            if due.is_some_and(|due| due.place < queued) {
                break;
            }
            // Before the event in the queue, an event may have been written that the look at the
            // logs did not see. If the next look sees it, the queue may by then hold more events
            // that precede it.
            due = self.look(mailbox);
            if due.is_none_or(|due| queued < due.place) {
                self.found = Err(Some(queued));
                return Next::Found;
            }
        }
        self.found = due.ok_or(None);
        if due.is_some() { Next::Found } else { Next::Empty }
    }

    /// Whether an event waits in a log.
    pub(super) fn has_more(&mut self, mailbox: &Mailbox) -> bool {
        self.look(mailbox).is_some()
    }
}
