//! A reader's cursor in a log.

use std::ptr::NonNull;

use super::block::{Address, Pin};
use super::handle::Held;
use super::shard::Shard;
use super::slot::Place;
use crate::log::Stamp;
use crate::log::progress::{End, Head, ReaderProgress};
use crate::sync::{Arc, CHECKED, Ordering};

/// A reader's cursor in a log: the place of its next event.
#[derive(Debug)]
pub(in crate::log) struct Walk {
    pub(in crate::log) head: Arc<Head>,
    pub(in crate::log) progress: Arc<ReaderProgress>,
    /// The block that contains the next event, or the last one taken.
    pub(super) block: Option<Pin>,
    /// The slot of the next event, unless that is in the next block.
    pub(super) next: Place,
    /// From one slot to the next.
    pub(super) stride: u32,
    /// The shard for its handles in sharded blocks, and in this block.
    pub(super) own: Shard,
    pub(super) shard: Shard,
    /// How many handles are counted in the block but not handed out yet.
    pub(super) credits: u8,
    /// How many slots of the block are left, including that of the next event.
    pub(super) left: u8,
    /// The position of the next event.
    pub(super) position: u64,
    /// The events before this position are known to be available.
    pub(super) visible: u64,
}

/// How many handles are counted at a time: one atomic operation for this many events handed out.
const CREDITS: u8 = if CHECKED { 2 } else { 64 };

impl Walk {
    pub(in crate::log) fn position(&self) -> u64 {
        self.position
    }

    /// How many events are known to be available.
    pub(in crate::log) fn known(&self) -> u64 {
        self.visible - self.position
    }

    /// Whether the known events end at a gap.
    pub(in crate::log) fn ends_at_gap(&self) -> bool {
        self.visible == self.progress.next_gap()
    }

    /// Checks how many events are available. `None`: the reader is at a gap, and others have gone
    /// on.
    #[inline]
    pub(in crate::log) fn look(&mut self) -> Option<u64> {
        // Ordering: Acquire pairs with the Release in `Fill::write`. What that stored before the
        // head, the next gap among it, is visible from here on.
        let head = self.head.0.0.load(Ordering::Acquire);
        if self.position == head {
            return Some(0);
        }
        let gap = self.progress.next_gap();
        if self.position == gap {
            return None;
        }
        self.visible = head.min(gap);
        Some(self.known())
    }

    /// Continues after the gap that it has reached, if that is closed and, with `stays`, ends in the
    /// same block. Returns the width of the gap in positions, and how many events were lost in it.
    #[cold]
    pub(in crate::log) fn pass_gap(&mut self, stays: bool) -> Option<(u64, u64)> {
        // Ordering: Relaxed. The lock of the gaps shows the gap as it was when the head moved beyond it;
        // `look` acquires the events.
        let revealed = self.head.0.0.load(Ordering::Relaxed);
        let here = |end: &End| self.block.as_ref().is_some_and(|block| block.0.0 == end.pin.0.0);
        let end = self.progress.pass_gap(revealed, |end| !stays || here(end))?;
        let width = end.position - self.position;
        (self.position, self.visible) = (end.position, end.position);
        self.go_on_in(end.pin, end.index);
        Some((width, end.lost))
    }

    /// Continues in another block, at the slot of this index.
    fn go_on_in(&mut self, block: Pin, index: usize) {
        self.leave();
        (self.next, self.shard) = (block.place(index), block.shard(self.own));
        // There are few in a block.
        self.left = (block.header().slots() - index) as u8;
        self.block = Some(block);
    }

    fn leave(&mut self) {
        if let (Some(left), credits @ 1..) = (&self.block, std::mem::take(&mut self.credits)) {
            // SAFETY: they were added by `step`, and have not been handed out.
            unsafe { self.shard.remove(left.0, left.header().shape, credits.into()) };
        }
        self.block = None;
    }

    /// The block after this one, which contains the next event, and on which this reader has a pin.
    fn next_block(&self) -> Option<Address> {
        // The writer added a pin for each reader that flowed when it began the block.
        let next = self.block.as_ref()?.header().next.load(Ordering::Relaxed);
        NonNull::new(next).map(Address)
    }

    /// Continues in the next block, where the next event is known to be.
    #[cold]
    fn go_on(&mut self) -> Option<()> {
        // SAFETY: the pin was added for this reader, which gets the next event.
        let block = unsafe { self.next_block()?.claim() };
        self.go_on_in(block, 0);
        Some(())
    }

    /// The slot of the next event, if that is known to be available. Its block is pinned.
    #[inline]
    pub(super) fn enter(&mut self) -> Option<Place> {
        if self.position >= self.visible {
            return None;
        }
        if self.left == 0 {
            self.go_on()?;
        }
        Some(self.next)
    }

    /// Goes past the slot that it has [entered](Self::enter).
    ///
    /// # Safety
    ///
    /// The slots of the block are this far apart.
    #[inline]
    pub(super) unsafe fn pass(&mut self, stride: usize) {
        (self.left, self.position) = (self.left - 1, self.position + 1);
        // SAFETY: the end of a slot is inside its block, or one byte behind it; there the address is
        // not used.
        self.next = unsafe { self.next.behind(stride) };
    }

    /// The stamp of the next event, if that is known to be available.
    #[inline]
    pub(in crate::log) fn peek(&self) -> Option<&Stamp> {
        if self.position >= self.visible {
            return None;
        }
        let place = if self.left > 0 { self.next } else { self.first_of_next_block()? };
        // SAFETY: the head is beyond this position, which is this reader's: its slot was written,
        // and its block is pinned.
        Some(unsafe { place.stamp() })
    }

    #[cold]
    fn first_of_next_block(&self) -> Option<Place> {
        // SAFETY: the next event is there, so the block has a slot and is pinned for this reader.
        self.next_block().map(|block| unsafe { block.place(0) })
    }

    /// Takes the next event, if that is known to be available.
    #[inline]
    pub(in crate::log) fn take(&mut self) -> Option<Held> {
        let place = self.enter()?;
        if self.credits == 0 {
            self.add_credits();
        }
        self.credits -= 1;
        // SAFETY: the slot was written, and this reader owns a share of its event, which it hands
        // over with a handle that was counted.
        unsafe {
            self.pass(self.stride as usize);
            Some(Held::take_over(place, self.shard))
        }
    }

    /// Skips the known events, if they have no destructor to run.
    pub(in crate::log) fn skip_known(&mut self) {
        while let Some(place) = self.enter() {
            if self.block.as_ref().is_none_or(|block| block.header().shape.drop.is_some()) {
                return;
            }
            // Not more than are left in the block.
            let count = self.known().min(self.left.into()) as u8;
            self.left -= count;
            self.position += u64::from(count);
            // SAFETY: as many slots of the block follow; behind the last one the address is not used.
            self.next = unsafe { place.behind(usize::from(count) * self.stride as usize) };
        }
    }

    #[cold]
    fn add_credits(&mut self) {
        if let Some(block) = &self.block {
            let credits = CREDITS.min(self.left);
            // SAFETY: the block is pinned, and the shard is one that it has.
            unsafe { self.shard.add(block.0, block.header().shape, credits.into()) };
            self.credits = credits;
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.leave();
    }
}
