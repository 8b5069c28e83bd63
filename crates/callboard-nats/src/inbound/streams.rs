//! The accounts of an imported type: received and missing events of each incarnation of each node.
//!
//! Sequences count the events of the type that a node has sent, from 1. An event with an earlier
//! sequence was already delivered or counted as lost, and is dropped; a missing event is lost,
//! since the messages of one connection arrive in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::snapshot::{Drops, ImportSnapshot, LinkDrop};

/// How many nodes have accounts. Beyond that, those of a node that is gone, or was never known, are
/// dropped.
const MOST_ORIGINS: usize = 4_096;

/// How many earlier incarnations of a node are remembered.
const MOST_PAST: usize = 16;

/// The accounts of an imported type.
pub(crate) struct Streams {
    pub(crate) event_type: &'static str,
    /// Whether several nodes share the events, so that each receives only some of them.
    shares: bool,
    /// The present nodes.
    nodes: Arc<Nodes>,
    origins: Mutex<BTreeMap<String, Origin>>,
}

/// The names of the present nodes, for tasks that keep state per node.
#[derive(Debug, Default)]
pub(crate) struct Nodes(Mutex<BTreeSet<String>>);

impl Nodes {
    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn come(&self, node: &str) {
        self.names().insert(node.to_owned());
    }

    pub(crate) fn go(&self, node: &str) {
        self.names().remove(node);
    }
}

struct Origin {
    current: Stream,
    past: Vec<Stream>,
}

#[derive(Clone)]
struct Stream {
    incarnation: u64,
    /// The first sequence that this node had to receive; 0 for none.
    first: u64,
    /// The next sequence.
    next: u64,
    delivered: u64,
    duplicates: u64,
    dropped: Drops,
    /// The connection, and the number of messages dropped by the client, when the last event
    /// arrived.
    seen: Seen,
}

/// The possible reasons of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) connection: u64,
    pub(crate) slow: u64,
}

/// A node's report of what it has sent last.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    pub(crate) origin: String,
    pub(crate) incarnation: u64,
    pub(crate) last: u64,
}

/// The outcome of a packet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) delivered: u64,
    pub(crate) undecodable: u64,
    /// Events refused because the bus was closed.
    pub(crate) refused: u64,
}

impl Streams {
    pub(crate) fn new(event_type: &'static str, shares: bool, nodes: Arc<Nodes>) -> Self {
        Self { event_type, shares, nodes, origins: Mutex::default() }
    }

    /// Whether several nodes share the events.
    pub(crate) fn shares(&self) -> bool {
        self.shares
    }

    fn origins(&self) -> MutexGuard<'_, BTreeMap<String, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The zero-based index of the first new event of a packet. `None` if there are too many nodes.
    pub(crate) fn open(&self, origin: &str, incarnation: u64, first: u64) -> Option<u64> {
        let mut origins = self.origins();
        let stream = self.stream(&mut origins, origin, incarnation)?;
        if stream.first == 0 {
            (stream.first, stream.next) = (first, first);
        }
        Some(stream.next.saturating_sub(first))
    }

    /// Whether events before this sequence are missing and may still arrive: this process is not
    /// known to have lost any.
    pub(crate) fn is_ahead(&self, origin: &str, incarnation: u64, first: u64, seen: Seen) -> bool {
        let origins = self.origins();
        let current = origins.get(origin).map(|origin| &origin.current);
        let current = current.filter(|of| of.incarnation == incarnation && of.first > 0);
        !self.shares && current.is_some_and(|of| first > of.next && of.seen.slow == seen.slow)
    }

    /// Takes the packet that was [opened](Self::open) into the account: it had `events`, from the
    /// sequence `first` on.
    pub(crate) fn close(&self, origin: &str, first: u64, events: u64, taken: Taken, seen: Seen) {
        let mut origins = self.origins();
        let Some(Origin { current, .. }) = origins.get_mut(origin) else { return };
        let end = first.saturating_add(events);
        current.duplicates += current.next.min(end).saturating_sub(first);
        current.skip_to(first, seen, self.shares);
        current.seen = seen;
        current.next = current.next.max(end);
        current.delivered += taken.delivered;
        current.dropped.add(LinkDrop::Decode, taken.undecodable);
        current.dropped.add(LinkDrop::Closed, taken.refused);
    }

    /// Handles a node's probe with the sequence that it sends next. `false` if there are too many
    /// nodes.
    pub(crate) fn probed(&self, origin: &str, incarnation: u64, next: u64, seen: Seen) -> bool {
        let mut origins = self.origins();
        let Some(stream) = self.stream(&mut origins, origin, incarnation) else { return false };
        if stream.first == 0 {
            (stream.first, stream.next, stream.seen) = (next, next, seen);
        } else {
            stream.skip_to(next, seen, self.shares);
        }
        true
    }

    /// Handles a node's report of what it has sent last, after everything that arrived before it.
    pub(crate) fn tail(&self, tail: &Tail, seen: Seen) {
        let mut origins = self.origins();
        let Some(Origin { current, .. }) = origins.get_mut(&tail.origin) else { return };
        if current.incarnation == tail.incarnation && current.first > 0 {
            current.skip_to(tail.last.saturating_add(1), seen, self.shares);
        }
    }

    /// The stream of this incarnation of a node. Each incarnation keeps its own account, since two
    /// processes may use one name for a while.
    fn stream<'a>(
        &self,
        origins: &'a mut BTreeMap<String, Origin>,
        name: &str,
        incarnation: u64,
    ) -> Option<&'a mut Stream> {
        if !origins.contains_key(name) {
            if origins.len() >= MOST_ORIGINS {
                let nodes = self.nodes.names();
                let unknown = origins.keys().find(|origin| !nodes.contains(*origin)).cloned()?;
                origins.remove(&unknown);
            }
            let origin = Origin { current: Stream::new(incarnation), past: Vec::new() };
            origins.insert(name.to_owned(), origin);
        }
        let Origin { current, past } = origins.get_mut(name)?;
        if current.incarnation != incarnation {
            let again = past.iter().position(|stream| stream.incarnation == incarnation);
            let next = again.map_or_else(|| Stream::new(incarnation), |place| past.remove(place));
            past.push(std::mem::replace(current, next));
            if past.len() > MOST_PAST {
                past.remove(0);
            }
        }
        Some(current)
    }

    pub(crate) fn accounts(&self) -> Vec<ImportSnapshot> {
        let origins = self.origins();
        let streams = origins.iter().flat_map(|(name, origin)| {
            origin.past.iter().chain([&origin.current]).map(move |stream| (name, stream))
        });
        let account = |(name, stream): (&String, &Stream)| ImportSnapshot {
            event_type: self.event_type.to_owned(),
            origin: name.clone(),
            incarnation: stream.incarnation,
            first: stream.first,
            last: stream.next.saturating_sub(1),
            delivered: stream.delivered,
            duplicates: stream.duplicates,
            dropped: stream.dropped.clone(),
        };
        streams.map(account).collect()
    }
}

impl Stream {
    fn new(incarnation: u64) -> Self {
        let seen = Seen { connection: 0, slow: 0 };
        let (delivered, duplicates, dropped) = (0, 0, Drops::default());
        Self { incarnation, first: 0, next: 0, delivered, duplicates, dropped, seen }
    }

    /// Counts missing events before this sequence as lost.
    fn skip_to(&mut self, sequence: u64, seen: Seen, shares: bool) {
        let missing = sequence.saturating_sub(self.next);
        let before = self.seen;
        if missing == 0 {
            return;
        }
        self.next = sequence;
        if shares {
            // Other nodes got them, so they are in no account here.
            self.first += missing;
            return;
        }
        let reason = if before.connection != seen.connection {
            LinkDrop::UnknownAtDisconnect
        } else if before.slow != seen.slow {
            LinkDrop::LocalSlow
        } else {
            LinkDrop::Gap
        };
        self.dropped.add(reason, missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen { connection: 1, slow: 0 };

    fn take(streams: &Streams, incarnation: u64, first: u64, events: u64, seen: Seen) -> u64 {
        let Some(skip) = streams.open("a", incarnation, first) else { return 0 };
        let delivered = events.saturating_sub(skip);
        streams.close("a", first, events, Taken { delivered, ..Taken::default() }, seen);
        delivered
    }

    fn balances(streams: &Streams) -> bool {
        streams
            .accounts()
            .iter()
            .all(|of| of.first == 0 || of.last + 1 - of.first == of.delivered + of.dropped.total())
    }

    #[test]
    fn what_comes_again_is_dropped_and_what_is_missing_is_counted() {
        let streams = Streams::new("t", false, Arc::default());
        streams.probed("a", 7, 5, SEEN);
        assert_eq!(take(&streams, 7, 5, 10, SEEN), 10);
        assert_eq!(take(&streams, 7, 5, 10, SEEN), 0);
        assert_eq!(take(&streams, 7, 10, 10, SEEN), 5);
        assert_eq!(take(&streams, 7, 30, 1, SEEN), 1);
        let slow = Seen { slow: 1, ..SEEN };
        assert_eq!(take(&streams, 7, 33, 1, slow), 1);
        let other = Seen { connection: 2, ..slow };
        streams.tail(&Tail { origin: "a".into(), incarnation: 7, last: 40 }, other);
        let account = &streams.accounts()[0];
        assert_eq!((account.first, account.last), (5, 40));
        assert_eq!((account.delivered, account.duplicates), (17, 15));
        assert_eq!(account.dropped.of(LinkDrop::Gap), 10);
        assert_eq!(account.dropped.of(LinkDrop::LocalSlow), 2);
        assert_eq!(account.dropped.of(LinkDrop::UnknownAtDisconnect), 7);
        assert!(balances(&streams));
    }

    #[test]
    fn each_start_of_a_node_has_an_account_whichever_of_them_speaks() {
        let streams = Streams::new("t", false, Arc::default());
        assert_eq!(take(&streams, 1, 1, 3, SEEN), 3);
        assert_eq!(take(&streams, 2, 1, 2, SEEN), 2);
        // Two processes share a name, and the second ends.
        assert_eq!(take(&streams, 1, 2, 3, SEEN), 1);
        streams.tail(&Tail { origin: "a".into(), incarnation: 1, last: 9 }, SEEN);
        let of = |of: &ImportSnapshot| (of.incarnation, of.delivered, of.dropped.total());
        let accounts: Vec<_> = streams.accounts().iter().map(of).collect();
        assert_eq!(accounts, [(2, 2, 0), (1, 4, 5)]);
        assert!(balances(&streams));
    }

    #[test]
    fn many_origins_neither_grow_memory_nor_shut_out_a_node_that_is_there() {
        let nodes = Arc::<Nodes>::default();
        let streams = Streams::new("t", false, Arc::clone(&nodes));
        nodes.come("a");
        assert_eq!(take(&streams, 1, 1, 3, SEEN), 3);
        (0..10_000).for_each(|n| assert!(streams.open(&format!("n{n}"), 1, 1).is_some()));
        assert_eq!(streams.origins().len(), MOST_ORIGINS);
        assert_eq!(take(&streams, 1, 1, 4, SEEN), 1, "its account was kept");
        (0..100).for_each(|incarnation| _ = streams.open("n0", incarnation, 1));
        assert_eq!(streams.origins()["n0"].past.len(), MOST_PAST);

        (0..MOST_ORIGINS).for_each(|n| nodes.come(&format!("m{n}")));
        let opened = (0..MOST_ORIGINS).filter(|n| streams.open(&format!("m{n}"), 1, 1).is_some());
        assert_eq!(opened.count(), MOST_ORIGINS - 1, "all are there: there is room for no more");
    }
}
