//! Blocks: the memory that events live in, and who keeps it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::any::TypeId;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use super::pool::Pool;
use super::slot::{Place, Slot};
use crate::sync::{Arc, AtomicPtr, AtomicUsize, Ordering};

/// How an event type lies in a block.
pub(crate) struct Shape {
    id: fn() -> TypeId,
    /// Drops a value in place; `None` if there is nothing to drop.
    pub(super) drop: Option<unsafe fn(NonNull<u8>)>,
    align: usize,
    /// From the start of a block to its first slot.
    first: usize,
    /// From the start of a slot to the value in it, and to the next slot.
    pub(super) value: usize,
    pub(super) stride: usize,
}

/// A block holds about this many bytes...
const BLOCK_BYTES: usize = 4_096;
/// ...and at the most this many events.
const BLOCK_SLOTS: usize = 64;
/// A block of events that are larger is not kept to be used again: to allocate it is little beside
/// filling it.
const POOLED_EVENT: usize = 16_384;
/// A block of several slots starts at a cache line, so that a slot of 64 bytes is one.
const CACHE_LINE: usize = 64;

/// More pins than this can only come of a program that forgets handles in a loop; as in `Arc`, it
/// is stopped before the count could wrap.
const MOST_PINS: usize = isize::MAX.unsigned_abs();

impl Shape {
    /// How an `E` lies.
    #[inline]
    pub(crate) const fn of<E: 'static>() -> &'static Self {
        const { &Self::new::<E>() }
    }

    const fn new<E: 'static>() -> Self {
        let header = size_of::<Slot>();
        let align =
            if align_of::<E>() > align_of::<Slot>() { align_of::<E>() } else { align_of::<Slot>() };
        let value = header.next_multiple_of(align);
        let start = if align > CACHE_LINE { align } else { CACHE_LINE };
        Self {
            id: TypeId::of::<E>,
            drop: if std::mem::needs_drop::<E>() { Some(drop_in_place::<E>) } else { None },
            align,
            first: size_of::<Header>().next_multiple_of(start),
            value,
            stride: (value + size_of::<E>()).next_multiple_of(align),
        }
    }

    pub(super) fn id(&self) -> TypeId {
        (self.id)()
    }

    /// How many slots an ordinary block has.
    fn slots(&self) -> usize {
        (BLOCK_BYTES / self.stride).clamp(1, BLOCK_SLOTS)
    }

    fn layout(&self, slots: usize) -> Layout {
        let align = self.align.max(if slots > 1 { CACHE_LINE } else { align_of::<Header>() });
        let size = self.stride.checked_mul(slots).and_then(|size| size.checked_add(self.first));
        let layout = size.map(|size| Layout::from_size_align(size, align));
        match layout {
            Some(Ok(layout)) => layout,
            // A value of almost `isize::MAX` bytes can't have been made in the first place.
            _ => unreachable!("the event is larger than memory"),
        }
    }
}

unsafe fn drop_in_place<E>(value: NonNull<u8>) {
    // SAFETY: handed on to the caller: it is a valid `E` that nobody uses any more.
    unsafe { value.cast::<E>().drop_in_place() }
}

/// What stands before the slots of a block.
struct Header {
    /// How many pins there are: the block is given back when the last is gone.
    pins: AtomicUsize,
    /// The block that continues this one. It is not pinned by being here: whoever follows it has
    /// a pin on it already.
    next: AtomicPtr<Self>,
    /// The type of the events, and how they lie.
    id: TypeId,
    shape: &'static Shape,
    slots: usize,
    /// Where the block goes when it is given back. Touched by whoever has just made the block, or
    /// has just removed its last pin.
    pool: UnsafeCell<Option<Arc<Pool>>>,
}

/// A block's address, without a claim on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address(NonNull<Header>);

/// One pin on a block: it stays as it is until the pin is dropped.
#[derive(Debug)]
pub(super) struct Pin(NonNull<Header>);

// SAFETY: a pin gives access to the header, all of whose parts but `pool` may be used from any
// thread, and `pool` by its own rule; and to events, which are `Send` and `Sync` (`write`).
unsafe impl Send for Pin {}
// SAFETY: as above.
unsafe impl Sync for Pin {}
// SAFETY: an address alone gives access to nothing.
unsafe impl Send for Address {}

impl Pin {
    /// A block for several events, with `pins` pins, one of which is returned and the others are
    /// yet to be [claimed](Address::claim). It comes from the pool and will go back to it.
    pub(super) fn from_pool(pool: &Arc<Pool>, shape: &'static Shape, pins: usize) -> Self {
        let block = pool.take().unwrap_or_else(|| Self::allocate(shape, shape.slots()));
        let kept = shape.stride <= POOLED_EVENT;
        // SAFETY: the block is new, or was in the pool: nobody else has it.
        unsafe { block.ready(pins, kept.then(|| Arc::clone(pool))) }
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
        let header = Header {
            pins: AtomicUsize::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            id: shape.id(),
            shape,
            slots,
            pool: UnsafeCell::new(None),
        };
        let block = memory.cast::<Header>();
        // SAFETY: the memory is ours, and large and aligned enough for a header.
        unsafe { block.write(header) };
        for index in 0..slots {
            let offset = shape.first + index * shape.stride;
            // A block of several slots is small, and an alignment is below 4 GiB.
            #[expect(clippy::cast_possible_truncation, reason = "it fits, see above")]
            let short = offset as u32;
            // SAFETY: the block has room for all its slots, and is ours.
            unsafe { Place::new(memory.byte_add(offset).cast()).prepare(short) };
        }
        Address(block)
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the block lives as long as this pin, and its header was written when it was made.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(super) fn address(&self) -> Address {
        Address(self.0)
    }

    /// How many slots the block has.
    #[inline]
    pub(super) fn slots(&self) -> usize {
        self.header().slots
    }

    /// Whether the block is for events of type `E`.
    #[inline]
    pub(super) fn is_for<E: 'static>(&self) -> bool {
        self.header().id == TypeId::of::<E>()
    }

    /// Where slot `index` is.
    #[inline]
    pub(super) fn place(&self, index: usize) -> Place {
        let header = self.header();
        assert!(index < header.slots, "a block has no slot {index}");
        let offset = header.shape.first + index * header.shape.stride;
        // SAFETY: a block has room for all its slots.
        Place::new(unsafe { self.0.cast::<u8>().add(offset) }.cast())
    }

    /// Adds pins, to be [claimed](Address::claim) or [removed](Self::remove) later.
    #[inline]
    pub(super) fn add(&self, pins: usize) {
        // Ordering: Relaxed, as in `Arc`: whoever adds a pin has one.
        let before = self.header().pins.fetch_add(pins, Ordering::Relaxed);
        if before > MOST_PINS {
            std::process::abort();
        }
    }

    /// Drops the pin, and `more` pins besides.
    #[inline]
    pub(super) fn remove(self, more: usize) {
        let pin = ManuallyDrop::new(self);
        // SAFETY: the pins are the caller's to remove, and this one is not used again.
        unsafe { pin.address().unpin(1 + more) };
    }

    /// Has `next` continue this block. The writer does so once.
    pub(super) fn set_next(&self, next: &Self) {
        // Ordering: Relaxed; readers load it after they have seen a position beyond this block,
        // and the log's head is released after this.
        self.header().next.store(next.0.as_ptr(), Ordering::Relaxed);
    }

    /// The block that continues this one, if there is one by now.
    #[inline]
    pub(super) fn next(&self) -> Option<Address> {
        NonNull::new(self.header().next.load(Ordering::Relaxed)).map(Address)
    }
}

impl Clone for Pin {
    #[inline]
    fn clone(&self) -> Self {
        self.add(1);
        Self(self.0)
    }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the pin is gone after this.
        unsafe { self.address().unpin(1) }
    }
}

impl Address {
    /// Takes over a pin that was added for the caller.
    ///
    /// # Safety
    ///
    /// There is such a pin, and nobody else takes it over.
    #[inline]
    pub(super) unsafe fn claim(self) -> Pin {
        Pin(self.0)
    }

    /// The block that begins so many bytes before a place in it.
    ///
    /// # Safety
    ///
    /// There is a block there.
    #[inline]
    pub(super) unsafe fn before(place: NonNull<Slot>, offset: usize) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { place.byte_sub(offset) }.cast())
    }

    /// How the events in the block lie.
    ///
    /// # Safety
    ///
    /// The block is pinned.
    #[inline]
    pub(super) unsafe fn shape(self) -> &'static Shape {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref().shape }
    }

    /// Whether the block is for events of type `E`.
    ///
    /// # Safety
    ///
    /// The block is pinned.
    #[inline]
    pub(super) unsafe fn is_for<E: 'static>(self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref().id == TypeId::of::<E>() }
    }

    /// Adds a pin.
    ///
    /// # Safety
    ///
    /// The block is pinned.
    #[inline]
    pub(super) unsafe fn pin_again(self) {
        let pin = ManuallyDrop::new(Pin(self.0));
        pin.add(1);
    }

    /// Makes a block ready for use.
    ///
    /// # Safety
    ///
    /// Nobody else has the block: it is new, or was in a pool.
    unsafe fn ready(self, pins: usize, pool: Option<Arc<Pool>>) -> Pin {
        // SAFETY: the caller's promise.
        let header = unsafe { self.0.as_ref() };
        header.pins.store(pins, Ordering::Relaxed);
        header.next.store(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: likewise.
        unsafe { *header.pool.get() = pool };
        Pin(self.0)
    }

    /// Removes pins; the last one's gives the block back.
    ///
    /// # Safety
    ///
    /// The pins are the caller's to remove.
    #[inline]
    pub(super) unsafe fn unpin(self, pins: usize) {
        // SAFETY: the block is there as long as a pin is.
        let header = unsafe { self.0.as_ref() };
        // Ordering: Release pairs with the Acquire of whoever removes the last pin, as in `Arc`:
        // every use of the block comes before it is used anew.
        if header.pins.fetch_sub(pins, Ordering::AcqRel) == pins {
            // SAFETY: nobody has the block now.
            unsafe { self.give_back() }
        }
    }

    /// # Safety
    ///
    /// The last pin is gone.
    #[cold]
    unsafe fn give_back(self) {
        // SAFETY: nobody else has the block.
        let pool = unsafe { (*self.0.as_ref().pool.get()).take() };
        // In the pool the block must not keep the pool alive; and if this drops the pool, the
        // block goes with it.
        let rest = match &pool {
            Some(pool) => pool.put(self),
            None => Some(self),
        };
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
            dealloc(self.0.as_ptr().cast(), header.shape.layout(header.slots));
        }
    }

    pub(super) fn as_ptr(self) -> *mut () {
        self.0.as_ptr().cast()
    }

    /// # Safety
    ///
    /// The pointer is null or came from [`as_ptr`](Self::as_ptr).
    pub(super) unsafe fn from_ptr(pointer: *mut ()) -> Option<Self> {
        NonNull::new(pointer.cast()).map(Self)
    }
}
