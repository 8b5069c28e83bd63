//! Deploying a configuration, and the HAProxy that runs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use callboard::Event;

use super::pass::Inputs;
use crate::logic::problem::Problem;
use crate::logic::render::Rendered;

/// A configuration is valid and shall go live.
#[derive(Debug, Event)]
#[event(type = "deploy.requested")]
pub(crate) struct DeployRequested {
    /// What it was made of.
    pub(crate) inputs: Arc<Inputs>,
    /// The configuration.
    pub(crate) rendered: Arc<Rendered>,
}

/// Deploying begins.
#[derive(Debug, Event)]
#[event(type = "deploy.started")]
pub(crate) struct DeployStarted {
    /// The pass.
    pub(crate) pass: u64,
}

/// How a configuration went live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    /// It was in force already.
    Unchanged,
    /// It was written; no HAProxy is there to run it.
    Written,
    /// A HAProxy was started on it.
    Started,
    /// The running HAProxy took it over; the number is its new worker.
    Reloaded(u32),
}

/// The configuration is in force.
#[derive(Debug, Event)]
#[event(type = "deploy.succeeded")]
pub(crate) struct DeploySucceeded {
    /// The pass.
    pub(crate) pass: u64,
    /// How.
    pub(crate) live: Live,
    /// The file.
    pub(crate) config: PathBuf,
}

/// HAProxy would not run the configuration.
#[derive(Debug, Event)]
#[event(type = "deploy.refused")]
pub(crate) struct DeployRefused {
    /// The pass.
    pub(crate) pass: u64,
    /// Why.
    pub(crate) problems: Vec<Problem>,
    /// Whether clients are left without a proxy, so that it is worth trying again.
    pub(crate) dark: bool,
}

/// The configuration that was in force before is in force again.
#[derive(Debug, Event)]
#[event(type = "deploy.rolled_back")]
pub(crate) struct DeployRolledBack {
    /// The pass that did not make it.
    pub(crate) pass: u64,
    /// What is in force now, in words.
    pub(crate) to: String,
}

/// The configuration could not be put in place.
#[derive(Debug, Event)]
#[event(type = "deploy.failed")]
pub(crate) struct DeployFailed {
    /// The pass.
    pub(crate) pass: u64,
    /// Why.
    pub(crate) problem: Problem,
}

/// A HAProxy runs.
#[derive(Debug, Event)]
#[event(type = "haproxy.started")]
pub(crate) struct HaproxyStarted {
    /// Its master process.
    pub(crate) pid: u32,
    /// Which configuration, in words.
    pub(crate) on: String,
}

/// HAProxy ended though nobody asked it to.
#[derive(Debug, Event)]
#[event(type = "haproxy.exited", priority = high)]
pub(crate) struct HaproxyExited {
    /// Its master process.
    pub(crate) pid: u32,
    /// How it ended.
    pub(crate) status: String,
}

/// HAProxy runs again.
#[derive(Debug, Event)]
#[event(type = "haproxy.restarted")]
pub(crate) struct HaproxyRestarted {
    /// Its new master process.
    pub(crate) pid: u32,
    /// How long there was none.
    pub(crate) gap: Duration,
}

/// HAProxy could not be started.
#[derive(Debug, Event)]
#[event(type = "haproxy.unavailable")]
pub(crate) struct HaproxyUnavailable {
    /// Why.
    pub(crate) problems: Vec<Problem>,
    /// When it is tried again; else with the next configuration.
    pub(crate) retry_in: Option<Duration>,
}

/// It is time to try starting HAProxy again.
#[derive(Debug, Event)]
#[event(type = "haproxy.wanted")]
pub(crate) struct HaproxyWanted {
    /// How many attempts there were.
    pub(crate) attempts: u32,
}

/// HAProxy ended as it was asked to.
#[derive(Debug, Event)]
#[event(type = "haproxy.stopped")]
pub(crate) struct HaproxyStopped {
    /// Its master process; none if there was none.
    pub(crate) pid: Option<u32>,
}
