//! Blocks: the memory that holds events, and the pins that keep it.

use std::alloc::handle_alloc_error;
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};

use super::pool::Pool;
use super::shard::{Count, SHARDS, Shard};
use super::slot::{Place, Slot};
use crate::log::Shape;
use crate::sync::{Access, Arc, AtomicPtr, AtomicU32, Ordering, alloc, dealloc};

/// What precedes the slots of a block.
pub(in crate::log) struct Header {
    /// How many pins there are: the block is returned when the last is removed.
    pins: AtomicU32,
    slots: u32,
    /// The block after this one. The address doesn't pin that block: a reader that follows it has a
    /// pin on the block already.
    pub(super) next: AtomicPtr<Self>,
    /// The type and layout of the events.
    pub(super) shape: &'static Shape,
    /// Where the block goes when it is returned. Accessed only by the thread that has just made the
    /// block or removed its last pin.
    pool: UnsafeCell<Option<Arc<Pool>>>,
    access: Access,
}

/// A block's address, without a claim on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub(super) NonNull<Header>);

/// One pin on a block, which keeps the block as it is until the pin is dropped.
#[derive(Debug)]
pub(in crate::log) struct Pin(pub(super) Address);

// SAFETY: an address alone gives access to nothing. A pin gives access to the header, all of whose
// parts but `pool` may be used from any thread, and `pool` by its own rule; and to events, which
// are `Send` and `Sync` (`Place::write`).
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Header {
    pub(super) fn slots(&self) -> usize {
        self.slots as usize
    }

    /// Adds pins, to be [claimed](Address::claim) later or to become those of a handle.
    #[inline]
    pub(super) fn add_pins(&self, pins: u32) {
        // Ordering: Relaxed, as in `Arc`: the caller holds a pin. Only a program that leaks handles in
        // a loop gets here; it is stopped before the count could wrap.
        if self.pins.fetch_add(pins, Ordering::Relaxed) > u32::MAX / 2 {
            std::process::abort();
        }
    }
}

impl Pin {
    /// Takes a block of a log from the pool, or makes one that will return to the pool. The block
    /// is for one event if `small`. It has `pins` pins: one is returned, the others are to be
    /// [claimed](Address::claim).
    pub(super) fn from_pool(
        pool: &Arc<Pool>,
        shape: &'static Shape,
        small: bool,
        pins: usize,
    ) -> Self {
        let small = small && shape.slots() > 1;
        let slots = if small { 1 } else { shape.slots() };
        let block = pool.take(small).unwrap_or_else(|| {
            if shape.is_pooled() {
                pool.count(small).fetch_add(1, Ordering::Relaxed);
            }
            Self::allocate(shape, slots)
        });
        // A bus has no room for enough readers to overflow the count.
        let pins = pins as u32;
        // SAFETY: the block is new, or was in the pool: nobody else has it.
        unsafe { block.ready(pins, shape.is_pooled().then(|| Arc::clone(pool))) }
    }

    /// A block for a single event.
    pub(super) fn single(shape: &'static Shape) -> Self {
        // SAFETY: the block is new.
        unsafe { Self::allocate(shape, 1).ready(1, None) }
    }

    fn allocate(shape: &'static Shape, slots: usize) -> Address {
        let layout = shape.layout(slots);
        // SAFETY: the layout is not empty, since it holds a header.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else {
            handle_alloc_error(layout);
        };
        let (pins, next) = (AtomicU32::new(0), AtomicPtr::new(ptr::null_mut()));
        let (pool, access) = (UnsafeCell::new(None), Access::new());
        // There are few slots in a block.
        let header = Header { pins, slots: slots as u32, next, shape, pool, access };
        let block = memory.cast::<Header>();
        // SAFETY: the memory is ours, and large and aligned enough for a header.
        unsafe { block.write(header) };
        for index in 0..slots {
            let offset = shape.offset(slots, index);
            // SAFETY: the block has room for all its slots, and is ours. A block of several slots
            // is small, and an alignment is below 4 GiB, so that the offset fits.
            unsafe { memory.byte_add(offset).cast().write(Slot::at(offset as u32)) };
        }
        if shape.is_sharded(slots) {
            // SAFETY: such a block has room for its shards, and is ours.
            unsafe { memory.byte_add(shape.shards()).cast().write(<[Count; SHARDS]>::default()) };
        }
        Address(block)
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: the block is there as long as this pin is.
        unsafe { self.0.header() }
    }

    /// One more pin on the block.
    pub(super) fn another(&self) -> Self {
        self.header().add_pins(1);
        // SAFETY: it was added just now.
        unsafe { self.0.claim() }
    }

    /// The slot of this index.
    #[inline]
    pub(super) fn place(&self, index: usize) -> Place {
        assert!(index < self.header().slots(), "a block has no slot {index}");
        // SAFETY: the block is pinned, and has the slot.
        unsafe { self.0.place(index) }
    }

    /// The shard that counts a reader's handles: its own, if the block has shards.
    pub(super) fn shard(&self, own: Shard) -> Shard {
        let header = self.header();
        if header.shape.is_sharded(header.slots()) { own } else { Shard::NONE }
    }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the pin is gone after this.
        unsafe { self.0.unpin(1) }
    }
}

impl Address {
    /// Takes over a pin that was added for the caller.
    ///
    /// # Safety
    ///
    /// There is such a pin, and nobody else takes it over.
    pub(super) unsafe fn claim(self) -> Pin {
        Pin(self)
    }

    /// The block's header.
    ///
    /// # Safety
    ///
    /// The block is pinned for `'a`, or nobody else has it.
    pub(super) unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: the caller's promise; a header was written when the block was made.
        unsafe { self.0.as_ref() }
    }

    /// The slot of this index.
    ///
    /// # Safety
    ///
    /// The block is pinned, and has such a slot.
    pub(super) unsafe fn place(self, index: usize) -> Place {
        // SAFETY: the caller's promise; a block has room for all its slots.
        unsafe {
            let header = self.header();
            Place(self.0.byte_add(header.shape.offset(header.slots(), index)).cast())
        }
    }

    /// Makes a block ready for use.
    ///
    /// # Safety
    ///
    /// Nobody else has the block: it is new, or was in a pool.
    unsafe fn ready(self, pins: u32, pool: Option<Arc<Pool>>) -> Pin {
        // SAFETY: the caller's promise.
        unsafe {
            self.header().pins.store(pins, Ordering::Relaxed);
            self.header().next.store(ptr::null_mut(), Ordering::Relaxed);
            self.header().access.write();
            *self.header().pool.get() = pool;
        }
        Pin(self)
    }

    /// Removes pins; removing the last one returns the block.
    ///
    /// # Safety
    ///
    /// The pins are the caller's to remove.
    #[inline]
    pub(super) unsafe fn unpin(self, pins: u32) {
        // SAFETY: the block is there as long as a pin is.
        let header = unsafe { self.header() };
        // Ordering: Release pairs with the Acquire of the thread that removes the last pin, as in `Arc`:
        // every use of the block comes before it is reused.
        if header.pins.fetch_sub(pins, Ordering::AcqRel) == pins {
            // SAFETY: nobody has the block now.
            unsafe { self.recycle() }
        }
    }

    /// # Safety
    ///
    /// The last pin is gone.
    #[cold]
    unsafe fn recycle(self) {
        // SAFETY: nobody else has the block.
        let header = unsafe { self.header() };
        header.access.write();
        let (shape, slots) = (header.shape, header.slots());
        // SAFETY: as above.
        let pool = unsafe { (*header.pool.get()).take() };
        // In the pool, the block must not keep the pool alive; if this drops the pool, the block is
        // freed with it.
        let rest = pool.as_ref().map_or(Some(self), |pool| {
            let small = slots < shape.slots();
            let rest = pool.put(self, small);
            if rest.is_some() {
                pool.count(small).fetch_sub(1, Ordering::Relaxed);
            }
            rest
        });
        if let Some(block) = rest {
            // SAFETY: as above.
            unsafe { block.free() }
        }
    }

    /// # Safety
    ///
    /// Nobody else has the block.
    pub(super) unsafe fn free(self) {
        // SAFETY: nobody else has the block, which was allocated with this layout. Its values are
        // dropped: their owners held pins.
        unsafe {
            let header = self.0.read();
            if header.shape.is_sharded(header.slots()) {
                self.0.byte_add(header.shape.shards()).cast::<[Count; SHARDS]>().drop_in_place();
            }
            dealloc(self.0.as_ptr().cast(), header.shape.layout(header.slots()));
        }
    }
}
