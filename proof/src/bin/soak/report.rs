//! What the run says of itself: a line every few seconds, and a summary at the end. The checks have
//! counts of their own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::checks::Fault;
use crate::events::Kind;
use crate::phases::Stage;
use crate::run::{Run, lock};

/// What has been so far: of the buses that have ended, and of all requests.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    ended: Mutex<Totals>,
    /// Requests that brought answers or none, and those that were refused.
    pub(crate) requests: AtomicU64,
}

/// The figures of some buses.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    buses: u64,
    phases: u64,
    components: u64,
    published: u64,
    received: u64,
    missed: u64,
}

impl Figures {
    /// A bus has ended.
    pub(crate) fn add_bus(&self, stage: &Stage) {
        lock(&self.ended).add(stage);
    }
}

impl Totals {
    fn add(&mut self, stage: &Stage) {
        self.buses += 1;
        self.phases += stage.phases() as u64;
        for part in stage.parts() {
            self.components += 1;
            self.published +=
                Kind::PUBLISHED.map(|kind| part.published.of(kind)).iter().sum::<u64>();
            self.received += part.received.all();
            self.missed += part.missed.load(Ordering::Relaxed);
        }
    }
}

/// The figures for now, those of the buses that are on included.
pub(crate) fn line(run: &Run) -> String {
    let mut totals = *lock(&run.figures.ended);
    run.stages().iter().for_each(|stage| totals.add(stage));
    let Totals { buses, phases, components, published, received, missed } = totals;
    let requests = run.figures.requests.load(Ordering::Relaxed);
    format!(
        "{:>5.0} s: {published} events published, {received} received, {missed} missed, \
         {requests} requests; {buses} buses, {phases} phases, {components} components",
        run.elapsed().as_secs_f64()
    )
}

/// All that is to be said at the end.
pub(crate) fn summary(run: &Run, fault: Option<&Fault>) -> String {
    let (seed, growth) = (run.seed, run.intermissions.growth());
    let verdict = if fault.is_none() { "passed" } else { "failed" };
    let mut summary = format!(
        "{}\nsoak {verdict}: seed {seed}; without a bus, the heap grew by {growth:.2} MiB",
        line(run)
    );
    if let Some(fault) = fault {
        let minutes = (run.elapsed().as_secs_f64() / 60.0).max(0.1);
        summary += &format!(
            "\nFAULT {fault}\n\nto try again: cargo xtask soak --seed {seed} --minutes {minutes:.2}"
        );
    }
    summary
}
