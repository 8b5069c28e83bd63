//! How a link to other processes is: plain data, for snapshots.

use std::time::Duration;

/// How a link to other processes is. A crate that links buses makes them, for
/// [`Bus::attach_link`](crate::Bus::attach_link).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LinkStatus {
    /// Its name on the bus.
    pub name: String,
    /// Whether it is connected, in a word: `online`.
    pub state: String,
    /// What is wrong with it now, in words; `None` if all is well.
    pub trouble: Option<String>,
    /// The last measured time there and back.
    pub round_trip: Option<Duration>,
    /// Events that wait to be sent, sent ones that are not confirmed included.
    pub queued: u64,
    /// Bytes that they take up.
    pub queued_bytes: usize,
    /// Bytes that they may take up.
    pub capacity_bytes: usize,
    /// Events sent since the link was made.
    pub sent: u64,
    /// Events that came from other processes since then, and were published here.
    pub received: u64,
    /// Events dropped, by reason. Reasons that are listed before they occur, with 0, can be watched by
    /// their rates.
    pub dropped: Vec<(String, u64)>,
    /// Requests of this process and another that waited for each other until one was given up, in words.
    pub circles: Vec<String>,
    /// The processes at the other ends.
    pub peers: Vec<LinkPeer>,
}

/// A process at the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LinkPeer {
    /// Its name.
    pub name: String,
    /// How far it has come, in a word: `present`.
    pub state: String,
    /// How long ago it was last heard.
    pub heard: Duration,
    /// The names of its components.
    pub components: Vec<String>,
}

impl LinkStatus {
    /// A link without figures.
    #[must_use]
    pub fn new(name: impl Into<String>, state: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: state.into(),
            trouble: None,
            round_trip: None,
            queued: 0,
            queued_bytes: 0,
            capacity_bytes: 0,
            sent: 0,
            received: 0,
            dropped: Vec::new(),
            circles: Vec::new(),
            peers: Vec::new(),
        }
    }
}

impl LinkPeer {
    /// A process without components.
    #[must_use]
    pub fn new(name: impl Into<String>, state: impl Into<String>, heard: Duration) -> Self {
        Self { name: name.into(), state: state.into(), heard, components: Vec::new() }
    }
}
