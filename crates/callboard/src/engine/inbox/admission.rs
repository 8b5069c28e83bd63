//! How events enter an inbox, and how room is made for them.

use super::{Inbox, Offered, unqueue};
use crate::engine::Envelope;
use crate::engine::cursors::{Due, Input, Place};
use crate::engine::losses::Losses;
use crate::engine::queue::{Admission, Entry, Queue};
use crate::event::Priority;
use crate::overflow::{DropReason, Overflow};

/// Where the oldest event of a lane is.
enum Oldest {
    Queued,
    Logged(Due),
}

impl Inbox {
    // Always: as a call of its own it would move the entry, which is large, once more.
    #[inline(always)]
    pub(crate) fn offer(&mut self, entry: Entry, admission: Admission) -> Offered {
        let in_logs = self.in_logs();
        self.accounts[entry.member].ledger.offered += 1;
        let capacity = self.capacity;
        let roomy = self.queue().occupied().saturating_add(in_logs) < capacity;
        if !roomy && admission == Admission::Bounded && !self.supersedes {
            return self.offer_to_full(entry, in_logs);
        }
        self.enqueue(entry);
        Offered { queued: true, lost: None }
    }

    #[inline(always)]
    fn enqueue(&mut self, entry: Entry) {
        let Some(queue) = &mut self.queue else { unreachable!("it was made for the entry") };
        self.accounts[entry.member].ledger.queued += 1;
        if self.sources.is_none() && self.gap == 0 {
            queue.enqueue(entry);
            let occupied = queue.occupied();
            return self.note_occupied(occupied);
        }
        let place = entry.place();
        queue.enqueue(entry);
        self.note_admitted(place, 0);
    }

    /// Notes that an event has arrived: it waits in the queue, or it will be written to a log that
    /// has capacity for it beyond the waiting events.
    #[inline]
    pub(in crate::engine) fn note_admitted(&mut self, place: Place, in_its_log: usize) {
        if self.gap > 0 {
            let gap = std::mem::take(&mut self.gap);
            self.losses().add(place, gap);
        }
        self.note_takes();
        self.note_occupied(self.occupied() + in_its_log);
    }

    /// Notes how much of the capacity is used.
    #[inline(always)]
    pub(super) fn note_occupied(&mut self, occupied: usize) {
        self.high_water = self.high_water.max(occupied);
        self.demand = self.demand.max(occupied + self.lost_since_take);
    }

    /// Offers an event to a full inbox: it is lost unless an older event makes room.
    #[cold]
    fn offer_to_full(&mut self, entry: Entry, in_logs: usize) -> Offered {
        if self.overflow == Overflow::DropOldest
            && let Some(oldest) = self.evict(entry.place().lane())
        {
            self.enqueue(entry);
            let lost = Some((oldest, DropReason::Oldest));
            return Offered { queued: true, lost };
        }
        self.accounts[entry.member].ledger.count_drop(self.refusal);
        self.refuse(in_logs);
        Offered { queued: false, lost: Some((entry, self.refusal)) }
    }

    /// Resets the count of losses if the reader has taken something since, perhaps without a lock.
    #[inline]
    fn note_takes(&mut self) {
        if self.sources.as_mut().is_some_and(|sources| sources.takes()) {
            self.lost_since_take = 0;
        }
    }

    /// Counts an event that is refused.
    fn refuse(&mut self, in_logs: usize) {
        self.note_takes();
        self.gap += 1;
        self.lost_since_take += 1;
        let occupied = self.queue.as_ref().map_or(0, |queue| queue.occupied()) + in_logs;
        self.note_occupied(occupied);
    }

    /// Whether an event about to be written to a log is admitted. Returns the capacity for this and
    /// further events, and whether an older event must then [make room](Self::make_room).
    pub(in crate::engine) fn admit(&mut self, place: Place) -> (u64, bool) {
        let occupied = self.occupied();
        let full = occupied >= self.capacity && !self.supersedes;
        if full && (self.overflow != Overflow::DropOldest || !self.has_victim(place.lane())) {
            self.refuse(self.in_logs());
            return (0, false);
        }
        self.note_admitted(place, usize::from(!full));
        // The reader, which notes its high water, can't see all events: note it here for each one.
        let overlooks = self.sources.as_ref().is_some_and(|sources| sources.overlooks());
        let room = self.capacity.saturating_sub(occupied).max(1);
        let room = if self.doubles || overlooks { 1 } else { room };
        (room as u64, full)
    }

    /// Whether some event may be dropped for one of a lane.
    fn has_victim(&mut self, lane: usize) -> bool {
        (lane..Priority::COUNT).any(|lane| self.oldest_of(lane).is_some())
    }

    /// Drops the oldest event in favour of the one in this place, unless the reader has made room
    /// in between.
    pub(in crate::engine) fn make_room(&mut self, place: Place) -> Option<Entry> {
        if self.occupied() <= self.capacity {
            return None;
        }
        let evicted = self.evict(place.lane());
        self.demand = self.demand.max(self.occupied() + self.lost_since_take);
        // A loss that no later event of its lane reports is reported by the new event, unless that
        // was read.
        let waits = self.cursors().is_some_and(|cursors| cursors.has(place));
        if waits && self.gap > 0 {
            let gap = std::mem::take(&mut self.gap);
            self.losses().add(place, gap);
        }
        evicted
    }

    /// Drops the oldest of the least urgent events, but none that is more urgent than a lane.
    fn evict(&mut self, lane: usize) -> Option<Entry> {
        let lanes = (lane..Priority::COUNT).rev();
        let entry = lanes.into_iter().find_map(|lane| self.evict_oldest_of(lane))?;
        self.lost_since_take += 1;
        let place = entry.place();
        self.losses().add_oldest(place);
        if self.oldest_of(place.lane()).is_none() {
            // No event waits behind the one that made room: the arriving event is next.
            self.gap += self.losses().take_behind(place.lane(), None);
        }
        Some(entry)
    }

    fn evict_oldest_of(&mut self, lane: usize) -> Option<Entry> {
        match self.oldest_of(lane)? {
            Oldest::Queued => {
                let entry = self.queue.as_mut()?.pop_lane(lane)?;
                unqueue(&mut self.accounts, &entry, DropReason::Oldest);
                Some(entry)
            }
            Oldest::Logged(due) => {
                let sources = self.sources.as_mut()?;
                let (held, &Input { info, member, source, .. }) =
                    sources.cursors.take(due, false)?;
                sources.get_mut(source)?.removed.evicted += 1;
                Some(Entry::new(Envelope::logged(info, held), member))
            }
        }
    }

    /// Where the oldest event of a lane is.
    fn oldest_of(&mut self, lane: usize) -> Option<Oldest> {
        let queued = self.queue.as_ref().and_then(|queue| queue.oldest_of(lane));
        let logged = self.cursors().and_then(|cursors| cursors.oldest_of(lane));
        match (queued, logged) {
            (queued, Some(due)) if queued.is_none_or(|queued| due.place < queued) => {
                Some(Oldest::Logged(due))
            }
            (queued, _) => queued.map(|_| Oldest::Queued),
        }
    }

    #[inline]
    pub(super) fn queue(&mut self) -> &mut Queue {
        self.queue.get_or_insert_default()
    }

    fn losses(&mut self) -> &mut Losses {
        &mut self.queue().losses
    }

    /// How many missed events the event in this place is to report.
    #[inline]
    pub(in crate::engine) fn report(&mut self, place: Place) -> u64 {
        self.queue.as_mut().map_or(0, |queue| queue.losses.report(place))
    }
}
