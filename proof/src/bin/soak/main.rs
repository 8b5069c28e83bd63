//! `cargo xtask soak`: everything at once, for as long as is asked.
//!
//! Two buses are on at any time. On each a company of [components] publishes, reads, asks and
//! answers while the bus goes through its [phases]; then it ends, and another takes its place. The
//! [checks] say what must hold meanwhile, after each phase and at each end; the first that finds a
//! [fault](checks::Fault) ends the run. The [report] is a line every few seconds and a summary at the end.
//!
//! Everything random comes from one seed, so a run has the same plan again; how its threads
//! interleave is the machine's to decide.

mod args;
mod checks;
mod components;
mod events;
mod phases;
mod random;
mod report;
mod run;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use args::{Args, USAGE};
use checks::Fault;
use checks::memory::{Memory, use_one_arena};
use checks::watchdog::Watchdog;
use random::Random;
use run::{LANES, Run};

/// How often the memory is sampled, and after how many samples there is a line.
const SAMPLE: Duration = Duration::from_secs(1);
const LINE: usize = 5;

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
    let args = Args::parse(std::env::args().skip(1))?;
    if args.help {
        print!("{USAGE}");
        return Ok(true);
    }
    use_one_arena()?;
    let seed = args.seed.unwrap_or_else(fresh_seed);
    println!("soak for {:.1} minutes, seed {seed}", args.time.as_secs_f64() / 60.0);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("tokio")
        .enable_time()
        .build()?;
    let run = Arc::new(Run::new(seed, args.time, args.patience, runtime.handle().clone()));
    blame_panics(&run);
    let watchdog = Watchdog::start(&run)?;

    let mut random = Random::new(seed);
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let (run, random) = (Arc::clone(&run), random.fork());
        let play = move || phases::lane(&run, lane, random);
        lanes.push(thread::Builder::new().name(format!("lane {lane}")).spawn(play)?);
    }
    let mut memory = Memory::new();
    for sample in 1.. {
        let size = memory.sample(run.elapsed());
        watchdog.check(&run);
        if run.fault().is_some() || lanes.iter().all(thread::JoinHandle::is_finished) {
            break;
        }
        if sample % LINE == 0 {
            println!("{}", report::line(&run, size));
        }
        thread::sleep(SAMPLE);
    }
    for checked in [run.intermissions.check(), memory.0.check()] {
        checked.unwrap_or_else(|fault| run.blame(fault));
    }
    let fault = run.fault();
    println!("\n{}", report::summary(&run, &memory.0.growth(), fault.as_ref()));
    // After a fault there may be threads that never end.
    runtime.shutdown_background();
    Ok(fault.is_none())
}

fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Random::new(u64::try_from(now.as_nanos() & u128::from(u64::MAX)).unwrap_or(0)).next()
}

/// A panic is a fault, unless it is planned: those don't come by here.
fn blame_panics(run: &Arc<Run>) {
    let run = Arc::downgrade(run);
    std::panic::set_hook(Box::new(move |panic| {
        let thread = thread::current();
        let what = format!("thread `{}`", thread.name().unwrap_or("?"));
        if let Some(run) = run.upgrade() {
            let trace = std::backtrace::Backtrace::force_capture();
            run.blame(Fault::new(what, "no panic", panic).with(trace));
        }
    }));
}
