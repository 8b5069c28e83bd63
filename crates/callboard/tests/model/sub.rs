//! One subscription of the model: a queue that is a vector, and an account.
//!
//! # The rule of `missed`
//!
//! A lost event is told of by the next one of its priority in the queue and, if there is none, by
//! the next one that is queued at all. What an event would have told when it leaves the queue
//! unread (it was dropped, absorbed, withdrawn) is passed on by the same rule. So a reader hears
//! of a loss no later than with the first event behind it.

use std::collections::BTreeMap;
use std::rc::Rc;

use callboard::{DropReason, Ledger, Overflow, Priority};

use crate::events::{Got, Kind, Opening, Value};

/// An event on the bus. Values are shared, as on the bus, so that those alive can be counted.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) value: Rc<Value>,
    pub(crate) sequence: u64,
    pub(crate) cause: Option<u64>,
    pub(crate) priority: Priority,
    pub(crate) missed: u64,
    /// In the buffer: it is this request. In a queue: it is a call of it, to be answered.
    pub(crate) request: Option<usize>,
}

impl Item {
    /// What it coalesces by.
    pub(crate) fn key(&self) -> Option<(Kind, u8)> {
        let kind = self.value.kind;
        matches!(kind, Kind::Change | Kind::Status).then_some((kind, self.value.key))
    }

    /// Takes in an older event with the same key.
    pub(crate) fn absorb(&mut self, older: &Self) {
        if self.value.kind == Kind::Change {
            let parts = older.value.parts.iter().chain(&self.value.parts).copied().collect();
            self.value = Rc::new(Value { parts, ..Value::clone(&self.value) });
        }
    }

    pub(crate) fn got(&self) -> Got {
        Got {
            value: Value::clone(&self.value),
            sequence: self.sequence,
            missed: self.missed,
            cause: self.cause,
            call: self.request.is_some(),
        }
    }
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Sub {
    pub(crate) id: usize,
    pub(crate) opening: Opening,
    pub(crate) queue: Vec<Item>,
    /// What the next event to be queued will say it missed.
    pub(crate) gap: u64,
    pub(crate) offered: u64,
    pub(crate) delivered: u64,
    pub(crate) drops: BTreeMap<DropReason, u64>,
}

impl Sub {
    pub(crate) fn new(id: usize, opening: Opening) -> Self {
        let (queue, drops) = (Vec::new(), BTreeMap::new());
        Self { id, opening, queue, gap: 0, offered: 0, delivered: 0, drops }
    }

    /// Whether the bus's account is the model's.
    pub(crate) fn agrees(&self, ledger: &Ledger) -> bool {
        ledger.balances()
            && (ledger.offered, ledger.delivered) == (self.offered, self.delivered)
            && ledger.queued == self.queue.len() as u64
            && ledger.drops().collect::<BTreeMap<_, _>>() == self.drops
    }

    /// Takes an event from the middle of the queue, for another reason than that it is read.
    pub(crate) fn remove(&mut self, place: usize, reason: DropReason) -> Item {
        let item = self.queue.remove(place);
        *self.drops.entry(reason).or_default() += 1;
        let told = item.missed + u64::from(reason.is_loss());
        let next = self.queue[place..].iter_mut().find(|next| next.priority == item.priority);
        *next.map_or(&mut self.gap, |next| &mut next.missed) += told;
        item
    }

    /// Offers an event. `beyond`: it does not have to fit. Returns whether it is queued, and the
    /// event that was lost, if one was.
    pub(crate) fn offer(
        &mut self,
        mut item: Item,
        beyond: bool,
    ) -> (bool, Option<(Item, DropReason)>) {
        self.offered += 1;
        let mut lost = None;
        let mut room = beyond || self.queue.len() < self.opening.capacity;
        if self.opening.overflow == Overflow::Coalesce && item.key().is_some() {
            if let Some(place) = self.queue.iter().position(|older| older.key() == item.key()) {
                let older = self.remove(place, DropReason::Coalesced);
                item.absorb(&older);
                room = true;
            }
        }
        if !room && self.opening.overflow == Overflow::DropOldest {
            let least = self.queue.iter().map(|queued| queued.priority).min();
            if let Some(least) = least.filter(|least| *least <= item.priority) {
                let place = self.queue.iter().position(|queued| queued.priority == least).unwrap();
                lost = Some((self.remove(place, DropReason::Oldest), DropReason::Oldest));
                room = true;
            }
        }
        if !room {
            self.gap += 1;
            *self.drops.entry(DropReason::Full).or_default() += 1;
            return (false, Some((item, DropReason::Full)));
        }
        item.missed = std::mem::take(&mut self.gap);
        self.queue.push(item);
        (true, lost)
    }

    /// Hands out the oldest of the most urgent events.
    pub(crate) fn recv(&mut self) -> Option<Item> {
        let most = self.queue.iter().map(|item| item.priority).max()?;
        let place = self.queue.iter().position(|item| item.priority == most)?;
        self.delivered += 1;
        Some(self.queue.remove(place))
    }
}
