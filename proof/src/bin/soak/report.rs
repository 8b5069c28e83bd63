//! What the run says of itself: a line every few seconds, and a summary at the end. The checks have
//! counts of their own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callboard::End;

use crate::checks::Fault;
use crate::checks::growth::Growth;
use crate::components::{Doing, Role};
use crate::events::Kind;
use crate::phases::Stage;
use crate::run::{Run, lock};

/// What has been so far: of the buses that have ended, and of all requests and waits.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    ended: Mutex<Totals>,
    /// Requests that were met, out of reach, timed out, closed, and refused.
    requests: [AtomicU64; 5],
    /// The longest that a director waited for anything, in nanoseconds.
    longest_wait: AtomicU64,
    /// The longest from a publication to the receiver that slept and runs, in nanoseconds.
    longest_wake: AtomicU64,
}

/// The figures of some buses.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    /// The buses that have ended.
    buses: u64,
    phases: u64,
    /// How many components there are now, and how many there ever were.
    present: u64,
    components: u64,
    published: u64,
    received: u64,
    missed: u64,
}

impl Figures {
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

    /// A receiver that slept runs so many nanoseconds after the publication.
    pub(crate) fn woke(&self, nanos: u64) {
        self.longest_wake.fetch_max(nanos, Ordering::Relaxed);
    }

    /// A bus has ended.
    pub(crate) fn add_bus(&self, stage: &Stage) {
        let bus = Totals { buses: 1, present: 0, ..Totals::of(stage) };
        let mut ended = lock(&self.ended);
        *ended = ended.plus(bus);
    }

    /// Those of the buses that are on are included.
    fn totals(&self, run: &Run) -> Totals {
        let ended = *lock(&self.ended);
        run.stages().iter().map(|stage| Totals::of(stage)).fold(ended, Totals::plus)
    }

    fn requests(&self) -> [u64; 5] {
        self.requests.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

impl Totals {
    fn of(stage: &Stage) -> Self {
        let parts = stage.parts();
        let published = parts.iter().filter(|part| part.role == Role::Publisher);
        Self {
            buses: 0,
            phases: stage.phases() as u64,
            present: parts.iter().filter(|part| part.doing() != Doing::Gone).count() as u64,
            components: parts.len() as u64,
            published: published
                .flat_map(|part| Kind::PUBLISHED.map(|kind| part.published.of(kind)))
                .sum(),
            received: parts.iter().map(|part| part.received.all()).sum(),
            missed: parts.iter().map(|part| part.missed.load(Ordering::Relaxed)).sum(),
        }
    }

    fn plus(self, more: Self) -> Self {
        Self {
            buses: self.buses + more.buses,
            phases: self.phases + more.phases,
            present: self.present + more.present,
            components: self.components + more.components,
            published: self.published + more.published,
            received: self.received + more.received,
            missed: self.missed + more.missed,
        }
    }
}

/// The line for now.
pub(crate) fn line(run: &Run, memory: f64) -> String {
    let Totals { buses, present, published, received, .. } = run.figures.totals(run);
    let requests: u64 = run.figures.requests().iter().sum();
    format!(
        "{:>5.0} s: {published} events, {received} deliveries, {requests} requests, \
         {present} components, {buses} buses ended, RSS {memory:.1} MiB",
        run.elapsed().as_secs_f64()
    )
}

/// All that is to be said at the end.
pub(crate) fn summary(run: &Run, memory: &Growth, fault: Option<&Fault>) -> String {
    let Totals { buses, phases, components, published, received, missed, .. } =
        run.figures.totals(run);
    let [met, out_of_reach, timed_out, closed, refused] = run.figures.requests();
    let longest = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
    let seconds = run.elapsed().as_secs_f64().max(0.001);
    let rate = |count: u64| format!("{count}, {:.0} a second", count as f64 / seconds);
    let verdict = if fault.is_none() { "passed" } else { "failed" };
    let faults = fault.map_or_else(
        || "faults      none".to_owned(),
        |fault| {
            format!(
                "FAULT       {fault}\n\nto try again: cargo xtask soak --seed {} --minutes {:.2}",
                run.seed,
                (seconds / 60.0).max(0.1)
            )
        },
    );
    format!(
        "soak {verdict}: {seconds:.0} s, seed {}
  buses       {buses} ended, after {phases} phases
  components  {components} came and went
  published   {}
  received    {}
  missed      {missed} that their readers were told of
  requests    {met} met, {out_of_reach} out of reach, {timed_out} timed out, {closed} closed, \
         {refused} refused
  wake gap    {:.1?} at the longest, from the publication to the receiver that slept and runs
  quiet       {:.1?} at the longest until it was
  heap        without a bus {}
  memory      {}
  {faults}",
        run.seed,
        rate(published),
        rate(received),
        longest(&run.figures.longest_wake),
        longest(&run.figures.longest_wait),
        grows(&run.intermissions.growth()),
        grows(memory),
    )
}

fn grows(Growth { per_hour, bound, least, most }: &Growth) -> String {
    let range = format!("{least:.1} to {most:.1} MiB");
    if bound.is_infinite() {
        return format!("{range}; the run was too short to tell whether it grows");
    }
    format!(
        "{range}; in the second half {per_hour:+.1} MiB an hour, of {bound:.0} that a run of this \
         length may have"
    )
}
