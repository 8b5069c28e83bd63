//! Blocks that wait to be used again.

use std::ptr::{self, NonNull};

use super::block::{Address, Header};
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};

/// How many blocks of one event type and size are kept for the next events: enough that a steady
/// flow allocates nothing, few enough that a burst leaves little behind.
const SPARE_BLOCKS: usize = if cfg!(callboard_loom) { 1 } else { 4 };

/// The blocks of one log: those that wait to be used again, and how much memory there is in all.
#[derive(Debug, Default)]
pub(super) struct Pool {
    whole: Shelf,
    small: Shelf,
    /// Bytes of all the blocks that are to come back here, or are here. Ordering: Relaxed, since it
    /// guards nothing.
    bytes: AtomicUsize,
}

/// Blocks of one size. Any thread may bring one, the writer takes them.
#[derive(Debug, Default)]
struct Shelf {
    /// Each holds a block that nobody else has, or none.
    places: [AtomicPtr<Header>; SPARE_BLOCKS],
}

impl Pool {
    /// Takes a block out, a small one or a whole one, if there is one.
    pub(super) fn take(&self, small: bool) -> Option<Address> {
        if small { self.small.take() } else { self.whole.take() }
    }

    /// Puts a block in that nobody has; hands it back if there is no room.
    pub(super) fn put(&self, block: Address, small: bool) -> Option<Address> {
        if small { self.small.put(block) } else { self.whole.put(block) }
    }

    /// Bytes of all the blocks.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A block was allocated.
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A block was freed.
    pub(super) fn subtract(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Shelf {
    fn take(&self) -> Option<Address> {
        self.places.iter().find_map(|place| {
            if place.load(Ordering::Relaxed).is_null() {
                return None;
            }
            // Ordering: Acquire pairs with the Release in `put`: every use of the block before it
            // was put here comes before those to come.
            NonNull::new(place.swap(ptr::null_mut(), Ordering::Acquire)).map(Address)
        })
    }

    fn put(&self, block: Address) -> Option<Address> {
        // Ordering: Release pairs with the Acquire in `take`.
        let (stored, not) = (Ordering::Release, Ordering::Relaxed);
        let (none, this) = (ptr::null_mut(), block.0.as_ptr());
        let mut places = self.places.iter();
        let found = places.any(|place| place.compare_exchange(none, this, stored, not).is_ok());
        (!found).then_some(block)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        while let Some(block) = self.take() {
            // SAFETY: a block in the pool is nobody else's.
            unsafe { block.free() }
        }
    }
}
