//! Events that are written and held back: no reader sees them until they are revealed.
//!
//! Their blocks are kept by one reader that flows from the first of them on (the start buffer's). The
//! others are stopped; when they go on there, they are given the pins and the shares of ownership that
//! they would have had if they had flowed.

use std::ptr::NonNull;

use super::block::{Address, Pin};
use super::fill::{Fill, Flow};
use crate::log::progress::End;
use crate::log::{Payload, Stamp};
use crate::sync::Ordering;

/// The events that are held back.
pub(super) struct Hold {
    /// The block of the first, which slot it is in, and its position.
    block: Pin,
    index: usize,
    first: u64,
    /// The position of the first that is not revealed yet.
    revealed: u64,
}

impl Fill {
    /// How far readers may see: the position of the next event, or of the first that is held back.
    pub(in crate::log) fn revealed(&self) -> u64 {
        self.hold.as_ref().map_or(self.position, |hold| hold.revealed)
    }

    /// Whether something is held back, and none of it revealed.
    pub(in crate::log) fn hides_all(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.revealed == hold.first)
    }

    /// Begins to hold back what is written, for which there is [room](Self::has_room). The reader goes
    /// on with the first of it, which must be written at once; no other flows.
    ///
    /// # Panics
    ///
    /// If another reader flows: it would be given its share of the first events once more.
    pub(in crate::log) fn begin_hold(&mut self, flow: &mut Flow) {
        assert_eq!(self.flowing, 0, "a reader flows");
        self.resume(flow);
        if let Some(tail) = &self.tail {
            let (index, first) = (tail.header().slots - self.left, self.position);
            tail.header().add_pins(1);
            // SAFETY: the pin was added just now.
            let block = unsafe { tail.0.claim() };
            self.hold = Some(Hold { block, index, first, revealed: first });
        }
    }

    /// Writes an event that is held back.
    pub(in crate::log) fn write_held<E: Payload>(&mut self, stamp: Stamp, event: &mut Option<E>) {
        assert!(self.hold.is_some(), "nothing is held back");
        self.put(stamp, event, false);
    }

    /// Has a stopped reader go on with the first event that is held back, of which none has been
    /// revealed.
    pub(in crate::log) fn resume_held(&mut self, flow: &mut Flow) {
        let Some(hold) = self.hold.as_ref().filter(|_| self.hides_all()) else { return };
        if flow.stop_ends().is_none() {
            return;
        }
        let (mut block, mut index, mut position) = (hold.block.0, hold.index, hold.first);
        loop {
            // SAFETY: the reader for whom it is held back has a pin on this block, or one that waits for
            // it there: it has come to none of these events, since none is revealed.
            let header = unsafe { block.header() };
            header.add_pins(1);
            while index < header.slots && position < self.position {
                // SAFETY: the block is pinned; the slot was written for that reader, an owner.
                unsafe { block.place(index).retain(self.shape) };
                (index, position) = (index + 1, position + 1);
            }
            let next = header.next.load(Ordering::Relaxed);
            let Some(next) = NonNull::new(next) else { break };
            (block, index) = (Address(next), 0);
        }
        // SAFETY: this is one of the pins added just now.
        let pin = unsafe { hold.block.0.claim() };
        flow.progress.close_gap(End { position: hold.first, index: hold.index, pin, lost: 0 });
        self.flowing += 1;
    }

    /// Lets readers see one more event; with the last, nothing is held back any more.
    pub(in crate::log) fn reveal(&mut self) {
        let Some(hold) = &mut self.hold else { return };
        hold.revealed += 1;
        self.head.publish(hold.revealed);
        if hold.revealed == self.position {
            self.hold = None;
        }
    }
}
