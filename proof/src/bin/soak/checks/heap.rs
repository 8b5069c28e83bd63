//! Whether the heap is what it was, whenever there is no bus.
//!
//! Every few seconds the lanes wait for each other between two buses. What is allocated then belongs
//! to the run itself, and is as much every time but for what tokio and threads that have just ended
//! still hold: runs without a leak were seen to have 1.4 MiB, give or take 0.3. Hence the
//! [noise](NOISE). A leak of one block of 4 KiB for each bus is more than 10 MiB an hour.

use std::alloc::System;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;

use super::{Checked, holds};
use crate::run::{LANES, Run, lock};

/// The system's allocator, with a count of the bytes that are allocated and not freed.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// When all lanes wait between two buses, and the heap is looked at.
#[derive(Debug, Default)]
pub(crate) struct Intermissions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many lanes wait for this one.
    waiting: usize,
    /// What the heap held in those that are over, in MiB.
    held: Vec<f64>,
}

/// By so many MiB the heap may differ.
const NOISE: f64 = 0.75;
/// Between two intermissions.
const PERIOD: Duration = Duration::from_secs(5);
/// How long the heap may take to come to rest: a thread that has ended is not yet gone.
const SETTLING: Duration = Duration::from_millis(60);

impl Intermissions {
    /// Waits for the other lanes, if it is time to. There is no bus on this lane now.
    pub(crate) fn attend(&self, run: &Run) {
        let mine = {
            let mut state = lock(&self.0);
            let due = PERIOD.as_secs_f64() * (state.held.len() + 1) as f64;
            if run.elapsed().as_secs_f64() < due {
                return;
            }
            state.waiting += 1;
            state.held.len()
        };
        while !run.is_over() {
            let mut state = lock(&self.0);
            if state.held.len() > mine {
                return;
            }
            if state.waiting == LANES {
                state.waiting = 0;
                state.held.push(at_rest());
                return;
            }
            drop(state);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// By how many MiB the heap grew.
    pub(crate) fn growth(&self) -> f64 {
        growth(&lock(&self.0).held)
    }

    pub(crate) fn check(&self) -> Checked {
        let held = lock(&self.0).held.clone();
        holds(
            growth(&held) <= NOISE,
            || "the growth of the heap between buses".to_owned(),
            format_args!("at the most {NOISE} MiB"),
            || format!("{:.2} MiB; it held {held:.2?}", growth(&held)),
        )
    }
}

/// By how much the mean of the later sizes is above that of the earlier ones. The first quarter is
/// left out, for what grows once; of few sizes nothing is said.
fn growth(sizes: &[f64]) -> f64 {
    let (_, sizes) = sizes.split_at(sizes.len() / 4);
    let (earlier, later) = sizes.split_at(sizes.len() / 2);
    let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
    if earlier.len() < 2 { 0.0 } else { mean(later) - mean(earlier) }
}

/// What the heap holds once it has come to rest, in MiB.
fn at_rest() -> f64 {
    let until = Instant::now() + SETTLING;
    let mut least = usize::MAX;
    while Instant::now() < until {
        least = least.min(HEAP.allocated());
        thread::sleep(Duration::from_millis(2));
    }
    least as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn growth_is_told_from_what_grows_once() {
        let sizes =
            |size: fn(f64) -> f64| (0..80).map(|at| size(f64::from(at))).collect::<Vec<_>>();
        assert!(growth(&sizes(|at| if at < 20.0 { 1.0 } else { 5.0 })).abs() < 1e-9);
        assert!((growth(&sizes(|at| at / 10.0)) - 3.0).abs() < 1e-9);
        assert!(growth(&[1.0, 2.0, 3.0]).abs() < 1e-9, "too few to tell");
    }
}
