//! How events with equal keys are merged.
//!
//! An event that is about to arrive supersedes the last one with its key, if that waits: first the
//! older one is marked, so that it uses no capacity any more; then the newer one arrives; then it is
//! noted that the newer one is to absorb the older one. Both wait until [`merge`], which runs
//! user code, has made one of them, with no lock held. The reader may take either before.

use super::{Inbox, unqueue};
use crate::engine::Envelope;
use crate::engine::cursors::{Input, Place};
use crate::engine::queue::{Entry, Merged};
use crate::engine::sources::Source;
use crate::overflow::DropReason;
use crate::sync::discard;

impl Inbox {
    /// `last` is the number of the last event that arrived with some key. If that event still waits,
    /// notes that `newer`, which is about to arrive with the same key, is to absorb it, and returns
    /// true. `source` is the log of their type, if the subscription reads logs. The registry's lock is
    /// held until the next event has arrived.
    pub(crate) fn supersede(&mut self, last: u64, newer: u64, source: Option<usize>) -> bool {
        if let Some(source) = source
            && self.next_in(source).is_some_and(|next| next <= last)
        {
            self.fetch(source);
        }
        self.supersedes = self.queue.as_mut().is_some_and(|queue| queue.supersede(last, newer));
        self.supersedes
    }

    /// The event has arrived for which another was [superseded](Self::supersede). Returns whether the
    /// two are to be merged.
    pub(crate) fn link(&mut self, source: Option<usize>) -> bool {
        self.supersedes = false;
        source.into_iter().for_each(|source| self.fetch(source));
        let Some(leaves_its_lane) = self.queue.as_mut().and_then(|queue| queue.link()) else {
            return false;
        };
        if leaves_its_lane && self.has_losses() {
            // A loss that the older one was to report is then reported by the next of its lane.
            let sources = self.sources().count();
            (0..sources).for_each(|source| self.fetch(source));
        }
        true
    }

    /// The lowest number of what waits in this log or in the queue; `u64::MAX` if nothing does.
    pub(in crate::engine) fn waits_from(&mut self, source: usize) -> u64 {
        let logged = self.next_in(source);
        let queued = self.queue.as_ref().and_then(|queue| queue.lowest());
        logged.into_iter().chain(queued).min().unwrap_or(u64::MAX)
    }

    /// Whether an event with the key of `last`, the last to arrive with it, waits in the queue.
    pub(in crate::engine) fn holds(&self, last: u64) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.holds(last))
    }

    /// Moves everything that waits in a log to the queue.
    pub(in crate::engine) fn fetch(&mut self, source: usize) {
        // The reader notes how many wait in its logs, but not what is merged before it looks.
        self.note_occupied(self.occupied());
        let queue = self.queue.get_or_insert_default();
        let Some(sources) = &mut self.sources else { return };
        let Some(lane) = sources.iter().nth(source).map(Source::lane) else { return };
        let accounts = &mut self.accounts;
        let fetched = std::iter::from_fn(|| {
            let due = sources.cursors.next_of(source)?;
            let (held, &Input { info, member, .. }) = sources.cursors.take(due, false)?;
            sources.note_fetched(source);
            let ledger = &mut accounts[member].ledger;
            (ledger.offered, ledger.queued) = (ledger.offered + 1, ledger.queued + 1);
            Some(Entry::new(Envelope::logged(info, held), member))
        });
        queue.enqueue_all(lane, fetched);
    }

    /// How many events wait in a log. The registry's lock is held.
    pub(in crate::engine) fn waits_in(&self, source: usize) -> u64 {
        self.sources().nth(source).map_or(0, Source::waiting)
    }

    /// The number of the next event in a log.
    fn next_in(&mut self, source: usize) -> Option<u64> {
        let due = self.sources.as_mut()?.cursors.next_of(source)?;
        Some(due.place.order() / 2)
    }
}

/// Lets the event of this number absorb the older ones that it superseded. `access` runs a function
/// on the inbox under its lock; merging runs user code, without the lock.
pub(crate) fn merge(access: impl Fn(&mut dyn FnMut(&mut Inbox)), newer: u64) {
    loop {
        let mut pair = None;
        access(&mut |inbox| pair = inbox.queue.as_ref().and_then(|it| it.mergeable(newer)));
        let Some(pair) = pair else {
            return;
        };
        let merged = pair.info.merge(&pair.newer_event, &pair.older_event);
        let mut done = None;
        access(&mut |inbox| {
            done = inbox.queue.as_mut().and_then(|it| it.merge(&pair, merged.clone()));
            if let Some(Merged { older, heir, .. }) = &done {
                unqueue(&mut inbox.accounts, older, DropReason::Coalesced);
                if let (Some((lane, before)), Some(queue)) = (*heir, &mut inbox.queue) {
                    let to = Place::in_lane(lane, 2 * pair.newer);
                    queue.losses.hand_on(older.place(), before, to);
                }
            }
        });
        // Otherwise another publisher or the reader was faster, or the keys differ: look again.
        let (older, replaced) = done.map(|done| (done.older, done.replaced)).unzip();
        discard(older);
        discard(replaced);
        discard(pair.older_event);
        discard(pair.newer_event);
        discard(merged);
    }
}
