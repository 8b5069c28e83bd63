//! An event that its reader borrows.

use std::fmt;
use std::ops::Deref;

use super::memory::{Kept, Loan};

/// An event that its reader borrows: lent by its block, or kept.
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

/// Shows the event, like a reference.
impl<E: fmt::Debug + 'static> fmt::Debug for Lent<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(self, f)
    }
}

/// Shows the event, like an `Arc`.
impl<E: fmt::Debug + 'static> fmt::Debug for Kept<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        E::fmt(self, f)
    }
}
