//! Scenarios run by shuttle: each part is a thread, and is interrupted at every step of the sync
//! layer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Instant;
use std::{fs, panic};

use callboard::testing::{ManualClock, block_on};
use callboard::{Bus, BusBuilder};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::thread::{self, JoinHandle};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use super::stage::Stage;

/// Schedules of each kind by default.
const SCHEDULES: u64 = 3_000;

/// How many changes of priority a PCT schedule is to find a bug with.
const DEPTH: usize = 3;

/// Both kinds begin with this seed, unless `SHUTTLE_RANDOM_SEED` is another.
const SEED: u64 = 0;

/// No schedule takes so many steps, unless somebody goes on for ever.
const MAX_STEPS: usize = 200_000;

#[derive(Debug, Default)]
pub(crate) struct Scheduled {
    clock: ManualClock,
    threads: Vec<(String, JoinHandle<()>)>,
}

/// Runs a scenario by many schedules, or by that in `CALLBOARD_REPLAY`: a schedule that was printed,
/// or the path of one.
pub(crate) fn perform(name: &'static str, scenario: fn(&mut Scheduled)) {
    if let Ok(schedule) = std::env::var("CALLBOARD_REPLAY") {
        return replay(&schedule, scenario);
    }
    let schedules = usize::try_from(super::runs(SCHEDULES)).unwrap_or(usize::MAX);
    let random = RandomScheduler::new_from_seed(SEED, schedules);
    let pct = PctScheduler::new_from_seed(SEED, DEPTH, schedules);
    for failure in [explore(name, "random", random, scenario), explore(name, "pct", pct, scenario)]
    {
        if let Err(failure) = failure {
            let schedule = failure.schedule.display();
            println!("replay it: CALLBOARD_REPLAY={schedule} cargo xtask scenarios --exact {name}");
            panic::resume_unwind(failure.panic);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Failure {
    /// Where the schedule is written.
    pub(crate) schedule: PathBuf,
    pub(crate) panic: Box<dyn std::any::Any + Send>,
}

/// Runs a scenario by one kind of schedules, and says in one line how it went.
pub(crate) fn explore(
    name: &str,
    kind: &str,
    scheduler: impl Scheduler + 'static,
    scenario: fn(&mut Scheduled),
) -> Result<(), Failure> {
    print_no_schedule_of_a_panic();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{kind}"));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the target directory can be written");
    let config = config(FailurePersistence::File(Some(directory.clone())));
    let (begun, runs) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let ended = panic::catch_unwind(panic::AssertUnwindSafe({
        let runs = Arc::clone(&runs);
        move || {
            Runner::new(scheduler, config).run(move || {
                runs.fetch_add(1, Ordering::Relaxed);
                scenario(&mut Scheduled::default());
            })
        }
    }));
    super::report(name, kind, runs.load(Ordering::Relaxed), begun, ended.is_ok());
    ended.map(|_| ()).map_err(|panic| Failure { schedule: last_of(&directory), panic })
}

/// Runs a scenario by one schedule.
pub(crate) fn replay(schedule: &str, scenario: fn(&mut Scheduled)) {
    let schedule = fs::read_to_string(schedule).unwrap_or_else(|_| schedule.to_owned());
    let scheduler = ReplayScheduler::new_from_encoded(schedule.trim());
    Runner::new(scheduler, config(FailurePersistence::None))
        .run(move || scenario(&mut Scheduled::default()));
}

fn config(failures: FailurePersistence) -> Config {
    let mut config = Config::default();
    config.failure_persistence = failures;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    config.stack_size = 0x4_0000;
    config
}

/// shuttle's panic hook prints the schedule of every panic, also of one that is fenced in. What
/// fails is written by its executor all the same.
fn print_no_schedule_of_a_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        shuttle::check_random(|| (), 1);
        panic::set_hook(hook);
    });
}

/// The last file of a directory.
fn last_of(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).into_iter().flatten().flatten().map(|file| file.path());
    files.max().unwrap_or_else(|| directory.to_owned())
}

impl Stage for Scheduled {
    fn builder(&mut self) -> BusBuilder {
        // A bus that keeps time has queues in place of logs.
        Bus::builder().clock(self.clock()).timestamps(self.once_in(4))
    }

    fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    fn choose(&mut self, below: usize) -> usize {
        thread_rng().gen_range(0..below)
    }

    fn play(&mut self, name: &str, part: impl Future<Output = ()> + Send + 'static) {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(|| block_on(part));
        self.threads.push((name.to_owned(), thread.expect("a thread of shuttle's starts")));
    }

    fn finish(&mut self) {
        for (name, thread) in self.threads.drain(..) {
            assert!(thread.join().is_ok(), "`{name}` panicked");
        }
    }
}
