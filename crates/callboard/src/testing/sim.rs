//! Simulation: runs whose interleaving is determined by a seed.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::ManualClock;
use crate::builder::BusBuilder;
use crate::bus::Bus;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The maximum number of polls in a run; a run with more is assumed to be endless.
const MAX_POLLS: u64 = 1_000_000;

/// Runs components one at a time on this thread, in an order determined by a seed, on a clock that
/// jumps to the next timeout when no task can run. The same seed gives the same run.
///
/// A component may be interrupted wherever it awaits; on the run's own [`bus`](Self::bus) it may
/// also be, at random, between any two events. There is no runtime, so tokio's timers and sockets
/// don't work.
///
/// See [the module](super) for an example.
pub struct Sim {
    seed: u64,
    random: Arc<Random>,
    clock: ManualClock,
    tasks: Vec<Task>,
    woken: Arc<Mutex<Vec<usize>>>,
    polls: u64,
}

struct Task {
    name: String,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Waker,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("seed", &self.seed)
            .field("polls", &self.polls)
            .field("clock", &self.clock)
            .field("running", &self.running().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

struct TaskWaker {
    task: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut woken = self.woken.lock();
        if !woken.contains(&self.task) {
            woken.push(self.task);
        }
    }
}

impl Sim {
    /// Creates a run with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            random: Arc::new(Random(AtomicU64::new(seed))),
            clock: ManualClock::new(),
            tasks: Vec::new(),
            woken: Arc::default(),
            polls: 0,
        }
    }

    /// Runs `test` once per seed. If one fails, the seed is printed; set the environment variable
    /// `CALLBOARD_SEED` to it to run that one alone.
    ///
    /// # Panics
    ///
    /// If `test` panics, or if `CALLBOARD_SEED` is not a number.
    pub fn for_each_seed(seeds: impl IntoIterator<Item = u64>, mut test: impl FnMut(&mut Self)) {
        let replay = std::env::var("CALLBOARD_SEED").ok().map(|seed| match seed.parse() {
            Ok(seed) => seed,
            Err(error) => panic!("CALLBOARD_SEED should be a number, not `{seed}`: {error}"),
        });
        let seeds: Vec<u64> = replay.map_or_else(|| seeds.into_iter().collect(), |seed| vec![seed]);
        for seed in seeds {
            let run = catch_unwind(AssertUnwindSafe(|| test(&mut Self::new(seed))));
            if let Err(panic) = run {
                eprintln!("failed with seed {seed}; replay it with CALLBOARD_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The run's clock.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// A bus on the run's clock.
    #[must_use]
    pub fn bus(&self) -> Bus {
        match self.builder().build() {
            Ok(bus) => bus,
            Err(error) => unreachable!("the defaults are good: {error}"),
        }
    }

    /// A builder for a bus on the run's clock.
    pub fn builder(&self) -> BusBuilder {
        let random = Arc::clone(&self.random);
        // Half of the time, so that both orders of two events are about equally likely.
        let jitter = Box::new(move || random.next().is_multiple_of(2));
        Bus::builder().clock(self.clock.clone()).timestamps(true).jitter(jitter)
    }

    /// Adds a component. It first runs in [`run`](Self::run).
    pub fn spawn(&mut self, name: &str, component: impl Future<Output = ()> + 'static) {
        let number = self.tasks.len();
        let waker =
            Waker::from(Arc::new(TaskWaker { task: number, woken: Arc::clone(&self.woken) }));
        let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(component);
        self.tasks.push(Task { name: name.to_owned(), future: Some(future), waker });
        self.woken.lock().push(number);
    }

    /// Runs the components until none has anything to do, now or later: each remaining one waits
    /// for the test. Timeouts pass at once. A run with [periodic events](crate::Bus::publish_every)
    /// never ends: advance the [`clock`](Self::clock) and use [`run_ready`](Self::run_ready)
    /// instead.
    ///
    /// # Panics
    ///
    /// If a component panics; or if the run never ends, naming the component that ran last.
    pub fn run(&mut self) {
        let mut leaps = 0;
        loop {
            self.run_ready();
            if self.clock.advance_to_next().is_none() {
                return;
            }
            leaps += 1;
            assert!(
                leaps < MAX_POLLS,
                "there always is another timeout, seed {}: does something publish periodically?",
                self.seed
            );
        }
    }

    /// Runs the components until none has anything to do now. No time passes.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn run_ready(&mut self) {
        while let Some(number) = self.pick() {
            self.polls += 1;
            let task = &mut self.tasks[number];
            assert!(
                self.polls < MAX_POLLS,
                "`{}` never comes to rest, seed {}",
                task.name,
                self.seed
            );
            if let Some(future) = &mut task.future {
                let mut context = Context::from_waker(&task.waker);
                if let Poll::Ready(()) = future.as_mut().poll(&mut context) {
                    task.future = None;
                }
            }
        }
    }

    /// The components that have not ended.
    pub fn running(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().filter(|task| task.future.is_some()).map(|task| task.name.as_str())
    }

    /// A woken task, chosen at random.
    fn pick(&mut self) -> Option<usize> {
        let random = self.random.next();
        let mut woken = self.woken.lock();
        if woken.is_empty() {
            return None;
        }
        // The remainder is less than the length, so it fits.
        #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
        let place = (random % woken.len() as u64) as usize;
        Some(woken.swap_remove(place))
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Debug)]
struct Random(AtomicU64);

impl Random {
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicU64, Random};

    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        let random = Random(AtomicU64::new(1_234_567));
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(published.map(|_| random.next()), published);
    }
}
