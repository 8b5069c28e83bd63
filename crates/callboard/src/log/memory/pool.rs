//! A pool of blocks for reuse.

use std::ptr::{self, NonNull};

use super::block::{Address, Header};
use crate::log::shape::SPARE_BLOCKS;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};

/// The pool of one log: its blocks for reuse, and the size of all its blocks. Any thread may return
/// a block; the writer takes them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Whole blocks and small ones. Each place is empty or holds a block that nobody else has.
    places: [[AtomicPtr<Header>; SPARE_BLOCKS]; 2],
    /// How many whole blocks and small ones there are, including those that wait here. Ordering:
    /// Relaxed, since the counts guard nothing.
    blocks: [AtomicUsize; 2],
}

impl Pool {
    /// How many blocks of a size there are.
    pub(super) fn count(&self, small: bool) -> &AtomicUsize {
        &self.blocks[usize::from(small)]
    }

    /// Takes out a block, small or whole, if there is one.
    pub(super) fn take(&self, small: bool) -> Option<Address> {
        self.places[usize::from(small)].iter().find_map(|place| {
            if place.load(Ordering::Relaxed).is_null() {
                return None;
            }
            // Ordering: Acquire pairs with the Release in `put`: every use of the block before it
            // was put here comes before any later use.
            NonNull::new(place.swap(ptr::null_mut(), Ordering::Acquire)).map(Address)
        })
    }

    /// Puts in a block that nobody has; returns it if the pool is full.
    pub(super) fn put(&self, block: Address, small: bool) -> Option<Address> {
        // Ordering: Release pairs with the Acquire in `take`.
        let (stored, not) = (Ordering::Release, Ordering::Relaxed);
        let (none, this) = (ptr::null_mut(), block.0.as_ptr());
        let mut places = self.places[usize::from(small)].iter();
        let found = places.any(|place| place.compare_exchange(none, this, stored, not).is_ok());
        (!found).then_some(block)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        while let Some(block) = self.take(false).or_else(|| self.take(true)) {
            // SAFETY: a block in the pool is nobody else's.
            unsafe { block.free() }
        }
    }
}
