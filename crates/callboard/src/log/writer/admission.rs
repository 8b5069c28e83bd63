//! Which readers get an event: those that have capacity.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;

use super::Log;
use crate::log::Windows;
use crate::room;

impl Log {
    /// The places of the readers that did not get the event just offered because they are full.
    /// These are all that are stopped at that point.
    #[inline]
    pub(crate) fn refused(&self) -> &[usize] {
        &self.stopped
    }

    /// Whether some reader has lost an event, and perhaps not the one before, since the last call.
    #[inline]
    pub(crate) fn stops(&mut self) -> bool {
        self.stops && std::mem::take(&mut self.stops)
    }

    /// Counts an event that the reader in this place does not get because it is full.
    pub(crate) fn refuse(&mut self, place: usize) {
        self.stop(place);
        self.readers[place].lose();
    }

    /// Notes that the own queue of the reader in this place has got an event.
    pub(crate) fn note_queued(&mut self, place: usize) {
        self.readers[place].note_queued(self.fill.position());
    }

    /// Notes that the readers have less capacity in the log, since their own queues have grown, or
    /// more losses to report: the next event is offered to each of them again.
    pub(crate) fn recheck_capacity(&mut self) {
        self.invalidate_limits();
    }

    pub(super) fn stop(&mut self, place: usize) {
        if self.readers[place].stop(&mut self.fill, self.last) {
            self.note_stopped(place);
            self.invalidate_limits();
        }
    }

    /// Opens a gap for a reader that may still have capacity.
    pub(super) fn stop_early(&mut self, place: usize) {
        self.stop(place);
        let reader = &self.readers[place];
        let admitted = reader.admitted(self.fill.position());
        reader.flow.progress.set_overlooks(admitted);
    }

    /// Notes that the reader in this place has an open gap.
    pub(super) fn note_stopped(&mut self, place: usize) {
        if !self.unsure {
            self.stopped.push(place);
        }
    }

    /// Marks places and limits as stale: the next event recomputes them.
    pub(super) fn invalidate_limits(&mut self) {
        (self.unsure, self.room_until, self.safe_until) = (true, 0, 0);
    }

    /// Recomputes which readers are stopped, and the limits of the others.
    #[cold]
    fn rebuild_limits(&mut self) {
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
        room::shrink_if_sparse(&mut limits);
        room::shrink_if_sparse(&mut windows);
        room::shrink_if_sparse(&mut self.stopped);
        (self.limits, self.windows, self.unsure) = (limits.into(), windows.into(), false);
    }

    /// Offers the event of this number to every reader, if none can be full except those that were
    /// full before and have read nothing since. Returns how many get it; these wait for it to be
    /// [written](Self::write). `None`: each reader must be [asked](Self::admit_each).
    #[inline(always)]
    pub(crate) fn admit_as_before(&mut self, sequence: u64) -> Option<usize> {
        self.offered += 1;
        if self.fill.position() >= self.room_until || sequence >= self.safe_until {
            return None;
        }
        if self.stopped.is_empty() { Some(self.readers.len()) } else { self.refuse_as_before() }
    }

    #[inline]
    fn refuse_as_before(&mut self) -> Option<usize> {
        let Self { readers, stopped, .. } = self;
        if !stopped.iter().all(|place| !readers[*place].windowed && readers[*place].stays_full()) {
            return None;
        }
        for place in stopped.iter() {
            readers[*place].lose_again();
            readers[*place].dropped += 1;
        }
        Some(readers.len() - stopped.len())
    }

    /// Offers the event to each reader, and checks those that may be full. Those that are full are
    /// then [`refused`](Self::refused). Returns how many get it.
    #[inline]
    pub(crate) fn admit_each(&mut self, sequence: u64, windows: &mut impl Windows) -> usize {
        if self.unsure {
            self.rebuild_limits();
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

    /// Checks the readers that may be full by now, and stops those that are.
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
                let next = if reader.flow.progress.overlooks() { position + 1 } else { limit };
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

    /// Like [`look_at_limits`](Self::look_at_limits), for the readers that have windows.
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

    /// Lets the readers whose gaps end continue with the event that is about to be written.
    #[cold]
    pub(super) fn resume(&mut self, sequence: u64) {
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
        room::shrink_if_sparse(&mut self.resuming);
    }
}
