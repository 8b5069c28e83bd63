//! What the whole run shares: its clock, its figures, and the first fault that was found.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::checks::Fault;
use crate::checks::heap::Intermissions;
use crate::phases::Stage;
use crate::report::Figures;

/// How many buses there are at any time: each has a thread that opens it, plays with it and ends
/// it, over and over.
pub(crate) const LANES: usize = 2;

pub(crate) struct Run {
    pub(crate) seed: u64,
    begun: Instant,
    time: Duration,
    pub(crate) patience: Duration,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) figures: Figures,
    /// When there is no bus.
    pub(crate) intermissions: Intermissions,
    fault: Mutex<Option<Fault>>,
    /// The bus of each lane, with everybody on it.
    stages: [Mutex<Option<Arc<Stage>>>; LANES],
}

impl Run {
    pub(crate) fn new(
        seed: u64,
        time: Duration,
        patience: Duration,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self {
            seed,
            begun: Instant::now(),
            time,
            patience,
            runtime,
            figures: Figures::default(),
            intermissions: Intermissions::default(),
            fault: Mutex::default(),
            stages: Default::default(),
        }
    }

    /// The time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The same in nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether it is time to end, or a fault was found.
    pub(crate) fn is_over(&self) -> bool {
        self.elapsed() >= self.time || self.fault().is_some()
    }

    /// Something is not as it must be. Only the first counts: what follows may come of it.
    pub(crate) fn blame(&self, fault: Fault) {
        lock(&self.fault).get_or_insert(fault);
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        lock(&self.fault).clone()
    }

    pub(crate) fn set_stage(&self, lane: usize, stage: Option<Arc<Stage>>) {
        *lock(&self.stages[lane]) = stage;
    }

    /// What is on now.
    pub(crate) fn stages(&self) -> Vec<Arc<Stage>> {
        self.stages.iter().filter_map(|stage| lock(stage).clone()).collect()
    }
}

/// A panic is a fault of its own; what it leaves locked may still be looked at.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
