//! `cargo xtask soak`: everything at once, for as long as is asked.
//!
//! Two buses run at any time, each in a lane of its own. On each, [components](component) publish,
//! [read](reader), [ask](request) and answer while its [director] takes it through its phases; then
//! it ends, and the next one begins. The run ends with the first fault. This must hold:
//!
//! | check | what must hold | when |
//! | --- | --- | --- |
//! | [`witness`] | one order, nothing twice, values as published | each event received |
//! | [`accounts`] | ledgers balance, and agree with what the components counted | after each phase, at each end |
//! | [`request`] | answers are for their question, and ends fit the rule | each request |
//! | [`director`] | all events are handled and all components end, in time | after each phase, at each end |
//! | [`Census`] | no payload leaked, or dropped twice | at the end of each bus |
//! | [`heap`] | without a bus, the heap is what it was | between two rounds of buses, judged at the end |
//!
//! Everything random comes from one seed, so a run has the same plan again; how its threads
//! interleave is up to the machine.

mod accounts;
mod actor;
mod component;
mod director;
mod events;
mod heap;
mod random;
mod reader;
mod request;
mod seat;
mod stage;
mod witness;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lexopt::prelude::*;

use events::Census;
use random::Random;
use stage::{LANES, Run, Totals, lock};

/// What a check comes to: a value, or the fault that it found.
pub(crate) type Checked<T = ()> = Result<T, String>;

/// Returns a fault unless something holds.
macro_rules! check {
    ($holds:expr, $($fault:tt)+) => {
        if !$holds {
            return Err(format!($($fault)+));
        }
    };
}
pub(crate) use check;

const USAGE: &str = "\
usage: cargo xtask soak [options]

  --minutes N       how long to run, also less than one. Default: 1
  --seed SEED       the source of everything random, as a run printed it. Default: another each time
";

/// How long a round of buses lasts, after which there is none for a moment.
const ROUND: Duration = Duration::from_secs(5);

/// The payloads of each lane.
static CENSUSES: [Census; LANES] = [const { Census::new() }; LANES];

fn main() -> ExitCode {
    match soak() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs; whether no fault was found.
fn soak() -> Result<bool, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    let (mut minutes, mut seed) = (1.0, Random::new(now.into()).next());
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("minutes") => minutes = parser.value()?.parse::<f64>()?,
            Long("seed") => seed = parser.value()?.parse()?,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(true);
            }
            _ => return Err(format!("{}\n\n{USAGE}", arg.unexpected()).into()),
        }
    }
    println!("soak for {minutes:.1} minutes, seed {seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_millis(10))
        .enable_time()
        .build()?;
    let time = Duration::try_from_secs_f64(minutes * 60.0)?;
    let run = Arc::new(Run::new(time, runtime.handle().clone()));
    blame_panics(&run);

    let mut random = Random::new(seed);
    let mut randoms: [Random; LANES] = std::array::from_fn(|_| random.fork());
    let mut sizes = Vec::new();
    while !run.is_over() {
        if !round(&run, &mut randoms)? {
            break;
        }
        sizes.push(heap::at_rest());
        println!("{}", line(&run));
    }
    let growth = heap::growth(&sizes);
    if growth > heap::NOISE {
        run.blame(format!("without a bus, the heap grew by {growth:.2} MiB: {sizes:.2?}"));
    }
    let fault = run.fault();
    let verdict = if fault.is_none() { "passed" } else { "failed" };
    println!("soak {verdict}: seed {seed}; without a bus, the heap grew by {growth:.2} MiB");
    if let Some(fault) = &fault {
        let minutes = (run.elapsed().as_secs_f64() / 60.0).max(0.1);
        println!("FAULT {fault}\n");
        println!("to try again: cargo xtask soak --seed {seed} --minutes {minutes:.2}");
    }
    // After a fault there may be threads that never end.
    runtime.shutdown_background();
    Ok(fault.is_none())
}

/// Runs one bus after the other in each lane, for a while. Returns whether all lanes have ended:
/// after a fault some may be stuck.
fn round(run: &Arc<Run>, randoms: &mut [Random; LANES]) -> Result<bool, Box<dyn Error>> {
    let until = run.elapsed() + ROUND;
    let mut lanes = Vec::new();
    for (lane, random) in randoms.iter().enumerate() {
        let (run, mut random) = (Arc::clone(run), random.clone());
        let play = move || {
            while !run.is_over() && run.elapsed() < until {
                director::play(&run, lane, &CENSUSES[lane], random.fork())
                    .unwrap_or_else(|fault| run.blame(fault));
            }
            random
        };
        lanes.push(thread::Builder::new().name(format!("lane {lane}")).spawn(play)?);
    }
    while !lanes.iter().all(thread::JoinHandle::is_finished) {
        run.look_for_stuck();
        if run.fault().is_some() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(5));
    }
    for (random, lane) in randoms.iter_mut().zip(lanes) {
        *random = lane.join().map_err(|_| "a lane panicked")?;
    }
    Ok(true)
}

/// The figures of the buses that have ended.
fn line(run: &Run) -> String {
    let Totals { buses, components, published, received, missed, requests } = *lock(&run.totals);
    format!(
        "{:>5.0} s: {published} events published, {received} received, {missed} missed, \
         {requests} requests; {buses} buses, {components} components",
        run.elapsed().as_secs_f64()
    )
}

/// Makes each panic a fault, except those that are planned: the hook does not see them.
fn blame_panics(run: &Arc<Run>) {
    let run = Arc::downgrade(run);
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(run) = run.upgrade() {
            let trace = std::backtrace::Backtrace::force_capture();
            run.blame(format!("{panic}\n{trace}"));
        }
    }));
}
