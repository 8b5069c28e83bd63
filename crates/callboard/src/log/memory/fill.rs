//! The writer's cursor in a log.

use std::any::TypeId;
use std::ptr::NonNull;

use super::block::Pin;
use super::handle::Held;
use super::hold::Hold;
use super::pool::Pool;
use super::shard::Shard;
use super::slot::Place;
use super::walk::Walk;
use crate::log::progress::{End, Head, ReaderProgress};
use crate::log::{Payload, Shape, Stamp};
use crate::sync::{Arc, Ordering};

/// The writer's cursor in a log: where the next event goes, and how many readers get it.
pub(in crate::log) struct Fill {
    /// The type and layout of the events.
    id: TypeId,
    pub(super) shape: &'static Shape,
    pub(super) head: Arc<Head>,
    /// The position of the next event.
    pub(super) position: u64,
    /// The block that is being filled, once there is one.
    pub(super) tail: Option<Pin>,
    /// Where in the tail the next event goes, and how many slots are left there.
    next: Place,
    pub(super) left: usize,
    /// How many readers flow: these get the next event.
    pub(super) flowing: usize,
    /// How many readers there have been.
    opened: usize,
    pool: Arc<Pool>,
    /// The events that are written but not visible yet.
    pub(super) hold: Option<Hold>,
}

/// The writer's record of whether one reader flows.
pub(in crate::log) struct Flow {
    pub(in crate::log) progress: Arc<ReaderProgress>,
    /// Where its open gap begins; if there is none, the reader flows and has a pin on the tail.
    stopped_at: Option<u64>,
}

impl Flow {
    pub(in crate::log) fn stopped_at(&self) -> Option<u64> {
        self.stopped_at
    }

    /// Makes the reader flow again. Returns where its gap began, if it was stopped.
    pub(super) fn stop_ends(&mut self) -> Option<u64> {
        self.stopped_at.take()
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
            hold: None,
        }
    }

    /// The position of the next event.
    pub(in crate::log) fn position(&self) -> u64 {
        self.position
    }

    /// Adds a reader, which is stopped.
    pub(in crate::log) fn open(&mut self) -> (Flow, Walk) {
        let begin = self.revealed();
        let progress = Arc::new(ReaderProgress::new(begin));
        progress.open_gap(begin);
        let (head, [position, visible]) = (Arc::clone(&self.head), [begin; 2]);
        let flow = Flow { progress: Arc::clone(&progress), stopped_at: Some(position) };
        let own = Shard::for_reader(self.opened);
        self.opened += 1;
        let walk = Walk {
            head,
            progress,
            block: None,
            next: Place(NonNull::dangling()),
            // A block of several slots is small; with a single slot, the end of the slot is not
            // used.
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

    /// Opens a gap for the reader, unless one is open. Returns whether it did.
    pub(in crate::log) fn stop(&mut self, flow: &mut Flow) -> bool {
        if flow.stopped_at.is_some() {
            return false;
        }
        flow.stopped_at = Some(self.revealed());
        flow.progress.open_gap(self.revealed());
        self.flowing -= 1;
        true
    }

    /// Closes the reader's gap: it continues with the next event, for which there is
    /// [room](Self::has_room) and which must be written at once.
    pub(in crate::log) fn resume(&mut self, flow: &mut Flow) {
        if self.left == 0 {
            self.begin_block(false);
        }
        let (Some(_), Some(tail)) = (flow.stop_ends(), &self.tail) else {
            return;
        };
        let (index, lost) = (tail.header().slots() - self.left, flow.progress.take_lost());
        let pin = tail.another();
        flow.progress.close_gap(End { position: self.position, index, pin, lost });
        self.flowing += 1;
    }

    /// Writes an event, taking it out of `event`, and returns a handle of it if `keep` is set.
    #[inline(always)]
    pub(crate) fn write<E: Payload>(
        &mut self,
        stamp: Stamp,
        event: &mut Option<E>,
        keep: bool,
    ) -> Option<Held> {
        debug_assert!(self.hold.is_none(), "the head would move over what is held back");
        let held = self.put(stamp, event, keep);
        self.head.publish(self.position);
        held
    }

    /// Like [`write`](Self::write), but readers do not see the event yet.
    #[inline(always)]
    pub(super) fn put<E: Payload>(
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
        held
    }

    /// A handle of the event just written.
    fn hold(&self, place: Place) -> Option<Held> {
        self.tail.as_ref()?.header().add_pins(1);
        // SAFETY: one of the owners it was written with is this one, and so is the pin just added.
        Some(unsafe { Held::take_over(place, Shard::NONE) })
    }

    /// Whether the next event fits into the tail.
    #[inline]
    pub(in crate::log) fn has_room(&self) -> bool {
        self.left > 0
    }

    /// How many whole blocks and small ones the log has, including those that wait to be used again.
    pub(in crate::log) fn blocks(&self) -> [usize; 2] {
        [false, true].map(|small| self.pool.count(small).load(Ordering::Relaxed))
    }

    /// Begins a block, a small one or a whole one, with a pin for each reader that flows.
    ///
    /// # Panics
    ///
    /// If the last block [has room](Self::has_room): its readers would read slots that were never
    /// written.
    #[cold]
    pub(in crate::log) fn begin_block(&mut self, small: bool) {
        assert_eq!(self.left, 0, "the last block has room");
        let block = Pin::from_pool(&self.pool, self.shape, small, 1 + self.flowing);
        if let Some(tail) = &self.tail {
            // Ordering: Relaxed; readers load it after they have seen a position beyond the tail,
            // and the head is released after this.
            tail.header().next.store(block.0.0.as_ptr(), Ordering::Relaxed);
        }
        if let Some(hold) = &mut self.hold {
            hold.blocks.push(block.another());
        }
        (self.next, self.left) = (block.place(0), block.header().slots());
        self.tail = Some(block);
    }

    /// Releases the tail, since no reader flows: handles pin the blocks they need.
    ///
    /// # Panics
    ///
    /// If a reader flows: it would read the slots that are left.
    pub(in crate::log) fn rest(&mut self) {
        assert_eq!(self.flowing, 0, "a reader flows");
        (self.tail, self.left) = (None, 0);
    }
}
