//! What the whole run shares, and what all components of one bus share.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callboard::WeakBus;

use crate::accounts::Reports;
use crate::component::{Part, Role};
use crate::events::Census;
use crate::witness::Numbers;

/// How many buses there are at any time.
pub(crate) const LANES: usize = 2;

/// How long anything may take that the director of a bus waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the whole run shares.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) runtime: tokio::runtime::Handle,
    begun: Instant,
    time: Duration,
    fault: Mutex<Option<String>>,
    /// What the director of each lane does, and since when.
    steps: [Mutex<(String, Instant)>; LANES],
    pub(crate) totals: Mutex<Totals>,
}

/// The figures of the buses that have ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) buses: u64,
    pub(crate) components: u64,
    pub(crate) published: u64,
    pub(crate) received: u64,
    pub(crate) missed: u64,
    pub(crate) requests: u64,
}

impl Run {
    pub(crate) fn new(time: Duration, runtime: tokio::runtime::Handle) -> Self {
        let begun = Instant::now();
        let steps = std::array::from_fn(|_| Mutex::new((String::new(), begun)));
        let (fault, totals) = (Mutex::default(), Mutex::default());
        Self { runtime, begun, time, fault, steps, totals }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Whether it is time to end, or a fault was found.
    pub(crate) fn is_over(&self) -> bool {
        self.elapsed() >= self.time || self.fault().is_some()
    }

    /// Notes a fault. Only the first counts: it may cause others.
    pub(crate) fn blame(&self, fault: String) {
        lock(&self.fault).get_or_insert(fault);
    }

    pub(crate) fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    /// Notes what the director of a lane does now.
    pub(crate) fn set_step(&self, lane: usize, step: String) {
        *lock(&self.steps[lane]) = (step, Instant::now());
    }

    /// Finds a director that is stuck in a call of its bus: it ends everything else by itself.
    pub(crate) fn look_for_stuck(&self) {
        for step in &self.steps {
            let (step, since) = &*lock(step);
            if since.elapsed() > PATIENCE * 2 {
                self.blame(format!("no progress for {:?}: {step}", since.elapsed()));
            }
        }
    }
}

/// What all components of one bus share.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) run: Arc<Run>,
    pub(crate) title: String,
    pub(crate) bus: WeakBus,
    /// Whether the bus keeps time.
    pub(crate) timed: bool,
    pub(crate) census: &'static Census,
    pub(crate) numbers: Numbers,
    /// The [`Cue`].
    pub(crate) cue: AtomicU8,
    /// All components there ever were.
    pub(crate) parts: Mutex<Vec<Arc<Part>>>,
    pub(crate) reports: Arc<Mutex<Reports>>,
}

/// What publishers and askers are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cue {
    /// To publish up to 64 events at once, with hardly a rest.
    Steady,
    /// To publish up to thousands at once, then to rest.
    Burst,
    /// To publish one event, then to rest, so that its readers sleep in between.
    Trickle,
    /// To do nothing.
    Hold,
    /// To go on, though the bus may be closed.
    Closing,
    End,
}

impl Cue {
    const ALL: [Self; 6] =
        [Self::Steady, Self::Burst, Self::Trickle, Self::Hold, Self::Closing, Self::End];
}

impl Stage {
    pub(crate) fn cue(&self) -> Cue {
        Cue::ALL[usize::from(self.cue.load(Ordering::SeqCst))]
    }

    pub(crate) fn set_cue(&self, cue: Cue) {
        self.cue.store(cue as u8, Ordering::SeqCst);
    }

    /// Adds a component.
    pub(crate) fn cast(&self, kind: &str, role: Role, on_thread: bool) -> Arc<Part> {
        let mut parts = lock(&self.parts);
        let number = parts.len() as u32 + 1;
        let name = format!("{kind}-{number}");
        let part = Arc::new(Part { name, number, role, on_thread, ..Part::default() });
        parts.push(Arc::clone(&part));
        part
    }

    /// All components there ever were.
    pub(crate) fn parts(&self) -> Vec<Arc<Part>> {
        lock(&self.parts).clone()
    }

    /// The names of the components that answer requests.
    pub(crate) fn responders(&self) -> Vec<String> {
        let answers = |part: &&Arc<Part>| {
            part.seat().is_some_and(|seat| seat.wants.answers()) && !part.is_gone()
        };
        lock(&self.parts).iter().filter(answers).map(|part| part.name.clone()).collect()
    }

    /// Adds the figures of this bus, which has ended.
    pub(crate) fn add_to_totals(&self) {
        let mut totals = lock(&self.run.totals);
        totals.buses += 1;
        for part in self.parts() {
            totals.components += 1;
            totals.published += part.published.all();
            totals.received += part.received.all();
            totals.missed += part.missed.load(Ordering::SeqCst);
            totals.requests += part.asked.load(Ordering::SeqCst);
        }
    }
}

/// Locks a mutex. A panic is a fault of its own; what it left locked is still needed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
