//! Puts the components on one bus, starts them together, and ends them in good order.

use std::fs::File;
use std::time::Duration;

use callboard::{Bus, Delivery, EventSet, Subscription};
use callboard_console::Console;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::{Mode, Options};
use crate::cluster;
use crate::components::deployer::{self, Runner};
use crate::components::{
    Part, Parts, commentator, config_loader, executor, metrics, reconciler, renderer, validators,
    watcher,
};
use crate::console;
use crate::events::{
    ConfigRejected, ControllerStarted, ControllerStopping, HaproxyStopped, ReconcileFailed,
    ReconcileFinished, ReconcileHeld, VALIDATORS,
};
use crate::logic::haproxy::binary::Binary;
use crate::logic::layout::Layout;
use crate::logic::problem::report;

/// Everybody who listens, and must before the start.
const COMPONENTS: [&str; 11] = [
    config_loader::NAME,
    watcher::NAME,
    validators::schema::NAME,
    validators::template::NAME,
    validators::haproxy::NAME,
    reconciler::NAME,
    renderer::NAME,
    deployer::NAME,
    executor::NAME,
    commentator::NAME,
    metrics::NAME,
];

/// The application's own name on the bus.
const NAME: &str = "application";

/// How long the components have to subscribe.
const READY: Duration = Duration::from_secs(5);
/// How long HAProxy has to end, requests in flight included.
const STOP: Duration = Duration::from_secs(15);
/// How long the components have to handle what they hold.
const DRAIN: Duration = Duration::from_secs(5);

/// What the application itself listens for.
#[derive(Debug, EventSet)]
enum Inbox {
    Finished(Delivery<ReconcileFinished>),
    Failed(Delivery<ReconcileFailed>),
    Held(Delivery<ReconcileHeld>),
    Rejected(Delivery<ConfigRejected>),
    Stopped(Delivery<HaproxyStopped>),
}

/// Runs the controller. An error is the reason it did not end well.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(control(options));
    // A scan that hangs on a dead file system must not hold the exit.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// The controller, started: everybody has subscribed.
struct Running {
    bus: Bus,
    inbox: Subscription<Inbox>,
    components: JoinSet<()>,
    /// Ends when the replicas of a cluster have what this one has in force, or this one has theirs.
    settled: Option<Part>,
    /// Served until the end.
    _console: Option<Console>,
    /// Held until the end.
    _lock: File,
}

async fn start(options: &Options) -> Result<Running, String> {
    let site = options
        .site
        .canonicalize()
        .map_err(|error| format!("no site at {}: {error}", options.site.display()))?;
    let layout = Layout::create(&options.out)
        .map_err(|error| format!("cannot use {}: {error}", options.out.display()))?;
    let lock = layout.lock().map_err(|error| {
        format!("another controller works on {}: {error}", layout.out.display())
    })?;
    let binary =
        Binary::find(options.haproxy.as_deref()).await.map_err(|error| error.to_string())?;
    let runner = match (&binary, options.mode) {
        (None, _) => Runner::Nobody,
        (Some(_), Mode::Once) => Runner::Other,
        (Some(binary), Mode::Watch) => Runner::Own(binary.clone()),
    };

    // Those that decide run on one replica of a cluster.
    let elsewhere = |name: &str| options.replica.is_some() && Parts::DECIDING.contains(&name);
    let expected = COMPONENTS.into_iter().filter(|name| !elsewhere(name));

    let bus = Bus::builder()
        .timestamps(true)
        .expect_subscribers(expected)
        .expect_responders(VALIDATORS)
        .on_drop(|dropped| anstream::eprintln!("ingress: {dropped}"))
        .build()
        .map_err(|error| error.to_string())?;
    let console = console::open(&bus, options)?;
    let inbox = bus.subscribe::<Inbox>(NAME);
    // Told before anybody listens: the bus holds it until everybody does.
    bus.publisher(NAME).publish(ControllerStarted {
        site: options.site.clone(),
        out: layout.out.clone(),
        components: COMPONENTS.len(),
        haproxy: binary.as_ref().map(|binary| binary.version.clone()),
    });
    let mut components = JoinSet::new();
    components.spawn(commentator::run(&bus, options.format));
    components.spawn(metrics::run(&bus, layout.clone()));
    components.spawn(config_loader::run(&bus, site.clone()));
    components.spawn(watcher::run(&bus, site));
    components.spawn(deployer::run(&bus, layout.clone(), runner));
    let parts = Parts { bus: bus.clone(), layout, binary };
    let mut settled: Option<Part> = None;
    match &options.replica {
        None => {
            VALIDATORS.into_iter().for_each(|name| _ = components.spawn(parts.validator(name)));
            parts.deciding().into_iter().for_each(|part| _ = components.spawn(part));
        }
        Some(replica) => {
            components.spawn(cluster::join(&bus, replica, parts).await?);
            if options.mode == Mode::Once {
                settled = Some(Box::pin(cluster::settled(&bus, replica)));
            }
        }
    }
    bus.publisher::<ControllerStopping>(NAME);
    bus.start_when_ready(READY).await.map_err(|error| error.to_string())?;
    Ok(Running { bus, inbox, components, settled, _console: console, _lock: lock })
}

async fn control(options: &Options) -> Result<(), String> {
    let mut running = start(options).await?;
    let Running { inbox, components, settled, .. } = &mut running;
    let (reason, outcome) = tokio::select! {
        outcome = first_pass(inbox, settled), if options.mode == Mode::Once => ("one pass is done".to_owned(), outcome),
        signal = asked_to_end() => (signal?, Ok(())),
        crashed = components.join_next() => {
            let how = crashed.and_then(Result::err).map_or_else(|| "early".to_owned(), |error| error.to_string());
            let reason = format!("a component ended: {how}");
            (reason.clone(), Err(reason))
        }
    };
    // Asked again: at once.
    tokio::select! {
        ended = end(running, reason) => outcome.and(ended),
        again = asked_to_end() => Err(format!("{}: not waiting any longer", again?)),
    }
}

/// Waits for the outcome of the first pass.
async fn first_pass(
    inbox: &mut Subscription<Inbox>,
    settled: &mut Option<Part>,
) -> Result<(), String> {
    loop {
        let item = tokio::select! {
            item = inbox.recv() => item,
            () = settle(settled) => return Ok(()),
        };
        match item {
            Some(Inbox::Finished(_)) if settled.is_none() => return Ok(()),
            Some(Inbox::Finished(_)) => {}
            Some(Inbox::Failed(failed)) => {
                return Err(format!("{}: {}", failed.stage, report(&failed.problems)));
            }
            Some(Inbox::Held(held)) => return Err(held.problem.to_string()),
            Some(Inbox::Rejected(rejected)) => return Err(rejected.problem.to_string()),
            Some(Inbox::Stopped(_)) => {}
            None => return Err("the bus was closed".to_owned()),
        }
    }
}

async fn settle(settled: &mut Option<Part>) {
    match settled {
        Some(settled) => settled.await,
        None => std::future::pending().await,
    }
}

/// Waits for Ctrl-C or a polite kill.
pub(crate) async fn asked_to_end() -> Result<String, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok("interrupted".to_owned()),
        _ = terminate.recv() => Ok("terminated".to_owned()),
    }
}

/// Stops HAProxy, lets everybody handle what they hold, and waits for them.
async fn end(running: Running, reason: String) -> Result<(), String> {
    let Running { bus, mut inbox, mut components, settled, _lock, _console } = running;
    drop(settled);
    bus.publisher(NAME).publish(ControllerStopping { reason });
    let stopped = async {
        while let Some(item) = inbox.recv().await {
            if matches!(item, Inbox::Stopped(_)) {
                return;
            }
        }
    };
    let stopped = timeout(STOP, stopped).await;
    bus.close();
    // Its own mail is of no interest any more, and nobody else will take it.
    while inbox.try_recv().is_ok() {}
    bus.close_and_drain(DRAIN).await.map_err(|error| error.to_string())?;
    while components.join_next().await.is_some() {}
    stopped.map_err(|_| "haproxy did not end in time".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use callboard::testing::{assert_wiring, settle};

    use super::*;
    use crate::cli::Place;
    use crate::logic::line::Format;

    /// `CALLBOARD_RENEW=1 cargo test -p ingress wiring` renews the file.
    #[tokio::test(flavor = "multi_thread")]
    async fn wiring_is_the_documented_one() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            site: Path::new(env!("CARGO_MANIFEST_DIR")).join("site"),
            out: folder.path().join("out"),
            haproxy: Some(PathBuf::from("none")),
            mode: Mode::Once,
            format: Format::Json,
            console: Place::Off,
            cluster: None,
            replica: None,
        };
        let mut running = start(&options).await.unwrap();
        first_pass(&mut running.inbox, &mut running.settled).await.unwrap();
        // What it does not read is not busy: its own inbox.
        while running.inbox.try_recv().is_ok() {}
        settle(&running.bus).await.unwrap();
        assert_wiring(&running.bus, "docs/wiring.mmd");
        end(running, "the test is over".to_owned()).await.unwrap();
    }
}
