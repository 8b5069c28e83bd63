//! Between two phases: everybody holds, every queue runs empty, and the accounts are checked.

use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard::Snapshot;

use super::director::Director;
use crate::checks::account::Company;
use crate::checks::{Checked, Fault};
use crate::components::{Doing, Role};
use crate::events::Kind;

/// How often it is looked whether all is quiet.
const LOOK: Duration = Duration::from_micros(500);

impl Director {
    /// Waits until all is quiet, and checks the accounts.
    pub(super) fn be_quiet(&mut self) -> Checked {
        self.hold("publishers and askers that hold");
        for part in self.stage.parts() {
            part.stalled.store(false, Ordering::SeqCst);
        }
        self.wait_until_quiet();
        // One event of each kind, each read before the next: now whoever lost any has been told.
        for kind in Kind::PUBLISHED {
            self.voice.publish(&self.bus, kind);
            self.wait_until_quiet();
        }
        self.stage.set_step("checks the accounts");
        let (parts, reports) = (self.stage.parts(), self.stage.reports());
        let company = Company { parts: &parts, reports: &reports };
        let checked = self.accounts.check(&self.bus.snapshot(), &company);
        checked.map_err(|fault| self.placed(fault))
    }

    /// Has publishers and askers hold.
    fn hold(&mut self, what: &str) {
        let time = self.stage.hold();
        let held = |director: &Self| {
            let mut parts = director.stage.parts().into_iter().skip(1);
            parts.all(|part| part.seat().is_some() || part.holds(time))
        };
        self.wait_for(what, held);
    }

    fn wait_until_quiet(&mut self) {
        self.wait_for("empty queues and idle components", |director| {
            let parts = director.stage.parts();
            let snapshot = director.bus.snapshot();
            let helped = parts.iter().all(|part| part.in_hand.load(Ordering::SeqCst) == 0);
            helped && is_quiet(&snapshot)
        });
    }

    /// Waits for something, until there is a fault: that it takes too long the watchdog sees.
    pub(super) fn wait_for(&mut self, what: &str, is_there: impl Fn(&Self) -> bool) {
        self.stage.set_step(format!("waits for {what}"));
        let mut wait = LOOK / 8;
        while !is_there(self) && self.stage.run.fault().is_none() {
            std::thread::sleep(wait);
            wait = (wait * 2).min(LOOK);
        }
    }

    /// Says of a fault where it was found.
    pub(super) fn placed(&self, mut fault: Fault) -> Fault {
        let phases = self.stage.phases.load(Ordering::Relaxed);
        fault.what = format!("{}, after {} phases: {}", self.stage.title, phases + 1, fault.what);
        fault
    }

    /// Whether those who publish or ask are gone.
    pub(super) fn traffic_is_over(&self) -> bool {
        let parts = self.stage.parts();
        let mut makers =
            parts.iter().skip(1).filter(|part| matches!(part.role, Role::Publisher | Role::Asker));
        makers.all(|part| part.doing() == Doing::Gone)
    }
}

/// Whether nothing waits, and nobody does anything with an event.
fn is_quiet(snapshot: &Snapshot) -> bool {
    let mut subscribers = snapshot.subscribers.iter();
    snapshot.buffer.queued == 0
        && snapshot.requests.open.is_empty()
        && subscribers.all(|one| one.queued == 0 && one.handling == 0 && !one.in_hand)
}
