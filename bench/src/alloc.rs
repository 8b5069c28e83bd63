//! The allocator that counts, when asked to.
//!
//! While it is not, an allocation costs one relaxed load more, the same for every contestant.
#![expect(unsafe_code, reason = "a global allocator can't be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

// Ordering: Relaxed throughout. Threads whose allocations are counted are joined, or their
// messages received, before the counters are read.
static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicI64 = AtomicI64::new(0);
static HELD: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

/// One count at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What was allocated while it was counted, by all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// How often memory was asked for.
    pub(crate) allocations: i64,
    /// The bytes that were allocated and not freed again.
    pub(crate) held: i64,
    /// The most that was so at any moment.
    pub(crate) peak: i64,
}

/// Counts what `run` allocates.
pub(crate) fn count<T>(run: impl FnOnce() -> T) -> (T, Counted) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for counter in [&ALLOCATIONS, &HELD, &PEAK] {
        counter.store(0, Ordering::Relaxed);
    }
    COUNTING.store(true, Ordering::Relaxed);
    let value = run();
    COUNTING.store(false, Ordering::Relaxed);
    let counted = Counted {
        allocations: ALLOCATIONS.load(Ordering::Relaxed),
        held: HELD.load(Ordering::Relaxed),
        peak: PEAK.load(Ordering::Relaxed),
    };
    (value, counted)
}

#[cold]
fn add(bytes: usize) {
    let bytes = i64::try_from(bytes).unwrap_or(0);
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

#[cold]
fn remove(bytes: usize) {
    HELD.fetch_sub(i64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
}

struct CountingAllocator;

// SAFETY: each method is the system allocator's, called with what it was called with; counting
// touches only atomics and never allocates.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Ordering::Relaxed) {
            add(layout.size());
        }
        // SAFETY: the caller keeps the promises that the system allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Ordering::Relaxed) {
            add(layout.size());
        }
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTING.load(Ordering::Relaxed) {
            remove(layout.size());
        }
        // SAFETY: the pointer came from the system allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTING.load(Ordering::Relaxed) {
            remove(layout.size());
            add(size);
        }
        // SAFETY: as in `dealloc`; the new size is the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::count;

    #[test]
    fn counts_what_is_allocated_and_what_stays() {
        // Other tests allocate and free at the same time, but far less than half of this.
        let (kept, counted) = count(|| {
            drop(black_box(vec![0_u8; 1 << 28]));
            black_box(vec![0_u8; 1 << 16])
        });
        assert!(counted.allocations >= 2);
        assert!(counted.peak >= 1 << 27);
        assert_eq!(kept.len(), 1 << 16);
    }
}
