//! What is wrong, who is to blame, and what would cure it.
//!
//! Everything here is read off one [`Snapshot`]: [`rules`] turns it into [`Finding`]s, and
//! [`arrival`] answers why one subscriber did not get one type of event.

mod arrival;
mod finding;
mod rules;

use std::fmt;

pub use arrival::Arrival;
pub use finding::{Finding, FindingKind};

use crate::bus::Bus;
use crate::snapshot::Snapshot;

/// What [`Bus::diagnose`] found; its `Display` is a line per finding, the gravest first.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// What was found, the gravest first; empty if all is well.
    pub findings: Vec<Finding>,
    /// What it was read off.
    pub snapshot: Snapshot,
}

impl Bus {
    /// Looks for what users of a bus get wrong, and names the culprit and the cure: a start that
    /// was forgotten, a subscriber that came too late, a handler that blocks, capacities that are
    /// too small or far too large, requests that were not answered, wiring that leads nowhere,
    /// and who holds how much memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, FindingKind};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let _ticks = bus.subscribe::<Tick>("clock");
    /// bus.publish(Tick);
    ///
    /// let diagnosis = bus.diagnose();
    /// assert_eq!(diagnosis.findings[0].kind, FindingKind::NotStarted);
    /// assert!(diagnosis.to_string().contains("call `start`"));
    /// ```
    pub fn diagnose(&self) -> Diagnosis {
        Diagnosis::of(self.snapshot())
    }
}

impl Diagnosis {
    /// The diagnosis of a snapshot taken earlier.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        Self { findings: rules::apply(&snapshot), snapshot }
    }

    /// Why a subscriber did, or did not, get the events of a type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Arrival, Bus, Event};
    /// # #[derive(Debug, Event)]
    /// # struct Tick;
    /// let bus = Bus::new();
    /// let _ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// bus.publish(Tick);
    /// let diagnosis = bus.diagnose();
    /// assert!(matches!(diagnosis.arrival("clock", "tick"), Arrival::NotRead { queued: 1, .. }));
    /// assert_eq!(diagnosis.arrival("alarm", "tick"), Arrival::NoSuchSubscriber);
    /// ```
    pub fn arrival(&self, subscriber: &str, event_type: &str) -> Arrival {
        arrival::arrival(&self.snapshot, subscriber, event_type)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.findings.is_empty() {
            return f.write_str("nothing found");
        }
        let lines: Vec<String> = self.findings.iter().map(Finding::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
