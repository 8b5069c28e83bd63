//! Handles: an event in somebody's hands.
//!
//! A handle is one pointer, to the event's slot, like an `Arc`; the slot knows its block.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::Stamp;
use super::block::{Address, Pin, Shape};
use super::slot::Place;

/// An event that is kept: one owner of its value, with a pin on its block.
#[derive(Debug)]
pub(crate) struct Held(Place);

/// As [`Held`], of a known type.
pub(crate) struct Kept<E: 'static> {
    place: Place,
    event: PhantomData<fn() -> E>,
}

/// An event that its reader looks at: lent by the block that it lies in, or kept.
pub(crate) struct Lent<'a, E: 'static> {
    place: Place,
    owner: Owner,
    event: PhantomData<&'a E>,
}

/// Who pins the block of an event that is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The tap, while it is borrowed.
    Reader,
    /// The handle itself.
    Handle,
}

/// Removes a pin when dropped, also if the event's destructor panics.
struct Unpin(Address);

impl Drop for Unpin {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: it is made by whoever gives up a pin.
        unsafe { self.0.unpin(1) }
    }
}

impl Held {
    /// Keeps an event in a block of its own.
    pub(crate) fn new<E: Send + Sync + 'static>(stamp: Stamp, event: E) -> Self {
        let pin = ManuallyDrop::new(Pin::single(Shape::of::<E>()));
        let place = pin.place(0);
        // SAFETY: the block was made for an `E`, and nobody else has it.
        unsafe { place.write(1, stamp, event) };
        Self(place)
    }

    /// # Safety
    ///
    /// The caller is an owner of the event at `place`, with a pin on its block, and hands both
    /// over.
    #[inline]
    pub(super) unsafe fn take_over(place: Place) -> Self {
        Self(place)
    }

    #[inline]
    fn block(&self) -> Address {
        // SAFETY: the slot was written, and the block is pinned.
        unsafe { self.0.block() }
    }

    #[inline]
    pub(crate) fn stamp(&self) -> &Stamp {
        // SAFETY: as above.
        unsafe { self.0.stamp() }
    }

    /// Whether the event is an `E`.
    #[inline]
    pub(crate) fn is<E: 'static>(&self) -> bool {
        // SAFETY: the block is pinned.
        unsafe { self.block().is_for::<E>() }
    }

    /// The event, if it is an `E`.
    #[inline]
    pub(crate) fn get<E: 'static>(&self) -> Option<&E> {
        // SAFETY: it is an `E`, and this is an owner.
        self.is::<E>().then(|| unsafe { self.0.value() })
    }

    /// The event as an `E`, if it is one.
    #[inline]
    pub(crate) fn downcast<E: 'static>(self) -> Result<Kept<E>, Self> {
        if !self.is::<E>() {
            return Err(self);
        }
        // SAFETY: it is an `E`, and what the handle owned is handed over.
        Ok(unsafe { Kept::take_over(ManuallyDrop::new(self).0) })
    }

    /// Whether both are the same event.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Clone for Held {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: this is an owner, with a pin on the block.
        unsafe {
            self.0.retain(self.block().shape());
            self.block().pin_again();
        }
        Self(self.0)
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        let unpin = Unpin(self.block());
        // SAFETY: this is an owner, which is gone after this.
        unsafe { self.0.release(unpin.0.shape()) };
    }
}

impl<E: 'static> Kept<E> {
    /// # Safety
    ///
    /// As [`Held::take_over`], and the event is an `E`.
    #[inline]
    pub(super) unsafe fn take_over(place: Place) -> Self {
        Self { place, event: PhantomData }
    }

    #[inline]
    pub(crate) fn stamp(&self) -> &Stamp {
        // SAFETY: the slot was written, and the block is pinned.
        unsafe { self.place.stamp() }
    }
}

impl<E: 'static> Deref for Kept<E> {
    type Target = E;

    #[inline]
    fn deref(&self) -> &E {
        // SAFETY: it is an `E`, and this is an owner.
        unsafe { self.place.value() }
    }
}

/// As an `Arc` does, it shows the event.
impl<E: fmt::Debug + 'static> fmt::Debug for Kept<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(self, f)
    }
}

impl<E: 'static> Clone for Kept<E> {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: this is an owner of an `E`, with a pin on the block.
        unsafe {
            self.place.retain(Shape::of::<E>());
            self.place.block().pin_again();
        }
        Self { place: self.place, event: PhantomData }
    }
}

impl<E: 'static> Drop for Kept<E> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is an owner of an `E`, with a pin, which is gone after this.
        unsafe {
            let _unpin = Unpin(self.place.block());
            self.place.release(Shape::of::<E>());
        }
    }
}

impl<E: 'static> Lent<'_, E> {
    /// # Safety
    ///
    /// The caller is an owner of the event at `place`, which is an `E`, and hands that over. The
    /// block is pinned for the lifetime.
    #[inline]
    pub(super) unsafe fn by_reader(place: Place) -> Self {
        Self { place, owner: Owner::Reader, event: PhantomData }
    }

    #[inline]
    pub(crate) fn stamp(&self) -> &Stamp {
        // SAFETY: the slot was written, and the block is pinned.
        unsafe { self.place.stamp() }
    }

    /// Keeps the event.
    pub(crate) fn into_kept(self) -> Kept<E> {
        let this = ManuallyDrop::new(self);
        // SAFETY: this is an owner of an `E`, and hands that over with a pin: its own or, where it
        // is lent and the block is pinned by the tap, another.
        unsafe {
            if this.owner == Owner::Reader {
                this.place.block().pin_again();
            }
            Kept::take_over(this.place)
        }
    }
}

impl<E: 'static> From<Kept<E>> for Lent<'_, E> {
    fn from(kept: Kept<E>) -> Self {
        Self { place: ManuallyDrop::new(kept).place, owner: Owner::Handle, event: PhantomData }
    }
}

impl<E: 'static> Deref for Lent<'_, E> {
    type Target = E;

    #[inline]
    fn deref(&self) -> &E {
        // SAFETY: it is an `E`, and this is an owner.
        unsafe { self.place.value() }
    }
}

/// As a reference does, it shows the event.
impl<E: fmt::Debug + 'static> fmt::Debug for Lent<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(self, f)
    }
}

impl<E: 'static> Drop for Lent<'_, E> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is an owner of an `E`; where it is a handle it has a pin, otherwise the
        // block is pinned by the tap.
        unsafe {
            let _unpin = (self.owner == Owner::Handle).then(|| Unpin(self.place.block()));
            self.place.release(Shape::of::<E>());
        }
    }
}
