//! The two cursors: where a log is written, and where one reader reads it.

use std::any::TypeId;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::block::{Address, Pin};
use super::handle::{Held, Loan};
use super::pool::Pool;
use super::slot::Place;
use crate::log::gauge::{End, Gauge, Head};
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
    pool: Arc<Pool>,
}

/// Whether one reader flows, as its writer knows it.
pub(in crate::log) struct Flow {
    pub(in crate::log) gauge: Arc<Gauge>,
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
            pool: Arc::default(),
        }
    }

    /// The position of the next event.
    pub(in crate::log) fn position(&self) -> u64 {
        self.position
    }

    /// A new reader, which is stopped.
    pub(in crate::log) fn open(&self) -> (Flow, Walk) {
        let gauge = Arc::new(Gauge::new(self.position));
        gauge.open_gap(self.position);
        let (head, [position, first, visible]) = (Arc::clone(&self.head), [self.position; 3]);
        let flow = Flow { gauge: Arc::clone(&gauge), stopped_at: Some(position) };
        (flow, Walk { head, gauge, block: None, credits: 0, position, first, visible })
    }

    /// Opens a gap for the reader, unless one is open; whether it did.
    pub(in crate::log) fn stop(&mut self, flow: &mut Flow) -> bool {
        if flow.stopped_at.is_some() {
            return false;
        }
        flow.stopped_at = Some(self.position);
        flow.gauge.open_gap(self.position);
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
        let (index, lost) = (tail.header().slots - self.left, flow.gauge.take_lost());
        tail.header().add_pins(1);
        // SAFETY: the pin was added just now.
        let pin = unsafe { tail.0.claim() };
        flow.gauge.close_gap(End { position: self.position, index, pin, lost });
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
            self.next = place.following::<E>();
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
        Some(unsafe { Held::take_over(place) })
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
    pub(in crate::log) gauge: Arc<Gauge>,
    /// The block that the next event, or the last one taken, is in.
    block: Option<Pin>,
    /// Pins on the block that are there to be handed out.
    credits: usize,
    /// The position that comes next.
    position: u64,
    /// The position of the block's first slot.
    first: u64,
    /// Up to here the events are known to be there.
    visible: u64,
}

/// How many pins are added at a time: one atomic operation for so many events handed out.
const CREDITS: usize = if CHECKED { 2 } else { 64 };

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
        let gap = self.gauge.next_gap();
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
        let end = self.gauge.pass_gap()?;
        let width = end.position - self.position;
        (self.position, self.visible) = (end.position, end.position);
        self.first = end.position - end.index as u64;
        self.leave(Some(end.pin));
        Some((width, end.lost))
    }

    #[inline(never)]
    fn leave(&mut self, to: Option<Pin>) {
        if let Some(left) = std::mem::replace(&mut self.block, to) {
            left.remove(std::mem::take(&mut self.credits));
        }
    }

    /// The slot of the next event, which is known to be there, and its block.
    #[inline]
    fn enter(&mut self) -> Option<(&Pin, usize)> {
        if self.position >= self.visible {
            return None;
        }
        let block = self.block.as_ref()?;
        if self.index() == block.header().slots {
            let next = NonNull::new(block.header().next.load(Ordering::Relaxed))?;
            // SAFETY: the writer added a pin for each reader that flowed when it began the block,
            // and the next event, which this reader gets, is in it.
            self.leave(Some(unsafe { Address(next).claim() }));
            self.first = self.position;
        }
        Some((self.block.as_ref()?, self.index()))
    }

    /// The slot that comes next.
    fn index(&self) -> usize {
        // It is at most the number of slots in a block.
        (self.position - self.first) as usize
    }

    /// What is said of the next event, which is known to be there.
    pub(in crate::log) fn peek(&mut self) -> Option<&Stamp> {
        let (block, index) = self.enter()?;
        // SAFETY: the head is beyond this position, which is this reader's: its slot was written,
        // and its block is pinned.
        Some(unsafe { block.place(index).stamp() })
    }

    /// Takes the next event, which is known to be there.
    #[inline]
    pub(in crate::log) fn take(&mut self) -> Option<Held> {
        self.enter()?;
        // SAFETY: the slot was written, and this reader owns a share of its event, which it hands
        // over with the pin.
        self.step().map(|place| unsafe { Held::take_over(place) })
    }

    /// Steps over a slot whose block was entered, with a pin on that which is the caller's.
    #[inline]
    fn step(&mut self) -> Option<Place> {
        let block = self.block.as_ref()?;
        if self.credits == 0 {
            block.header().add_pins(CREDITS);
            self.credits = CREDITS;
        }
        let place = block.place(self.index());
        (self.credits, self.position) = (self.credits - 1, self.position + 1);
        Some(place)
    }

    /// The events that are known to be there, up to `most` and to the end of their block, if they
    /// are of type `E`.
    #[inline]
    pub(in crate::log) fn lend<E: 'static>(&mut self, most: usize) -> Option<Lending<'_, E>> {
        let known = usize::try_from(self.known()).unwrap_or(usize::MAX);
        let (block, index) = self.enter()?;
        if !block.header().is_for::<E>() {
            return None;
        }
        let left = most.min(known).min(block.header().slots - index);
        let next = block.place(index);
        Some(Lending { walk: self, next, left, event: PhantomData })
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.leave(None);
    }
}

/// Some events in one block, to be lent while the walk is borrowed.
#[derive(Debug)]
pub(in crate::log) struct Lending<'a, E: 'static> {
    walk: &'a mut Walk,
    next: Place,
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
        let place = self.next;
        self.walk.position += 1;
        // SAFETY: a lending is of slots of one block, which is for events of type `E`; behind the
        // last one the address is not used. The reader's share of the event goes over. The block
        // stays pinned for `'a`: for so long the walk is borrowed, and takes no step but these.
        unsafe {
            self.next = place.following::<E>();
            Some(Loan::take_over(place))
        }
    }
}
