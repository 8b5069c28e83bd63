//! Snapshots of a link.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The state of a link at one moment. Returned by
/// [`NatsLink::snapshot`](crate::NatsLink::snapshot).
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LinkSnapshot {
    /// The namespace.
    pub namespace: String,
    /// The name of this node.
    pub node: String,
    /// A random number, new each time the link is created.
    pub incarnation: u64,
    /// The state of the connection.
    pub state: LinkState,
    /// How long the link has been in this state.
    pub since: Duration,
    /// The last measured round-trip time to the server.
    pub round_trip: Option<Duration>,
    /// How often the link has connected, including the first time.
    pub connections: u64,
    /// Events that wait to be sent.
    pub queued: u64,
    /// Bytes that they take up.
    pub queued_bytes: usize,
    /// Events that were sent but not confirmed by the server, so that they may be sent again.
    pub unconfirmed: u64,
    /// Bytes that they take up.
    pub unconfirmed_bytes: usize,
    /// Each exported type.
    pub exports: Vec<ExportSnapshot>,
    /// Each imported type, by origin node.
    pub imports: Vec<ImportSnapshot>,
    /// Each durable consumer.
    pub durable: Vec<DurableSnapshot>,
    /// Each subject with CloudEvents.
    pub cloudevents: Vec<CloudEventsSnapshot>,
    /// The other known nodes, including those that are gone.
    pub peers: Vec<PeerSnapshot>,
    /// Open requests to responders of other nodes.
    pub open_requests: u64,
    /// Cycles, in words and without duplicates: requests of this node and another that may have
    /// waited for each other until one was given up.
    pub circles: Vec<String>,
    /// Messages that could not be read at all, or had no sender: from a foreign client, or of
    /// another version.
    pub malformed: u64,
    /// Messages of another process that uses this node's name. If this is not 0, the accounts of
    /// both are wrong.
    pub conflicts: u64,
    /// The last problem, in words.
    pub last_problem: Option<String>,
}

/// The state of a link's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum LinkState {
    /// The link has not been connected yet.
    Connecting,
    /// The link is connected, and briefly waits until the other nodes receive its messages.
    Regrouping,
    /// The link is connected, and sends.
    Online,
    /// The link is connected, but the server does not answer.
    Stalled,
    /// The link has no connection, and tries to reconnect.
    Disconnected,
    /// The link or its bus was closed.
    Closed,
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Regrouping => "regrouping",
            Self::Online => "online",
            Self::Stalled => "stalled",
            Self::Disconnected => "disconnected",
            Self::Closed => "closed",
        })
    }
}

/// The account of an exported type: `published` is the sum of `sent`, `queued` and `dropped`.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ExportSnapshot {
    /// The type's name.
    pub event_type: String,
    /// Events that the link had to send.
    pub published: u64,
    /// Events that were sent; also the sequence of the last one.
    pub sent: u64,
    /// Events that wait to be sent.
    pub queued: u64,
    /// Events that will not be sent.
    pub dropped: Drops,
}

/// The account of an imported type, from one incarnation of one node: `last - first + 1` is the sum
/// of `delivered` and `dropped`.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ImportSnapshot {
    /// The type's name.
    pub event_type: String,
    /// The node that it comes from.
    pub origin: String,
    /// The incarnation of that node.
    pub incarnation: u64,
    /// The first sequence that this node had to receive; 0 for none yet.
    pub first: u64,
    /// The last sequence that is known to have been sent.
    pub last: u64,
    /// Events that were published on this bus. Losses of its subscribers are in their own accounts.
    pub delivered: u64,
    /// Duplicate events, which were dropped. They are in no account.
    pub duplicates: u64,
    /// Events that did not arrive, or could not be read.
    pub dropped: Drops,
}

/// The account of a durable consumer.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DurableSnapshot {
    /// The type's name.
    pub event_type: String,
    /// The consumer's name.
    pub consumer: String,
    /// Events that were published on this bus.
    pub delivered: u64,
    /// Duplicate messages, which were dropped.
    pub duplicates: u64,
    /// Events that could not be read, and were skipped.
    pub undecodable: u64,
    /// What the last message waits for before it can be acknowledged.
    pub waits_for: Option<String>,
}

/// The account of a subject with CloudEvents.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CloudEventsSnapshot {
    /// The subject.
    pub subject: String,
    /// The type's name.
    pub event_type: String,
    /// Whether this node sends to the subject; otherwise it receives.
    pub outgoing: bool,
    /// Events that were sent, or published on this bus.
    pub events: u64,
    /// Duplicate events, by source and id, which were dropped.
    pub duplicates: u64,
    /// Events that could not be read, written or sent, are of another type, or arrived after the
    /// bus was closed.
    pub refused: u64,
}

/// How many events were dropped, by reason. A reason without events is not listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Drops(pub(crate) BTreeMap<LinkDrop, u64>);

impl Drops {
    /// The number of drops for all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The number of drops for this reason.
    #[must_use]
    pub fn of(&self, reason: LinkDrop) -> u64 {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    /// Each reason and its count.
    pub fn iter(&self) -> impl Iterator<Item = (LinkDrop, u64)> + '_ {
        self.0.iter().map(|(reason, events)| (*reason, *events))
    }

    pub(crate) fn add(&mut self, reason: LinkDrop, events: u64) {
        if events > 0 {
            let count = self.0.entry(reason).or_default();
            *count = count.saturating_add(events);
        }
    }
}

impl fmt::Display for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (reason, events)) in self.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{events} {reason}")?;
        }
        Ok(())
    }
}

/// Why a link dropped an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkDrop {
    /// Here: the link's own subscription was full, because the link had no processor time.
    Behind,
    /// Here: the ring of events to be sent was full.
    RingFull,
    /// Here: it waited longer than the ring keeps events.
    OfflineExpired,
    /// Here: there was no connection, and events of this type are then dropped.
    Offline,
    /// Here: a later event with the same key replaced it while there was no connection.
    Superseded,
    /// Here: it is larger than the server allows.
    TooLarge,
    /// Here: it could not be serialized.
    Encode,
    /// There: it could not be deserialized.
    Decode,
    /// There: the bus was closed, or draining.
    Closed,
    /// There: the receiving process was too slow.
    LocalSlow,
    /// There: it did not arrive although the connection was up.
    Gap,
    /// There: it did not arrive, and the connection was lost in the meantime.
    UnknownAtDisconnect,
}

impl LinkDrop {
    /// All reasons.
    pub const ALL: [Self; 12] = [
        Self::Behind,
        Self::RingFull,
        Self::OfflineExpired,
        Self::Offline,
        Self::Superseded,
        Self::TooLarge,
        Self::Encode,
        Self::Decode,
        Self::Closed,
        Self::LocalSlow,
        Self::Gap,
        Self::UnknownAtDisconnect,
    ];
}

impl fmt::Display for LinkDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Behind => "behind",
            Self::RingFull => "ring full",
            Self::OfflineExpired => "expired offline",
            Self::Offline => "offline",
            Self::Superseded => "superseded",
            Self::TooLarge => "too large",
            Self::Encode => "not encodable",
            Self::Decode => "not decodable",
            Self::Closed => "bus closed",
            Self::LocalSlow => "receiver slow",
            Self::Gap => "gap",
            Self::UnknownAtDisconnect => "lost with the connection",
        })
    }
}

/// The state of another node, as known here.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PeerSnapshot {
    /// Its name.
    pub node: String,
    /// Its incarnation.
    pub incarnation: u64,
    /// Its state.
    pub state: PeerState,
    /// How long ago its last message arrived.
    pub heard: Duration,
    /// The names of its subscribers and responders.
    pub components: Vec<String>,
}

/// The state of another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum PeerState {
    /// The node was heard, but the connection is not yet verified for the events of both
    /// directions.
    Joining,
    /// The connection is verified in both directions, and the node's components have signed in on
    /// this bus.
    Present,
    /// The node was silent for too long, or has announced that it leaves.
    Gone,
}

impl fmt::Display for PeerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joining => "joining",
            Self::Present => "present",
            Self::Gone => "gone",
        })
    }
}

impl LinkSnapshot {
    /// Whether every exported and imported event is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        let sent = |of: &ExportSnapshot| of.published == of.sent + of.queued + of.dropped.total();
        let came = |of: &ImportSnapshot| {
            let owed = if of.first == 0 { 0 } else { of.last + 1 - of.first };
            owed == of.delivered + of.dropped.total()
        };
        self.exports.iter().all(sent) && self.imports.iter().all(came)
    }

    /// The account of this exported type.
    #[must_use]
    pub fn export(&self, event_type: &str) -> Option<&ExportSnapshot> {
        self.exports.iter().find(|of| of.event_type == event_type)
    }

    /// The accounts of this imported type from this node, one per incarnation.
    pub fn import<'a>(
        &'a self,
        event_type: &'a str,
        origin: &'a str,
    ) -> impl Iterator<Item = &'a ImportSnapshot> {
        self.imports.iter().filter(move |of| of.event_type == event_type && of.origin == origin)
    }

    /// The node with this name.
    #[must_use]
    pub fn peer(&self, node: &str) -> Option<&PeerSnapshot> {
        self.peers.iter().find(|of| of.node == node)
    }
}
