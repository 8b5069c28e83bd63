//! What a link looks like from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A picture of a link at one moment. Get one from [`NatsLink::snapshot`](crate::NatsLink::snapshot).
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LinkSnapshot {
    /// The namespace.
    pub namespace: String,
    /// The name of this node.
    pub node: String,
    /// A random number, new each time the link is made.
    pub incarnation: u64,
    /// Whether it is connected.
    pub state: LinkState,
    /// How long it has been in this state.
    pub since: Duration,
    /// The last measured time to the server and back.
    pub round_trip: Option<Duration>,
    /// How often it has connected, the first time included.
    pub connections: u64,
    /// Events that wait to be sent.
    pub queued: u64,
    /// Bytes that they take up.
    pub queued_bytes: usize,
    /// Events that were sent, and may have to be sent once more because the server has not confirmed
    /// them.
    pub unconfirmed: u64,
    /// Bytes that they take up.
    pub unconfirmed_bytes: usize,
    /// Each exported type.
    pub exports: Vec<ExportSnapshot>,
    /// Each imported type, by the node that it comes from.
    pub imports: Vec<ImportSnapshot>,
    /// Each durable consumer.
    pub durable: Vec<DurableSnapshot>,
    /// Each subject with CloudEvents.
    pub cloudevents: Vec<CloudEventsSnapshot>,
    /// The other nodes that were heard of, those that are gone included.
    pub peers: Vec<PeerSnapshot>,
    /// Requests that responders of other nodes were asked and have not ended.
    pub open_requests: u64,
    /// Requests of this node and another that may have waited for each other until one was given up,
    /// each circle once, in words.
    pub circles: Vec<String>,
    /// Messages that could not be read at all, or came from nobody: of a foreign client, or of another
    /// version.
    pub malformed: u64,
    /// Messages of another process that uses this node's name. One is too many: the accounts of both
    /// are wrong.
    pub conflicts: u64,
    /// What was wrong last, in words.
    pub last_problem: Option<String>,
}

/// Whether a link is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum LinkState {
    /// It has not been connected yet.
    Connecting,
    /// It is connected, and waits, for a short time, until the other nodes hear it.
    Regrouping,
    /// It is connected, and sends.
    Online,
    /// It is connected, and the server does not answer.
    Stalled,
    /// It has no connection, and tries to get one.
    Disconnected,
    /// It was closed, or its bus was.
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

/// The account of an exported type: `published` is `sent`, `queued` and `dropped` together.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ExportSnapshot {
    /// The type's name.
    pub event_type: String,
    /// Events that the link was to send.
    pub published: u64,
    /// Events that were sent: the sequence of the last one.
    pub sent: u64,
    /// Events that wait to be sent.
    pub queued: u64,
    /// Events that will not be sent.
    pub dropped: Drops,
}

/// The account of an imported type, from one start of one node: `last - first + 1` is `delivered` and
/// `dropped` together.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ImportSnapshot {
    /// The type's name.
    pub event_type: String,
    /// The node that it comes from.
    pub origin: String,
    /// Which start of that node.
    pub incarnation: u64,
    /// The sequence from which on this node was to get them; 0 for none yet.
    pub first: u64,
    /// The last one that is known to have been sent.
    pub last: u64,
    /// Events that were published on this bus. What its subscribers lose is in their own accounts.
    pub delivered: u64,
    /// Events that came once more, and were dropped for it. They are in no account.
    pub duplicates: u64,
    /// Events that did not come, or could not be read.
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
    /// Messages that came again, and were dropped for it.
    pub duplicates: u64,
    /// Events that could not be read, and were given up.
    pub undecodable: u64,
    /// What the last message waits for before it is acknowledged.
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
    /// Whether this node sends to it; otherwise it receives.
    pub outgoing: bool,
    /// Events that were sent, or published on this bus.
    pub events: u64,
    /// Events that came again, told by source and id, and were dropped for it.
    pub duplicates: u64,
    /// Events that could not be read, written or sent, are of another type, or came when the bus was
    /// closed.
    pub refused: u64,
}

/// How many events were dropped, by reason. A reason without events is not listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Drops(pub(crate) BTreeMap<LinkDrop, u64>);

impl Drops {
    /// How many, for whatever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many for this reason.
    #[must_use]
    pub fn of(&self, reason: LinkDrop) -> u64 {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    /// Each reason and how many.
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
    /// Here: the link's own subscription had no room, because the link had no processor time.
    Behind,
    /// Here: the ring of what waits to be sent had no room.
    RingFull,
    /// Here: it waited for longer than the ring keeps events.
    OfflineExpired,
    /// Here: the type is one that is dropped while there is no connection.
    Offline,
    /// Here: a later one of the same key took its place while there was no connection.
    Superseded,
    /// Here: it is larger than the server allows.
    TooLarge,
    /// Here: it could not be written.
    Encode,
    /// There: it could not be read.
    Decode,
    /// There: the bus was closed, or draining.
    Closed,
    /// There: this process took too long to receive.
    LocalSlow,
    /// There: it did not come while the connection was there.
    Gap,
    /// There: it did not come, and the connection was lost meanwhile.
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

/// What is known of another node.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PeerSnapshot {
    /// Its name.
    pub node: String,
    /// Which start of it.
    pub incarnation: u64,
    /// How far it has come.
    pub state: PeerState,
    /// How long ago it was last heard.
    pub heard: Duration,
    /// The names of its subscribers and responders.
    pub components: Vec<String>,
}

/// How far another node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum PeerState {
    /// It was heard, and it is not known yet whether it hears every event of this node, and this node
    /// every one of its.
    Joining,
    /// It hears this node, and this node hears it: its components have signed in on this bus.
    Present,
    /// It was not heard for too long, or has said that it leaves.
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
    /// Whether every event is accounted for, here and in what came here.
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

    /// The accounts of this imported type from this node, one for each start of it.
    pub fn import<'a>(
        &'a self,
        event_type: &'a str,
        origin: &'a str,
    ) -> impl Iterator<Item = &'a ImportSnapshot> {
        self.imports.iter().filter(move |of| of.event_type == event_type && of.origin == origin)
    }

    /// The node of this name.
    #[must_use]
    pub fn peer(&self, node: &str) -> Option<&PeerSnapshot> {
        self.peers.iter().find(|of| of.node == node)
    }
}
