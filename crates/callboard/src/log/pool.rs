//! Blocks that wait to be used again.

use std::ptr;

use super::block::Address;
use crate::sync::{AtomicPtr, Ordering};

/// How many blocks of one event type are kept for the next events: enough that a steady flow
/// allocates nothing, few enough that a burst leaves little behind.
const SPARE_BLOCKS: usize = 4;

/// Blocks that wait to be used again. Any thread may bring one, the writer takes them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Each holds a block that nobody else has, or none.
    spare: [AtomicPtr<()>; SPARE_BLOCKS],
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
            let block = spare.swap(ptr::null_mut(), Ordering::Acquire);
            // SAFETY: only `put` stores here.
            unsafe { Address::from_ptr(block) }
        })
    }

    /// Puts a block in that nobody has; hands it back if there is no room.
    pub(super) fn put(&self, block: Address) -> Option<Address> {
        let stored = self.spare.iter().any(|spare| {
            // Ordering: Release pairs with the Acquire in `take`.
            let free = spare.compare_exchange(
                ptr::null_mut(),
                block.as_ptr(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            free.is_ok()
        });
        (!stored).then_some(block)
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
