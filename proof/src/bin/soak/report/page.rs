//! The line and the page.

use std::fmt;
use std::time::Duration;

use super::{Figures, Totals};
use crate::checks::Fault;
use crate::checks::growth::Growth;
use crate::run::Run;

/// How fast things went since the last line.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    at: Duration,
    before: Totals,
}

impl Pace {
    /// The line for now.
    pub(crate) fn line(&mut self, run: &Run, memory: f64) -> String {
        let (now, stages) = (run.elapsed(), run.stages());
        let totals = run.figures.totals(&stages);
        let seconds = (now - self.at).as_secs_f64().max(0.001);
        // A bus that is just being handed over is counted late.
        let per_second = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let line = format!(
            "{:>5.0} s  {:>8.0} events/s  {:>8.0} deliveries/s  {:>5.0} requests/s  \
             {:>3} components, {} buses (+{} ended)  RSS {memory:.1} MiB",
            now.as_secs_f64(),
            per_second(totals.published, self.before.published),
            per_second(totals.received, self.before.received),
            per_second(totals.all_requests(), self.before.all_requests()),
            totals.present,
            stages.len(),
            totals.buses,
        );
        (self.at, self.before) = (now, totals);
        line
    }
}

/// All that is to be said at the end.
pub(crate) struct Page<'a> {
    pub(crate) run: &'a Run,
    pub(crate) totals: Totals,
    /// The heap between buses, and the whole process.
    pub(crate) heap: Growth,
    pub(crate) memory: Growth,
    pub(crate) fault: Option<&'a Fault>,
    pub(crate) time: Duration,
}

impl Page<'_> {
    pub(crate) fn verdict(&self) -> &'static str {
        if self.fault.is_none() { "passed" } else { "failed" }
    }
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, totals, heap, memory, .. } = self;
        let seconds = self.time.as_secs_f64().max(0.001);
        writeln!(f, "soak {}: {seconds:.0} s, seed {}", self.verdict(), run.seed)?;
        let rate = |count: u64| format!("{count}, {:.0} a second", count as f64 / seconds);
        writeln!(f, "  buses       {} ended, after {} phases", totals.buses, totals.phases)?;
        writeln!(f, "  components  {} came and went", totals.components)?;
        writeln!(f, "  published   {}", rate(totals.published))?;
        writeln!(f, "  received    {}", rate(totals.received))?;
        writeln!(f, "  missed      {} that their readers were told of", totals.missed)?;
        write!(f, "  requests    {}:", rate(totals.all_requests()))?;
        for (end, count) in Figures::ENDS.iter().zip(totals.requests) {
            write!(f, " {count} {}", end.replace('_', " "))?;
        }
        let wakes = &run.wakes;
        writeln!(
            f,
            "\n  wake gaps   p50 {:.1?}, p99 {:.1?}, max {:.1?}, from the publication to the \
             receiver that slept and runs, of {}",
            wakes.percentile(50),
            wakes.percentile(99),
            wakes.longest(),
            wakes.count(),
        )?;
        writeln!(f, "  quiet       {:.1?} at the longest until it was", totals.longest_wait)?;
        let grows = |growth: &Growth| {
            let Growth { per_hour, bound, least, most } = growth;
            let range = format!("{least:.1} to {most:.1} MiB");
            if bound.is_infinite() {
                return format!("{range}; the run was too short to tell whether it grows");
            }
            format!(
                "{range}; in the second half {per_hour:+.1} MiB an hour, of {bound:.0} that a run \
                 of this length may have"
            )
        };
        writeln!(f, "  heap        without a bus {}", grows(heap))?;
        writeln!(f, "  memory      {}", grows(memory))?;
        match self.fault {
            None => write!(f, "  faults      none"),
            Some(fault) => write!(
                f,
                "  FAULT       {fault}\n\nto try again: cargo xtask soak --seed {} --minutes {:.2}",
                run.seed,
                (seconds / 60.0).max(0.1)
            ),
        }
    }
}
