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

/// An event that its reader borrows: one owner of its value, usually without a pin.
pub(crate) struct Loan<'a, H: Handle> {
    handle: ManuallyDrop<H>,
    /// Whether it has a pin. Usually the compiler knows.
    pinned: bool,
    block: PhantomData<&'a H>,
}

/// [`Held`] or [`Kept`].
pub(crate) trait Handle {
    fn held(&self) -> &Held;

    fn shape(&self) -> &'static Shape;

    /// # Safety
    ///
    /// The event is of the handle's type, if that is known.
    unsafe fn of(held: Held) -> Self;
}

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
    #[inline]
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

impl Handle for Held {
    fn held(&self) -> &Held {
        self
    }

    #[inline]
    fn shape(&self) -> &'static Shape {
        // SAFETY: the block is pinned.
        unsafe { self.block().header() }.shape
    }

    #[inline]
    unsafe fn of(held: Held) -> Self {
        held
    }
}

impl<E: 'static> Handle for Kept<E> {
    fn held(&self) -> &Held {
        &self.0
    }

    #[inline]
    fn shape(&self) -> &'static Shape {
        Shape::of::<E>()
    }

    #[inline]
    unsafe fn of(held: Held) -> Self {
        Self(ManuallyDrop::new(held), PhantomData)
    }
}

impl<'a, H: Handle> Loan<'a, H> {
    /// # Safety
    ///
    /// The caller is an owner of the event at `place`, of the handle's type, and hands that over.
    /// The block is pinned for the lifetime.
    #[inline]
    pub(super) unsafe fn take_over(place: Place) -> Self {
        // SAFETY: the caller's promise.
        Self::new(unsafe { H::of(Held(Tagged::new(place, Shard::NONE))) }, false)
    }

    fn new(handle: H, pinned: bool) -> Self {
        Self { handle: ManuallyDrop::new(handle), pinned, block: PhantomData }
    }

    /// Keeps the event.
    pub(crate) fn keep(self) -> H {
        let loan = ManuallyDrop::new(self);
        let held = Held(loan.handle.held().0);
        if !loan.pinned {
            // SAFETY: the block is pinned for the lifetime.
            unsafe { held.block().header() }.add_pins(1);
        }
        // SAFETY: the event is of the handle's type, as before.
        unsafe { H::of(held) }
    }
}

impl<'a> Loan<'a, Held> {
    /// The event as an `E`, if it is one.
    #[inline]
    pub(crate) fn downcast<E: 'static>(self) -> Result<Loan<'a, Kept<E>>, Self> {
        if !self.is::<E>() {
            return Err(self);
        }
        let loan = ManuallyDrop::new(self);
        // SAFETY: it is an `E`.
        Ok(Loan::new(unsafe { Kept::of(Held(loan.handle.0)) }, loan.pinned))
    }
}

impl<H: Handle> From<H> for Loan<'_, H> {
    fn from(handle: H) -> Self {
        Self::new(handle, true)
    }
}

impl<H: Handle> Deref for Loan<'_, H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.handle
    }
}

impl<H: Handle> Drop for Loan<'_, H> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is an owner, which is gone after this; the block, which is pinned, has this
        // shape.
        unsafe {
            if self.pinned {
                ManuallyDrop::drop(&mut self.handle);
            } else {
                self.handle.held().0.place().release(self.handle.shape());
            }
        }
    }
}
