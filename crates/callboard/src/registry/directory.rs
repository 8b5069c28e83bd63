//! The event types a bus has met, to be found without a lock.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use crate::event::Event;
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// A bus meets about this many types; with more, finding one takes a step or two longer.
const BUCKETS: usize = 64;

/// The event types a bus has met. Types are added, under the registry's lock, and never removed.
#[derive(Debug)]
pub(crate) struct Directory {
    buckets: [OnceLock<Box<Card>>; BUCKETS],
}

/// What is known of a type without a lock.
#[derive(Debug)]
pub(crate) struct Card {
    id: TypeId,
    /// The type's place in the order in which the bus met them.
    pub(crate) number: usize,
    /// Nobody would get its events: publishing one is no more than counting it.
    quiet: AtomicBool,
    /// The events that were counted so.
    unheard: AtomicU64,
    /// Another type of the same bucket.
    next: OnceLock<Box<Self>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self { buckets: [const { OnceLock::new() }; BUCKETS] }
    }
}

impl Directory {
    /// The card of a type that was added.
    #[inline]
    pub(crate) fn find(&self, id: TypeId) -> Option<&Card> {
        let mut card = self.buckets[bucket(id)].get()?;
        while card.id != id {
            card = card.next.get()?;
        }
        Some(card)
    }

    #[inline]
    pub(crate) fn find_event<E: Event>(&self) -> Option<&Card> {
        self.find(TypeId::of::<E>())
    }

    /// Adds a type. The registry's lock is held.
    pub(super) fn add(&self, id: TypeId, number: usize) {
        let (quiet, unheard) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut card = Box::new(Card { id, number, quiet, unheard, next: OnceLock::new() });
        let mut free = &self.buckets[bucket(id)];
        while let Err(back) = free.set(card) {
            card = back;
            match free.get() {
                Some(taken) => free = &taken.next,
                None => unreachable!("it was taken just now"),
            }
        }
    }
}

impl Card {
    /// Counts an event, if that is all that publishing it is.
    #[inline]
    pub(crate) fn count_if_quiet(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `set_quiet`: whoever was told that somebody
        // has subscribed does not find the type quiet.
        let quiet = self.quiet.load(Ordering::Acquire);
        if quiet {
            self.unheard.fetch_add(1, Ordering::Relaxed);
        }
        quiet
    }

    pub(crate) fn unheard(&self) -> u64 {
        self.unheard.load(Ordering::Relaxed)
    }

    /// The registry's lock is held.
    pub(super) fn set_quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Release);
    }
}

#[inline]
fn bucket(id: TypeId) -> usize {
    let mut hasher = TypeIdHasher(0);
    id.hash(&mut hasher);
    // The remainder is below the number of buckets.
    #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
    let bucket = (hasher.finish() % BUCKETS as u64) as usize;
    bucket
}

/// Takes a `TypeId`'s own bits for its hash, which it is already.
#[derive(Debug)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
