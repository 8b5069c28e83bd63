//! Packets that are held back until earlier ones arrive.
//!
//! When a node loses its connection, its client keeps its unwritten messages and writes them first
//! over the next connection. Only then does the link resend the lost ones. So a packet may arrive
//! before earlier ones. It is held back until they arrive, or until its node reports that the
//! server had them, so that they are lost.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use async_nats::Message;

/// The most bytes that are held back. Beyond that, missing packets count as lost.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The overhead of a packet in addition to its bytes.
const OVERHEAD: usize = 256;

/// How long a packet waits. A node begins to resend within half of that time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Held-back packets of events, by node, in order of arrival.
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

    /// Takes the next packet of this node, if its incarnation and its first sequence match.
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

    /// When the first of them will have waited for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let oldest = self.packets.values().filter_map(|packets| packets.front());
        Some(oldest.map(|waiting| waiting.since).min()? + PATIENCE)
    }

    /// A node whose packets must be released: they have waited too long, or are too many.
    pub(super) fn overdue(&self, now: Instant) -> Option<String> {
        let full = self.bytes > MOST_BYTES;
        let overdue = |packets: &VecDeque<Waiting>| {
            packets.front().is_some_and(|next| full || next.since + PATIENCE <= now)
        };
        self.packets.iter().find(|(_, of)| overdue(of)).map(|(origin, _)| origin.clone())
    }
}
