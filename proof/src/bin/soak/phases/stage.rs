//! One bus and what everybody on it shares.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use callboard::Bus;

use crate::checks::Numbers;
use crate::components::{Doing, Part, Role, Wants};
use crate::events::{Census, Kind, Origin};
use crate::run::{Run, lock};

/// One bus and what everybody on it shares.
pub(crate) struct Stage {
    pub(crate) run: Arc<Run>,
    /// Which bus of the run it is, for people.
    pub(crate) title: String,
    /// Whether the bus keeps time.
    pub(crate) timed: bool,
    pub(crate) census: &'static Census,
    pub(crate) numbers: Numbers,
    /// There until it is given up.
    bus: Mutex<Option<Bus>>,
    /// Twice the number of the last hold, and one more while it lasts; [`END`] is the end.
    cue: AtomicU64,
    tempo: AtomicU8,
    closing: AtomicBool,
    /// Everybody there ever was.
    parts: Mutex<Vec<Arc<Part>>>,
    /// What the drop callback was told, by subscriber.
    reports: Mutex<BTreeMap<String, u64>>,
    /// What its director does, and since when.
    step: Mutex<String>,
    last_step: AtomicU64,
    pub(super) phases: AtomicUsize,
}

const END: u64 = u64::MAX;

/// What publishers and askers are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cue {
    Play,
    /// Nothing, for the so-manyth time.
    Hold(u64),
    /// Go.
    End,
}

/// How fast publishers publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tempo {
    /// Up to 64 events at once, with hardly a rest.
    Steady,
    /// Up to thousands at once, then a rest.
    Burst,
    /// One event, then a rest: whoever reads it sleeps.
    Trickle,
}

impl Tempo {
    pub(super) const ALL: [Self; 3] = [Self::Steady, Self::Burst, Self::Trickle];
}

impl Stage {
    pub(super) fn new(run: Arc<Run>, title: String, timed: bool, census: &'static Census) -> Self {
        Self {
            title,
            timed,
            census,
            numbers: Numbers::new(),
            bus: Mutex::default(),
            cue: AtomicU64::new(0),
            tempo: AtomicU8::new(0),
            closing: AtomicBool::new(false),
            parts: Mutex::default(),
            reports: Mutex::default(),
            step: Mutex::default(),
            last_step: AtomicU64::new(run.nanos()),
            phases: AtomicUsize::new(0),
            run,
        }
    }

    /// The bus; `None` once it is given up.
    pub(crate) fn bus(&self) -> Option<Bus> {
        lock(&self.bus).clone()
    }

    /// Sets the bus, or takes it away.
    pub(super) fn set_bus(&self, bus: Option<Bus>) {
        let old = std::mem::replace(&mut *lock(&self.bus), bus);
        drop(old);
    }

    pub(crate) fn cue(&self) -> Cue {
        match self.cue.load(Ordering::SeqCst) {
            END => Cue::End,
            cue if cue % 2 == 1 => Cue::Hold(cue),
            _ => Cue::Play,
        }
    }

    /// Tells publishers and askers to hold. Returns which time it is.
    pub(super) fn hold(&self) -> u64 {
        let time = self.cue.load(Ordering::SeqCst) | 1;
        self.cue.store(time, Ordering::SeqCst);
        time
    }

    /// Tells them to go on.
    pub(super) fn go_on(&self) {
        let time = self.cue.load(Ordering::SeqCst) | 1;
        self.cue.store(time + 1, Ordering::SeqCst);
    }

    /// Tells them to go.
    pub(super) fn end(&self) {
        self.cue.store(END, Ordering::SeqCst);
    }

    pub(crate) fn tempo(&self) -> Tempo {
        Tempo::ALL[usize::from(self.tempo.load(Ordering::Relaxed))]
    }

    pub(super) fn set_tempo(&self, tempo: Tempo) {
        self.tempo.store(tempo as u8, Ordering::Relaxed);
    }

    /// The bus is about to be closed.
    pub(super) fn set_closing(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Gives a component its part.
    pub(crate) fn cast(&self, kind: &str, role: Role, about: String) -> Arc<Part> {
        let mut parts = lock(&self.parts);
        let number = u32::try_from(parts.len()).unwrap_or(u32::MAX) + 1;
        let part = Arc::new(Part::new(format!("{kind}-{number}"), number, role, about));
        parts.push(Arc::clone(&part));
        part
    }

    /// Everybody there ever was.
    pub(crate) fn parts(&self) -> Vec<Arc<Part>> {
        lock(&self.parts).clone()
    }

    /// The names of those who answer this kind of request.
    pub(crate) fn responders(&self, kind: Kind) -> Vec<String> {
        let answers = |part: &&Arc<Part>| {
            let wants = part.seat().map(|seat| seat.wants);
            let desk = kind == Kind::Inquiry && wants == Some(Wants::Desk);
            (desk || wants == Some(Wants::Calls(kind))) && part.doing() != Doing::Gone
        };
        lock(&self.parts).iter().filter(answers).map(|part| part.name.clone()).collect()
    }

    /// Where the next event of a component comes from.
    pub(crate) fn origin(&self, part: &Part, kind: Kind) -> Origin {
        Origin {
            publisher: part.number,
            number: part.next_number(),
            priority: kind.priority(),
            ordered: true,
        }
    }

    pub(super) fn report(&self, subscriber: &str) {
        let mut reports = lock(&self.reports);
        match reports.get_mut(subscriber) {
            Some(drops) => *drops += 1,
            None => drop(reports.insert(subscriber.to_owned(), 1)),
        }
    }

    pub(super) fn reports(&self) -> BTreeMap<String, u64> {
        lock(&self.reports).clone()
    }

    /// How many phases are over.
    pub(crate) fn phases(&self) -> usize {
        self.phases.load(Ordering::Relaxed)
    }

    /// What its director does.
    pub(crate) fn step(&self) -> String {
        lock(&self.step).clone()
    }

    /// When it began to.
    pub(crate) fn last_step(&self) -> u64 {
        self.last_step.load(Ordering::Relaxed)
    }

    pub(super) fn set_step(&self, step: impl Into<String>) {
        *lock(&self.step) = step.into();
        self.last_step.store(self.run.nanos(), Ordering::Relaxed);
    }
}
