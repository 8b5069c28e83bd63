//! Executor: leads a pass through its stages and keeps the time.
//!
//! started → rendered → validated → deployed → finished; whatever goes wrong on the way ends it
//! as failed.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callboard::{Bus, Delivery, EventSet};

use crate::events::{
    ConfigRendered, DeployFailed, DeployRefused, DeployRequested, DeploySucceeded, Durations,
    Inputs, ReconcileFailed, ReconcileFinished, ReconcileStarted, ReconcileTriggered, RenderFailed,
    VALIDATORS, ValidateConfig,
};
use crate::logic::problem::{Problem, Severity};

/// Its name on the bus.
pub(crate) const NAME: &str = "executor";

#[derive(Debug, EventSet)]
enum Inbox {
    Triggered(Delivery<ReconcileTriggered>),
    Rendered(Delivery<ConfigRendered>),
    RenderFailed(Delivery<RenderFailed>),
    Succeeded(Delivery<DeploySucceeded>),
    Refused(Delivery<DeployRefused>),
    DeployFailed(Delivery<DeployFailed>),
}

/// Subscribes.
pub(crate) fn run(bus: &Bus) -> impl Future<Output = ()> + Send + use<> {
    let inbox = bus.subscribe::<Inbox>(NAME);
    publishes!(bus, NAME, ReconcileStarted, DeployRequested, ReconcileFinished, ReconcileFailed);
    let bus = bus.clone();
    let watch = Arc::new(Mutex::new(Stopwatch::default()));
    inbox.serve(move |item| handle(bus.clone(), Arc::clone(&watch), item))
}

async fn handle(bus: Bus, watch: Arc<Mutex<Stopwatch>>, item: Inbox) {
    let deployed = match &item {
        Inbox::Succeeded(it) => Some(it.pass),
        Inbox::Refused(it) => Some(it.pass),
        Inbox::DeployFailed(it) => Some(it.pass),
        _ => None,
    };
    if deployed == Some(Inputs::FOLLOWED) {
        // Asked for before this replica began to lead.
        return;
    }
    let lap = |stage| watch.lock().unwrap_or_else(PoisonError::into_inner).lap(stage);
    match item {
        Inbox::Triggered(triggered) => {
            lap(Stage::Start);
            let inputs = Arc::clone(&triggered.inputs);
            bus.publish(ReconcileStarted { inputs });
        }
        Inbox::Rendered(rendered) => {
            lap(Stage::Render);
            let outcome = validate(&bus, &rendered).await;
            let durations = lap(Stage::Validate);
            match outcome {
                Ok(errors) => {
                    watch.lock().unwrap_or_else(PoisonError::into_inner).errors = errors;
                    bus.publish(DeployRequested {
                        inputs: Arc::clone(&rendered.inputs),
                        rendered: Arc::clone(&rendered.rendered),
                    });
                }
                Err((problems, retry)) => {
                    bus.publish(ReconcileFailed {
                        pass: rendered.inputs.pass,
                        stage: "not valid",
                        problems,
                        retry,
                        durations,
                    });
                }
            }
        }
        Inbox::RenderFailed(failed) => {
            bus.publish(ReconcileFailed {
                pass: failed.pass,
                stage: "not rendered",
                problems: vec![failed.problem.clone()],
                retry: false,
                durations: lap(Stage::Render),
            });
        }
        Inbox::Succeeded(succeeded) => {
            let durations = lap(Stage::Deploy);
            let errors = watch.lock().unwrap_or_else(PoisonError::into_inner).errors;
            bus.publish(ReconcileFinished { pass: succeeded.pass, errors, durations });
        }
        Inbox::Refused(refused) => {
            bus.publish(ReconcileFailed {
                pass: refused.pass,
                stage: "refused",
                problems: refused.problems.clone(),
                retry: refused.dark,
                durations: lap(Stage::Deploy),
            });
        }
        Inbox::DeployFailed(failed) => {
            bus.publish(ReconcileFailed {
                pass: failed.pass,
                stage: "not deployed",
                problems: vec![failed.problem.clone()],
                retry: true,
                durations: lap(Stage::Deploy),
            });
        }
    }
}

/// Asks every validator at once and returns the number of errors that are not fatal.
///
/// # Errors
///
/// The fatal problems, and whether a retry may help.
async fn validate(bus: &Bus, rendered: &ConfigRendered) -> Result<usize, (Vec<Problem>, bool)> {
    let config = &rendered.inputs.config;
    let complaint = |reason: String| Problem::fatal(&config.template.file, None, reason);
    let asked = bus
        .request(ValidateConfig {
            inputs: Arc::clone(&rendered.inputs),
            rendered: Arc::clone(&rendered.rendered),
        })
        .expect(VALIDATORS)
        .timeout(config.settings.validation_timeout)
        .gather()
        .await;
    let gathered = asked.map_err(|error| (vec![complaint(error.to_string())], true))?;
    let mut problems = Vec::new();
    let mut errors = 0;
    let mut retry = false;
    for (_, verdict) in gathered.responses() {
        let fatal = verdict.problems.iter().filter(|problem| problem.is_fatal());
        let before = problems.len();
        problems.extend(fatal.cloned());
        errors += verdict.problems.iter().filter(|it| it.severity == Severity::Error).count();
        retry |= verdict.passing && problems.len() > before;
    }
    // Silence is no consent.
    for (validator, why) in gathered.missing() {
        problems.push(complaint(format!("validator `{validator}` did not answer: {why}")));
        retry = true;
    }
    if problems.is_empty() { Ok(errors) } else { Err((problems, retry)) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    Render,
    Validate,
    Deploy,
}

/// Measures the stages of a pass, and keeps the number of its errors.
#[derive(Debug)]
struct Stopwatch {
    began: Instant,
    last: Instant,
    durations: Durations,
    /// The errors of the pass that is deployed.
    errors: usize,
}

impl Default for Stopwatch {
    fn default() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, durations: Durations::default(), errors: 0 }
    }
}

impl Stopwatch {
    fn lap(&mut self, stage: Stage) -> Durations {
        let now = Instant::now();
        let lap: Duration = now.duration_since(self.last);
        self.last = now;
        match stage {
            Stage::Start => *self = Self::default(),
            Stage::Render => self.durations.render = lap,
            Stage::Validate => self.durations.validate = lap,
            Stage::Deploy => self.durations.deploy = lap,
        }
        self.durations.total = now.saturating_duration_since(self.began);
        self.durations
    }
}
