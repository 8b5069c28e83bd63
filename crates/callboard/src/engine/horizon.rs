//! How far the logs of a bus are written, and which of them were written last.

use crate::sync::{AtomicU32, AtomicU64, CHECKED, Ordering, Padded};

/// How far the logs of a bus are written: everything published to them up to this number is there.
/// Readers of several logs merge by it: see [`cursors`](super::cursors).
#[derive(Debug, Default)]
pub(crate) struct Horizon(Padded<Line>);

/// One cache line, so that a reader needs no other to see what is new.
#[derive(Debug, Default)]
struct Line {
    number: AtomicU64,
    /// For the last few numbers: the lower half of the number, and the number of the type that was
    /// written.
    recent: [AtomicU32; RECENT],
}

const RECENT: usize = if CHECKED { 2 } else { 8 };

/// Where the event of a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The event is in the log of the type with this number.
    To(usize),
    /// The event is in no log.
    Nowhere,
    /// Unknown: the number is too old.
    Forgotten,
}

impl Horizon {
    /// Notes that an event was written: its number, and that of its type. The registry's lock is
    /// held.
    #[inline]
    pub(super) fn advance(&self, number: u64, type_number: usize) {
        let Line { number: last, recent } = &self.0.0;
        // The upper halves are cut off: a mix-up costs a needless look.
        let entry = (number as u32) << 16 | (type_number.min(TOO_LARGE) as u32);
        // Ordering: Relaxed. The number below is released after this.
        recent[number as usize % RECENT].store(entry, Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire in `get`: a reader that sees the number sees the
        // heads of all logs as they were then, and the cursors that had been added.
        last.store(number, Ordering::Release);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.0.number.load(Ordering::Acquire)
    }

    /// Where the event of a number between two horizons was written.
    #[inline]
    pub(super) fn written(&self, number: u64) -> Written {
        let entry = self.0.0.recent[number as usize % RECENT].load(Ordering::Relaxed);
        match ((entry >> 16) as u16).wrapping_sub(number as u16) as i16 {
            0 if entry as usize & TOO_LARGE < TOO_LARGE => Written::To(entry as usize & TOO_LARGE),
            ..0 => Written::Nowhere,
            _ => Written::Forgotten,
        }
    }

    /// Whether everything written between two horizons may still be known.
    #[inline]
    pub(super) fn remembers(from: u64, until: u64) -> bool {
        until.wrapping_sub(from) <= RECENT as u64
    }
}

/// Type numbers from here on are not recorded.
const TOO_LARGE: usize = u16::MAX as usize;
