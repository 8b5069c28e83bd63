//! Events to be sent, and sent events that may have to be resent.
//!
//! ```text
//!   add ──► lane (high)   ──┐
//!   add ──► lane (normal) ──┼─ pack ──► unconfirmed ──(the server has it)──► forgotten
//!   add ──► lane (low)    ──┘              └──(a new connection)──► sent again, in order
//! ```
//!
//! An event gets its sequence when it is packed, so earlier drops leave no gap in the sequences,
//! and a gap means a later loss. Each lane holds a limited number of bytes, and each event for a
//! limited time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::snapshot::{Drops, ExportSnapshot, LinkDrop};
use crate::wire::{Codec, Header, Packer, PacketKind};

/// The overhead of an event in a lane in addition to its bytes.
const OVERHEAD: usize = 64;

/// The bounds of an outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum bytes in a lane, and of unconfirmed packets.
    pub(crate) bytes: usize,
    /// How long an event may wait.
    pub(crate) lifetime: Duration,
    /// The size from which on a packet takes no more events.
    pub(crate) packet: usize,
}

/// What happens to events of a type while there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offline {
    Keep,
    KeepLatest,
    Drop,
}

/// An event to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) metadata: Box<[u8]>,
    pub(crate) body: Box<[u8]>,
    pub(crate) key: Option<Box<str>>,
}

pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Notified when there is something to send, or capacity to send it.
    pub(crate) changed: Notify,
    limits: Limits,
    codec: Codec,
    incarnation: u64,
}

struct State {
    lanes: [Lane; 3],
    types: Vec<Type>,
    unconfirmed: VecDeque<Sent>,
    unconfirmed_bytes: usize,
    /// The number of the next mark.
    mark: u64,
    /// Whether there is a connection, according to the last report.
    online: bool,
}

#[derive(Default)]
struct Lane {
    /// `None` where a later event with the same key replaced the item.
    items: VecDeque<Option<Item>>,
    /// How many items have left the lane.
    base: u64,
    vacant: usize,
    bytes: usize,
    /// The index of the latest item of each key, counted from the first item ever.
    latest: HashMap<(usize, Box<str>), u64>,
}

struct Item {
    of: usize,
    outgoing: Outgoing,
    expires: Instant,
}

/// The account of an exported type.
struct Type {
    name: &'static str,
    schema: u32,
    offline: Offline,
    published: u64,
    sent: u64,
    queued: u64,
    dropped: Drops,
}

/// A packet that was sent.
struct Sent {
    of: usize,
    first: u64,
    events: u64,
    bytes: Bytes,
    /// The mark that returns when the server has it.
    mark: u64,
}

/// A packet to be sent: the number of its type, and its bytes.
pub(crate) type Message = (usize, Bytes);

impl Outbox {
    pub(crate) fn new(limits: Limits, codec: Codec, incarnation: u64) -> Self {
        let state = State {
            lanes: Default::default(),
            types: Vec::new(),
            unconfirmed: VecDeque::new(),
            unconfirmed_bytes: 0,
            mark: 1,
            online: false,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), limits, codec, incarnation }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an exported type; returns its number.
    pub(crate) fn declare(&self, name: &'static str, schema: u32, offline: Offline) -> usize {
        let mut state = self.state();
        let (published, sent, queued, dropped) = (0, 0, 0, Drops::default());
        state.types.push(Type { name, schema, offline, published, sent, queued, dropped });
        state.types.len() - 1
    }

    /// Adds an event, or drops and counts it.
    pub(crate) fn add(&self, of: usize, lane: usize, outgoing: Outgoing) {
        let size = outgoing.metadata.len() + outgoing.body.len() + OVERHEAD;
        let mut state = self.state();
        let State { lanes, types, online, .. } = &mut *state;
        let (lane, account) = (&mut lanes[lane], &mut types[of]);
        account.published += 1;
        if !*online {
            match account.offline {
                Offline::Keep => {}
                Offline::Drop => return account.dropped.add(LinkDrop::Offline, 1),
                Offline::KeepLatest => {
                    if let Some(key) = &outgoing.key
                        && lane.supersede(of, key)
                    {
                        account.queued -= 1;
                        account.dropped.add(LinkDrop::Superseded, 1);
                    }
                }
            }
        }
        if lane.bytes + size > self.limits.bytes {
            return account.dropped.add(LinkDrop::RingFull, 1);
        }
        account.queued += 1;
        lane.bytes += size;
        if let Some(key) = &outgoing.key {
            lane.latest.insert((of, key.clone()), lane.base + lane.items.len() as u64);
        }
        let expires = Instant::now() + self.limits.lifetime;
        lane.items.push_back(Some(Item { of, outgoing, expires }));
        drop(state);
        self.changed.notify_one();
    }

    /// Counts events that were lost before the outbox.
    pub(crate) fn lost(&self, of: usize, reason: LinkDrop, events: u64) {
        let mut state = self.state();
        state.types[of].published += events;
        state.types[of].dropped.add(reason, events);
    }

    /// Sets whether there is a connection.
    pub(crate) fn set_online(&self, online: bool) {
        self.state().online = online;
    }

    /// Drops events that have waited for too long.
    pub(crate) fn expire(&self, now: Instant) {
        let mut state = self.state();
        let State { lanes, types, .. } = &mut *state;
        for lane in lanes {
            while let Some(item) = lane.pop_if(|item| item.expires <= now) {
                types[item.of].queued -= 1;
                types[item.of].dropped.add(LinkDrop::OfflineExpired, 1);
            }
        }
    }

    /// Packs the next consecutive events of one type, as many as fit. `largest` is the server's
    /// limit. `None` if there are none, or too much is unconfirmed.
    pub(crate) fn pack(&self, largest: usize) -> Option<Message> {
        let now = Instant::now();
        self.expire(now);
        let mut state = self.state();
        let State { lanes, types, unconfirmed, unconfirmed_bytes, mark, .. } = &mut *state;
        if *unconfirmed_bytes > self.limits.bytes {
            return None;
        }
        loop {
            let lane = lanes.iter_mut().find_map(|lane| lane.settle().then_some(lane))?;
            let of = lane.items.front()?.as_ref()?.of;
            let account = &mut types[of];
            let (kind, codec, incarnation) = (PacketKind::Events, self.codec, self.incarnation);
            let (schema, first) = (account.schema, account.sent + 1);
            let header = Header { kind, codec, incarnation, schema, first };
            let (mut packer, mut room) = (None, self.limits.packet.min(largest));
            let mut events = 0;
            while lane.settle() {
                let fits = |item: &Item| item.of == of && (events == 0 || item.size() <= room);
                let Some(item) = lane.pop_if(fits) else { break };
                account.queued -= 1;
                // The pump refuses events that are too large for the server that it knows; this
                // server allows less.
                if item.size() > largest {
                    account.dropped.add(LinkDrop::TooLarge, 1);
                    continue;
                }
                room = room.saturating_sub(item.size());
                let Outgoing { metadata, body, .. } = &item.outgoing;
                let packer = packer.get_or_insert_with(|| Packer::new(&header, body.len()));
                packer.add(metadata, body);
                events += 1;
            }
            let Some(packer) = packer else { continue };
            account.sent += events;
            let bytes: Bytes = packer.finish().into();
            *unconfirmed_bytes += bytes.len();
            let sent = Sent { of, first, events, bytes: bytes.clone(), mark: *mark };
            unconfirmed.push_back(sent);
            return Some((of, bytes));
        }
    }

    /// The number of a mark to be sent now, which confirms everything packed before.
    pub(crate) fn mark(&self) -> u64 {
        let mut state = self.state();
        state.mark += 1;
        state.mark - 1
    }

    /// Handles a mark that returned: the server has everything that was sent before it.
    pub(crate) fn confirm(&self, mark: u64) {
        let mut state = self.state();
        while state.unconfirmed.front().is_some_and(|sent| sent.mark <= mark) {
            let sent = state.unconfirmed.pop_front();
            state.unconfirmed_bytes -= sent.map_or(0, |sent| sent.bytes.len());
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The unconfirmed packets, to be resent over a new connection. A mark that is still in flight
    /// confirms none of them.
    pub(crate) fn again(&self) -> Vec<Message> {
        let mut state = self.state();
        let mark = state.mark;
        let again = state.unconfirmed.iter_mut().map(|sent| {
            sent.mark = mark;
            (sent.of, sent.bytes.clone())
        });
        again.collect()
    }

    /// The name, the schema and the next sequence on the wire of each type.
    pub(crate) fn next(&self) -> Vec<(&'static str, u32, u64)> {
        let state = self.state();
        let next = |(of, account): (usize, &Type)| {
            let again = state.unconfirmed.iter().find(|sent| sent.of == of);
            let next = again.map_or(account.sent + 1, |sent| sent.first);
            (account.name, account.schema, next)
        };
        state.types.iter().enumerate().map(next).collect()
    }

    /// The last sequence of each type up to which the server has everything. Later packets may
    /// still be in flight, or be resent.
    pub(crate) fn tails(&self) -> Vec<(&'static str, u64)> {
        self.next().into_iter().map(|(name, _, next)| (name, next - 1)).collect()
    }

    /// The total of bytes that may wait and be unconfirmed.
    pub(crate) fn capacity(&self) -> usize {
        self.limits.bytes.saturating_mul(4)
    }

    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state();
        state.unconfirmed.is_empty() && state.lanes.iter().all(|lane| lane.is_empty())
    }

    /// Events and bytes that wait, and that are unconfirmed.
    pub(crate) fn waiting(&self) -> [(u64, usize); 2] {
        let state = self.state();
        let queued = state.types.iter().map(|account| account.queued).sum();
        let bytes = state.lanes.iter().map(|lane| lane.bytes).sum();
        let unconfirmed = state.unconfirmed.iter().map(|sent| sent.events).sum();
        [(queued, bytes), (unconfirmed, state.unconfirmed_bytes)]
    }

    pub(crate) fn accounts(&self) -> Vec<ExportSnapshot> {
        let account = |account: &Type| ExportSnapshot {
            event_type: account.name.to_owned(),
            published: account.published,
            sent: account.sent,
            queued: account.queued,
            dropped: account.dropped.clone(),
        };
        self.state().types.iter().map(account).collect()
    }
}

impl Item {
    fn size(&self) -> usize {
        self.outgoing.metadata.len() + self.outgoing.body.len() + OVERHEAD
    }
}

impl Lane {
    /// Takes the first item, if `such` holds.
    fn pop_if(&mut self, such: impl FnOnce(&Item) -> bool) -> Option<Item> {
        if !self.settle() || !self.items.front()?.as_ref().is_some_and(such) {
            return None;
        }
        let item = self.items.pop_front()??;
        self.base += 1;
        self.bytes -= item.size();
        if let Some(key) = &item.outgoing.key {
            let key = (item.of, key.clone());
            if self.latest.get(&key) == Some(&(self.base - 1)) {
                self.latest.remove(&key);
            }
        }
        Some(item)
    }

    /// Skips empty places. Returns whether there is an item.
    fn settle(&mut self) -> bool {
        while self.items.front().is_some_and(Option::is_none) {
            self.items.pop_front();
            self.base += 1;
            self.vacant -= 1;
        }
        !self.items.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.items.len() == self.vacant
    }

    /// Removes the latest item of a key. Returns whether there was one.
    fn supersede(&mut self, of: usize, key: &str) -> bool {
        let Some(place) = self.latest.remove(&(of, Box::from(key))) else { return false };
        let place = place.checked_sub(self.base).and_then(|place| usize::try_from(place).ok());
        let Some(item) = place.and_then(|place| self.items.get_mut(place)).and_then(Option::take)
        else {
            return false;
        };
        self.bytes -= item.size();
        self.vacant += 1;
        if self.vacant > 64 && self.vacant > self.items.len() / 2 {
            self.compact();
        }
        true
    }

    /// Removes the empty places.
    fn compact(&mut self) {
        let mut places = HashMap::new();
        let mut kept = VecDeque::new();
        for (place, item) in (self.base..).zip(self.items.drain(..)) {
            if item.is_some() {
                places.insert(place, self.base + kept.len() as u64);
                kept.push_back(item);
            }
        }
        self.latest.retain(|_, place| places.get(place).map(|now| *place = *now).is_some());
        (self.items, self.vacant) = (kept, 0);
    }
}
