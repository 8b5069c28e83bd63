//! Scenarios: programs that use a bus as programs do, run in many orders.
//!
//! A scenario is written once, over the [`Stage`](stage::Stage) that runs its parts. By default
//! that is [`Sim`](callboard::testing::Sim), whose parts are interrupted where they await. Compiled
//! with `--cfg callboard_shuttle` it is shuttle: each part is a thread, and is interrupted at each
//! of the bus's own steps too, by random schedules and by PCT ones (Burckhardt et al., "A Randomized
//! Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
//!
//! `cargo xtask scenarios` does so, and says how many schedules there were. One that fails says how it
//! is run again: in the same way, step by step, until the scenario or the library is changed. Each
//! scenario says in one line what it did:
//!
//! ```text
//! scenario name=churn by=pct schedules=500 seconds=1.73 verdict=passed
//! ```
//!
//! `CALLBOARD_SCHEDULES` is how many runs of each kind there are, `CALLBOARD_REPLAY` the path of the
//! schedule to be run alone, and `CALLBOARD_SEED` the seed.
#![cfg(feature = "derive")]

mod asking;
mod barrier;
mod churn;
mod draining;
mod merging;
mod nested;
mod props;
#[cfg(callboard_shuttle)]
mod replaying;
mod retained;
#[cfg(callboard_shuttle)]
mod scheduled;
#[cfg(not(callboard_shuttle))]
mod seeded;
mod serving;
mod settling;
mod stage;

use std::time::Instant;

#[cfg(callboard_shuttle)]
use scheduled::perform;
#[cfg(not(callboard_shuttle))]
use seeded::perform;

macro_rules! scenarios {
    ($($name:ident: $scenario:path;)*) => {$(
        #[test]
        fn $name() {
            perform(stringify!($name), |stage| $scenario(stage));
        }
    )*};
}

scenarios! {
    asking: asking::scenario;
    nested: nested::scenario;
    churn: churn::scenario;
    merging: merging::scenario;
    retained: retained::scenario;
    barrier: barrier::scenario;
    draining: draining::scenario;
    settling: settling::scenario;
    serving: serving::scenario;
}

/// How many runs, unless `CALLBOARD_SCHEDULES` says otherwise.
fn runs(default: u64) -> u64 {
    let asked = std::env::var("CALLBOARD_SCHEDULES").ok().map(|number| number.parse());
    asked.map_or(default, |number| number.expect("CALLBOARD_SCHEDULES should be a number"))
}

/// One line for whoever reads it, or makes a table of it.
fn report(name: &str, by: &str, schedules: u64, begun: Instant, passed: bool) {
    let seconds = begun.elapsed().as_secs_f64();
    let verdict = if passed { "passed" } else { "failed" };
    println!(
        "scenario name={name} by={by} schedules={schedules} seconds={seconds:.2} verdict={verdict}"
    );
}
