//! How a bus ends, and what must hold once it has.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::director::Director;
use super::stage::Stage;
use crate::checks::account::{Company, check_end};
use crate::checks::{Checked, Fault, same};
use crate::components::Component;

/// How a bus ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// `close_and_drain`, which must find everybody done.
    Drain,
    /// `close` amid the traffic, perhaps while the bus is paused.
    Close,
    /// The last handle is dropped.
    Drop,
    /// All components are killed amid the traffic.
    Kill,
}

const ENDINGS: [Ending; 4] = [Ending::Drain, Ending::Close, Ending::Drop, Ending::Kill];

impl Director {
    /// Ends the bus.
    pub(super) fn finish(mut self) -> Checked {
        let ending = self.random.pick(&ENDINGS);
        self.rest(30);
        self.stage.set_step(format!("ends: {ending:?}"));
        let (stage, bus) = (Arc::clone(&self.stage), self.bus.clone());
        match ending {
            Ending::Drain => {
                self.send_off();
                stage.set_closing();
                let drained = stage.run.runtime.block_on(bus.close_and_drain(stage.run.patience));
                if let Err(error) = drained {
                    let expected = "everybody done in time";
                    return Err(self.placed(Fault::new("the drain at the end", expected, error)));
                }
            }
            Ending::Close => {
                if self.random.one_in(3) {
                    bus.pause();
                    self.rest(10);
                }
                stage.set_closing();
                bus.close();
                stage.end();
            }
            Ending::Drop => {
                self.send_off();
                stage.set_closing();
            }
            Ending::Kill => {
                stage.set_closing();
                self.company.iter().for_each(Component::dismiss);
                self.rest(5);
                bus.close();
                stage.end();
            }
        }
        drop(bus);
        if ending == Ending::Drop { self.give_up_bus() } else { self.check_accounts() }
    }

    /// Has publishers and askers go.
    fn send_off(&mut self) {
        self.stage.end();
        self.wait_for("publishers and askers that go", Self::traffic_is_over);
    }

    /// Checks the accounts once everybody is gone.
    fn check_accounts(mut self) -> Checked {
        self.wait_for("everybody to go", Self::is_alone);
        let (parts, reports) = (self.stage.parts(), self.stage.reports());
        let company = Company { parts: &parts, reports: &reports };
        if self.stage.run.fault().is_none() {
            check_end(&self.bus.snapshot(), &company).map_err(|fault| self.placed(fault))?;
        }
        self.give_up_bus()
    }

    /// Whether all components are gone, and those who helped them.
    fn is_alone(&self) -> bool {
        are_gone(&self.stage, &self.company)
    }

    /// Drops the last handle, and checks that no payload is left.
    fn give_up_bus(self) -> Checked {
        let Self { stage, bus, company, born_before, .. } = self;
        stage.set_bus(None);
        drop(bus);
        stage.set_step("waits for everybody to go, the bus being dropped");
        while !are_gone(&stage, &company) && stage.run.fault().is_none() {
            thread::sleep(LOOK);
        }
        if stage.run.fault().is_some() {
            return Ok(());
        }
        // The watchdog may be looking at a request that it found open.
        let census = stage.census;
        let until = Instant::now() + stage.run.patience;
        while census.ended() < census.born() && Instant::now() < until {
            thread::sleep(LOOK);
        }
        let (born, ended) = (census.born() - born_before, census.ended() - born_before);
        same(|| format!("the payloads of {} that were dropped", stage.title), born, ended)
    }
}

/// How often it is looked whether everybody is gone.
const LOOK: Duration = Duration::from_millis(1);

fn are_gone(stage: &Stage, company: &[Component]) -> bool {
    let parts = stage.parts();
    let helped = parts.iter().all(|part| part.in_hand.load(Ordering::SeqCst) == 0);
    helped && company.iter().all(Component::is_finished)
}
