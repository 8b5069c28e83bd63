//! Shards: the counts of a block's handles, split so that readers on different cores don't write to
//! the same cache line for each event.
//!
//! A handle's tag says where it is counted: in one of the shards of its block, or directly among
//! the pins. A shard that counts any handles has one pin for all of them. (The idea is that of
//! sharded counters, as in crossbeam's `ShardedLock` and Java's `Striped64`.)

use std::ptr::NonNull;

use super::block::Address;
use super::slot::{Place, Slot};
use crate::log::Shape;
use crate::sync::{AtomicUsize, CHECKED, Ordering, Padded};

/// Where a handle is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard(u8);

/// How many shards a block of several slots has.
pub(in crate::log) const SHARDS: usize = if CHECKED { 1 } else { 4 };

/// The count of one shard.
pub(in crate::log) type Count = Padded<AtomicUsize>;

/// The address of a slot, with the shard that counts the handle in the lowest bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tagged(NonNull<Slot>);

/// The bits that hold a shard. A slot is aligned to its size at least, and larger than this.
const TAG: usize = 7;
const _: () = assert!(SHARDS <= TAG && align_of::<Slot>() > TAG && size_of::<Slot>() > TAG);

/// One handle's part in the pins of a block.
pub(super) struct Share {
    block: Address,
    shape: &'static Shape,
    shard: Shard,
}

// SAFETY: a tagged place alone gives access to nothing.
unsafe impl Send for Tagged {}
// SAFETY: as above.
unsafe impl Sync for Tagged {}

impl Shard {
    /// Directly among the pins.
    pub(super) const NONE: Self = Self(0);

    /// The shard for the reader of this number.
    pub(super) fn for_reader(number: usize) -> Self {
        // There are few.
        Self(1 + (number % SHARDS) as u8)
    }

    /// Its count in a block, unless it counts directly among the pins.
    ///
    /// # Safety
    ///
    /// The block is pinned for `'a`, and has shards of this shape.
    unsafe fn count<'a>(self, block: Address, shape: &Shape) -> Option<&'a AtomicUsize> {
        let index = usize::from(self.0.checked_sub(1)?);
        // SAFETY: a block with shards has room for all of them there.
        let counts = unsafe { block.0.byte_add(shape.shards()).cast::<Count>() };
        // SAFETY: as above; they were written when the block was made.
        Some(&unsafe { counts.add(index).as_ref() }.0)
    }

    /// Adds handles to the count.
    ///
    /// # Safety
    ///
    /// The block is pinned, has this shape, and has shards if this is one.
    #[inline]
    pub(super) unsafe fn add(self, block: Address, shape: &Shape, handles: u32) {
        // SAFETY: the caller's promise.
        let (header, count) = unsafe { (block.header(), self.count(block, shape)) };
        let Some(count) = count else { return header.add_pins(handles) };
        // Ordering: Relaxed, as in `Header::add_pins`. The thread that removes the last handle sees
        // the pin added: it acquires what the caller releases when the caller gives up its own
        // part, later.
        match count.fetch_add(handles as usize, Ordering::Relaxed) {
            0 => header.add_pins(1),
            before if before > usize::MAX / 2 => std::process::abort(),
            _ => {}
        }
    }

    /// Removes handles from the count.
    ///
    /// # Safety
    ///
    /// As in [`add`](Self::add); and they are the caller's to remove.
    #[inline]
    pub(super) unsafe fn remove(self, block: Address, shape: &Shape, handles: u32) {
        // SAFETY: the caller's promise: what it removes keeps the block until it is removed, and the
        // shard's pin until that is.
        unsafe {
            match self.count(block, shape) {
                None => block.unpin(handles),
                // Ordering: as in `Address::unpin`.
                Some(count) => {
                    let handles = handles as usize;
                    if count.fetch_sub(handles, Ordering::AcqRel) == handles {
                        block.unpin(1);
                    }
                }
            }
        }
    }
}

impl Tagged {
    pub(super) fn new(place: Place, shard: Shard) -> Self {
        // SAFETY: a slot is larger than any tag.
        Self(unsafe { place.0.byte_add(usize::from(shard.0)) })
    }

    #[inline]
    pub(super) fn place(self) -> Place {
        // SAFETY: the tag was added to the address of a slot, which has none of these bits.
        Place(unsafe { self.0.byte_sub(usize::from(self.shard().0)) })
    }

    #[inline]
    pub(super) fn shard(self) -> Shard {
        Shard((self.0.addr().get() & TAG) as u8)
    }
}

impl Share {
    /// Takes over a handle's part in the pins.
    ///
    /// # Safety
    ///
    /// The caller is that handle, and gives it up; its block has this shape.
    #[inline]
    pub(super) unsafe fn of(handle: Tagged, shape: &'static Shape) -> Self {
        // SAFETY: a handle pins its block.
        Self { block: unsafe { handle.place().block() }, shape, shard: handle.shard() }
    }
}

impl Drop for Share {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: it was a handle's, and is gone after this.
        unsafe { self.shard.remove(self.block, self.shape, 1) }
    }
}
