//! The two cursors: where a log is written, and where one reader reads it.

use std::any::TypeId;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::block::{Address, Pin};
use super::handle::{Held, Loan};
use super::pool::Pool;
use super::shard::Shard;
use super::slot::Place;
use crate::log::progress::{End, Head, ReaderProgress};
use crate::log::{Payload, Shape, Stamp};
use crate::sync::{Arc, CHECKED, Ordering};

/// Where a log is written: the place of the next event, and who gets it.
pub(in crate::log) struct Fill {
    /// The type of the events, and how they lie.
    id: TypeId,
    shape: &'static Shape,
    head: Arc<Head>,
    /// The position of the next event.
    position: u64,
    /// The block that is being filled, once there is one.
    tail: Option<Pin>,
    /// Where in it the next event goes, and for how many there is room.
    next: Place,
    left: usize,
    /// How many readers flow: they get the next event.
    flowing: usize,
    /// How many readers there have been.
    opened: usize,
    pool: Arc<Pool>,
}

/// Whether one reader flows, as its writer knows it.
pub(in crate::log) struct Flow {
    pub(in crate::log) progress: Arc<ReaderProgress>,
    /// Where the gap begins that it has open; otherwise it flows, and has a pin on the tail.
    stopped_at: Option<u64>,
}

impl Flow {
    pub(in crate::log) fn stopped_at(&self) -> Option<u64> {
        self.stopped_at
    }
}

impl Fill {
    pub(in crate::log) fn new(shape: &'static Shape) -> Self {
        Self {
            id: shape.id(),
            shape,
            head: Arc::default(),
            position: 0,
            tail: None,
            next: Place(NonNull::dangling()),
            left: 0,
            flowing: 0,
            opened: 0,
            pool: Arc::default(),
        }
    }

    /// The position of the next event.
    pub(in crate::log) fn position(&self) -> u64 {
        self.position
    }

    /// A new reader, which is stopped.
    pub(in crate::log) fn open(&mut self) -> (Flow, Walk) {
        let progress = Arc::new(ReaderProgress::new(self.position));
        progress.open_gap(self.position);
        let (head, [position, visible]) = (Arc::clone(&self.head), [self.position; 2]);
        let flow = Flow { progress: Arc::clone(&progress), stopped_at: Some(position) };
        let own = Shard::for_reader(self.opened);
        self.opened += 1;
        let walk = Walk {
            head,
            progress,
            block: None,
            next: Place(NonNull::dangling()),
            // A block of several slots is small, and of a single one the end is not used.
            stride: self.shape.stride as u32,
            own,
            shard: Shard::NONE,
            credits: 0,
            left: 0,
            position,
            visible,
        };
        (flow, walk)
    }

    /// Opens a gap for the reader, unless one is open; whether it did.
    pub(in crate::log) fn stop(&mut self, flow: &mut Flow) -> bool {
        if flow.stopped_at.is_some() {
            return false;
        }
        flow.stopped_at = Some(self.position);
        flow.progress.open_gap(self.position);
        self.flowing -= 1;
        true
    }

    /// Closes the reader's gap: it goes on with the next event, for which there is
    /// [room](Self::has_room) and which must be written at once.
    pub(in crate::log) fn resume(&mut self, flow: &mut Flow) {
        if self.left == 0 {
            self.begin_block(false);
        }
        let (Some(_), Some(tail)) = (flow.stopped_at.take(), &self.tail) else {
            return;
        };
        let (index, lost) = (tail.header().slots - self.left, flow.progress.take_lost());
        tail.header().add_pins(1);
        // SAFETY: the pin was added just now.
        let pin = unsafe { tail.0.claim() };
        flow.progress.close_gap(End { position: self.position, index, pin, lost });
        self.flowing += 1;
    }

    /// Writes an event, which it takes out, and returns a handle of it if `keep` asks for one.
    #[inline(always)]
    pub(crate) fn write<E: Payload>(
        &mut self,
        stamp: Stamp,
        event: &mut Option<E>,
        keep: bool,
    ) -> Option<Held> {
        assert!(self.id == TypeId::of::<E>(), "a log is for the events of one type");
        if self.left == 0 {
            self.begin_block(false);
        }
        let (owners, event) = (self.flowing + usize::from(keep), event.take()?);
        let place = self.next;
        // SAFETY: the slot is one of the tail's, behind the last one written, and no reader looks
        // at it before the head has moved on; the block is shaped for an `E`. Behind the last slot
        // the address is not used.
        unsafe {
            place.write(owners, stamp, event);
            self.next = place.behind(Shape::of::<E>().stride);
        }
        self.left -= 1;
        let held = if keep { self.hold(place) } else { None };
        self.position += 1;
        // Ordering: Release pairs with the Acquire in `Walk::look`: a reader that sees the position
        // sees the event, its block, and the gaps before it.
        self.head.0.0.store(self.position, Ordering::Release);
        held
    }

    /// A handle of the event just written.
    fn hold(&self, place: Place) -> Option<Held> {
        self.tail.as_ref()?.header().add_pins(1);
        // SAFETY: one of the owners it was written with is this one, and so is the pin just added.
        Some(unsafe { Held::take_over(place, Shard::NONE) })
    }

    /// Whether the next event finds room in the block that is being filled.
    #[inline]
    pub(in crate::log) fn has_room(&self) -> bool {
        self.left > 0
    }

    /// Bytes of the blocks that its events lie in, those included that wait to be used again.
    pub(in crate::log) fn bytes(&self) -> usize {
        // Ordering: Relaxed; it guards nothing.
        self.pool.bytes.load(Ordering::Relaxed)
    }

    /// Begins a block, a small one or a whole one, with a pin for each reader that flows.
    ///
    /// # Panics
    ///
    /// If the last one [has room](Self::has_room): its readers would walk over what was never written.
    #[cold]
    pub(in crate::log) fn begin_block(&mut self, small: bool) {
        assert_eq!(self.left, 0, "the last block has room");
        let block = Pin::from_pool(&self.pool, self.shape, small, 1 + self.flowing);
        if let Some(tail) = &self.tail {
            // Ordering: Relaxed; readers load it after they have seen a position beyond the tail,
            // and the head is released after this.
            tail.header().next.store(block.0.0.as_ptr(), Ordering::Relaxed);
        }
        (self.next, self.left) = (block.place(0), block.header().slots);
        self.tail = Some(block);
    }

    /// Lets the tail go, since nobody flows: handles pin what they need.
    ///
    /// # Panics
    ///
    /// If somebody flows, who would walk over the slots that are left.
    pub(in crate::log) fn rest(&mut self) {
        assert_eq!(self.flowing, 0, "a reader flows");
        (self.tail, self.left) = (None, 0);
    }
}

/// Where a log is read: the place of the next event.
#[derive(Debug)]
pub(in crate::log) struct Walk {
    pub(in crate::log) head: Arc<Head>,
    pub(in crate::log) progress: Arc<ReaderProgress>,
    /// The block that the next event, or the last one taken, is in.
    block: Option<Pin>,
    /// The slot of the next event, unless that is in the next block.
    next: Place,
    /// From one slot to the next.
    stride: u32,
    /// The shard for its handles, in a block that has any, and in this block.
    own: Shard,
    shard: Shard,
    /// How many handles are counted in the block that are yet to be handed out.
    credits: u8,
    /// How many slots of the block are left, that of the next event included.
    left: u8,
    /// The position that comes next.
    position: u64,
    /// Up to here the events are known to be there.
    visible: u64,
}

/// How many handles are counted at a time: one atomic operation for so many events handed out.
const CREDITS: u8 = if CHECKED { 2 } else { 64 };

impl Walk {
    pub(in crate::log) fn position(&self) -> u64 {
        self.position
    }

    /// How many events are known to be there.
    pub(in crate::log) fn known(&self) -> u64 {
        self.visible - self.position
    }

    /// Looks how many there are. `None`: the reader has come to a gap, and others have gone on.
    #[inline]
    pub(in crate::log) fn look(&mut self) -> Option<u64> {
        // Ordering: Acquire pairs with the Release in `Fill::write`. What it stored before the
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

    /// Goes on behind the gap that it has come to, if that has an end. Returns how many positions
    /// the gap has, and how many events were lost in it.
    #[cold]
    pub(in crate::log) fn pass_gap(&mut self) -> Option<(u64, u64)> {
        let end = self.progress.pass_gap()?;
        let width = end.position - self.position;
        (self.position, self.visible) = (end.position, end.position);
        self.go_on_in(end.pin, end.index);
        Some((width, end.lost))
    }

    /// Goes on in another block, with the slot of this index.
    fn go_on_in(&mut self, block: Pin, index: usize) {
        self.leave();
        (self.next, self.shard) = (block.place(index), block.shard(self.own));
        // There are few in a block.
        self.left = (block.header().slots - index) as u8;
        self.block = Some(block);
    }

    fn leave(&mut self) {
        if let (Some(left), credits @ 1..) = (&self.block, std::mem::take(&mut self.credits)) {
            // SAFETY: they were added by `step`, and have not been handed out.
            unsafe { self.shard.remove(left.0, left.header().shape, credits.into()) };
        }
        self.block = None;
    }

    /// Goes on in the next block, where the next event is known to be.
    #[cold]
    fn go_on(&mut self) -> Option<()> {
        let next = self.block.as_ref()?.header().next.load(Ordering::Relaxed);
        // SAFETY: the writer added a pin for each reader that flowed when it began the block, and the
        // next event, which this reader gets, is in it.
        let block = unsafe { Address(NonNull::new(next)?).claim() };
        self.go_on_in(block, 0);
        Some(())
    }

    /// The slot of the next event, if that is known to be there. Its block is pinned.
    #[inline]
    fn enter(&mut self) -> Option<Place> {
        if self.position >= self.visible {
            return None;
        }
        if self.left == 0 {
            self.go_on()?;
        }
        Some(self.next)
    }

    /// What is said of the next event, if that is known to be there.
    #[inline]
    pub(in crate::log) fn peek(&mut self) -> Option<&Stamp> {
        // SAFETY: the head is beyond this position, which is this reader's: its slot was written,
        // and its block is pinned.
        self.enter().map(|place| unsafe { place.stamp() })
    }

    /// Takes the next event, if that is known to be there.
    #[inline]
    pub(in crate::log) fn take(&mut self) -> Option<Held> {
        let place = self.enter()?;
        if self.credits == 0 {
            self.add_credits();
        }
        (self.credits, self.left, self.position) =
            (self.credits - 1, self.left - 1, self.position + 1);
        // SAFETY: the end of a slot is inside its block, or one byte behind it; there the address is not
        // used. The slot was written, and this reader owns a share of its event, which it hands over
        // with a handle that was counted.
        unsafe {
            self.next = place.behind(self.stride as usize);
            Some(Held::take_over(place, self.shard))
        }
    }

    #[cold]
    fn add_credits(&mut self) {
        if let Some(block) = &self.block {
            // SAFETY: the block is pinned, and the shard is one that it has.
            unsafe { self.shard.add(block.0, block.header().shape, CREDITS.into()) };
            self.credits = CREDITS;
        }
    }

    /// The events that are known to be there, up to `most` and to the end of their block, if they
    /// are of type `E`.
    #[inline]
    pub(in crate::log) fn lend<E: 'static>(&mut self, most: usize) -> Option<Lending<'_, E>> {
        self.enter()?;
        if !self.block.as_ref()?.header().is_for::<E>() {
            return None;
        }
        let known = usize::try_from(self.known()).unwrap_or(usize::MAX);
        let left = most.min(known).min(self.left.into());
        Some(Lending { walk: self, left, event: PhantomData })
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Some events in one block, to be lent while the walk is borrowed.
#[derive(Debug)]
pub(in crate::log) struct Lending<'a, E: 'static> {
    walk: &'a mut Walk,
    left: usize,
    event: PhantomData<&'a E>,
}

impl<'a, E: 'static> Lending<'a, E> {
    /// The walk, and how many events are left to be lent.
    pub(in crate::log) fn walk(&self) -> (&Walk, usize) {
        (self.walk, self.left)
    }

    /// Takes the next event.
    pub(in crate::log) fn take(&mut self) -> Option<Loan<'a, E>> {
        self.left = self.left.checked_sub(1)?;
        let place = self.walk.next;
        self.walk.left -= 1;
        self.walk.position += 1;
        // SAFETY: a lending is of slots of one block, which is for events of type `E`; behind the
        // last one the address is not used. The reader's share of the event goes over. The block
        // stays pinned for `'a`: for so long the walk is borrowed, and takes no step but these.
        unsafe {
            self.walk.next = place.behind(Shape::of::<E>().stride);
            Some(Loan::take_over(place))
        }
    }
}
