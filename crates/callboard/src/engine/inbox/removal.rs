//! How entries leave an inbox without being read: withdrawn requests and merged events.

use super::{Inbox, unqueue};
use crate::engine::cursors::Place;
use crate::engine::queue::{Entry, Merged};
use crate::engine::sources::Source;
use crate::event::Key;
use crate::overflow::DropReason;
use crate::sync::discard;

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

/// Merges the events of an inbox that have this key until one is left. `access` runs a function on
/// the inbox under its lock; merging runs user code, without the lock.
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
                if let (Some((lane, before)), Some(queue)) = (*heir, &mut inbox.queue) {
                    let to = Place::in_lane(lane, 2 * pair.newer);
                    queue.losses.hand_on(older.place(), before, to);
                }
            }
        });
        // Otherwise another publisher or the reader was faster: look again.
        let (older, replaced) = done.map(|done| (done.older, done.replaced)).unzip();
        discard(older);
        discard(replaced);
        discard(pair.older_event);
        discard(pair.newer_event);
        discard(merged);
    }
}
