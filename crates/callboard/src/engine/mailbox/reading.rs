//! The logs that a subscription reads by cursors, and its capacity for events in them.

use std::sync::Arc;

use super::Mailbox;
use crate::engine::Deferred;
use crate::engine::cursors::{Cursors, Place};
use crate::engine::horizon::Horizon;
use crate::engine::inbox::Inbox;
use crate::engine::queue::Entry;
use crate::engine::sources::{Removed, Sources};
use crate::event::{Priority, TypeInfo};
use crate::log::LogCursor;
use crate::overflow::DropReason;
use crate::sync::Ordering;

impl Mailbox {
    /// Adds a log that its reader reads from the next event on. Returns the index of the source.
    pub(in crate::engine) fn add_source(
        &self,
        cursor: LogCursor,
        info: &'static TypeInfo,
        type_number: usize,
        member: usize,
        horizon: &Arc<Horizon>,
    ) -> usize {
        let unlocked = self.signals.is_some();
        let mut inbox = self.inbox();
        let sources =
            inbox.sources.get_or_insert_with(|| Box::new(Sources::new(unlocked, horizon)));
        let index = sources.add(cursor, info, type_number, member);
        if let Some(signals) = &self.signals {
            signals.arrived.store(true, Ordering::Relaxed);
        }
        index
    }

    /// Moves the cursors that wait to be fetched to the reader.
    #[cold]
    pub(in crate::engine) fn fetch_cursors(&self, into: &mut Cursors) {
        let mut inbox = self.inbox();
        if let (Some(sources), Some(signals)) = (&mut inbox.sources, &self.signals) {
            into.append(&mut sources.cursors);
            signals.arrived.store(false, Ordering::Relaxed);
        }
    }

    /// The priority of its type, if it reads one.
    pub(in crate::engine) fn rank(&self) -> Priority {
        self.inbox().accounts.first().map_or(Priority::Normal, |account| account.info.rank)
    }

    /// The place of the next event of the queue.
    pub(in crate::engine) fn first_queued(&self) -> Option<Place> {
        self.inbox().first().map(Entry::place)
    }

    /// How many missed events to report with the event in this place, which the reader has taken.
    #[cold]
    pub(in crate::engine) fn missed(&self, place: Place) -> u64 {
        let mut inbox = self.inbox();
        let missed = inbox.report(place);
        self.show(&inbox);
        missed
    }

    /// Publishes the state of the inbox to a reader that has its cursors.
    pub(crate) fn show(&self, inbox: &Inbox) {
        if let Some(signals) = &self.signals {
            signals.reports.store(inbox.has_losses(), Ordering::Relaxed);
            signals.queued.store(inbox.queued(), Ordering::Relaxed);
        }
    }

    /// Notes that one event may arrive twice: the reader observes a type of requests, and answers
    /// it.
    pub(crate) fn set_doubles(&self) {
        self.inbox().doubles = true;
    }

    /// The logs that it reads: the number of each type, the mailbox's place there, and what was taken
    /// without being read.
    pub(crate) fn logs(&self) -> impl Iterator<Item = (usize, usize, Removed)> + use<> {
        let only = self.progress.as_ref();
        let only = only.map(|it| (self.type_number as usize, it.place(), Removed::default()));
        let merged: Vec<_> = match only {
            Some(_) => Vec::new(),
            None => {
                let inbox = self.inbox();
                inbox.sources().map(|it| (it.type_number, it.place(), it.removed)).collect()
            }
        };
        only.into_iter().chain(merged)
    }

    /// The member number of a type, if it reads the log of that type.
    pub(crate) fn member_reading(&self, type_number: usize) -> Option<usize> {
        if self.progress.is_some() {
            return (self.type_number as usize == type_number).then_some(0);
        }
        let inbox = self.inbox();
        Some(inbox.sources().find(|source| source.type_number == type_number)?.member)
    }

    /// The member number of a source.
    pub(in crate::engine) fn member_of(&self, source: usize) -> usize {
        self.inbox().sources().nth(source).map_or(0, |source| source.member)
    }

    /// The most events seen waiting by a reader that has its cursors.
    pub(crate) fn seen_waiting(&self) -> usize {
        self.signals.as_ref().map_or(0, |signals| signals.high_water.load(Ordering::Relaxed))
    }

    /// Whether an event about to be written to the log of a type is admitted. Returns the capacity
    /// for this and further events, and whether an older event must then [make
    /// room](Self::make_room).
    pub(in crate::engine) fn admit(&self, info: &TypeInfo, number: u64) -> (u64, bool) {
        let mut inbox = self.inbox();
        let admitted = inbox.admit(Place::new(info.rank, number, false));
        self.show(&inbox);
        admitted
    }

    /// Notes that an event that was held back is about to be revealed, in a log that the reader
    /// reads beside others.
    pub(in crate::engine) fn note_revealed(&self, info: &TypeInfo, number: u64) {
        if self.progress.is_none() {
            let mut inbox = self.inbox();
            inbox.note_admitted(Place::new(info.rank, number, false), 1);
            self.show(&inbox);
        }
    }

    /// Drops the oldest event in favour of one that was written to the log of a type. Returns
    /// whether it did.
    pub(in crate::engine) fn make_room(
        self: &Arc<Self>,
        info: &TypeInfo,
        number: u64,
        deferred: &mut Deferred<'_>,
    ) -> bool {
        let evicted = self.inbox().make_room(Place::new(info.rank, number, false));
        let Some(entry) = evicted else { return false };
        self.lose(entry, DropReason::Oldest, deferred);
        true
    }
}
