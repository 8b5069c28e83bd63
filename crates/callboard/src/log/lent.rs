//! An event that its reader looks at.

use std::fmt;
use std::ops::Deref;

use super::memory::{Kept, Loan};

/// An event that its reader looks at: lent by the block that it lies in, or kept.
pub(crate) enum Lent<'a, E: 'static> {
    Loan(Loan<'a, E>),
    Kept(Kept<E>),
}

impl<E: 'static> Lent<'_, E> {
    /// Keeps the event.
    #[inline]
    pub(crate) fn into_kept(self) -> Kept<E> {
        match self {
            Self::Loan(loan) => loan.into_kept(),
            Self::Kept(kept) => kept,
        }
    }
}

impl<E: 'static> Deref for Lent<'_, E> {
    type Target = Kept<E>;

    #[inline]
    fn deref(&self) -> &Kept<E> {
        match self {
            Self::Loan(loan) => loan,
            Self::Kept(kept) => kept,
        }
    }
}

/// As a reference does, it shows the event.
impl<E: fmt::Debug + 'static> fmt::Debug for Lent<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(self, f)
    }
}

/// As an `Arc` does, it shows the event.
impl<E: fmt::Debug + 'static> fmt::Debug for Kept<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(self, f)
    }
}
