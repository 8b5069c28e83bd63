//! Reconciler: decides when it is time for a pass, and on what.
//!
//! It keeps the picture of the site that the events paint. A pass starts when the changes were
//! quiet for the debounce time (or went on for too long), settings and template can be used, and
//! no pass runs; whatever changes meanwhile goes into the next one, the latest wins. After a failure
//! that may pass by itself it tries again, ever more slowly.
//!
//! It reads the changes twice: each of them for the picture, and debounced to know when to look at
//! it.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use callboard::{Bus, Delivery, EventSet, Overflow, Received, Scheduled, Subscription};

use crate::events::{
    Config, ConfigLoaded, ConfigRejected, Inputs, ReconcileFailed, ReconcileFinished,
    ReconcileHeld, ReconcileTriggered, ResourceChanged, ResourceRemoved, ResourcesSynced,
    ResourcesWanted, RetryDue,
};
use crate::logic::inventory::Inventory;
use crate::logic::problem::Problem;

/// Its name on the bus.
pub(crate) const NAME: &str = "reconciler";
/// The name of what tells it when.
const PACE: &str = "reconciler.pace";

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
    RetryDue(Delivery<RetryDue>),
    Finished(Delivery<ReconcileFinished>),
    Failed(Delivery<ReconcileFailed>),
}

/// What may make a pass necessary.
#[derive(Debug, EventSet)]
enum Change {
    Loaded(Delivery<ConfigLoaded>),
    ConfigRejected(Delivery<ConfigRejected>),
    Changed(Delivery<ResourceChanged>),
    Removed(Delivery<ResourceRemoved>),
    Synced(Delivery<ResourcesSynced>),
    RetryDue(Delivery<RetryDue>),
}

/// Subscribes.
pub(crate) fn run(bus: &Bus) -> impl Future<Output = ()> + Send + use<> {
    let mut inbox: Subscription<Inbox> = subscribe(bus, NAME);
    // What is there at the start is one burst, whatever the settings turn out to say.
    let mut pace =
        subscribe::<Change>(bus, PACE).debounce(Duration::from_millis(1), Duration::from_secs(1));
    let (wanted, retries) = (bus.publisher(NAME), bus.publisher(NAME));
    let (passes, holds) = (bus.publisher(NAME), bus.publisher(NAME));
    async move {
        let mut picture = Picture::default();
        loop {
            tokio::select! {
                // The picture first: a pass must not start on less than what led to it.
                biased;
                item = inbox.recv() => {
                    let Some(item) = item else { return };
                    if item.missed() > 0 {
                        // The picture may be wrong: have it painted again.
                        wanted.publish_caused_by(ResourcesWanted { missed: item.missed() }, item.sequence());
                    }
                    if let Inbox::Loaded(loaded) = &item {
                        let settings = &loaded.config.settings;
                        pace.set_debounce(settings.debounce, settings.debounce_max);
                    }
                    if let Some(delay) = picture.take(item) {
                        picture.retry = Some(retries.publish_after(delay, RetryDue { failures: picture.failures }));
                    }
                },
                Some(burst) = pace.recv() => picture.due = Some(burst.sequence()),
            }
            match picture.fire() {
                Some(Fire::Pass(trigger, cause)) => {
                    passes.publish_caused_by(trigger, cause);
                }
                Some(Fire::Hold(held, cause)) => {
                    holds.publish_caused_by(held, cause);
                }
                None => {}
            }
        }
    }
}

fn subscribe<S: EventSet>(bus: &Bus, name: &str) -> Subscription<S> {
    let subscriber = bus.subscriber(name).capacity(CAPACITY).overflow(Overflow::Coalesce);
    // In a cluster it begins when this replica becomes the leader: the settings are known by then.
    subscriber.with_retained().subscribe::<S>()
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
    changed: BTreeSet<String>,
    /// The event since which a look is due.
    due: Option<u64>,
    /// Whether a pass runs.
    running: bool,
    passes: u64,
    failures: u32,
    /// The next attempt.
    retry: Option<Scheduled>,
    /// What the last hold was about, so that it is told once.
    held: Option<Problem>,
}

impl Picture {
    /// Takes `item` in. Returns how long to wait for another attempt, if one is needed.
    fn take(&mut self, item: Inbox) -> Option<Duration> {
        match item {
            Inbox::Loaded(loaded) => {
                self.config = Some(Arc::clone(&loaded.config));
                self.config_problem = None;
                self.change("configuration".to_owned());
            }
            Inbox::ConfigRejected(rejected) => {
                self.config_problem = Some(rejected.problem.clone());
                self.change("configuration".to_owned());
            }
            Inbox::Changed(changed) => {
                let file = &changed.manifest.file;
                self.inventory.insert(Arc::clone(&changed.manifest));
                self.change(file.display().to_string());
            }
            Inbox::Removed(removed) => {
                self.inventory.remove(&removed.file);
                self.change(removed.file.display().to_string());
            }
            Inbox::Synced(_) => {
                if !self.complete {
                    self.complete = true;
                    self.change(WHOLE.to_owned());
                }
            }
            Inbox::RetryDue(_) => self.change("another attempt".to_owned()),
            Inbox::Finished(_) => {
                self.running = false;
                self.failures = 0;
            }
            Inbox::Failed(failed) => {
                self.running = false;
                if failed.retry {
                    let delay = RETRY.saturating_mul(1 << self.failures.min(10)).min(RETRY_MAX);
                    self.failures += 1;
                    return Some(delay);
                }
                self.failures = 0;
            }
        }
        None
    }

    fn change(&mut self, what: String) {
        // A real change is worth a try at once.
        self.retry = None;
        self.changed.insert(what);
    }

    /// What is to be done now.
    fn fire(&mut self) -> Option<Fire> {
        if self.running || !self.complete {
            return None;
        }
        let cause = self.due.take()?;
        if self.changed.is_empty() {
            // The last pass took it in.
            return None;
        }
        if let Some(problem) = self.config_problem.clone() {
            self.changed.clear();
            if self.held.as_ref() == Some(&problem) {
                return None;
            }
            self.held = Some(problem.clone());
            return Some(Fire::Hold(ReconcileHeld { problem }, cause));
        }
        self.held = None;
        let config = Arc::clone(self.config.as_ref()?);
        self.retry = None;
        self.running = true;
        self.passes += 1;
        let inputs =
            Arc::new(Inputs { pass: self.passes, config, inventory: self.inventory.clone() });
        // The first look says it all.
        let mut changed = std::mem::take(&mut self.changed);
        if changed.contains(WHOLE) {
            changed.retain(|what| what == WHOLE);
        }
        let changed = changed.into_iter().collect();
        Some(Fire::Pass(ReconcileTriggered { inputs, changed }, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_done_before_the_site_is_known_or_while_a_pass_runs() {
        let problem = Problem::fatal(std::path::Path::new("controller.yaml"), Some(1), "broken");
        let mut picture = Picture { config_problem: Some(problem), ..Picture::default() };
        picture.change("a".to_owned());
        picture.due = Some(1);
        assert!(picture.fire().is_none());
        picture.complete = true;
        picture.running = true;
        assert!(picture.fire().is_none());
        picture.running = false;
        assert!(matches!(picture.fire(), Some(Fire::Hold(_, 1))));
        assert!(picture.fire().is_none(), "once");
    }

    #[test]
    fn broken_settings_hold_once() {
        let mut picture = Picture { complete: true, ..Picture::default() };
        let problem = Problem::fatal(std::path::Path::new("controller.yaml"), Some(1), "broken");
        picture.config_problem = Some(problem.clone());
        picture.change("configuration".to_owned());
        picture.due = Some(1);
        assert!(matches!(picture.fire(), Some(Fire::Hold(held, 1)) if held.problem == problem));
        picture.change("configuration".to_owned());
        picture.due = Some(2);
        assert!(picture.fire().is_none(), "the same hold is not told twice");
    }
}
