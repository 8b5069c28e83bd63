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
    /// How many events are left to lend, and how many more may follow behind a gap.
    left: usize,
    more: usize,
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
        let mut lending = Lending { walk: self, left: 0, more: most, event: PhantomData };
        lending.add_known();
        Some(lending)
    }
}

impl<'a, E: 'static> Lending<'a, E> {
    pub(in crate::log) fn walk(&self) -> &Walk {
        self.walk
    }

    /// How many events are left to lend, at least and at most.
    pub(in crate::log) fn left(&self) -> (usize, usize) {
        let most =
            if self.walk.ends_at_gap() { self.more.saturating_add(self.left) } else { self.left };
        (self.left, most.min(self.walk.left.into()))
    }

    /// Adds the events that are known to be available in the block.
    #[inline]
    fn add_known(&mut self) {
        let known = usize::try_from(self.walk.known()).unwrap_or(usize::MAX);
        self.left = self.more.min(known).min(self.walk.left.into());
        self.more -= self.left;
    }

    /// Continues after the gap at which it ends, if that is closed and ends in the same block.
    /// Returns the same as [`Walk::pass_gap`].
    #[cold]
    pub(in crate::log) fn pass_gap(&mut self) -> Option<(u64, u64)> {
        if self.more == 0 || self.walk.position != self.walk.progress.next_gap() {
            return None;
        }
        let passed = self.walk.pass_gap(true)?;
        self.walk.look();
        self.add_known();
        Some(passed)
    }

    /// Takes the next event.
    pub(in crate::log) fn take(&mut self) -> Option<Loan<'a, Kept<E>>> {
        self.left = self.left.checked_sub(1)?;
        let place = self.walk.next;
        // SAFETY: a lending is of slots of one block, which is for events of type `E`. The reader's
        // share of the event goes over. The block stays pinned for `'a`: for so long the walk is
        // borrowed, and takes no steps but these and those over gaps that end in the block.
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

    pub(in crate::log) fn cursors(&self) -> &[LogCursor] {
        self.cursors
    }

    /// Continues after the gap that the cursor of this index has reached, if that is closed and ends
    /// in the same block.
    pub(crate) fn pass_gap(&mut self, index: usize) -> bool {
        let Some(cursor) = self.cursors.get_mut(index) else { return false };
        let passed = cursor.walk.pass_gap(true);
        passed.map(|passed| cursor.note_passed(passed)).is_some()
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
        // and none of these leaves a block any more; nor do those over gaps.
        unsafe {
            walk.pass(walk.stride as usize);
            Some(Loan::take_over(place))
        }
    }
}
