//! Lending events: a reader that lets others only borrow its events counts no handles.
//!
//! A loan is an owner of its event, but has no pin. What keeps the block is the cursor, which stays
//! in it for as long as it is borrowed.

use std::marker::PhantomData;

use super::handle::{Held, Kept, Loan};
use super::walk::Walk;
use crate::log::{LogCursor, Shape};

/// Several events in one block, to be lent while the walk is borrowed.
#[derive(Debug)]
pub(in crate::log) struct Lending<'a, E: 'static> {
    walk: &'a mut Walk,
    left: usize,
    event: PhantomData<&'a E>,
}

/// Events of several logs, to be lent while their cursors are borrowed.
#[derive(Debug)]
pub(crate) struct Lendings<'a> {
    cursors: &'a mut [LogCursor],
    /// Whether an event was lent: from then on, no cursor leaves its block.
    began: bool,
}

impl Walk {
    /// The events that are known to be available, up to `most` and to the end of their block, if
    /// they are of type `E`.
    #[inline]
    pub(in crate::log) fn lend<E: 'static>(&mut self, most: usize) -> Option<Lending<'_, E>> {
        self.enter()?;
        if !self.block.as_ref()?.header().shape.is_for::<E>() {
            return None;
        }
        let known = usize::try_from(self.known()).unwrap_or(usize::MAX);
        let left = most.min(known).min(self.left.into());
        Some(Lending { walk: self, left, event: PhantomData })
    }
}

impl<'a, E: 'static> Lending<'a, E> {
    /// The walk, and how many events are left to lend.
    pub(in crate::log) fn walk(&self) -> (&Walk, usize) {
        (self.walk, self.left)
    }

    /// Takes the next event.
    pub(in crate::log) fn take(&mut self) -> Option<Loan<'a, Kept<E>>> {
        self.left = self.left.checked_sub(1)?;
        let place = self.walk.next;
        // SAFETY: a lending is of slots of one block, which is for events of type `E`. The reader's
        // share of the event goes over. The block stays pinned for `'a`: for so long the walk is
        // borrowed, and takes no step but these.
        unsafe {
            self.walk.pass(Shape::of::<E>().stride);
            Some(Loan::take_over(place))
        }
    }
}

impl<'a> Lendings<'a> {
    pub(in crate::log) fn new(cursors: &'a mut [LogCursor]) -> Self {
        Self { cursors, began: false }
    }

    /// The cursor of this index.
    #[inline]
    pub(crate) fn cursor(&self, index: usize) -> Option<&LogCursor> {
        self.cursors.get(index)
    }

    /// Takes the next event of the cursor of this index, if that is known to be available; but not
    /// from another block, if an event was lent.
    #[inline]
    pub(in crate::log) fn take(&mut self, index: usize) -> Option<Loan<'a, Held>> {
        let walk = &mut self.cursors.get_mut(index)?.walk;
        if self.began && walk.left == 0 {
            return None;
        }
        let place = walk.enter()?;
        self.began = true;
        // SAFETY: the slot was written, and the reader's share of its event goes over. The block
        // stays pinned for `'a`: for so long all cursors are borrowed, they take no step but these,
        // and none of these leaves a block any more.
        unsafe {
            walk.pass(walk.stride as usize);
            Some(Loan::take_over(place))
        }
    }
}
