//! Packets that wait for those in front of them.
//!
//! When a node loses its connection, its client keeps what it has not written and writes that first over
//! the next connection. Only then does the link send again what was lost. So a packet may come before
//! others that still come. It is held until they do, or until its node says that the server had them:
//! then they are lost.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use async_nats::Message;

/// The most bytes that are held. With more, what is missing counts as lost.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What a packet takes up beside its bytes.
const OVERHEAD: usize = 256;

/// How long a packet waits. A node begins to send again within half of that.
const PATIENCE: Duration = Duration::from_secs(3);

/// Packets of events that wait, by their node, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Held {
    packets: BTreeMap<String, VecDeque<Waiting>>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    message: Message,
    incarnation: u64,
    first: u64,
    since: Instant,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn push(&mut self, origin: &str, message: Message, incarnation: u64, first: u64) {
        self.bytes += message.payload.len() + OVERHEAD;
        let since = Instant::now();
        let packets = self.packets.entry(origin.to_owned()).or_default();
        packets.push_back(Waiting { message, incarnation, first, since });
    }

    /// The next packet of this node, if its incarnation and its first sequence are such.
    pub(super) fn pop_if(
        &mut self,
        origin: &str,
        such: impl FnOnce(u64, u64) -> bool,
    ) -> Option<Message> {
        let packets = self.packets.get_mut(origin)?;
        if !packets.front().is_some_and(|next| such(next.incarnation, next.first)) {
            return None;
        }
        let message = packets.pop_front()?.message;
        if packets.is_empty() {
            self.packets.remove(origin);
        }
        self.bytes -= message.payload.len() + OVERHEAD;
        Some(message)
    }

    /// When the first of them has waited for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let oldest = self.packets.values().filter_map(|packets| packets.front());
        Some(oldest.map(|waiting| waiting.since).min()? + PATIENCE)
    }

    /// A node whose packets wait no longer: they have for too long, or are too many.
    pub(super) fn overdue(&self, now: Instant) -> Option<String> {
        let full = self.bytes > MOST_BYTES;
        let overdue = |packets: &VecDeque<Waiting>| {
            packets.front().is_some_and(|next| full || next.since + PATIENCE <= now)
        };
        self.packets.iter().find(|(_, of)| overdue(of)).map(|(origin, _)| origin.clone())
    }
}
