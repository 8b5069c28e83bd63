//! The status of a link to other processes: plain data, for snapshots.

use std::time::Duration;

/// The status of a link to other processes. Created by crates that link buses, for
/// [`Bus::attach_link`](crate::Bus::attach_link).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LinkStatus {
    /// Its name on the bus.
    pub name: String,
    /// The connection state as one word, such as `online`.
    pub state: String,
    /// The current problem, in words; `None` if there is none.
    pub trouble: Option<String>,
    /// The last measured round-trip time.
    pub round_trip: Option<Duration>,
    /// Events that wait to be sent, including sent ones that are not confirmed.
    pub queued: u64,
    /// Bytes of these events.
    pub queued_bytes: usize,
    /// The maximum of these bytes.
    pub capacity_bytes: usize,
    /// Events sent since the link was created.
    pub sent: u64,
    /// Events received from other processes since then and published here.
    pub received: u64,
    /// Events dropped, by reason. Reasons that are listed before they occur, with 0, can be watched
    /// by their rates.
    pub dropped: Vec<(String, u64)>,
    /// Requests of this process and another that waited for each other until one was given up, in
    /// words.
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
    /// The state of the process as one word, such as `present`.
    pub state: String,
    /// How long ago the last message from it arrived.
    pub heard: Duration,
    /// The names of its components.
    pub components: Vec<String>,
}

impl LinkStatus {
    /// Creates the status of a link, without figures.
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
    /// Creates the entry of a process, without components.
    #[must_use]
    pub fn new(name: impl Into<String>, state: impl Into<String>, heard: Duration) -> Self {
        Self { name: name.into(), state: state.into(), heard, components: Vec::new() }
    }
}
