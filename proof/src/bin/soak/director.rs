//! The life of a bus: its director builds it, starts components, has them play some phases, and
//! ends it.
//!
//! | phase | what happens |
//! | --- | --- |
//! | play | all components work, the publishers at a tempo |
//! | stall | some readers and responders stop, and go on later |
//! | pause | the bus is paused and resumed, several times |
//! | churn | components come and go |
//!
//! After each phase publishers and askers hold, the director waits until the bus has settled, and
//! checks the accounts.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use callboard::Bus;
use callboard::testing::settle_within;

use crate::accounts::{Accounts, Reports, check_whole};
use crate::actor::{self, Actor};
use crate::component::{Component, Role};
use crate::events::{Census, Kind};
use crate::random::Random;
use crate::seat::Seat;
use crate::stage::{Cue, PATIENCE, Run, Stage, lock};
use crate::witness::Numbers;
use crate::{Checked, check, reader};

/// What happens on a bus for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Play(Cue),
    Stall,
    Pause,
    Churn,
}

const PHASES: [Phase; 7] = [
    Phase::Play(Cue::Steady),
    Phase::Play(Cue::Burst),
    Phase::Play(Cue::Trickle),
    Phase::Stall,
    Phase::Pause,
    Phase::Churn,
    Phase::Churn,
];

/// How a bus ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// `close_and_drain`, which must find all components done.
    Drain,
    /// `close` amid the traffic, perhaps while the bus is paused.
    Close,
    /// The last handle is dropped.
    Drop,
    /// All components are ended amid the traffic.
    Kill,
}

const ENDINGS: [Ending; 4] = [Ending::Drain, Ending::Close, Ending::Drop, Ending::Kill];

/// How many components a bus may have, so that the others get their turn.
const MOST_COMPONENTS: usize = 40;

/// How often a wait looks for what it waits for.
const LOOK: Duration = Duration::from_micros(500);

struct Director {
    lane: usize,
    stage: Arc<Stage>,
    bus: Bus,
    random: Random,
    components: Vec<Component>,
    accounts: Accounts,
    /// Publishes the director's own events.
    voice: Actor,
}

/// Plays one bus from its start to its end.
///
/// # Errors
/// The first fault.
pub(crate) fn play(
    run: &Arc<Run>,
    lane: usize,
    census: &'static Census,
    mut random: Random,
) -> Checked {
    let timed = random.one_in(3);
    let reports = Arc::new(Mutex::new(Reports::new()));
    let told = Arc::clone(&reports);
    let bus = Bus::builder()
        .timestamps(timed)
        .pre_start_capacity(random.pick(&[20, 200, 1_000, 5_000]))
        .expect_subscribers(["reader-2"])
        .on_drop(move |dropped| {
            let mut reports = lock(&told);
            match reports.get_mut(dropped.subscriber()) {
                Some(drops) => *drops += 1,
                None => drop(reports.insert(dropped.subscriber().to_owned(), 1)),
            }
        })
        .build()
        .map_err(|error| format!("a bus can't be built: {error}"))?;
    let title = format!("bus {} of lane {lane}", lock(&run.totals).buses + 1);
    let stage = Arc::new(Stage {
        run: Arc::clone(run),
        title: title.clone(),
        bus: bus.downgrade(),
        timed,
        census,
        numbers: Numbers::new(),
        cue: AtomicU8::new(Cue::Steady as u8),
        parts: Mutex::default(),
        reports,
    });
    let part = stage.cast("director", Role::Director, true);
    let voice = Actor::new(&stage, &part, random.fork());
    let (components, accounts) = (Vec::new(), Accounts::default());
    let mut director =
        Director { lane, stage: Arc::clone(&stage), bus, random, components, accounts, voice };
    if let Err(fault) = director.play() {
        // It is noted before the bus is dropped, whose end would be a fault for its readers.
        run.blame(format!("{title}: {fault}"));
        return Ok(());
    }
    director.end().map_err(|fault| format!("{title}: {fault}"))?;
    stage.add_to_totals();
    Ok(())
}

impl Director {
    /// Plays the bus until it is to end.
    fn play(&mut self) -> Checked {
        self.open()?;
        for number in 1..=self.random.between(3, 8) {
            let phase = self.random.pick(&PHASES);
            self.perform(phase)?;
            self.be_quiet().map_err(|fault| format!("after {phase:?}, phase {number}: {fault}"))?;
            if self.stage.run.is_over() {
                break;
            }
            self.fill_up();
        }
        self.stage.set_cue(Cue::Steady);
        Ok(())
    }

    /// Starts components, and the bus, on which some may have published by then.
    fn open(&mut self) -> Checked {
        self.set_step("starts components");
        // Among the first is the one that the bus expects.
        for _ in 0..self.random.between(4, 16) {
            let seat = Seat::any(&mut self.random);
            self.components.extend(reader::start(&self.stage, seat, &mut self.random));
        }
        for _ in 0..self.random.between(3, 8) {
            self.add_component();
        }
        self.components.push(actor::publisher(&self.stage, &mut self.random));
        self.rest(20);
        if self.random.one_in(2) {
            self.bus.start();
        } else {
            let ready = self.bus.start_when_ready_blocking(PATIENCE);
            ready.map_err(|error| format!("the start: {error}"))?;
        }
        Ok(())
    }

    fn perform(&mut self, phase: Phase) -> Checked {
        self.set_step(format!("plays {phase:?}"));
        self.stage.set_cue(match phase {
            Phase::Play(tempo) => tempo,
            _ => self.random.pick(&[Cue::Steady, Cue::Burst, Cue::Trickle]),
        });
        let until = Instant::now() + Duration::from_millis(self.random.between(50, 500) as u64);
        if phase == Phase::Stall {
            for component in &self.components {
                let stalls = component.part.seat().is_some() && self.random.one_in(3);
                component.part.stalled.store(stalls, Ordering::SeqCst);
            }
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
                    self.change_components();
                    self.rest(10);
                }
            }
        }
        let snapshot = self.bus.snapshot();
        check!(snapshot.balances(), "the accounts do not balance amid {phase:?}: {snapshot:#?}");
        Ok(())
    }

    fn add_component(&mut self) {
        let (stage, random) = (&self.stage, &mut self.random);
        self.components.extend(match random.below(8) {
            0..=3 => {
                let seat = Seat::any(random);
                reader::start(stage, seat, random)
            }
            4 | 5 => {
                let seat = Seat::of_responder(random);
                reader::start(stage, seat, random)
            }
            6 => Some(actor::asker(stage, random)),
            _ => Some(actor::publisher(stage, random)),
        });
    }

    /// Adds a component, or ends one.
    fn change_components(&mut self) {
        self.components.retain(|component| !component.is_finished());
        if self.components.len() < MOST_COMPONENTS && self.random.one_in(2) {
            self.add_component();
        } else if !self.components.is_empty() {
            let leaves = self.random.below(self.components.len());
            self.components[leaves].dismiss();
        }
    }

    /// Adds components until there are enough, and one publishes.
    fn fill_up(&mut self) {
        self.components.retain(|component| !component.is_finished());
        if !self.components.iter().any(|it| it.part.role == Role::Publisher) {
            self.components.push(actor::publisher(&self.stage, &mut self.random));
        }
        while self.components.len() < 8 {
            self.add_component();
        }
    }

    /// Waits until nothing happens on the bus any more, and checks the accounts.
    fn be_quiet(&mut self) -> Checked {
        self.stage.set_cue(Cue::Hold);
        for part in self.stage.parts() {
            part.stalled.store(false, Ordering::SeqCst);
        }
        self.settle()?;
        // An event of each kind, each read before the next, tells readers of all that they missed.
        for kind in Kind::PUBLISHED {
            self.voice.publish(&self.bus, kind);
            self.settle()?;
        }
        self.set_step("checks the accounts");
        let (snapshot, parts) = (self.bus.snapshot(), self.stage.parts());
        self.accounts.check(&snapshot, &parts, &lock(&self.stage.reports))
    }

    /// Waits until publishers and askers hold and every event has been handled.
    fn settle(&self) -> Checked {
        let is_idle = || self.stage.parts().iter().all(|part| part.is_idle());
        loop {
            self.wait_for("publishers, askers and helpers to be idle", is_idle)?;
            let settled = settle_within(&self.bus, PATIENCE);
            if let Err(error) = self.stage.run.runtime.block_on(settled) {
                return Err(format!("the bus does not settle: {error}\n{}", self.bus.diagnose()));
            }
            // A helper may have begun to ask in between.
            if is_idle() || self.stage.run.fault().is_some() {
                return Ok(());
            }
        }
    }

    fn end(mut self) -> Checked {
        let ending = self.random.pick(&ENDINGS);
        self.rest(30);
        self.set_step(format!("ends: {ending:?}"));
        let stage = Arc::clone(&self.stage);
        match ending {
            Ending::Drain | Ending::Drop => {
                stage.set_cue(Cue::End);
                let traffic = || {
                    stage.parts().into_iter().filter(|part| {
                        matches!(part.role, Role::Publisher | Role::Asker) && !part.is_gone()
                    })
                };
                self.wait_for("publishers and askers to end", || traffic().next().is_none())?;
                if ending == Ending::Drop {
                    return self.drop_bus();
                }
                let drained = self.bus.close_and_drain(PATIENCE);
                let drained = stage.run.runtime.block_on(drained);
                drained.map_err(|error| format!("the drain at the end: {error}"))?;
            }
            Ending::Close => {
                if self.random.one_in(3) {
                    self.bus.pause();
                    self.rest(10);
                }
                stage.set_cue(Cue::Closing);
                self.bus.close();
                stage.set_cue(Cue::End);
            }
            Ending::Kill => {
                stage.set_cue(Cue::Closing);
                self.components.iter().for_each(Component::dismiss);
                self.rest(5);
                self.bus.close();
                stage.set_cue(Cue::End);
            }
        }
        self.wait_for("all components to end", || self.is_alone())?;
        if stage.run.fault().is_none() {
            let (snapshot, parts) = (self.bus.snapshot(), stage.parts());
            let left = &snapshot.subscribers;
            check!(left.is_empty(), "subscribers are left after {ending:?}: {left:#?}");
            check_whole(&snapshot, &parts).map_err(|fault| format!("after {ending:?}: {fault}"))?;
        }
        self.drop_bus()
    }

    /// Drops the last handle, and checks that no payload is left.
    fn drop_bus(self) -> Checked {
        let Self { lane, stage, bus, components, .. } = self;
        stage.run.set_step(lane, format!("{}: is dropped", stage.title));
        drop(bus);
        let census = stage.census;
        let alone = || are_gone(&stage, &components) && census.dropped() == census.made();
        let until = Instant::now() + PATIENCE;
        while !alone() && stage.run.fault().is_none() && Instant::now() < until {
            thread::sleep(LOOK);
        }
        if stage.run.fault().is_none() {
            check!(are_gone(&stage, &components), "components do not end with their bus");
            let (made, dropped) = (census.made(), census.dropped());
            check!(made == dropped, "{made} payloads were made, and {dropped} dropped");
        }
        Ok(())
    }

    fn is_alone(&self) -> bool {
        are_gone(&self.stage, &self.components)
    }

    /// Waits for something, or for a fault.
    ///
    /// # Errors
    /// If it takes too long.
    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) -> Checked {
        self.set_step(format!("waits for {what}"));
        let (until, mut wait) = (Instant::now() + PATIENCE, LOOK / 8);
        while !is_there() && self.stage.run.fault().is_none() {
            if Instant::now() > until {
                let parts = self.stage.parts();
                let left: Vec<_> = parts.iter().filter(|part| !part.is_gone()).collect();
                let diagnosis = self.bus.diagnose();
                return Err(format!("it waits in vain for {what}: {left:#?}\n{diagnosis}"));
            }
            thread::sleep(wait);
            wait = (wait * 2).min(LOOK);
        }
        Ok(())
    }

    fn set_step(&self, step: impl Into<String>) {
        let step = format!("{} {}", self.stage.title, step.into());
        self.stage.run.set_step(self.lane, step);
    }

    /// Rests for up to so many milliseconds.
    fn rest(&mut self, most: usize) {
        thread::sleep(Duration::from_micros(self.random.below(most * 1_000) as u64));
    }
}

/// Whether all components are gone, and their helpers.
fn are_gone(stage: &Stage, components: &[Component]) -> bool {
    stage.parts().iter().all(|part| part.is_idle()) && components.iter().all(Component::is_finished)
}
