//! Handles: each keeps one event.
//!
//! A handle is one pointer to the event's slot, like an `Arc`; the slot knows its block.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::block::{Address, Pin};
use super::shard::{Shard, Share, Tagged};
use super::slot::Place;
use crate::log::{Payload, Shape, Stamp};

/// A handle that keeps an event: one owner of its value, and a part in the pins of its block. Two
/// are equal if they keep the same event.
#[derive(Debug)]
pub(crate) struct Held(Tagged);

/// Like [`Held`], of a known type.
pub(crate) struct Kept<E: 'static>(ManuallyDrop<Held>, PhantomData<fn() -> E>);

/// An event lent by its block: one owner of its value, without a pin.
pub(crate) struct Loan<'a, E: 'static>(ManuallyDrop<Kept<E>>, PhantomData<&'a E>);

impl Held {
    /// Keeps an event in a block of its own.
    pub(crate) fn new<E: Payload>(stamp: Stamp, event: E) -> Self {
        let pin = ManuallyDrop::new(Pin::single(Shape::of::<E>()));
        let place = pin.place(0);
        // SAFETY: the block was made for an `E`, and nobody else has it.
        unsafe { place.write(1, stamp, event) };
        Self(Tagged::new(place, Shard::NONE))
    }

    /// # Safety
    ///
    /// The caller is an owner of the event at `place`, with a handle counted in this shard of its
    /// block, and hands both over.
    #[inline]
    pub(super) unsafe fn take_over(place: Place, shard: Shard) -> Self {
        Self(Tagged::new(place, shard))
    }

    fn block(&self) -> Address {
        // SAFETY: the slot was written, and the block is pinned.
        unsafe { self.0.place().block() }
    }

    #[inline]
    pub(crate) fn stamp(&self) -> &Stamp {
        // SAFETY: as above.
        unsafe { self.0.place().stamp() }
    }

    /// Whether the event is an `E`.
    pub(crate) fn is<E: 'static>(&self) -> bool {
        // SAFETY: the block is pinned.
        unsafe { self.block().header() }.shape.is_for::<E>()
    }

    /// The event, if it is an `E`.
    pub(crate) fn get<E: 'static>(&self) -> Option<&E> {
        // SAFETY: it is an `E`, and this is an owner.
        self.is::<E>().then(|| unsafe { self.0.place().value() })
    }

    /// The event as an `E`, if it is one.
    pub(crate) fn downcast<E: 'static>(self) -> Result<Kept<E>, Self> {
        if self.is::<E>() { Ok(Kept(ManuallyDrop::new(self), PhantomData)) } else { Err(self) }
    }
}

impl Clone for Held {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: this is an owner, with a pin on the block.
        unsafe {
            let (block, place) = (self.block(), self.0.place());
            let shape = block.header().shape;
            place.retain(shape);
            self.0.shard().add(block, shape, 1);
        }
        Self(self.0)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.0.place() == other.0.place()
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is an owner, with a part in the pins, and both are gone after this. The part
        // is given up last, even if the event's destructor panics.
        unsafe {
            let shape = self.block().header().shape;
            let _share = Share::of(self.0, shape);
            self.0.place().release(shape);
        }
    }
}

impl<E: 'static> Kept<E> {
    pub(crate) fn stamp(&self) -> &Stamp {
        self.0.stamp()
    }
}

impl<E: 'static> Deref for Kept<E> {
    type Target = E;

    fn deref(&self) -> &E {
        // SAFETY: it is an `E`, and this is an owner.
        unsafe { self.0.0.place().value() }
    }
}

impl<E: 'static> Clone for Kept<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<E: 'static> Drop for Kept<E> {
    fn drop(&mut self) {
        // SAFETY: as for `Held`, which is not dropped as well; and it is an `E`, so its destructor
        // need not be looked up.
        unsafe {
            let _share = Share::of(self.0.0, Shape::of::<E>());
            self.0.0.place().release(Shape::of::<E>());
        }
    }
}

impl<E: 'static> Loan<'_, E> {
    /// # Safety
    ///
    /// The caller is an owner of the event at `place`, which is an `E`, and hands that over. The
    /// block is pinned for the lifetime.
    pub(super) unsafe fn take_over(place: Place) -> Self {
        // It has no pin of its own: the lifetime guarantees one.
        let held = Held(Tagged::new(place, Shard::NONE));
        Self(ManuallyDrop::new(Kept(ManuallyDrop::new(held), PhantomData)), PhantomData)
    }

    /// Keeps the event.
    pub(crate) fn into_kept(self) -> Kept<E> {
        let held = Held(ManuallyDrop::new(self).0.0.0);
        // SAFETY: the block is pinned for the lifetime, and now once more.
        unsafe { held.block().header() }.add_pins(1);
        Kept(ManuallyDrop::new(held), PhantomData)
    }
}

impl<E: 'static> Deref for Loan<'_, E> {
    type Target = Kept<E>;

    fn deref(&self) -> &Kept<E> {
        &self.0
    }
}

impl<E: 'static> Drop for Loan<'_, E> {
    fn drop(&mut self) {
        // SAFETY: this is an owner of an `E`, which is gone after this.
        unsafe { self.0.0.0.place().release(Shape::of::<E>()) }
    }
}
