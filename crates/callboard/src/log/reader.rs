//! The reading end of a log.

use std::marker::PhantomData;

use super::block::Pin;
use super::gauge::{Gauge, Head, NO_GAP};
use super::handle::{Held, Kept, Lent};
use super::slot::Place;
use crate::sync::{Arc, Ordering, discard};

/// One reader's place in a log. It takes no lock but at gaps, and writes to nothing that another
/// reader reads.
#[derive(Debug)]
pub(crate) struct Tap {
    head: Arc<Head>,
    gauge: Arc<Gauge>,
    /// The block that the next event, or the last one taken, is in.
    block: Option<Pin>,
    /// Pins on the block that are there to be handed out.
    credits: usize,
    /// The position that comes next.
    position: u64,
    /// The position of the block's first slot.
    first: u64,
    /// How many of the positions so far were not for it.
    skipped: u64,
    /// Up to here the events are known to be there.
    visible: u64,
    /// What was lost before the next event.
    missed: u64,
    /// The most that was seen waiting.
    high_water: u64,
}

/// How many pins are added at a time: one atomic operation for so many events handed out.
const CREDITS: usize = 64;

impl Tap {
    pub(super) fn new(head: Arc<Head>, gauge: Arc<Gauge>, position: u64) -> Self {
        Self {
            head,
            gauge,
            block: None,
            credits: 0,
            position,
            first: position,
            skipped: position,
            visible: position,
            missed: 0,
            high_water: 0,
        }
    }

    #[inline]
    pub(crate) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    /// Looks whether there is an event.
    #[inline]
    pub(crate) fn look(&mut self) -> bool {
        // Ordering: Acquire pairs with the Release in `Log::offer`. What it stored before the head,
        // the next gap among it, is visible from here on.
        let head = self.head.0.0.load(Ordering::Acquire);
        let gap = self.gauge.next_gap();
        if self.position == gap {
            return head > self.position && self.pass_gap();
        }
        self.visible = head.min(gap);
        if gap == NO_GAP && head - self.position > self.high_water {
            self.raise_high_water(head - self.position);
        }
        self.visible > self.position
    }

    /// So many were seen waiting. (With a gap ahead the reader is known to be full, and the writer
    /// has noted that.)
    #[cold]
    fn raise_high_water(&mut self, waiting: u64) {
        self.high_water = waiting;
        let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
        self.gauge.raise_high_water(waiting.saturating_add(self.gauge.elsewhere()));
    }

    /// Goes on behind the gap that it has come to, if that has an end.
    #[cold]
    fn pass_gap(&mut self) -> bool {
        let Some(end) = self.gauge.pass_gap() else {
            return false;
        };
        self.missed += end.lost;
        self.skipped += end.position - self.position;
        self.position = end.position;
        self.first = end.position - end.index as u64;
        if let Some(pin) = end.pin {
            self.move_to(pin);
        }
        // Behind a gap is an event.
        self.look()
    }

    #[inline(never)]
    fn move_to(&mut self, block: Pin) {
        if let Some(left) = self.block.replace(block) {
            left.remove(std::mem::take(&mut self.credits));
        }
    }

    /// The number of the event that comes next, if there is one.
    pub(crate) fn peek(&mut self) -> Option<u64> {
        if !self.look() {
            return None;
        }
        self.enter_block()?;
        let place = self.block.as_ref()?.place(self.index());
        // SAFETY: the head is beyond this position, which is this reader's: its slot was written,
        // and its block is pinned.
        Some(unsafe { place.stamp() }.sequence)
    }

    /// Enters the block of the next event, which is there.
    #[inline]
    fn enter_block(&mut self) -> Option<()> {
        let block = self.block.as_ref()?;
        if self.index() == block.slots() {
            let next = block.next()?;
            // SAFETY: the writer added a pin for each reader that flowed when it began the block,
            // and the next event, which this reader gets, is in it.
            let next = unsafe { next.claim() };
            self.move_to(next);
            self.first = self.position;
        }
        Some(())
    }

    /// The slot that comes next.
    #[inline]
    fn index(&self) -> usize {
        // It is at most the number of slots in a block.
        #[expect(clippy::cast_possible_truncation, reason = "it is small")]
        let index = (self.position - self.first) as usize;
        index
    }

    /// Steps over the next event, which [`look`](Self::look) has seen and whose block has been
    /// entered.
    #[inline]
    fn step(&mut self) -> u64 {
        self.position += 1;
        let taken = self.position - self.skipped;
        if self.position < self.visible {
            self.gauge.set_taken(taken);
        } else {
            self.gauge.set_taken_and_drained(taken);
        }
        if self.missed == 0 { 0 } else { std::mem::take(&mut self.missed) }
    }

    /// Whether the last event taken was the last that was known to be there.
    #[inline]
    pub(crate) fn drained(&self) -> bool {
        self.position >= self.visible
    }

    /// Takes the next event, if there is one and it is an `E`, with what was missed before it.
    #[inline]
    pub(crate) fn take<E: 'static>(&mut self) -> Option<(Kept<E>, u64)> {
        if self.drained() && !self.look() {
            return None;
        }
        self.enter_block()?;
        if !self.block.as_ref()?.is_for::<E>() {
            return None;
        }
        let place = self.pinned_place()?;
        // SAFETY: the slot was written, its event is an `E`, and this reader owns a share of it,
        // which it hands over with the pin.
        let kept = unsafe { Kept::take_over(place) };
        Some((kept, self.step()))
    }

    /// The next slot, with a pin on its block that is the caller's.
    #[inline]
    fn pinned_place(&mut self) -> Option<Place> {
        let block = self.block.as_ref()?;
        if self.credits == 0 {
            block.add(CREDITS);
            self.credits = CREDITS;
        }
        self.credits -= 1;
        Some(block.place(self.index()))
    }

    /// Gives up the next event, if there is one.
    fn give_up(&mut self) -> Option<Held> {
        if self.drained() && !self.look() {
            return None;
        }
        self.enter_block()?;
        let place = self.pinned_place()?;
        self.step();
        // SAFETY: as in `take`.
        Some(unsafe { Held::take_over(place) })
    }

    /// The events that are there, up to `most` and to the end of their block, to be lent while the
    /// tap is borrowed. `None` if there is none.
    #[inline]
    pub(crate) fn stretch<E: 'static>(&mut self, most: usize) -> Option<Stretch<'_, E>> {
        if self.drained() && !self.look() {
            return None;
        }
        let waiting = usize::try_from(self.visible - self.position).unwrap_or(usize::MAX);
        self.enter_block()?;
        let block = self.block.as_ref()?;
        if !block.is_for::<E>() {
            return None;
        }
        let left = most.min(waiting).min(block.slots() - self.index());
        let next = block.place(self.index());
        Some(Stretch { tap: self, next, left, event: PhantomData })
    }
}

impl Drop for Tap {
    /// Gives up what waits. The reader has left the log.
    fn drop(&mut self) {
        while let Some(held) = self.give_up() {
            discard(held);
        }
        if let Some(block) = self.block.take() {
            block.remove(self.credits);
        }
    }
}

/// Some events in one block, each taken as it is handed out.
#[derive(Debug)]
pub(crate) struct Stretch<'a, E: 'static> {
    tap: &'a mut Tap,
    next: Place,
    left: usize,
    event: PhantomData<&'a E>,
}

impl<'a, E: 'static> Stretch<'a, E> {
    /// Takes the next event, with what was missed before it. If it is the last that was known to
    /// be there, `drained` is called.
    #[inline]
    pub(crate) fn take(&mut self, drained: impl FnOnce()) -> Option<(Lent<'a, E>, u64)> {
        self.left = self.left.checked_sub(1)?;
        let place = self.next;
        // SAFETY: a stretch is of slots of one block, which is for events of type `E`; behind the
        // last one the address is not used.
        self.next = unsafe { place.following::<E>() };
        let missed = self.tap.step();
        // SAFETY: the reader's share of the event goes over. The block stays pinned for `'a`: for
        // so long the tap is borrowed, and a stretch ends where its block does.
        let lent = unsafe { Lent::by_reader(place) };
        if self.tap.drained() {
            drained();
        }
        Some((lent, missed))
    }
}
