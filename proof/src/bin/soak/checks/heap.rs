//! Whether the heap is what it was, whenever there is no bus.
//!
//! Every few seconds the lanes wait for each other between two buses. What is allocated then belongs
//! to the run itself, and is as much every time but for what tokio and threads that have just ended
//! still hold: runs without a leak were seen to have 1.4 MiB, give or take 0.3. Hence the
//! [noise](NOISE). [`PER_HOUR`] is nothing to speak of: a leak of one block of 4 KiB for each bus
//! is more than 10 MiB an hour.

use std::alloc::System;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;

use super::Checked;
use super::growth::{Growth, Series};
use crate::run::{LANES, Run, lock};

/// The system's allocator, with a count of the bytes that are allocated and not freed.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// When all lanes wait between two buses, and the heap is looked at.
#[derive(Debug)]
pub(crate) struct Intermissions(Mutex<State>);

#[derive(Debug)]
struct State {
    /// How many lanes wait for this one.
    waiting: usize,
    /// What the heap held in those that are over.
    held: Series,
}

const NOISE: f64 = 0.75;
const PER_HOUR: f64 = 1.0;

/// Between two intermissions.
const PERIOD: Duration = Duration::from_secs(5);
/// How long the heap may take to come to rest: a thread that has ended is not yet gone.
const SETTLING: Duration = Duration::from_millis(60);

impl Intermissions {
    pub(crate) fn new() -> Self {
        let held = Series::new("the heap between buses", NOISE, PER_HOUR);
        Self(Mutex::new(State { waiting: 0, held }))
    }

    /// Waits for the other lanes, if it is time to. There is no bus on this lane now.
    pub(crate) fn attend(&self, run: &Run) {
        let due = |state: &State| PERIOD.as_secs_f64() * (state.held.len() + 1) as f64;
        let mine = {
            let mut state = lock(&self.0);
            if run.elapsed().as_secs_f64() < due(&state) {
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
                state.held.add(run.elapsed().as_secs_f64(), at_rest());
                return;
            }
            drop(state);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How the heap grew.
    pub(crate) fn growth(&self) -> Growth {
        lock(&self.0).held.growth()
    }

    pub(crate) fn check(&self) -> Checked {
        lock(&self.0).held.check()
    }
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
