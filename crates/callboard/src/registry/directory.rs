//! The index of a bus's event types, searched without a lock.

use std::any::TypeId;
use std::hash::{BuildHasher, BuildHasherDefault};

use crate::event::{AsIs, Event};
use crate::sync::{AtomicU8, AtomicU64, CHECKED, OnceLock, Ordering};

/// A typical bus has about this many types; with more, a lookup takes one or two more steps.
const BUCKETS: usize = if CHECKED { 1 } else { 64 };

/// The index of a bus's event types. Types are added under the registry's lock and never removed.
#[derive(Debug)]
pub(crate) struct Directory {
    buckets: [OnceLock<Box<TypeHandle>>; BUCKETS],
}

/// One type in the index.
#[derive(Debug)]
pub(crate) struct TypeHandle {
    id: TypeId,
    /// The index of the type in `Registry::types`.
    pub(crate) number: usize,
    /// The type's [`Mode`], as a number.
    mode: AtomicU8,
    /// How many events were published without subscribers.
    unheard: AtomicU64,
    /// The next type in the same bucket.
    next: OnceLock<Box<Self>>,
}

/// How an event of a type is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The type has no subscribers, so the event is only counted.
    NoSubscribers,
    /// Only through the log of its type. The registry confirms this under its lock.
    LogOnly,
    /// Likewise, on a bus that keeps time.
    LogTimed,
    /// The general path.
    General,
}

impl Default for Directory {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| OnceLock::new()) }
    }
}

impl Directory {
    /// Finds the handle of a type.
    #[inline]
    pub(crate) fn find(&self, id: TypeId) -> Option<&TypeHandle> {
        let mut handle = self.buckets[bucket(id)].get()?;
        while handle.id != id {
            handle = handle.next.get()?;
        }
        Some(handle)
    }

    #[inline]
    pub(crate) fn find_event<E: Event>(&self) -> Option<&TypeHandle> {
        self.find(TypeId::of::<E>())
    }

    /// Adds a type. The caller holds the registry's lock.
    pub(super) fn add(&self, id: TypeId, number: usize) {
        let (mode, unheard) = (AtomicU8::new(Mode::General as u8), AtomicU64::new(0));
        let mut handle = Box::new(TypeHandle { id, number, mode, unheard, next: OnceLock::new() });
        let mut free = &self.buckets[bucket(id)];
        while let Err(back) = free.set(handle) {
            handle = back;
            match free.get() {
                Some(taken) => free = &taken.next,
                None => unreachable!("it was taken just now"),
            }
        }
    }
}

impl TypeHandle {
    #[inline]
    pub(crate) fn is(&self, mode: Mode) -> bool {
        // Ordering: Relaxed. A thread that knows of a subscription is ordered after the store, so
        // it doesn't see `NoSubscribers`; every other mode takes the lock.
        self.mode.load(Ordering::Relaxed) == mode as u8
    }

    /// Counts an event published without subscribers.
    #[inline]
    pub(crate) fn count(&self) {
        self.unheard.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unheard(&self) -> u64 {
        self.unheard.load(Ordering::Relaxed)
    }

    /// Sets the mode. The caller holds the registry's lock.
    pub(super) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Relaxed);
    }
}

/// A `TypeId` is already a hash, so its bits are used as they are.
#[inline]
fn bucket(id: TypeId) -> usize {
    let hash = BuildHasherDefault::<AsIs>::default().hash_one(id);
    // The remainder is less than the number of buckets.
    #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
    let bucket = (hash % BUCKETS as u64) as usize;
    bucket
}

#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests {
    use std::any::TypeId;
    use std::collections::BTreeSet;

    use super::bucket;

    macro_rules! buckets {
        ($($length:literal)*) => { BTreeSet::from([$(bucket(TypeId::of::<[u8; $length]>())),*]) };
    }

    #[test]
    fn types_are_spread_over_the_buckets() {
        // By chance, 32 types lie in 25 of 64 buckets; in 12 or fewer, less than once in 10^8
        // times.
        let buckets = buckets!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25
            26 27 28 29 30 31);
        assert!(buckets.len() > 12, "{buckets:?}");
    }
}
