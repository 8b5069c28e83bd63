//! The writing end of a log.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::memory::{Fill, Held};
use super::standing::{NEVER, Reader, Standing};
use super::{Payload, Shape, Stamp, Tap, Windows};
use crate::room;
use crate::sync::CHECKED;

/// The events of one type, and where each of its readers stands. Its owner's lock is what makes
/// the writer the only one.
pub(crate) struct Log {
    shape: &'static Shape,
    fill: Fill,
    /// How many events were offered to the readers.
    offered: u64,
    /// The number of the last event written.
    last: u64,
    readers: Vec<Reader>,
    /// Before this position no reader that flows is full.
    room_until: u64,
    /// From which position on each reader that flows may be full, with its place, the first on top.
    /// They were worked out when a reader was looked at last: as it takes, the true ones move on.
    limits: BinaryHeap<Reverse<(u64, usize)>>,
    /// Before the event of this number no reader with a window is full, as long as it flows.
    safe_until: u64,
    /// By which event each reader with a window that flows may be full, likewise.
    windows: BinaryHeap<Reverse<(u64, usize)>>,
    /// Up to this position blocks are small.
    small_until: u64,
    /// The places of the readers that have a gap open.
    stopped: Vec<usize>,
    /// Some place or limit is not what it was: both are to be worked out anew.
    unsure: bool,
    /// Some reader that did not lose the event before has lost the last one offered.
    stops: bool,
    /// The places of those whose gap the next event closes, and for how many events each has room if
    /// it has a window. Empty between two events.
    resuming: Vec<(usize, u64)>,
}

/// So many bytes of blocks a log may have, and so many times what its events take that wait for
/// the reader with most of them, before its blocks become small: a block is kept by any one event
/// in it, and who keeps one of many would keep them all.
const AMPLE_BYTES: usize = if CHECKED { 1_152 } else { 64 * 4_096 };
const AMPLE_RATIO: u64 = 4;
/// For so many events blocks are small then.
const SMALL_FOR: u64 = if CHECKED { 2 } else { 64 };

impl Log {
    pub(crate) fn new(shape: &'static Shape) -> Self {
        Self {
            shape,
            fill: Fill::new(shape),
            small_until: 0,
            offered: 0,
            last: 0,
            readers: Vec::new(),
            room_until: 0,
            limits: BinaryHeap::new(),
            safe_until: 0,
            windows: BinaryHeap::new(),
            unsure: false,
            stopped: Vec::new(),
            stops: false,
            resuming: Vec::new(),
        }
    }

    /// Adds a reader, in the next place. It begins with the next event: before that is a gap.
    pub(crate) fn join(&mut self, capacity: usize) -> Tap {
        self.open(capacity, false)
    }

    /// As [`join`](Self::join), a reader that has a window.
    pub(crate) fn join_with_window(&mut self) -> Tap {
        self.open(0, true)
    }

    fn open(&mut self, capacity: usize, windowed: bool) -> Tap {
        let (flow, walk) = self.fill.open();
        let place = self.readers.len();
        flow.gauge.set_place(place);
        self.readers.push(Reader {
            flow,
            capacity: capacity as u64,
            last: 0,
            windowed,
            offered_before: self.offered,
            dropped: 0,
            seen: NEVER,
            seen_waiting: 0,
            took: 0,
            lost_since_take: 0,
            demand: 0,
            overlooks_until: 0,
        });
        self.note_stopped(place);
        Tap::new(walk)
    }

    /// Removes the reader in this place: it gets nothing more. The last one takes its place.
    pub(crate) fn leave(&mut self, place: usize) {
        // Its tap may still be read, and must find an end: what comes now is not counted for it.
        self.stop(place);
        self.readers.swap_remove(place);
        if let Some(moved) = self.readers.get(place) {
            moved.flow.gauge.set_place(place);
        }
        self.be_unsure();
        if self.readers.is_empty() {
            self.fill.rest();
        }
        room::give_back(&mut self.readers);
    }

    /// How the reader in this place stands.
    pub(crate) fn standing(&self, place: usize) -> Standing {
        let reader = &self.readers[place];
        let taken = reader.flow.gauge.taken();
        Standing {
            offered: self.offered - reader.offered_before,
            taken,
            waiting: reader.admitted(self.fill.position()) - taken,
            dropped: reader.dropped,
            demand: reader.demand(),
        }
    }

    /// How many wait for the reader in this place, or in its own queue.
    pub(crate) fn waiting(&self, place: usize) -> u64 {
        self.readers[place].waiting(self.fill.position())
    }

    /// The number of the last event that waits for the reader in this place, if any does.
    pub(crate) fn last(&self, place: usize) -> Option<u64> {
        let reader = &self.readers[place];
        if reader.waiting(self.fill.position()) == 0 {
            return None;
        }
        Some(if reader.is_stopped() { reader.last } else { self.last })
    }

    /// The reader lost these many before what it gets next.
    pub(crate) fn add_lost(&mut self, place: usize, lost: u64) {
        self.stop(place);
        let reader = &mut self.readers[place];
        reader.flow.gauge.add_lost(lost);
        reader.overlooks_until = reader.admitted(self.fill.position());
    }

    /// What the reader in this place has lost since the last event that it will get, to be told
    /// by another way.
    pub(crate) fn take_lost(&mut self, place: usize) -> u64 {
        self.readers[place].flow.gauge.take_lost()
    }

    /// The places of the readers that did not get the event just offered because they are full:
    /// all that are stopped then.
    #[inline]
    pub(crate) fn refused(&self) -> &[usize] {
        &self.stopped
    }

    /// Whether some reader has lost an event, and perhaps not the one before, since this was asked last.
    #[inline]
    pub(crate) fn stops(&mut self) -> bool {
        self.stops && std::mem::take(&mut self.stops)
    }

    /// The reader in this place does not get an event because it is full.
    pub(crate) fn refuse(&mut self, place: usize) {
        self.stop(place);
        self.readers[place].lose();
    }

    /// The own queue of the reader in this place has got an event.
    pub(crate) fn note_elsewhere(&mut self, place: usize) {
        self.readers[place].note_elsewhere(self.fill.position());
    }

    /// The readers' own queues have grown: they have less room here.
    pub(crate) fn squeeze(&mut self) {
        self.be_unsure();
    }

    fn stop(&mut self, place: usize) {
        if self.readers[place].stop(&mut self.fill, self.last) {
            self.note_stopped(place);
            self.be_unsure();
        }
    }

    /// The reader in this place has a gap open.
    fn note_stopped(&mut self, place: usize) {
        if !self.unsure {
            self.stopped.push(place);
        }
    }

    /// Has places and limits worked out anew with the next event, whoever comes or leaves until
    /// then.
    fn be_unsure(&mut self) {
        (self.unsure, self.room_until, self.safe_until) = (true, 0, 0);
    }

    /// Works out anew who is stopped, and the limits of the others.
    #[cold]
    fn be_sure(&mut self) {
        let mut limits = std::mem::take(&mut self.limits).into_vec();
        let mut windows = std::mem::take(&mut self.windows).into_vec();
        limits.clear();
        windows.clear();
        self.stopped.clear();
        for (place, reader) in self.readers.iter().enumerate() {
            if reader.is_stopped() {
                self.stopped.push(place);
            } else if reader.windowed {
                windows.push(Reverse((0, place)));
            } else {
                limits.push(Reverse((reader.next_look(), place)));
            }
        }
        room::give_back(&mut limits);
        room::give_back(&mut windows);
        room::give_back(&mut self.stopped);
        (self.limits, self.windows, self.unsure) = (limits.into(), windows.into(), false);
    }

    /// Offers the event of this number to every reader, if none of them can be full: how many there
    /// are. Otherwise each is to be [asked](Self::admit_each). Those that get it wait for it to be
    /// [written](Self::write).
    #[inline(always)]
    pub(crate) fn admit_all(&mut self, sequence: u64) -> Option<usize> {
        self.offered += 1;
        let roomy = self.fill.position() < self.room_until && sequence < self.safe_until;
        (roomy && self.stopped.is_empty()).then_some(self.readers.len())
    }

    /// Writes an event that so many readers get. It is taken out of `event` if anybody does, or if
    /// `keep` asks for it: then it is returned.
    #[inline(always)]
    pub(crate) fn write<E: Payload>(
        &mut self,
        admitted: usize,
        event: &mut Option<E>,
        stamp: Stamp,
        keep: bool,
    ) -> Option<Held> {
        if (admitted == 0 && !keep) || event.is_none() {
            return None;
        }
        if !self.fill.has_room() {
            self.begin_block();
        }
        if !self.resuming.is_empty() {
            self.resume(stamp.sequence);
        }
        self.last = stamp.sequence;
        self.fill.write(stamp, event, keep)
    }

    /// Offers an event, for those who need not be quick.
    #[cfg(all(test, callboard_loom))]
    pub(crate) fn offer<E: Payload>(
        &mut self,
        event: &mut Option<E>,
        stamp: Stamp,
        keep: bool,
    ) -> (usize, Option<Held>) {
        let all = self.admit_all(stamp.sequence);
        let admitted = all.unwrap_or_else(|| self.admit_each(stamp.sequence, &mut ()));
        (admitted, self.write(admitted, event, stamp, keep))
    }

    /// Begins a block: a small one, if the log's blocks take far more than what waits.
    #[cold]
    fn begin_block(&mut self) {
        let position = self.fill.position();
        if position >= self.small_until && self.is_scattered() {
            self.small_until = position + SMALL_FOR;
        }
        self.fill.begin_block(position < self.small_until);
    }

    fn is_scattered(&self) -> bool {
        let Some(beyond) = self.fill.bytes().checked_sub(AMPLE_BYTES) else {
            return false;
        };
        let position = self.fill.position();
        let waiting = self.readers.iter().map(|reader| reader.waiting(position)).max();
        let taken = waiting.unwrap_or(0).saturating_mul(AMPLE_RATIO * self.shape.pace());
        beyond as u64 > taken
    }

    /// Bytes of the memory that its events lie in.
    pub(crate) fn bytes(&self) -> usize {
        self.fill.bytes()
    }

    /// Offers the event to each reader that may be full, and to all others. Those that are full are
    /// then [`refused`](Self::refused). Returns how many get it.
    #[inline]
    pub(crate) fn admit_each(&mut self, sequence: u64, windows: &mut impl Windows) -> usize {
        if self.unsure {
            self.be_sure();
        }
        let Self { fill, readers, stopped, stops, resuming, .. } = self;
        let position = fill.position();
        let mut at = 0;
        while let Some(&place) = stopped.get(at) {
            let reader = &mut readers[place];
            let mut room = 0;
            if reader.windowed {
                room = windows.admit(place, sequence);
                *stops |= room == 0;
            } else if reader.stays_full() {
                reader.lose_again();
            } else if reader.waiting(position) >= reader.capacity {
                *stops = true;
                reader.lose();
            } else {
                room = 1;
            }
            if room == 0 {
                reader.dropped += 1;
                at += 1;
            } else {
                resuming.push((stopped.swap_remove(at), room));
            }
        }
        if position >= self.room_until {
            self.look_at_limits();
        }
        if sequence >= self.safe_until {
            self.look_at_windows(sequence, windows);
        }
        self.readers.len() - self.stopped.len()
    }

    /// Looks at the readers that may be full by now; stops those that are.
    fn look_at_limits(&mut self) {
        let Self { fill, readers, stopped, limits, stops, last, .. } = self;
        let position = fill.position();
        while let Some(mut first) = limits.peek_mut() {
            let Reverse((limit, place)) = *first;
            if limit > position {
                break;
            }
            let reader = &mut readers[place];
            let limit = reader.limit();
            if limit > position {
                let next = if reader.overlooks() { position + 1 } else { limit };
                *first = Reverse((next, place));
                reader.note_next(position);
                continue;
            }
            PeekMut::pop(first);
            reader.stop(fill, *last);
            stopped.push(place);
            *stops = true;
            reader.lose();
            reader.dropped += 1;
        }
        self.room_until = limits.peek().map_or(u64::MAX, |Reverse((limit, _))| *limit);
    }

    /// As [`look_at_limits`](Self::look_at_limits), at those that have windows.
    fn look_at_windows(&mut self, sequence: u64, asked: &mut impl Windows) {
        let Self { fill, readers, stopped, windows, stops, last, .. } = self;
        while let Some(mut first) = windows.peek_mut() {
            let Reverse((limit, place)) = *first;
            if limit > sequence {
                break;
            }
            let room = asked.admit(place, sequence);
            if room > 0 {
                *first = Reverse((sequence.saturating_add(room), place));
                continue;
            }
            PeekMut::pop(first);
            let reader = &mut readers[place];
            reader.stop(fill, *last);
            stopped.push(place);
            *stops = true;
            reader.dropped += 1;
        }
        self.safe_until = windows.peek().map_or(u64::MAX, |Reverse((limit, _))| *limit);
    }

    /// Lets those whose gap ends go on with the event that is to be written.
    #[cold]
    fn resume(&mut self, sequence: u64) {
        for (place, room) in self.resuming.drain(..) {
            let reader = &mut self.readers[place];
            self.fill.resume(&mut reader.flow);
            if reader.windowed {
                let limit = sequence.saturating_add(room);
                self.windows.push(Reverse((limit, place)));
                self.safe_until = self.safe_until.min(limit);
                continue;
            }
            reader.note_next(self.fill.position());
            let next = reader.next_look();
            self.limits.push(Reverse((next, place)));
            self.room_until = self.room_until.min(next);
        }
        room::give_back(&mut self.resuming);
    }
}
