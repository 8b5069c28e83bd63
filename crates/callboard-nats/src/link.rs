//! The handle of a link.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard::{AttachedLink, Bus, LinkPeer, LinkStatus};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::builder::LinkBuilder;
use crate::shared::Shared;
use crate::snapshot::{Drops, ExportSnapshot, LinkDrop, LinkSnapshot, LinkState, PeerSnapshot};
use crate::wire::{self, System};

/// A link of a bus to the buses of other processes.
///
/// Dropping it ends it at once: events that wait to be sent are lost, and the other nodes consider
/// this one gone when its beats stop. [`close`](Self::close) ends it gracefully.
#[must_use = "a link that is dropped ends"]
pub struct NatsLink {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peers: watch::Receiver<Vec<PeerSnapshot>>,
    /// Ends the pumps once they have taken all events.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) pumps: JoinSet<()>,
    /// Shows the link in the snapshots of its bus.
    pub(crate) _attached: AttachedLink,
    /// Aborted with the link.
    pub(crate) _tasks: JoinSet<()>,
}

/// Events that a link had not sent when it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent {
    /// How many waited to be sent.
    pub queued: u64,
    /// How many were sent without a confirmation by the server.
    pub unconfirmed: u64,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queued, unconfirmed } = self;
        write!(f, "the link was closed with {queued} events unsent and {unconfirmed} unconfirmed")
    }
}

impl std::error::Error for Unsent {}

impl NatsLink {
    /// Returns a builder for a link of `bus`, over the servers of `url`: one address, or several
    /// separated by commas. Name every server of a cluster, so that the client can switch to
    /// another one within milliseconds.
    pub fn builder(bus: &Bus, url: impl Into<String>) -> LinkBuilder {
        LinkBuilder::new(bus, url.into())
    }

    /// The name of this node.
    #[must_use]
    pub fn node(&self) -> &str {
        self.shared.subjects.node()
    }

    /// The state of the connection.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.shared.state()
    }

    /// The state of the link: its connection, its accounts, and the other nodes.
    #[must_use]
    pub fn snapshot(&self) -> LinkSnapshot {
        snapshot(&self.shared, self.peers.borrow().clone())
    }

    /// Waits until `wanted` accepts the snapshot, which is checked at each tick of the link, forty
    /// times a second.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops waiting.
    pub async fn wait_until(&self, mut wanted: impl FnMut(&LinkSnapshot) -> bool) -> LinkSnapshot {
        let mut peers = self.peers.clone();
        loop {
            let now = peers.borrow_and_update().clone();
            let snapshot = snapshot(&self.shared, now);
            if wanted(&snapshot) || peers.changed().await.is_err() {
                return snapshot;
            }
        }
    }

    /// Ends the link gracefully: sends all events that its bus has for it so far, waits until the
    /// server has them, then notifies the other nodes that this one leaves.
    ///
    /// # Errors
    ///
    /// If `timeout` passes first: the unsent events.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the link at once.
    pub async fn close(mut self, timeout: Duration) -> Result<(), Unsent> {
        self.ending.send_replace(true);
        let shared = Arc::clone(&self.shared);
        let sent = async {
            while self.pumps.join_next().await.is_some() {}
            self.wait_until(|_| shared.is_sent()).await;
        };
        let in_time = tokio::time::timeout(timeout, sent).await.is_ok();
        let [(queued, _), (unconfirmed, _)] = shared.waiting();
        let bye = System::Bye { incarnation: shared.incarnation };
        shared.send(shared.subjects.system().into(), wire::write(&bye));
        let _flushed = tokio::time::timeout(Duration::from_secs(1), shared.client.flush()).await;
        shared.set_state(LinkState::Closed);
        if in_time { Ok(()) } else { Err(Unsent { queued, unconfirmed }) }
    }
}

impl fmt::Debug for NatsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLink")
            .field("node", &self.node())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// How long a name conflict is reported after it was last seen.
const RECENT: Duration = Duration::from_secs(5);

/// The status of the link, for the snapshots of its bus.
pub(crate) fn status(shared: &Shared, peers: Vec<PeerSnapshot>) -> LinkStatus {
    let of = snapshot(shared, peers);
    let conflict = shared.status().conflict;
    let conflicts = conflict.is_some_and(|last| last.elapsed() < RECENT);
    let mut status = LinkStatus::new(&*shared.name, of.state.to_string());
    status.trouble = match of.state {
        _ if conflicts => Some("another process uses its name: give it another".to_owned()),
        LinkState::Online | LinkState::Regrouping | LinkState::Closed => None,
        _ => Some(format!("for {:.1?}, with {} events that wait", of.since, of.queued)),
    };
    status.round_trip = of.round_trip;
    status.queued = of.queued + of.unconfirmed;
    status.queued_bytes = of.queued_bytes + of.unconfirmed_bytes;
    status.capacity_bytes = shared.outbox.capacity();
    status.sent = of.exports.iter().map(|of| of.sent).sum();
    status.received = of.imports.iter().map(|of| of.delivered).sum();
    let mut dropped = Drops::default();
    let exports = of.exports.iter().map(|of| &of.dropped);
    for drops in exports.chain(of.imports.iter().map(|of| &of.dropped)) {
        drops.iter().for_each(|(reason, events)| dropped.add(reason, events));
    }
    let reasons = LinkDrop::ALL.into_iter();
    status.dropped = reasons.map(|reason| (reason.to_string(), dropped.of(reason))).collect();
    status.circles = of.circles;
    status.peers = of.peers.into_iter().map(peer).collect();
    status
}

fn peer(of: PeerSnapshot) -> LinkPeer {
    let mut peer = LinkPeer::new(of.node, of.state.to_string(), of.heard);
    peer.components = of.components;
    peer
}

fn snapshot(shared: &Shared, peers: Vec<PeerSnapshot>) -> LinkSnapshot {
    let status = shared.status().clone();
    let [(queued, queued_bytes), (unconfirmed, unconfirmed_bytes)] = shared.waiting();
    LinkSnapshot {
        namespace: shared.subjects.namespace().to_owned(),
        node: shared.subjects.node().to_owned(),
        incarnation: shared.incarnation,
        state: status.state,
        since: status.since.elapsed(),
        round_trip: status.round_trip,
        connections: shared.connection.load(Ordering::Relaxed),
        queued,
        queued_bytes,
        unconfirmed,
        unconfirmed_bytes,
        exports: exports(shared),
        imports: shared.imports.iter().flat_map(|of| of.accounts()).collect(),
        #[cfg(feature = "jetstream")]
        durable: shared.lanes.accounts(),
        #[cfg(not(feature = "jetstream"))]
        durable: Vec::new(),
        cloudevents: shared.cloudevents.list(),
        peers,
        circles: status.circles,
        open_requests: shared.chains.open() as u64,
        malformed: shared.malformed.load(Ordering::Relaxed),
        conflicts: shared.conflicts.load(Ordering::Relaxed),
        last_problem: status.last_problem,
    }
}

fn exports(shared: &Shared) -> Vec<ExportSnapshot> {
    let exports = shared.outbox.accounts();
    #[cfg(feature = "jetstream")]
    let exports = exports.into_iter().chain(shared.lanes.exports()).collect();
    exports
}
