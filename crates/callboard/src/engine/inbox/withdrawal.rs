//! How requests leave an inbox without being read.

use super::{Inbox, unqueue};
use crate::engine::cursors::Place;
use crate::engine::queue::Entry;
use crate::engine::sources::Source;
use crate::overflow::DropReason;

impl Inbox {
    /// Takes out a request that its asker withdraws. `last` finds the number of the last event that
    /// waits in a log.
    pub(crate) fn withdraw(
        &mut self,
        sequence: u64,
        last: impl Fn(&Source) -> Option<u64>,
    ) -> Option<Entry> {
        let queue = self.queue.as_mut()?;
        let entry = queue.remove(sequence, |entry| entry.envelope.ticket.is_some())?;
        unqueue(&mut self.accounts, &entry, DropReason::Withdrawn);
        // The next event of its lane takes over the loss that it was to report; if none waits
        // there, the next event that arrives does.
        let lane = entry.place().lane();
        let sources = self.sources.iter().flat_map(|sources| sources.iter());
        let logged = sources.filter(|source| source.lane() == lane).filter_map(last);
        let logged = logged.map(|sequence| 2 * sequence).max();
        let queued = queue.newest_of(lane).map(Place::order);
        self.gap += queue.losses.take_behind(lane, logged.max(queued));
        Some(entry)
    }
}
