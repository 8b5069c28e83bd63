//! The limit probe's queues of events that coalesce: one for each subscriber, since each has read
//! another part.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::sync::{Mutex, MutexGuard};

use callboard::Coalesce;
use crossbeam_utils::CachePadded;

use super::{Order, Store};
use crate::events::Keyed;
use crate::flow::Sink;
use crate::harness::CAPACITY;

/// A queue for each subscriber.
#[derive(Debug)]
pub(crate) struct KeyedQueues(Box<[CachePadded<Mutex<Merging>>]>);

/// Events of different keys, in the order of the latest of each.
#[derive(Debug, Default)]
struct Merging {
    /// Nothing stands where an event was that a later one has replaced.
    queue: VecDeque<Option<Keyed>>,
    /// How many have left the queue.
    left: u64,
    /// Where each key's event is, counted with those that have left.
    places: HashMap<u64, u64, BuildHasherDefault<Multiply>>,
}

/// Hashes a number by one multiplication.
#[derive(Debug, Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    #[inline]
    fn write_u64(&mut self, key: u64) {
        // The table takes its bits from both ends.
        self.0 = key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

impl Merging {
    #[inline]
    fn push(&mut self, event: Keyed) -> bool {
        if self.queue.len() == 2 * CAPACITY {
            self.close_up();
        }
        let (count, place) = (self.places.len(), self.left + self.queue.len() as u64);
        match self.places.entry(event.key()) {
            Entry::Occupied(mut entry) => {
                let replaced = entry.insert(place) - self.left;
                self.queue[replaced as usize] = None;
            }
            Entry::Vacant(_) if count == CAPACITY => return false,
            Entry::Vacant(entry) => {
                entry.insert(place);
            }
        }
        self.queue.push_back(Some(event));
        true
    }

    /// Closes the gaps that replaced events have left: at least half of the places.
    #[cold]
    fn close_up(&mut self) {
        self.queue.retain(Option::is_some);
        let keys = self.queue.iter().flatten().map(Keyed::key);
        self.places = keys.zip(self.left..).collect();
    }

    #[inline]
    fn pop(&mut self) -> Option<Keyed> {
        loop {
            let event = self.queue.pop_front()?;
            self.left += 1;
            if let Some(event) = event {
                self.places.remove(&event.key());
                return Some(event);
            }
        }
    }
}

/// A subscriber's number, and the memory that its queue has next.
#[derive(Debug)]
pub(crate) struct KeyedReader {
    index: usize,
    spare: VecDeque<Option<Keyed>>,
}

impl KeyedQueues {
    #[inline]
    fn lock(&self, reader: &KeyedReader) -> MutexGuard<'_, Merging> {
        self.0[reader.index].lock().expect("nothing panics under the lock")
    }
}

impl Store for KeyedQueues {
    type Message = Keyed;
    type Reader = KeyedReader;

    fn open(subscribers: usize) -> (Self, Vec<KeyedReader>) {
        let queues = Self((0..subscribers).map(|_| CachePadded::default()).collect());
        let reader = |index| KeyedReader { index, spare: VecDeque::new() };
        (queues, (0..subscribers).map(reader).collect())
    }

    #[inline]
    fn append(&self, _: &mut Order, event: Keyed) -> bool {
        let mut accepted = false;
        for queue in &self.0 {
            accepted |= queue.lock().expect("nothing panics under the lock").push(event);
        }
        accepted
    }

    /// One event, or all there are.
    #[inline]
    fn take<S: Sink>(&self, reader: &mut KeyedReader, most: usize, sink: &mut S) -> bool {
        let mut merging = self.lock(reader);
        if most == 1 {
            return merging.pop().inspect(|event| sink.take(event)).is_some();
        }
        mem::swap(&mut merging.queue, &mut reader.spare);
        merging.left += reader.spare.len() as u64;
        merging.places.clear();
        drop(merging);
        let mut any = false;
        for event in reader.spare.drain(..).flatten() {
            sink.take(&event);
            any = true;
        }
        any
    }

    fn is_empty(&self, reader: &KeyedReader) -> bool {
        self.lock(reader).queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Coalesce, Keyed, Merging};

    #[test]
    fn the_latest_of_each_key_is_left() {
        let mut merging = Merging::default();
        let events = (0..10 * CAPACITY as u64).map(|value| Keyed::about(value % 7, value));
        assert!(merging.push(Keyed::about(99, 0)));
        assert!(events.clone().all(|event| merging.push(event)));
        let keys = std::iter::from_fn(|| merging.pop()).map(|event| event.key());
        let latest = events.skip(10 * CAPACITY - 7).map(|event| event.key());
        assert!(keys.eq([99].into_iter().chain(latest)));
        assert!(merging.places.is_empty());
    }

    #[test]
    fn a_full_queue_takes_only_keys_that_it_has() {
        let mut merging = Merging::default();
        let count = CAPACITY as u64;
        assert!((0..count).all(|key| merging.push(Keyed::about(key, 0))));
        assert!(!merging.push(Keyed::about(count, 0)) && merging.push(Keyed::about(3, 1)));
    }
}
