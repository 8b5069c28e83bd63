//! One reconciliation, from its trigger to its end. Every event of it carries its number.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use callboard::{Event, Request};
use serde::{Deserialize, Serialize};

use super::site::Config;
use crate::logic::inventory::Inventory;
use crate::logic::model::PassedOver;
use crate::logic::problem::Problem;
use crate::logic::render::Rendered;

/// What a pass works on: the site at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Inputs {
    /// The pass's number, from 1; [`FOLLOWED`](Self::FOLLOWED) for one of another replica.
    pub(crate) pass: u64,
    /// Settings and template.
    pub(crate) config: Arc<Config>,
    /// The resources.
    pub(crate) inventory: Inventory,
}

impl Inputs {
    /// The number under which a replica puts in force what another one has decided.
    pub(crate) const FOLLOWED: u64 = 0;
}

/// It is time to reconcile.
#[derive(Debug, Event)]
#[event(type = "reconcile.triggered")]
pub(crate) struct ReconcileTriggered {
    /// What to reconcile.
    pub(crate) inputs: Arc<Inputs>,
    /// What changed since the last trigger: files, or other things in words.
    pub(crate) changed: Vec<String>,
}

/// A pass would be due, but settings or template are broken: what is in force stays.
#[derive(Debug, Event)]
#[event(type = "reconcile.held")]
pub(crate) struct ReconcileHeld {
    /// Why.
    pub(crate) problem: Problem,
}

/// A pass failed by what may pass, and the wait before the next attempt is over.
#[derive(Debug, Event)]
#[event(type = "retry.due")]
pub(crate) struct RetryDue {
    /// How many attempts failed.
    pub(crate) failures: u32,
}

/// A pass begins.
#[derive(Debug, Event)]
#[event(type = "reconcile.started")]
pub(crate) struct ReconcileStarted {
    /// What it works on.
    pub(crate) inputs: Arc<Inputs>,
}

/// The configuration was rendered.
#[derive(Debug, Event)]
#[event(type = "config.rendered")]
pub(crate) struct ConfigRendered {
    /// What it was made of.
    pub(crate) inputs: Arc<Inputs>,
    /// The result.
    pub(crate) rendered: Arc<Rendered>,
    /// Routes, backends, servers, certificates.
    pub(crate) counts: [usize; 4],
    /// The Ingresses of other classes.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// The template could not be rendered.
#[derive(Debug, Event)]
#[event(type = "render.failed")]
pub(crate) struct RenderFailed {
    /// The pass.
    pub(crate) pass: u64,
    /// Why.
    pub(crate) problem: Problem,
}

/// Asks whether a configuration may go live. Answered by `schema`, `template` and `haproxy`.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(type = "config.validate", response = Verdict)]
pub(crate) struct ValidateConfig {
    /// What it was made of.
    pub(crate) inputs: Arc<Inputs>,
    /// The configuration.
    pub(crate) rendered: Arc<Rendered>,
}

/// Who answers a [`ValidateConfig`].
pub(crate) const VALIDATORS: [&str; 3] = ["schema", "template", "haproxy"];

/// One validator's answer.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(type = "config.verdict")]
pub(crate) struct Verdict {
    /// Who answers.
    pub(crate) validator: Cow<'static, str>,
    /// What it looked at, in words.
    pub(crate) looked_at: String,
    /// What it found; only fatal problems hold the configuration.
    pub(crate) problems: Vec<Problem>,
    /// Whether the errors may go away by themselves, as a full disk does.
    pub(crate) passing: bool,
}

/// A pass ended well.
#[derive(Debug, Event)]
#[event(type = "reconcile.finished")]
pub(crate) struct ReconcileFinished {
    /// The pass.
    pub(crate) pass: u64,
    /// How many errors cost a resource its place in the configuration.
    pub(crate) errors: usize,
    /// How long it took, and its stages.
    pub(crate) durations: Durations,
}

/// A pass ended without a new configuration: what is in force stays.
#[derive(Debug, Event)]
#[event(type = "reconcile.failed")]
pub(crate) struct ReconcileFailed {
    /// The pass.
    pub(crate) pass: u64,
    /// The stage it ended in.
    pub(crate) stage: &'static str,
    /// The fatal ones of the problems that were found.
    pub(crate) problems: Vec<Problem>,
    /// Whether trying again may help though no file changed.
    pub(crate) retry: bool,
    /// How long it took, and its stages.
    pub(crate) durations: Durations,
}

/// How long a pass and its stages took; a stage that was not reached took none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Durations {
    /// Rendering.
    pub(crate) render: Duration,
    /// Validating.
    pub(crate) validate: Duration,
    /// Deploying.
    pub(crate) deploy: Duration,
    /// All of it.
    pub(crate) total: Duration,
}
