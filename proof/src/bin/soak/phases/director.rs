//! Who builds a bus, gathers its company, and has it play its phases.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callboard::Bus;

use super::stage::{Stage, Tempo};
use crate::checks::account::Accounts;
use crate::checks::{Checked, Fault};
use crate::components::{Component, Publisher, Role};
use crate::events::Census;
use crate::random::Random;
use crate::run::Run;

/// Who builds a bus, gathers its company, and has it play its phases.
pub(crate) struct Director {
    pub(super) stage: Arc<Stage>,
    pub(super) bus: Bus,
    pub(super) random: Random,
    pub(super) company: Vec<Component>,
    pub(super) accounts: Accounts,
    /// Sends what the director itself publishes.
    pub(super) voice: Publisher,
    /// How many payloads there had been before.
    pub(super) born_before: u64,
}

/// What happens on a bus for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Play(Tempo),
    Stall,
    Pause,
    Churn,
}

const PHASES: [Phase; 7] = [
    Phase::Play(Tempo::Steady),
    Phase::Play(Tempo::Burst),
    Phase::Play(Tempo::Trickle),
    Phase::Stall,
    Phase::Pause,
    Phase::Churn,
    Phase::Churn,
];

/// No company grows beyond this, so that two of them are not all that the machine does.
const MOST_COMPONENTS: usize = 40;

impl Director {
    /// Builds a bus.
    ///
    /// # Errors
    ///
    /// If the bus finds fault with how it is to be built.
    pub(crate) fn new(
        run: &Arc<Run>,
        title: String,
        census: &'static Census,
        mut random: Random,
    ) -> Result<Self, Fault> {
        let timed = random.one_in(3);
        let stage = Arc::new(Stage::new(Arc::clone(run), title, timed, census));
        let part = stage.cast("director", Role::Publisher, "director".to_owned());
        part.hold(0);
        let reports = Arc::downgrade(&stage);
        let bus = Bus::builder()
            .timestamps(timed)
            .pre_start_capacity(random.pick(&[20, 200, 1_000, 5_000]))
            .expect_subscribers(["reader-2"])
            .on_drop(move |dropped| {
                if let Some(stage) = reports.upgrade() {
                    stage.report(dropped.subscriber());
                }
            })
            .build()
            .map_err(|error| Fault::new("the building of a bus", "no error", error))?;
        stage.set_bus(Some(bus.clone()));
        let voice = Publisher::new(&stage, &part, random.fork());
        Ok(Self {
            stage,
            bus,
            random,
            company: Vec::new(),
            accounts: Accounts::default(),
            voice,
            born_before: census.born(),
        })
    }

    pub(crate) fn stage(&self) -> &Arc<Stage> {
        &self.stage
    }

    /// Plays the bus from its start to its end.
    ///
    /// # Errors
    ///
    /// The first thing that is not as it must be.
    pub(crate) fn play(mut self) -> Checked {
        self.open()?;
        for _ in 0..self.random.between(3, 8) {
            let phase = self.random.pick(&PHASES);
            self.perform(phase);
            self.be_quiet()?;
            self.stage.phases.fetch_add(1, Ordering::Relaxed);
            if self.stage.run.is_over() {
                break;
            }
            self.fill_up();
            self.stage.go_on();
        }
        self.stage.go_on();
        self.finish()
    }

    /// Gathers a company and starts the bus: some have published by then, if it so happens.
    fn open(&mut self) -> Checked {
        self.stage.set_step("gathers a company");
        let random = &mut self.random;
        // Among the first is the one that the bus expects.
        let (readers, others) = (random.between(4, 16), random.between(3, 8));
        self.company.extend((0..readers).filter_map(|_| Component::reader(&self.stage, random)));
        for _ in 0..others {
            self.company.extend(any_component(&self.stage, random));
        }
        self.company.push(Component::publisher(&self.stage, random));
        self.rest(20);
        if self.random.one_in(2) {
            self.bus.start();
        } else {
            let ready = self.bus.start_when_ready_blocking(self.stage.run.patience);
            ready.map_err(|error| Fault::new("the start", "everybody signed in", error))?;
        }
        Ok(())
    }

    fn perform(&mut self, phase: Phase) {
        self.stage.set_step(format!("plays {phase:?}"));
        let tempo = match phase {
            Phase::Play(tempo) => tempo,
            _ => self.random.pick(&Tempo::ALL),
        };
        self.stage.set_tempo(tempo);
        let until = Instant::now() + Duration::from_millis(self.random.between(50, 500) as u64);
        if phase == Phase::Stall {
            self.stall();
        }
        while Instant::now() < until && self.stage.run.fault().is_none() {
            match phase {
                Phase::Play(_) | Phase::Stall => self.rest(20),
                Phase::Pause => {
                    self.bus.pause();
                    self.rest(30);
                    self.bus.start();
                    self.rest(30);
                }
                Phase::Churn => {
                    self.change_company();
                    self.rest(10);
                }
            }
        }
    }

    /// Has some of those who read or answer stop.
    fn stall(&mut self) {
        for component in &self.company {
            if component.part.seat().is_some() && self.random.one_in(3) {
                component.part.stalled.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Has somebody come, or go.
    fn change_company(&mut self) {
        self.company.retain(|component| !component.is_finished());
        let full = self.company.len() >= MOST_COMPONENTS;
        if full || self.random.one_in(2) {
            if !self.company.is_empty() {
                let leaves = self.random.below(self.company.len());
                self.company[leaves].dismiss();
            }
        } else {
            self.company.extend(any_component(&self.stage, &mut self.random));
        }
    }

    /// Has as many come as make a company.
    fn fill_up(&mut self) {
        self.company.retain(|component| !component.is_finished());
        let random = &mut self.random;
        let publishes = |one: &Component| one.part.role == Role::Publisher;
        if !self.company.iter().any(publishes) {
            self.company.push(Component::publisher(&self.stage, random));
        }
        while self.company.len() < 8 {
            self.company.extend(any_component(&self.stage, random));
        }
    }

    /// Lets things go on for up to so many milliseconds.
    pub(super) fn rest(&mut self, most: usize) {
        let time = Duration::from_micros(self.random.below(most * 1_000) as u64);
        std::thread::sleep(time);
    }
}

fn any_component(stage: &Arc<Stage>, random: &mut Random) -> Option<Component> {
    match random.below(8) {
        0..=2 => Component::reader(stage, random),
        3 | 4 => Component::responder(stage, random),
        5 => Some(Component::asker(stage, random)),
        6 => Some(Component::publisher(stage, random)),
        _ => Component::reader(stage, random),
    }
}
