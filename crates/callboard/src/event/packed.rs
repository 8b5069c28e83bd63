//! A number or a box, packed into one word.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// Nothing, a number that fits a word without its lowest bit, or a box.
///
/// A box is aligned to at least two bytes, so the lowest bit of its address is 0; a number is
/// stored shifted left, with a lowest bit of 1.
pub(super) struct Packed<T>(Option<NonNull<Wide<T>>>, PhantomData<Box<T>>);

/// The contents of a [`Packed`].
pub(super) enum Unpacked<'a, T> {
    Nothing,
    Number(u64),
    Boxed(&'a T),
}

/// Gives any `T` an alignment that leaves the lowest bit of its address free.
#[derive(Clone)]
#[repr(align(2))]
struct Wide<T>(T);

// SAFETY: it owns its `T`, as a box does, or nothing that is shared.
unsafe impl<T: Send> Send for Packed<T> {}
// SAFETY: as above; a shared reference gives access to a `&T` and no more.
unsafe impl<T: Sync> Sync for Packed<T> {}

impl<T> Packed<T> {
    pub(super) const NOTHING: Self = Self(None, PhantomData);

    /// A number; `None` if it is too large.
    #[inline]
    pub(super) fn number(number: u64) -> Option<Self> {
        let bits = usize::try_from(number).ok()?.checked_mul(2)? | 1;
        Some(Self(NonNull::new(ptr::without_provenance_mut(bits)), PhantomData))
    }

    #[cold]
    pub(super) fn boxed(value: T) -> Self {
        Self(Some(NonNull::from(Box::leak(Box::new(Wide(value))))), PhantomData)
    }

    #[inline]
    pub(super) fn get(&self) -> Unpacked<'_, T> {
        let Some(address) = self.0 else { return Unpacked::Nothing };
        match self.as_box() {
            // SAFETY: it was leaked by `boxed`, and this owns it.
            Some(boxed) => Unpacked::Boxed(unsafe { &boxed.as_ref().0 }),
            None => Unpacked::Number((address.addr().get() / 2) as u64),
        }
    }

    /// The address of the box, if it is one.
    #[inline]
    fn as_box(&self) -> Option<NonNull<Wide<T>>> {
        self.0.filter(|address| address.addr().get() % 2 == 0)
    }
}

impl<T: Clone> Clone for Packed<T> {
    #[inline]
    fn clone(&self) -> Self {
        match self.get() {
            Unpacked::Boxed(value) => Self::boxed(value.clone()),
            Unpacked::Nothing | Unpacked::Number(_) => Self(self.0, PhantomData),
        }
    }
}

impl<T> Drop for Packed<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(boxed) = self.as_box() {
            // SAFETY: it was leaked by `boxed`; this owned it, and is gone after this.
            drop(unsafe { Box::from_raw(boxed.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Packed, Unpacked};

    fn number(packed: &Packed<Arc<u8>>) -> Option<u64> {
        match packed.get() {
            Unpacked::Number(number) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn numbers_come_back_as_they_were() {
        for n in [0, 1, 2, u64::from(u32::MAX) / 2, (usize::MAX / 2) as u64] {
            let packed = Packed::number(n).unwrap();
            assert_eq!((number(&packed), number(&packed.clone())), (Some(n), Some(n)));
        }
        assert!(Packed::<u8>::number(usize::MAX as u64 / 2 + 1).is_none(), "it takes every bit");
    }

    #[test]
    fn box_is_dropped_once_with_each_of_its_clones() {
        let value = Arc::new(7);
        let packed = Packed::boxed(Arc::clone(&value));
        let clone = packed.clone();
        assert!(matches!(clone.get(), Unpacked::Boxed(seven) if **seven == 7));
        assert_eq!(Arc::strong_count(&value), 3);
        drop(packed);
        assert_eq!(Arc::strong_count(&value), 2);
        drop(clone);
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(matches!(Packed::<u8>::NOTHING.get(), Unpacked::Nothing));
    }
}
