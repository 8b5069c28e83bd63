//! What the run counts for its reader. The checks have counts of their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callboard::End;

use crate::components::{Doing, Role};
use crate::events::Kind;
use crate::phases::Stage;

/// What has been so far: of the buses that have ended, and of all requests.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    buses: AtomicU64,
    phases: AtomicU64,
    components: AtomicU64,
    published: AtomicU64,
    received: AtomicU64,
    missed: AtomicU64,
    /// Requests that were met, out of reach, timed out, closed, and refused.
    requests: [AtomicU64; 5],
    /// The longest that a director waited for anything, in nanoseconds.
    longest_wait: AtomicU64,
}

/// The figures at one moment, with those of the buses that are on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    /// Those that have ended, and the phases of all.
    pub(crate) buses: u64,
    pub(crate) phases: u64,
    /// How many there are now, and how many there ever were.
    pub(crate) present: u64,
    pub(crate) components: u64,
    pub(crate) published: u64,
    pub(crate) received: u64,
    pub(crate) missed: u64,
    pub(crate) requests: [u64; 5],
    pub(crate) longest_wait: Duration,
}

impl Figures {
    /// What the ends of requests are called, in the order in which they are counted.
    pub(crate) const ENDS: [&'static str; 5] =
        ["met", "out_of_reach", "timed_out", "closed", "refused"];

    /// A request has ended like this; `None`: it was refused.
    pub(crate) fn count_request(&self, end: Option<End>) {
        let place = match end {
            Some(End::Met) => 0,
            Some(End::Unreachable) => 1,
            Some(End::TimedOut) => 2,
            Some(End::Closed) => 3,
            None => 4,
        };
        self.requests[place].fetch_add(1, Ordering::Relaxed);
    }

    /// A director waited so long for something.
    pub(crate) fn waited(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.longest_wait.fetch_max(nanos, Ordering::Relaxed);
    }

    /// A bus has ended.
    pub(crate) fn add_bus(&self, stage: &Stage) {
        let totals = of_stage(stage);
        self.buses.fetch_add(1, Ordering::Relaxed);
        self.phases.fetch_add(totals.phases, Ordering::Relaxed);
        self.components.fetch_add(totals.components, Ordering::Relaxed);
        self.published.fetch_add(totals.published, Ordering::Relaxed);
        self.received.fetch_add(totals.received, Ordering::Relaxed);
        self.missed.fetch_add(totals.missed, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self, stages: &[std::sync::Arc<Stage>]) -> Totals {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let ended = Totals {
            buses: load(&self.buses),
            phases: load(&self.phases),
            present: 0,
            components: load(&self.components),
            published: load(&self.published),
            received: load(&self.received),
            missed: load(&self.missed),
            requests: std::array::from_fn(|place| load(&self.requests[place])),
            longest_wait: Duration::from_nanos(load(&self.longest_wait)),
        };
        stages.iter().map(|stage| of_stage(stage)).fold(ended, |sum, more| Totals {
            phases: sum.phases + more.phases,
            present: sum.present + more.present,
            components: sum.components + more.components,
            published: sum.published + more.published,
            received: sum.received + more.received,
            missed: sum.missed + more.missed,
            ..sum
        })
    }
}

impl Totals {
    pub(crate) fn all_requests(&self) -> u64 {
        self.requests.iter().sum()
    }
}

fn of_stage(stage: &Stage) -> Totals {
    let parts = stage.parts();
    let published = parts.iter().filter(|part| part.role == Role::Publisher);
    Totals {
        phases: stage.phases() as u64,
        present: parts.iter().filter(|part| part.doing() != Doing::Gone).count() as u64,
        components: parts.len() as u64,
        published: published
            .map(|part| Kind::PUBLISHED.iter().map(|kind| part.published.of(*kind)).sum::<u64>())
            .sum(),
        received: parts.iter().map(|part| part.received.all()).sum(),
        missed: parts.iter().map(|part| part.missed.load(Ordering::Relaxed)).sum(),
        ..Totals::default()
    }
}
