//! Slots: an event in its block, with its metadata and its count of owners.

use std::ptr::NonNull;

use super::block::Address;
use crate::log::{Payload, Shape, Stamp};
use crate::sync::{Access, AtomicU32, Ordering};

/// What precedes an event in its slot.
pub(in crate::log) struct Slot {
    /// How many owners the value has, if it has a destructor: readers that have not reached it, and
    /// handles. The last owner drops it.
    owners: AtomicU32,
    /// From the start of the block to this slot.
    offset: u32,
    stamp: Stamp,
    /// Reports accesses to the stamp and the event to a model checker.
    access: Access,
}

impl Slot {
    /// A slot without an event, at this offset in its block.
    pub(super) fn at(offset: u32) -> Self {
        let (owners, stamp, access) = (AtomicU32::new(0), Stamp::NONE, Access::new());
        Self { owners, offset, stamp, access }
    }
}

/// Drops in place a value that is no longer used.
pub(in crate::log) type DropGlue = unsafe fn(NonNull<u8>);

/// The drop glue of `E`, if it has any.
pub(in crate::log) const fn drop_glue<E>() -> Option<DropGlue> {
    // SAFETY: the caller's promise: it is a valid `E` that nobody uses any more.
    let drop: DropGlue = |value| unsafe { value.cast::<E>().drop_in_place() };
    if std::mem::needs_drop::<E>() { Some(drop) } else { None }
}

/// The address of a slot, without a claim on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(pub(super) NonNull<Slot>);

// SAFETY: a place alone gives access to nothing.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl Place {
    /// Writes an event and its stamp.
    ///
    /// # Safety
    ///
    /// The slot is one of a block shaped for `E`; it is not in use, and nobody else looks at it
    /// yet.
    #[inline(always)]
    pub(super) unsafe fn write<E: Payload>(self, owners: usize, stamp: Stamp, event: E) {
        // SAFETY: the caller's promise; the value lies behind the slot as its shape says. (A bus
        // has no room for enough readers to overflow the count.)
        unsafe {
            self.0.as_ref().access.write();
            self.0.as_ref().owners.store(owners as u32, Ordering::Relaxed);
            (*self.0.as_ptr()).stamp = stamp;
            self.0.byte_add(Shape::of::<E>().value).cast::<E>().write(event);
        }
    }

    /// The slot after this one.
    ///
    /// # Safety
    ///
    /// The slot is one of a block whose slots are this far apart.
    #[inline]
    pub(super) unsafe fn behind(self, stride: usize) -> Self {
        // SAFETY: the end of a slot is inside its block, or one byte behind it.
        Self(unsafe { self.0.byte_add(stride) })
    }

    /// The block that contains the slot.
    ///
    /// # Safety
    ///
    /// The slot was written, and its block is pinned.
    pub(super) unsafe fn block(self) -> Address {
        // SAFETY: the caller's promise.
        unsafe { Address(self.0.byte_sub(self.0.as_ref().offset as usize).cast()) }
    }

    /// The event's stamp.
    ///
    /// # Safety
    ///
    /// The slot was written, and its block is pinned for `'a`.
    pub(super) unsafe fn stamp<'a>(self) -> &'a Stamp {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref().access.read(&self.0.as_ref().stamp) }
    }

    /// The event.
    ///
    /// # Safety
    ///
    /// As [`stamp`](Self::stamp); the value is an `E`; and if it has a destructor, the caller is
    /// one of its owners for `'a`.
    pub(super) unsafe fn value<'a, E: 'static>(self) -> &'a E {
        // SAFETY: the caller's promise; the value lies behind the slot as its shape says.
        let value = unsafe { self.0.byte_add(Shape::of::<E>().value).cast().as_ref() };
        // SAFETY: likewise.
        unsafe { self.0.as_ref() }.access.read(value)
    }

    /// Adds an owner.
    ///
    /// # Safety
    ///
    /// The caller is an owner, and the slot lies in a block of this shape.
    #[inline]
    pub(super) unsafe fn retain(self, shape: &Shape) {
        if shape.drop.is_some() {
            // SAFETY: an owner has a pin.
            let owners = unsafe { &self.0.as_ref().owners };
            // Ordering: Relaxed, as in `Arc`: the caller is an owner. Only a program that leaks handles
            // in a loop overflows the count.
            if owners.fetch_add(1, Ordering::Relaxed) > u32::MAX / 2 {
                std::process::abort();
            }
        }
    }

    /// Gives up ownership; the last owner drops the value, which runs user code.
    ///
    /// # Safety
    ///
    /// The caller is an owner, with a pin on the block, and the slot lies in a block of this shape.
    #[inline]
    pub(super) unsafe fn release(self, shape: &Shape) {
        if let Some(drop) = shape.drop {
            // SAFETY: an owner has a pin.
            let owners = unsafe { &self.0.as_ref().owners };
            // Ordering: Release pairs with the Acquire of the last owner, as in `Arc`: every use
            // of the value comes before it is dropped.
            if owners.fetch_sub(1, Ordering::AcqRel) == 1 {
                // SAFETY: nobody uses the value any more.
                unsafe {
                    self.0.as_ref().access.write();
                    drop(self.0.byte_add(shape.value).cast());
                }
            }
        }
    }
}
