//! The layout of events in a block: plain arithmetic, which the memory relies on.

use std::alloc::Layout;
use std::any::TypeId;

use super::memory::{Count, DropGlue, Header, SHARDS, Slot, drop_glue};
use crate::sync::CHECKED;

/// A type whose values may be stored in a block: any thread may read and drop them there.
pub(crate) trait Payload: Send + Sync + 'static {}

impl<E: Send + Sync + 'static> Payload for E {}

/// The layout of an event type in a block.
pub(crate) struct Shape {
    id: fn() -> TypeId,
    /// Drops a value in place; `None` if there is nothing to drop.
    pub(super) drop: Option<DropGlue>,
    align: usize,
    /// From the start of a block to its first slot, if it has several slots.
    first: usize,
    /// From the start of a slot to the value in it, and to the next slot.
    pub(super) value: usize,
    pub(super) stride: usize,
    /// From the start of a whole block to the shards after its slots.
    shards: usize,
}

/// What precedes the slots of a block, and the event in a slot.
const HEADER: Layout = Layout::new::<Header>();
const SLOT: Layout = Layout::new::<Slot>();
/// The shards, which follow the slots of a block that has more than a few.
const COUNTS: Layout = Layout::new::<[Count; SHARDS]>();
/// A block holds about this many bytes...
const BLOCK_BYTES: usize = 4_096;
/// ...and at the most this many events.
const BLOCK_SLOTS: usize = if CHECKED { 2 } else { 64 };
/// A block with fewer slots has no shards.
const SHARDED_SLOTS: usize = if CHECKED { 2 } else { 5 };
/// How many blocks of one event type and size are kept for reuse: enough that a steady flow
/// allocates nothing, few enough that a burst leaves little behind. None under AddressSanitizer,
/// which detects wrong uses only of freed memory.
pub(super) const SPARE_BLOCKS: usize = match (cfg!(callboard_asan), CHECKED) {
    (true, _) => 0,
    (false, true) => 1,
    (false, false) => 4,
};
/// Blocks of larger events are not kept for reuse: allocating one costs little compared to filling
/// it.
const POOLED_EVENT: usize = 16_384;
/// A block of several slots starts at a cache line, so that a slot of 64 bytes occupies exactly
/// one.
const CACHE_LINE: usize = 64;

impl Shape {
    /// The layout of an `E`.
    #[inline]
    pub(crate) const fn of<E: 'static>() -> &'static Self {
        const { &Self::new::<E>() }
    }

    const fn new<E: 'static>() -> Self {
        let (header, slot) = (HEADER, SLOT);
        let align = if align_of::<E>() > slot.align() { align_of::<E>() } else { slot.align() };
        let value = slot.size().next_multiple_of(align);
        let start = if align > CACHE_LINE { align } else { CACHE_LINE };
        let first = header.size().next_multiple_of(start);
        let stride = (value + size_of::<E>()).next_multiple_of(align);
        let slots = first.saturating_add(stride.saturating_mul(slots(stride)));
        let shards = slots.next_multiple_of(COUNTS.align());
        Self { id: id_of::<E>, drop: drop_glue::<E>(), align, first, value, stride, shards }
    }

    pub(super) fn id(&self) -> TypeId {
        (self.id)()
    }

    /// Whether this is the layout of an `E`.
    #[inline]
    pub(super) fn is_for<E: 'static>(&self) -> bool {
        // A function with two addresses costs a call, and two with one address return the same.
        std::ptr::fn_addr_eq(self.id, id_of::<E> as fn() -> TypeId)
            || self.id() == TypeId::of::<E>()
    }

    /// How many slots an ordinary block has.
    pub(super) fn slots(&self) -> usize {
        slots(self.stride)
    }

    /// Whether a block of this many slots has shards.
    pub(super) fn is_sharded(&self, slots: usize) -> bool {
        slots >= SHARDED_SLOTS && slots == self.slots()
    }

    /// From the start of a block that has shards to its shards.
    #[inline]
    pub(super) const fn shards(&self) -> usize {
        self.shards
    }

    /// Bytes from one event to the next.
    pub(super) fn pace(&self) -> u64 {
        self.stride as u64
    }

    /// From the start of a block of `slots` slots to the slot of this index.
    #[inline]
    pub(super) fn offset(&self, slots: usize, index: usize) -> usize {
        let first = if slots > 1 { self.first } else { HEADER.size().next_multiple_of(self.align) };
        first + index * self.stride
    }

    /// Whether blocks are kept for reuse.
    pub(super) fn is_pooled(&self) -> bool {
        self.stride <= POOLED_EVENT
    }

    /// The memory layout of a block of this many slots.
    pub(super) fn layout(&self, slots: usize) -> Layout {
        let align = self.align.max(if slots > 1 { CACHE_LINE } else { HEADER.align() });
        let size = if self.is_sharded(slots) {
            self.shards.checked_add(COUNTS.size())
        } else {
            let first = self.offset(slots, 0);
            self.stride.checked_mul(slots).and_then(|size| size.checked_add(first))
        };
        let layout = size.map(|size| Layout::from_size_align(size, align));
        match layout {
            Some(Ok(layout)) => layout,
            // A value of almost `isize::MAX` bytes can't exist in the first place.
            _ => unreachable!("the event is larger than memory"),
        }
    }
}

// Not inlined, so that it has one address in most programs.
#[inline(never)]
fn id_of<E: 'static>() -> TypeId {
    TypeId::of::<E>()
}

/// How many slots an ordinary block has.
const fn slots(stride: usize) -> usize {
    match BLOCK_BYTES / stride {
        0 => 1,
        many if many > BLOCK_SLOTS => BLOCK_SLOTS,
        some => some,
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTS, HEADER, SLOT, Shape};

    fn lies_well<E: 'static>() {
        let shape = Shape::of::<E>();
        assert!(shape.value >= SLOT.size(), "what is said of the event has room");
        assert!(shape.stride - shape.value >= size_of::<E>(), "so has the event");
        for slots in [1, shape.slots()] {
            let (layout, first) = (shape.layout(slots), shape.offset(slots, 0));
            assert!(first >= HEADER.size(), "the header has room");
            assert!(layout.size() >= shape.offset(slots, slots), "so have the slots");
            assert!(layout.align() >= HEADER.align());
            if shape.is_sharded(slots) {
                assert!(shape.shards() >= shape.offset(slots, slots));
                assert!(layout.size() >= shape.shards() + COUNTS.size(), "so have the shards");
                assert_eq!(
                    (shape.shards() % COUNTS.align(), layout.align() % COUNTS.align()),
                    (0, 0)
                );
            }
            for offset in [first, shape.stride, layout.align()] {
                assert_eq!(offset % SLOT.align(), 0, "every slot is aligned");
            }
            for offset in [first + shape.value, shape.stride, layout.align()] {
                assert_eq!(offset % align_of::<E>(), 0, "so is every event");
            }
        }
    }

    #[test]
    fn all_have_room_and_are_aligned() {
        #[repr(align(4096))]
        struct Page;
        lies_well::<()>();
        lies_well::<u8>();
        lies_well::<[u8; 7]>();
        lies_well::<[u64; 5]>();
        lies_well::<[u8; 1 << 20]>();
        lies_well::<u128>();
        lies_well::<Page>();
    }
}
