//! The diagnosis: what is wrong with a bus, which component causes it, and how to fix it.
//!
//! Everything is derived from one [`Snapshot`]: [`rules`], with a module for each larger subject, turns
//! it into [`Finding`]s, and [`arrival`] explains why one subscriber did not receive one type of event.

mod arrival;
mod asking;
mod cycles;
mod finding;
mod links;
mod reading;
mod rules;
mod startup;

use std::fmt;

pub use arrival::Arrival;
pub use finding::{Finding, FindingKind};

use crate::bus::Bus;
use crate::report::thousands;
use crate::snapshot::Snapshot;

/// How many findings of one kind the `Display` of a [`Diagnosis`] shows.
const SHOWN_OF_KIND: usize = 5;

/// The result of [`Bus::diagnose`].
///
/// Its `Display` is a line per finding, most severe first. Of many findings of one kind it shows
/// the five worst and the number of the others; [`findings`](Self::findings) has them all. Its
/// `Debug` omits the snapshot.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// The findings: the most severe kind first, and within one kind the worst first. Empty if
    /// there are no problems.
    pub findings: Vec<Finding>,
    /// The snapshot that the findings were derived from.
    pub snapshot: Snapshot,
}

impl Bus {
    /// Looks for common mistakes and names the culprit and the cure: a forgotten start, a
    /// subscriber that came too late, a handler that blocks, capacities that are too small or far
    /// too large, unanswered requests, events without publishers or subscribers, and large memory
    /// use.
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
    /// Diagnoses a snapshot taken earlier.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        Self { findings: rules::apply(&snapshot), snapshot }
    }

    /// Why a subscriber did or did not receive the events of a type.
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
        let mut lines = Vec::new();
        for of_kind in self.findings.chunk_by(|one, other| one.kind == other.kind) {
            lines.extend(of_kind.iter().take(SHOWN_OF_KIND).map(Finding::to_string));
            if let Some(more @ 1..) = of_kind.len().checked_sub(SHOWN_OF_KIND) {
                let (more, kind) = (thousands(more), of_kind[0].kind);
                lines.push(format!("and {more} more `{kind:?}`: see `findings`"));
            }
        }
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnosis").field("findings", &self.findings).finish_non_exhaustive()
    }
}
