//! The subscribers of an event type that merge its events by key.

use std::sync::Arc;

use super::{Deferred, Mailbox};
use crate::event::{ByKey, Key};

/// The subscribers of an event type that merge its events by key.
///
/// They read the log of the type like others. Here is the number of the last event with each key: an
/// event is to be merged only if the last one with its key still waits for such a subscriber. Then
/// what waits for that subscriber in the log moves to its queue, and the two are [merged
/// there](super::inbox::merge).
#[derive(Default)]
pub(crate) struct Coalescers {
    list: Vec<Coalescer>,
    last: ByKey<Key>,
    /// No event with a key and a lower number waits for any of them.
    from: u64,
    /// How many events were noted since the last check for keys whose event waits for nobody.
    noted: usize,
}

struct Coalescer {
    mailbox: Arc<Mailbox>,
    /// The index of the log among its sources.
    source: usize,
    /// The event that is about to arrive is to absorb one there.
    merges: bool,
}

/// Keys are removed when there are more than this, and after as many events.
const KEPT_KEYS: usize = 64;

/// If more events than this wait in the log, they move to the queue as more arrive, so that the first
/// merge need not move them all while the registry is locked.
const MOST_LOGGED: u64 = 1_024;

impl Coalescers {
    pub(crate) fn add(&mut self, mailbox: Arc<Mailbox>, source: usize) {
        self.list.push(Coalescer { mailbox, source, merges: false });
        // It may begin with a retained event.
        self.from = 0;
    }

    /// Removes a subscriber. Returns whether there are others.
    pub(crate) fn remove(&mut self, mailbox: u64) -> bool {
        // Subscribers come in the order of their numbers.
        if let Ok(place) = self.list.binary_search_by_key(&mailbox, |it| it.mailbox.id) {
            self.list.remove(place);
        }
        !self.list.is_empty()
    }

    /// Notes an event that a new subscriber begins with.
    pub(crate) fn note_retained(&mut self, key: Key, sequence: u64) {
        self.last.entry(key).or_insert(sequence);
    }

    /// Notes an event that is about to arrive. Returns whether it is to be [merged](Self::merge) after
    /// that, for some subscriber: an older one with its key waits there.
    #[inline]
    pub(crate) fn supersede(&mut self, key: Key, sequence: u64) -> bool {
        let last = self.last.insert(key, sequence);
        self.noted += 1;
        if self.noted > KEPT_KEYS {
            self.noted = 0;
            if self.last.len() > KEPT_KEYS {
                self.remove_keys(key, sequence);
            }
        }
        last.is_some_and(|last| last >= self.from && self.supersede_last(last, sequence))
    }

    #[inline(never)]
    fn supersede_last(&mut self, last: u64, sequence: u64) -> bool {
        let (mut from, mut any) = (sequence, false);
        for Coalescer { mailbox, source, merges } in &mut self.list {
            let mut inbox = mailbox.inbox();
            *merges = inbox.supersede(last, sequence, Some(*source));
            from = from.min(inbox.waits_from(*source));
            any |= *merges;
        }
        self.from = from;
        any
    }

    /// The event has arrived: merges it with those that it superseded.
    #[cold]
    pub(crate) fn merge(&mut self, newer: u64, deferred: &mut Deferred<'_>) {
        for Coalescer { mailbox, source, merges } in &mut self.list {
            if std::mem::take(merges) && mailbox.inbox().link(Some(*source)) {
                deferred.merge(mailbox, newer);
            }
        }
    }

    /// Removes keys whose last event waits for nobody, if they may be many. An event with this key and
    /// number is about to arrive.
    #[inline(never)]
    fn remove_keys(&mut self, key: Key, sequence: u64) {
        let Self { list, last, from, .. } = self;
        let mut waiting = 0;
        *from = sequence;
        for Coalescer { mailbox, source, .. } in &*list {
            let mut inbox = mailbox.inbox();
            if inbox.waits_in(*source) > MOST_LOGGED {
                inbox.fetch(*source);
            }
            *from = inbox.waits_from(*source).min(*from);
            waiting += inbox.len();
        }
        let most = KEPT_KEYS.max(2 * waiting);
        if last.len() <= most {
            return;
        }
        if *from == sequence {
            last.clear();
            last.insert(key, sequence);
        } else {
            last.retain(|_, last| *last >= *from);
        }
        if last.len() > most {
            // What was refused to a slow subscriber, and others have read, has numbers between those of
            // the events that wait. In a queue, events are found by their numbers.
            for Coalescer { mailbox, source, .. } in &*list {
                mailbox.inbox().fetch(*source);
            }
            let waits = |last| list.iter().any(|it| it.mailbox.inbox().holds(last));
            last.retain(|_, last| *last == sequence || waits(*last));
        }
        last.shrink_to(most);
    }
}
