//! Resource watcher: tells what changes in the site's folder.
//!
//! The system's notices only wake it; what changed it finds out by looking, so a notice that is
//! lost or doubled does no harm. It also looks once in a while without a notice, often when the
//! system gives none.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use callboard::{Bus, Delivery, EventSet};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::events::{
    ControllerStarted, ResourceChanged, ResourceRejected, ResourceRemoved, ResourcesIgnored,
    ResourcesSynced, ResourcesWanted, SettingsChanged, WatchDegraded,
};
use crate::logic::scan::{Found, Scanner};

/// Its name on the bus.
pub(crate) const NAME: &str = "watcher";

/// An editor writes a file in several steps; look when they are over.
const QUIET: Duration = Duration::from_millis(50);
/// Look at last, however busy the folder is.
const BUSY: Duration = Duration::from_millis(500);
/// Look even so.
const ROUND: Duration = Duration::from_secs(60);
/// The same, when the system gives no notice.
const ROUND_WITHOUT_NOTICE: Duration = Duration::from_secs(1);

#[derive(Debug, EventSet)]
enum Inbox {
    Started(Delivery<ControllerStarted>),
    Wanted(Delivery<ResourcesWanted>),
}

/// Subscribes.
pub(crate) fn run(bus: &Bus, site: PathBuf) -> impl Future<Output = ()> + Send + use<> {
    let mut inbox = bus.subscribe::<Inbox>(NAME);
    publishes!(bus, NAME, SettingsChanged, ResourceRejected, ResourceChanged, ResourceRemoved);
    publishes!(bus, NAME, ResourcesIgnored, ResourcesSynced, WatchDegraded);
    let bus = bus.clone();
    async move {
        let (notices, mut noticed) = mpsc::unbounded_channel();
        let mut scanner = Scanner::new(site.clone());
        let mut watcher = None;
        let mut round = ROUND;
        // When the first notice of a burst came, and when to look.
        let mut first: Option<Instant> = None;
        let mut look = Instant::now() + ROUND;
        loop {
            tokio::select! {
                item = inbox.recv() => match item {
                    Some(Inbox::Started(started)) => {
                        // Watching begins before looking: what changes in between is seen twice.
                        match watch(&site, notices.clone()) {
                            Ok(watching) => watcher = Some(watching),
                            Err(error) => {
                                round = ROUND_WITHOUT_NOTICE;
                                let reason = format!("cannot watch {}: {error}; looking every second", site.display());
                                publish(&bus, WatchDegraded { reason }, Some(started.sequence()));
                            }
                        }
                        tell(&bus, &mut scanner, Some(started.sequence()), true);
                        look = Instant::now() + round;
                    }
                    Some(Inbox::Wanted(wanted)) => {
                        scanner.forget();
                        tell(&bus, &mut scanner, Some(wanted.sequence()), false);
                    }
                    None => break,
                },
                Some(()) = noticed.recv() => {
                    let now = Instant::now();
                    let since = *first.get_or_insert(now);
                    look = (now + QUIET).min(since + BUSY);
                }
                () = sleep_until(look) => {
                    first = None;
                    look = Instant::now() + round;
                    tell(&bus, &mut scanner, None, false);
                }
            }
        }
        drop(watcher);
    }
}

fn watch(site: &Path, notices: mpsc::UnboundedSender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let reading = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
        if !reading {
            // The component is gone: so is the need to know.
            let _ = notices.send(());
        }
    })?;
    watcher.watch(site, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Looks, and publishes what is different. The first look is caused by `cause`, a later one by
/// the world.
fn tell(bus: &Bus, scanner: &mut Scanner, cause: Option<u64>, first: bool) {
    let scan = scanner.scan();
    let changed = scan.resources.len();
    let settings = Path::new("controller.yaml");
    if first && !scan.settings.iter().any(|file| file == settings) {
        // There are none, which the config loader has to find out.
        publish(bus, SettingsChanged { file: settings.to_owned() }, cause);
    }
    for file in scan.settings {
        publish(bus, SettingsChanged { file }, cause);
    }
    for change in scan.resources {
        match change.found {
            Found::Present(manifest) => {
                if !manifest.problems.is_empty() {
                    let manifest = Arc::clone(&manifest);
                    publish(bus, ResourceRejected { manifest }, cause);
                }
                publish(bus, ResourceChanged { manifest }, cause);
            }
            Found::Gone => publish(bus, ResourceRemoved { file: change.file }, cause),
        }
    }
    if !scan.others.is_empty() {
        publish(bus, ResourcesIgnored { files: scan.others }, cause);
    }
    if cause.is_some() {
        let files = scanner.files();
        publish(bus, ResourcesSynced { files, changed }, cause);
    }
}

fn publish<E: callboard::Event>(bus: &Bus, event: E, cause: Option<u64>) {
    bus.publisher(NAME).publish_caused_by(event, cause);
}
