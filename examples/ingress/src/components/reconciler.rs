//! Reconciler: decides when it is time for a pass, and on what.
//!
//! It keeps the picture of the site that the events paint. A pass starts when the picture was
//! quiet for the debounce time (or changed for too long), settings and template can be used, and
//! no pass runs; whatever changes meanwhile goes into the next one, the latest wins. After a failure that
//! may pass by itself it tries again, ever more slowly.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use callboard::{Bus, Delivery, EventSet, Overflow};
use tokio::time::{Instant, sleep_until};

use crate::events::{
    Config, ConfigLoaded, ConfigRejected, Inputs, ReconcileFailed, ReconcileFinished,
    ReconcileHeld, ReconcileTriggered, ResourceChanged, ResourceRemoved, ResourcesSynced,
    ResourcesWanted,
};
use crate::logic::inventory::Inventory;
use crate::logic::problem::Problem;

/// Its name on the bus.
pub(crate) const NAME: &str = "reconciler";

/// Room for every file of a large site at once; a bound, not an allocation.
const CAPACITY: usize = 10_000;
/// What changed when everything is new.
const WHOLE: &str = "the whole site";
/// The delay before the second attempt; it doubles with every further one.
const RETRY: Duration = Duration::from_secs(1);
/// The longest delay between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, EventSet)]
enum Inbox {
    Loaded(Delivery<ConfigLoaded>),
    ConfigRejected(Delivery<ConfigRejected>),
    Changed(Delivery<ResourceChanged>),
    Removed(Delivery<ResourceRemoved>),
    Synced(Delivery<ResourcesSynced>),
    Finished(Delivery<ReconcileFinished>),
    Failed(Delivery<ReconcileFailed>),
}

/// Subscribes.
pub(crate) fn run(bus: &Bus) -> impl Future<Output = ()> + Send + use<> {
    let mut inbox =
        bus.subscriber(NAME).capacity(CAPACITY).overflow(Overflow::Coalesce).subscribe::<Inbox>();
    let bus = bus.clone();
    async move {
        let mut picture = Picture::default();
        loop {
            let due = picture.due();
            tokio::select! {
                item = inbox.recv() => match item {
                    Some(item) => {
                        let (sequence, missed) = numbers(&item);
                        if missed > 0 {
                            // The picture may be wrong: have it painted again.
                            bus.publish_caused_by(ResourcesWanted { missed }, sequence);
                        }
                        picture.take(item, sequence, Instant::now());
                    }
                    None => return,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    match picture.fire() {
                        Some(Fire::Pass(trigger, cause)) => { bus.publish_caused_by(trigger, cause); }
                        Some(Fire::Hold(held, cause)) => { bus.publish_caused_by(held, cause); }
                        None => {}
                    }
                }
            }
        }
    }
}

fn numbers(item: &Inbox) -> (u64, u64) {
    match item {
        Inbox::Loaded(it) => (it.sequence(), it.missed()),
        Inbox::ConfigRejected(it) => (it.sequence(), it.missed()),
        Inbox::Changed(it) => (it.sequence(), it.missed()),
        Inbox::Removed(it) => (it.sequence(), it.missed()),
        Inbox::Synced(it) => (it.sequence(), it.missed()),
        Inbox::Finished(it) => (it.sequence(), it.missed()),
        Inbox::Failed(it) => (it.sequence(), it.missed()),
    }
}

/// What comes of a due picture, and the event that led to it.
#[derive(Debug)]
enum Fire {
    Pass(ReconcileTriggered, u64),
    Hold(ReconcileHeld, u64),
}

/// The site, as the events told it.
#[derive(Debug, Default)]
struct Picture {
    config: Option<Arc<Config>>,
    config_problem: Option<Problem>,
    inventory: Inventory,
    /// Whether every file was told about at least once.
    complete: bool,
    /// What changed since the last pass.
    change: Option<Change>,
    /// Whether a pass runs.
    running: bool,
    passes: u64,
    failures: u32,
    /// What the last hold was about, so that it is told once.
    held: Option<Problem>,
}

#[derive(Debug)]
struct Change {
    first: Instant,
    last: Instant,
    what: BTreeSet<String>,
    cause: u64,
    /// Not before this.
    not_before: Option<Instant>,
}

impl Picture {
    fn take(&mut self, item: Inbox, sequence: u64, now: Instant) {
        match item {
            Inbox::Loaded(loaded) => {
                self.config = Some(Arc::clone(&loaded.config));
                self.config_problem = None;
                self.changed("configuration".to_owned(), sequence, now);
            }
            Inbox::ConfigRejected(rejected) => {
                self.config_problem = Some(rejected.problem.clone());
                self.changed("configuration".to_owned(), sequence, now);
            }
            Inbox::Changed(changed) => {
                let file = &changed.manifest.file;
                self.inventory.insert(Arc::clone(&changed.manifest));
                self.changed(file.display().to_string(), sequence, now);
            }
            Inbox::Removed(removed) => {
                self.inventory.remove(&removed.file);
                self.changed(removed.file.display().to_string(), sequence, now);
            }
            Inbox::Synced(_) => {
                if !self.complete {
                    self.complete = true;
                    self.changed(WHOLE.to_owned(), sequence, now);
                }
            }
            Inbox::Finished(_) => {
                self.running = false;
                self.failures = 0;
            }
            Inbox::Failed(failed) => {
                self.running = false;
                if failed.retry {
                    let delay = RETRY.saturating_mul(1 << self.failures.min(10)).min(RETRY_MAX);
                    self.failures += 1;
                    self.changed("another attempt".to_owned(), sequence, now);
                    if let Some(change) = &mut self.change {
                        change.not_before = Some(now + delay);
                    }
                } else {
                    self.failures = 0;
                }
            }
        }
    }

    fn changed(&mut self, what: String, cause: u64, now: Instant) {
        let change = self.change.get_or_insert_with(|| Change {
            first: now,
            last: now,
            what: BTreeSet::new(),
            cause,
            not_before: None,
        });
        change.last = now;
        change.cause = cause;
        // A real change is worth a try at once.
        change.not_before = None;
        change.what.insert(what);
    }

    /// When to fire, unless something happens before.
    fn due(&self) -> Option<Instant> {
        let change = self.change.as_ref()?;
        if self.running || !self.complete {
            return None;
        }
        let (quiet, longest) = self.config.as_ref().map_or_else(Default::default, |config| {
            (config.settings.debounce, config.settings.debounce_max)
        });
        let due = (change.last + quiet).min(change.first + longest);
        Some(change.not_before.map_or(due, |at| at.max(due)))
    }

    fn fire(&mut self) -> Option<Fire> {
        let change = self.change.take()?;
        if let Some(problem) = self.config_problem.clone() {
            if self.held.as_ref() == Some(&problem) {
                return None;
            }
            self.held = Some(problem.clone());
            return Some(Fire::Hold(ReconcileHeld { problem }, change.cause));
        }
        self.held = None;
        let config = Arc::clone(self.config.as_ref()?);
        self.running = true;
        self.passes += 1;
        let inputs =
            Arc::new(Inputs { pass: self.passes, config, inventory: self.inventory.clone() });
        let whole = WHOLE.to_owned();
        // The first look says it all.
        let changed = match change.what.contains(&whole) {
            true => vec![whole],
            false => change.what.into_iter().collect(),
        };
        Some(Fire::Pass(ReconcileTriggered { inputs, changed }, change.cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture { complete: true, ..Picture::default() }
    }

    #[test]
    fn nothing_is_due_before_the_site_is_known() {
        let now = Instant::now();
        let mut picture = Picture::default();
        picture.changed("a".to_owned(), 1, now);
        assert_eq!(picture.due(), None);
        picture.complete = true;
        assert_eq!(picture.due(), Some(now));
        picture.running = true;
        assert_eq!(picture.due(), None);
    }

    #[test]
    fn broken_settings_hold_once() {
        let mut picture = picture();
        let problem = Problem::fatal(std::path::Path::new("controller.yaml"), Some(1), "broken");
        picture.config_problem = Some(problem.clone());
        picture.changed("configuration".to_owned(), 1, Instant::now());
        assert!(matches!(picture.fire(), Some(Fire::Hold(held, 1)) if held.problem == problem));
        picture.changed("configuration".to_owned(), 2, Instant::now());
        assert!(picture.fire().is_none(), "the same hold is not told twice");
    }
}
