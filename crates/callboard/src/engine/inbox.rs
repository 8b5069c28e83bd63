//! A queue with its accounts: what a mailbox's lock guards, and what the start buffer is.
//!
//! Plain data, like the queue in it.

use std::task::Waker;
use std::time::Instant;

use super::attendance::{Attendance, NOBODY};
use super::cursors::{Cursors, Due, Logged, Place};
use super::losses::Losses;
use super::queue::{Admission, Entry, Merged, Pushed, Queue};
use super::sources::{Source, Sources};
use super::{Envelope, Taken};
use crate::event::{Key, Priority, Receipt, TypeInfo};
use crate::overflow::{DropReason, Ledger, Overflow};
use crate::sync::discard;
use crate::trace::{Context, Trail};

/// A queue with its accounts, and who reads it.
pub(crate) struct Inbox {
    /// What is queued; made when the first entry comes, since the reader of a log hardly ever has
    /// one.
    queue: Option<Box<Queue>>,
    /// The logs that its reader reads, if it merges them or drops the oldest.
    pub(crate) sources: Option<Box<Sources>>,
    losses: Option<Box<Losses>>,
    /// One event may come in twice, as an event and as a request.
    pub(super) doubles: bool,
    capacity: usize,
    overflow: Overflow,
    /// Why an event that does not fit is dropped.
    refusal: DropReason,
    /// One per member of the set; a reader of everything gets one more per type it meets, and the
    /// start buffer has one for each type there is.
    pub(crate) accounts: Vec<Account>,
    /// Events lost since the last one queued; the next one queued will say so.
    pub(crate) gap: u64,
    pub(crate) high_water: usize,
    /// The capacity that would have sufficed: the most that was queued or lost between two takes.
    pub(crate) demand: usize,
    lost_since_take: usize,
    /// How many events the reader had taken from its logs when it lost one, if it takes no lock.
    took: u64,
    pub(super) state: State,
    /// Set while the reader sleeps.
    pub(crate) waker: Option<Waker>,
    /// The reader was woken by an event, and has not tried to take it yet.
    pub(super) woken: bool,
    /// What the reader does with what it takes, once there is anything to say of it.
    attendance: Option<Box<Attendance>>,
}

/// What a mailbox takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Events come in.
    Open,
    /// The bus is closed: what is queued may still be read.
    Closed,
    /// The reader is gone.
    Gone,
}

/// The ledger of one member.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) info: &'static TypeInfo,
    pub(crate) ledger: Ledger,
}

/// What a reader that does not wait finds.
pub(crate) enum Take {
    Event(Taken),
    Empty,
    Closed,
}

/// What became of an event that was offered.
pub(crate) struct Offered {
    pub(crate) queued: bool,
    /// An older event with its key is queued too.
    pub(crate) mergeable: bool,
    /// The event that was lost: this one, or an older one in its favour.
    pub(crate) lost: Option<(Entry, DropReason)>,
}

impl Account {
    pub(crate) fn new(info: &'static TypeInfo) -> Self {
        Self { info, ledger: Ledger::default() }
    }
}

impl Inbox {
    pub(crate) fn new(capacity: usize, overflow: Overflow, refusal: DropReason) -> Self {
        Self {
            queue: None,
            sources: None,
            losses: None,
            doubles: false,
            capacity,
            overflow,
            refusal,
            accounts: Vec::new(),
            gap: 0,
            high_water: 0,
            demand: 0,
            lost_since_take: 0,
            took: 0,
            state: State::Open,
            waker: None,
            woken: false,
            attendance: None,
        }
    }

    /// The events queued, most urgent first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.queue.iter().flat_map(|queue| queue.iter())
    }

    /// How many events wait. If it reads logs, the registry's lock is held.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len()) + self.in_logs()
    }

    /// How much of the capacity is taken. Likewise.
    #[inline]
    fn occupied(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.occupied()) + self.in_logs()
    }

    /// How many events wait in logs. Likewise.
    #[inline]
    fn in_logs(&self) -> usize {
        let waiting = self.sources.as_ref().map_or(0, |sources| sources.waiting());
        usize::try_from(waiting).unwrap_or(usize::MAX)
    }

    /// Whether an event waits, in the queue or at a cursor that the reader does not have.
    #[inline]
    pub(super) fn has_more(&mut self) -> bool {
        let queued = self.queue.as_ref().is_some_and(|queue| queue.len() > 0);
        queued || self.cursors().is_some_and(Cursors::has_more)
    }

    /// The logs that its reader reads.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().flat_map(|sources| sources.iter())
    }

    /// The cursors, unless the reader has them.
    #[inline]
    fn cursors(&mut self) -> Option<&mut Cursors> {
        let sources = self.sources.as_mut().filter(|sources| !sources.read_unlocked)?;
        Some(&mut sources.cursors)
    }

    /// How many events wait in the queue.
    pub(super) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// Whether some event that waits is to report a loss.
    pub(super) fn has_losses(&self) -> bool {
        self.losses.as_ref().is_some_and(|losses| !losses.is_empty())
    }

    /// When the oldest event that waits was published, if the bus keeps time.
    pub(crate) fn oldest(&mut self) -> Option<Instant> {
        let queued = self.entries().filter_map(|it| it.envelope.held.stamp().published_at()).min();
        let logged = self.cursors().and_then(Cursors::oldest);
        queued.into_iter().chain(logged).min()
    }

    /// What the reader does with what it takes.
    pub(crate) fn attendance(&self) -> &Attendance {
        self.attendance.as_deref().unwrap_or(&NOBODY)
    }

    pub(crate) fn attendance_mut(&mut self) -> &mut Attendance {
        self.attendance.get_or_insert_default()
    }

    /// The reader asks for the next event, on a bus that keeps time.
    #[cold]
    pub(super) fn note_asked(&mut self, in_hand: bool, now: Option<Instant>) {
        self.attendance_mut().ask(in_hand, now);
    }

    /// The reader has taken an event, on a bus that keeps time.
    #[cold]
    pub(super) fn note_taken(&mut self, now: Option<Instant>) {
        self.attendance_mut().in_hand_since = now;
    }

    // Always: as a call of its own it would have the entry, which is large, moved once more.
    #[inline(always)]
    pub(crate) fn offer(&mut self, entry: Entry, admission: Admission) -> Offered {
        let in_logs = self.in_logs();
        let Self { queue, capacity, overflow, accounts, .. } = self;
        let queue = queue.get_or_insert_with(|| Box::new(Queue::new(*capacity, *overflow)));
        accounts[entry.member].ledger.offered += 1;
        if !queue.admits(&entry, admission, in_logs) {
            return self.offer_to_full(entry, admission, in_logs);
        }
        self.enqueue(entry);
        Offered { queued: true, mergeable: false, lost: None }
    }

    #[inline(always)]
    fn enqueue(&mut self, entry: Entry) {
        let Some(queue) = &mut self.queue else { unreachable!("it was made for the entry") };
        self.accounts[entry.member].ledger.queued += 1;
        if self.sources.is_none() && self.gap == 0 {
            queue.enqueue(entry);
            let occupied = queue.occupied();
            self.high_water = self.high_water.max(occupied);
            self.demand = self.demand.max(occupied + self.lost_since_take);
            return;
        }
        let place = entry.place();
        queue.enqueue(entry);
        self.note_admitted(place, 0);
    }

    /// An event has come that waits in the queue, or for which there is room, besides what waits,
    /// in a log.
    #[inline]
    fn note_admitted(&mut self, place: Place, in_its_log: usize) {
        if self.gap > 0 {
            let gap = std::mem::take(&mut self.gap);
            self.losses().add(place, gap);
        }
        self.note_takes();
        let occupied = self.occupied() + in_its_log;
        self.high_water = self.high_water.max(occupied);
        self.demand = self.demand.max(occupied + self.lost_since_take);
    }

    /// Offers an event that has no place of its own in the queue.
    #[cold]
    fn offer_to_full(&mut self, entry: Entry, admission: Admission, in_logs: usize) -> Offered {
        let Some(queue) = &mut self.queue else { unreachable!("it was made for the entry") };
        let place = entry.place();
        let (member, mut mergeable) = (entry.member, false);
        let lost = if self.overflow == Overflow::DropOldest {
            match self.evict(place.lane()) {
                Some(oldest) => {
                    self.enqueue(entry);
                    Some((oldest, DropReason::Oldest))
                }
                None => Some((entry, self.refusal)),
            }
        } else {
            match queue.push(entry, admission) {
                Pushed::Queued => None,
                Pushed::Mergeable => {
                    mergeable = true;
                    None
                }
                Pushed::Refused(entry) => Some((entry, self.refusal)),
            }
        };
        let queued = match &lost {
            None => {
                self.accounts[member].ledger.queued += 1;
                self.note_admitted(place, 0);
                true
            }
            Some((_, DropReason::Oldest)) => true,
            Some((entry, reason)) => {
                self.accounts[entry.member].ledger.count_drop(*reason);
                self.refuse(in_logs);
                false
            }
        };
        Offered { queued, mergeable, lost }
    }

    /// What was lost counts until the reader takes something, perhaps without a lock.
    #[inline]
    fn note_takes(&mut self) {
        if let Some(sources) = self.sources.as_ref().filter(|sources| sources.read_unlocked) {
            let taken = sources.taken();
            if taken != self.took {
                (self.took, self.lost_since_take) = (taken, 0);
            }
        }
    }

    /// An event does not come in.
    fn refuse(&mut self, in_logs: usize) {
        self.note_takes();
        self.gap += 1;
        self.lost_since_take += 1;
        let occupied = self.queue.as_ref().map_or(0, |queue| queue.occupied()) + in_logs;
        self.high_water = self.high_water.max(occupied);
        self.demand = self.demand.max(occupied + self.lost_since_take);
    }

    /// Whether an event that is to be written to a log comes in: for how many, that one included,
    /// there is room; and whether an older one is then to [make room](Self::make_room) for it.
    pub(super) fn admit(&mut self, place: Place) -> (u64, bool) {
        let occupied = self.occupied();
        let full = occupied >= self.capacity;
        if full && (self.overflow != Overflow::DropOldest || !self.has_victim(place.lane())) {
            self.refuse(self.in_logs());
            return (0, false);
        }
        self.note_admitted(place, usize::from(!full));
        let room = if self.doubles { 1 } else { self.capacity.saturating_sub(occupied).max(1) };
        (room as u64, full)
    }

    /// Whether there is an event that may make room for one of a lane.
    fn has_victim(&mut self, lane: usize) -> bool {
        (lane..Priority::COUNT).any(|lane| self.oldest_of(lane).is_some())
    }

    /// Drops the oldest event in favour of the one in this place, unless the reader has made room
    /// meanwhile.
    pub(super) fn make_room(&mut self, place: Place) -> Option<Entry> {
        if self.occupied() <= self.capacity {
            return None;
        }
        let evicted = self.evict(place.lane());
        self.demand = self.demand.max(self.occupied() + self.lost_since_take);
        // What nobody behind it in its lane reports, the newer one does, if it has not been read.
        let waits = self.cursors().is_some_and(|cursors| cursors.has(place));
        if waits && self.gap > 0 {
            let gap = std::mem::take(&mut self.gap);
            self.losses().add(place, gap);
        }
        evicted
    }

    /// Drops the oldest of the least urgent events, of those that are not more urgent than a lane.
    fn evict(&mut self, lane: usize) -> Option<Entry> {
        let lanes = (lane..Priority::COUNT).rev();
        let entry = lanes.into_iter().find_map(|lane| self.evict_oldest_of(lane))?;
        self.lost_since_take += 1;
        let place = entry.place();
        self.losses().add_oldest(place);
        if self.oldest_of(place.lane()).is_none() {
            // Nobody waits behind the one that made room: the arriving event is next.
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
                let logged = sources.cursors.take(due, false)?;
                sources.get_mut(logged.source)?.evicted += 1;
                Some(Entry::new(Envelope::logged(logged.info, logged.held), logged.member))
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

    fn losses(&mut self) -> &mut Losses {
        self.losses.get_or_insert_default()
    }

    /// What the next event is to report as missed.
    #[inline]
    pub(super) fn report(&mut self, place: Place) -> u64 {
        match &mut self.losses {
            Some(losses) => losses.report(place),
            None => 0,
        }
    }

    /// The oldest of the most urgent entries.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.queue.as_ref()?.first()
    }

    /// Takes the next event, or the next one of the queue that has a priority.
    #[inline]
    pub(super) fn take(
        &mut self,
        mailbox: u64,
        now: Option<Instant>,
        priority: Option<Priority>,
        hold: impl FnOnce(Context) -> Trail,
    ) -> Take {
        if self.sources.is_some()
            && let Some(taken) = self.take_logged(mailbox, now)
        {
            return Take::Event(taken);
        }
        let Some(entry) = self.queue.as_mut().and_then(|queue| queue.pop(priority)) else {
            return if self.state == State::Open { Take::Empty } else { Take::Closed };
        };
        self.lost_since_take = 0;
        let ledger = &mut self.accounts[entry.member].ledger;
        ledger.queued -= 1;
        ledger.delivered += 1;
        let missed = if self.losses.is_some() { self.report(entry.place()) } else { 0 };
        let Entry { envelope, member } = entry;
        let mut receipt = Receipt::new(missed, now);
        if envelope.context.is_some() {
            receipt.trace(hold(envelope.context));
        }
        Take::Event(Taken {
            info: envelope.info,
            held: envelope.held,
            ticket: envelope.ticket,
            receipt,
            member,
            mailbox,
        })
    }

    /// Takes the next event, if that lies in a log.
    fn take_logged(&mut self, mailbox: u64, now: Option<Instant>) -> Option<Taken> {
        let queued =
            self.queue.as_ref().map(|queue| (queue.occupied(), queue.first().map(Entry::place)));
        let cursors = self.cursors()?;
        let due = cursors.next()?;
        let mut waiting = usize::try_from(cursors.known()).unwrap_or(usize::MAX);
        let mut first = true;
        if let Some((occupied, queued)) = queued {
            waiting += occupied;
            first = queued.is_none_or(|queued| due.place < queued);
        }
        let logged = if first { cursors.take(due, false) } else { None };
        self.high_water = self.high_water.max(waiting);
        let Logged { held, info, member, .. } = logged?;
        self.lost_since_take = 0;
        let receipt = Receipt::new(self.report(due.place), now);
        Some(Taken { info, held, ticket: None, receipt, member, mailbox })
    }

    /// Gives back what the queue has grown to, if it is empty.
    pub(super) fn give_back(&mut self) {
        if let Some(queue) = self.queue.as_mut().filter(|queue| queue.len() == 0) {
            queue.give_back();
        }
    }

    /// Takes everything out: dropped for this reason or, without one, delivered.
    pub(crate) fn take_all(&mut self, dropped: Option<DropReason>) -> Vec<Entry> {
        self.losses = None;
        let Some(mut queue) = self.queue.take() else { return Vec::new() };
        let entries: Vec<Entry> = queue.take_all().collect();
        for entry in &entries {
            let ledger = &mut self.accounts[entry.member].ledger;
            ledger.queued -= 1;
            match dropped {
                Some(reason) => ledger.count_drop(reason),
                None => ledger.delivered += 1,
            }
        }
        entries
    }

    /// Takes out a request that its asker takes back. `last` finds the number of the last event
    /// that waits in a log.
    pub(crate) fn withdraw(
        &mut self,
        sequence: u64,
        last: impl Fn(&Source) -> Option<u64>,
    ) -> Option<Entry> {
        let queue = self.queue.as_mut()?;
        let entry = queue.remove(sequence, |entry| entry.envelope.ticket.is_some())?;
        unqueue(&mut self.accounts, &entry, DropReason::Withdrawn);
        if let Some(losses) = &mut self.losses {
            // Whoever is next in its lane reports what it was to report. If nobody waits there, that
            // is whoever comes next.
            let lane = entry.place().lane();
            let sources = self.sources.iter().flat_map(|sources| sources.iter());
            let logged = sources.filter(|source| source.lane() == lane).filter_map(last);
            let logged = logged.map(|sequence| 2 * sequence).max();
            let queued = queue.newest_of(lane).map(Place::order);
            self.gap += losses.take_behind(lane, logged.max(queued));
        }
        Some(entry)
    }
}

/// Where an event is.
enum Oldest {
    Queued,
    Logged(Due),
}

/// Accounts for an entry taken out of the queue for another reason than being read.
fn unqueue(accounts: &mut [Account], entry: &Entry, reason: DropReason) {
    let ledger = &mut accounts[entry.member].ledger;
    ledger.queued -= 1;
    ledger.count_drop(reason);
}

/// Merges what an inbox holds under this key until it is one event. `access` runs a function on
/// the inbox under its lock; the merging itself is the user's code, and runs without.
pub(crate) fn merge(access: impl Fn(&mut dyn FnMut(&mut Inbox)), member: usize, key: &Key) {
    loop {
        let mut pair = None;
        access(&mut |inbox| pair = inbox.queue.as_ref().and_then(|it| it.mergeable(member, key)));
        let Some(pair) = pair else {
            return;
        };
        let merged = pair.info.absorb(&pair.newer_event, &pair.older_event);
        let mut done = None;
        access(&mut |inbox| {
            done = inbox.queue.as_mut().and_then(|it| it.merge(&pair, merged.clone()));
            if let Some(Merged { older, heir, .. }) = &done {
                unqueue(&mut inbox.accounts, older, DropReason::Coalesced);
                if let (Some((lane, before)), Some(losses)) = (*heir, &mut inbox.losses) {
                    let to = Place::in_lane(lane, 2 * pair.newer);
                    losses.hand_on(older.place(), before, to);
                }
            }
        });
        // Otherwise another publisher, or the reader, was faster: look again.
        let (older, replaced) = done.map(|done| (done.older, done.replaced)).unzip();
        discard(older);
        discard(replaced);
        discard(pair.older_event);
        discard(pair.newer_event);
        discard(merged);
    }
}
