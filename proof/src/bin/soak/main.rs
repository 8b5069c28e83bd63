//! `cargo xtask soak`: everything at once, for as long as is asked.
//!
//! Two buses are on at any time. On each a company of [components] publishes, reads, asks and
//! answers while the bus goes through its [phases]; then it ends, and another takes its place. The
//! [checks] say what must hold meanwhile, after each phase and at each end; the first that finds a
//! [fault](checks::Fault) ends the run. The [report] is a line every few seconds and a summary at the end.
//!
//! Everything random comes from one seed, so a run has the same plan again; how its threads
//! interleave is the machine's to decide.

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

use lexopt::prelude::*;

use checks::Fault;
use checks::watchdog::Watchdog;
use random::Random;
use run::{LANES, Run};

const USAGE: &str = "\
usage: cargo xtask soak [options]

  --minutes N       how long to run, also less than one. Default: 1
  --seed SEED       what everything random comes from, as a run printed it. Default: another each time
  --patience N      how many seconds a component that has work may do nothing. Default: 10
";

/// How often it is looked whether the run is over, and after how many looks there is a line.
const LOOK: Duration = Duration::from_secs(1);
const LINE: usize = 5;

/// What to do.
struct Args {
    time: Duration,
    seed: u64,
    patience: Duration,
}

impl Args {
    /// Reads the command line. `None`: help is asked for.
    ///
    /// # Errors
    /// An unknown option, or a value that makes no sense.
    fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
        let seed = Random::new(now.into()).next();
        let mut args =
            Self { time: Duration::from_secs(60), seed, patience: Duration::from_secs(10) };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("minutes") => {
                    let minutes: f64 = parser.value()?.parse()?;
                    args.time = Duration::try_from_secs_f64(minutes * 60.0)?;
                }
                Long("seed") => args.seed = parser.value()?.parse()?,
                Long("patience") => {
                    args.patience = Duration::from_secs(parser.value()?.parse()?);
                }
                Long("help") | Short('h') => return Ok(None),
                _ => return Err(format!("{}\n\n{USAGE}", arg.unexpected()).into()),
            }
        }
        Ok(Some(args))
    }
}

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
    let Some(Args { time, seed, patience }) = Args::parse()? else {
        print!("{USAGE}");
        return Ok(true);
    };
    println!("soak for {:.1} minutes, seed {seed}", time.as_secs_f64() / 60.0);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("tokio")
        .enable_time()
        .build()?;
    let run = Arc::new(Run::new(seed, time, patience, runtime.handle().clone()));
    blame_panics(&run);
    let watchdog = Watchdog::start(&run)?;

    let mut random = Random::new(seed);
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let (run, random) = (Arc::clone(&run), random.fork());
        let play = move || phases::lane(&run, lane, random);
        lanes.push(thread::Builder::new().name(format!("lane {lane}")).spawn(play)?);
    }
    for look in 1.. {
        watchdog.check(&run);
        if run.fault().is_some() || lanes.iter().all(thread::JoinHandle::is_finished) {
            break;
        }
        if look % LINE == 0 {
            println!("{}", report::line(&run));
        }
        thread::sleep(LOOK);
    }
    run.intermissions.check().unwrap_or_else(|fault| run.blame(fault));
    let fault = run.fault();
    println!("\n{}", report::summary(&run, fault.as_ref()));
    // After a fault there may be threads that never end.
    runtime.shutdown_background();
    Ok(fault.is_none())
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
