//! Whether the heap is what it was, whenever there is no bus.
//!
//! What is allocated then belongs to the run itself, and is the same each time but for what tokio
//! and threads that have just ended still hold: runs without a leak differed by 0.3 MiB. Hence
//! [`NOISE`]. A leak of one block of 4 KiB for each bus is more than 10 MiB an hour.

use std::alloc::System;
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;

/// The system's allocator, with a count of the bytes that are allocated and not freed.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// By how many MiB the heap may grow.
pub(crate) const NOISE: f64 = 0.75;
/// How long the heap may take to come to rest: a thread that has ended is not yet gone.
const SETTLING: Duration = Duration::from_millis(60);

/// What the heap holds once it has come to rest, in MiB.
pub(crate) fn at_rest() -> f64 {
    let until = Instant::now() + SETTLING;
    let mut least = usize::MAX;
    while Instant::now() < until {
        least = least.min(HEAP.allocated());
        thread::sleep(Duration::from_millis(2));
    }
    least as f64 / f64::from(1 << 20)
}

/// By how much the mean of the later sizes is above that of the earlier ones. The first quarter is
/// left out, since some things grow once; of too few sizes the growth is 0.
pub(crate) fn growth(sizes: &[f64]) -> f64 {
    let (_, sizes) = sizes.split_at(sizes.len() / 4);
    let (earlier, later) = sizes.split_at(sizes.len() / 2);
    let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
    if earlier.len() < 2 { 0.0 } else { mean(later) - mean(earlier) }
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn growth_is_told_from_what_grows_once() {
        let once: Vec<f64> = (0..80).map(|at| if at < 20 { 1.0 } else { 5.0 }).collect();
        let steadily: Vec<f64> = (0..80).map(|at| f64::from(at) / 10.0).collect();
        assert!(growth(&once).abs() < 1e-9);
        assert!((growth(&steadily) - 3.0).abs() < 1e-9);
        assert!(growth(&[1.0, 2.0, 3.0]).abs() < 1e-9, "too few to tell");
    }
}
