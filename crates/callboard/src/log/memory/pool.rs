//! Blocks that wait to be used again.

use std::ptr::{self, NonNull};

use super::block::{Address, Header};
use crate::sync::{AtomicPtr, Ordering};

/// How many blocks of one event type are kept for the next events: enough that a steady flow
/// allocates nothing, few enough that a burst leaves little behind.
const SPARE_BLOCKS: usize = 4;

/// Blocks that wait to be used again. Any thread may bring one, the writer takes them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Each holds a block that nobody else has, or none.
    spare: [AtomicPtr<Header>; SPARE_BLOCKS],
}

impl Pool {
    /// Takes a block out, if there is one.
    pub(super) fn take(&self) -> Option<Address> {
        self.spare.iter().find_map(|spare| {
            if spare.load(Ordering::Relaxed).is_null() {
                return None;
            }
            // Ordering: Acquire pairs with the Release in `put`: every use of the block before it
            // was put here comes before those to come.
            NonNull::new(spare.swap(ptr::null_mut(), Ordering::Acquire)).map(Address)
        })
    }

    /// Puts a block in that nobody has; hands it back if there is no room.
    pub(super) fn put(&self, block: Address) -> Option<Address> {
        // Ordering: Release pairs with the Acquire in `take`.
        let (stored, not) = (Ordering::Release, Ordering::Relaxed);
        let (none, this) = (ptr::null_mut(), block.0.as_ptr());
        let mut places = self.spare.iter();
        let found = places.any(|spare| spare.compare_exchange(none, this, stored, not).is_ok());
        (!found).then_some(block)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        while let Some(block) = self.take() {
            // SAFETY: a block in the pool is nobody else's.
            unsafe { block.free() }
        }
    }
}
