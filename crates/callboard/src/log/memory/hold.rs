//! Events that are held back: they are written, but no reader sees them until they are revealed.
//!
//! One reader, the start buffer's, flows from the first of these events on, and so owns a share of
//! each. The others are stopped; when they resume there, they are given the pins and the shares
//! that they would have had if they had flowed.

use super::block::Pin;
use super::fill::{Fill, Flow};
use crate::log::progress::End;
use crate::log::{Payload, Stamp};

/// The events that are held back.
pub(super) struct Hold {
    /// The blocks that hold them, in order.
    pub(super) blocks: Vec<Pin>,
    /// The slot of the first event, in the first block, and its position.
    index: usize,
    first: u64,
    /// The position of the first event that is not revealed yet.
    revealed: u64,
}

impl Fill {
    /// How far readers may see: the position of the next event, or of the first one still held
    /// back.
    pub(in crate::log) fn revealed(&self) -> u64 {
        self.hold.as_ref().map_or(self.position, |hold| hold.revealed)
    }

    /// Whether some events are held back, and none of them is revealed.
    pub(in crate::log) fn hides_all(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.revealed == hold.first)
    }

    /// Begins to hold back the events that are written. There is [room](Self::has_room) for the
    /// first, which must be written at once; the reader resumes there. No other reader flows.
    ///
    /// # Panics
    ///
    /// If another reader flows: it would be given its share of the first events a second time.
    pub(in crate::log) fn begin_hold(&mut self, flow: &mut Flow) {
        assert_eq!(self.flowing, 0, "a reader flows");
        self.resume(flow);
        if let Some(tail) = &self.tail {
            let (index, first) = (tail.header().slots() - self.left, self.position);
            self.hold = Some(Hold { blocks: vec![tail.another()], index, first, revealed: first });
        }
    }

    /// Writes an event and holds it back.
    pub(in crate::log) fn write_held<E: Payload>(&mut self, stamp: Stamp, event: &mut Option<E>) {
        assert!(self.hold.is_some(), "nothing is held back");
        self.put(stamp, event, false);
    }

    /// Resumes a stopped reader at the first event that is held back. None has been revealed.
    pub(in crate::log) fn resume_held(&mut self, flow: &mut Flow) {
        let Some(hold) = self.hold.as_ref().filter(|_| self.hides_all()) else { return };
        if flow.stop_ends().is_none() {
            return;
        }
        let (mut index, mut position) = (hold.index, hold.first);
        for block in &hold.blocks {
            while index < block.header().slots() && position < self.position {
                // SAFETY: the block is pinned. The slot was written for the reader of the start buffer,
                // an owner that has not reached it, since none of them is revealed.
                unsafe { block.place(index).retain(self.shape) };
                (index, position) = (index + 1, position + 1);
            }
            index = 0;
        }
        let Some((first, others)) = hold.blocks.split_first() else { return };
        // The reader claims these when it gets there.
        others.iter().for_each(|block| block.header().add_pins(1));
        let (position, index, pin) = (hold.first, hold.index, first.another());
        flow.progress.close_gap(End { position, index, pin, lost: 0 });
        self.flowing += 1;
    }

    /// Lets readers see one more event. After the last one, nothing is held back any more.
    pub(in crate::log) fn reveal(&mut self) {
        let Some(hold) = &mut self.hold else { return };
        hold.revealed += 1;
        self.head.publish(hold.revealed);
        if hold.revealed == self.position {
            self.hold = None;
        }
    }
}
