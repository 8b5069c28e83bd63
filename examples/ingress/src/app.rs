//! Puts the components on one bus, starts them together, and ends them in good order.

use std::time::Duration;

use callboard::{Bus, Delivery, EventSet};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::{Mode, Options};
use crate::components::deployer::{self, Runner};
use crate::components::{
    commentator, config_loader, executor, metrics, reconciler, renderer, validators, watcher,
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

async fn control(options: &Options) -> Result<(), String> {
    let site = options
        .site
        .canonicalize()
        .map_err(|error| format!("no site at {}: {error}", options.site.display()))?;
    let layout = Layout::create(&options.out)
        .map_err(|error| format!("cannot use {}: {error}", options.out.display()))?;
    let _lock = layout.lock().map_err(|error| {
        format!("another controller works on {}: {error}", layout.out.display())
    })?;
    let binary =
        Binary::find(options.haproxy.as_deref()).await.map_err(|error| error.to_string())?;
    let runner = match (&binary, options.mode) {
        (None, _) => Runner::Nobody,
        (Some(_), Mode::Once) => Runner::Other,
        (Some(binary), Mode::Watch) => Runner::Own(binary.clone()),
    };

    let bus = Bus::builder()
        .timestamps(true)
        .expect_subscribers(COMPONENTS)
        .expect_responders(VALIDATORS)
        .on_drop(|dropped| anstream::eprintln!("ingress: {dropped}"))
        .build()
        .map_err(|error| error.to_string())?;
    let _console = console::open(&bus, options)?;
    let mut inbox = bus.subscribe::<Inbox>("application");
    // Told before anybody listens: the bus holds it until everybody does.
    bus.publish(ControllerStarted {
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
    components.spawn(validators::schema::run(&bus));
    components.spawn(validators::template::run(&bus));
    components.spawn(validators::haproxy::run(&bus, binary));
    components.spawn(reconciler::run(&bus));
    components.spawn(renderer::run(&bus, layout.clone()));
    components.spawn(deployer::run(&bus, layout, runner));
    components.spawn(executor::run(&bus));
    bus.start_when_ready(READY).await.map_err(|error| error.to_string())?;

    let (reason, outcome) = tokio::select! {
        outcome = first_pass(&mut inbox), if options.mode == Mode::Once => ("one pass is done".to_owned(), outcome),
        signal = asked_to_end() => (signal?, Ok(())),
        crashed = components.join_next() => {
            let how = crashed.and_then(Result::err).map_or_else(|| "early".to_owned(), |error| error.to_string());
            let reason = format!("a component ended: {how}");
            (reason.clone(), Err(reason))
        }
    };
    // Asked again: at once.
    tokio::select! {
        ended = end(&bus, &mut inbox, components, reason) => outcome.and(ended),
        again = asked_to_end() => Err(format!("{}: not waiting any longer", again?)),
    }
}

/// Waits for the outcome of the first pass.
async fn first_pass(inbox: &mut callboard::Subscription<Inbox>) -> Result<(), String> {
    loop {
        match inbox.recv().await {
            Some(Inbox::Finished(_)) => return Ok(()),
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

/// Waits for Ctrl-C or a polite kill.
async fn asked_to_end() -> Result<String, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok("interrupted".to_owned()),
        _ = terminate.recv() => Ok("terminated".to_owned()),
    }
}

/// Stops HAProxy, lets everybody handle what they hold, and waits for them.
async fn end(
    bus: &Bus,
    inbox: &mut callboard::Subscription<Inbox>,
    mut components: JoinSet<()>,
    reason: String,
) -> Result<(), String> {
    bus.publish(ControllerStopping { reason });
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
