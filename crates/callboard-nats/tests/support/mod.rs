//! Real NATS servers for the tests: found, started, stopped, killed, and reached through a proxy
//! that fails on demand.
//!
//! Every `start` returns `None` where no `nats-server` can be had, and says so once: the test then
//! returns, and passes. `cargo xtask test --only install` gets one.
//!
//! The functions here block. On a runtime of one thread, a test's tasks stand still meanwhile.

// Each test binary compiles this module and uses a part of it.
#![allow(dead_code, unused_imports, reason = "a test binary needs a part of the support only")]

mod binary;
mod cluster;
mod deployment;
mod monitoring;
mod ports;
mod process;
mod proxy;
mod server;

use std::time::{Duration, Instant};

pub(crate) use binary::client_library;
pub(crate) use cluster::Cluster;
pub(crate) use deployment::Deployment;
pub(crate) use proxy::Proxy;
pub(crate) use server::Server;

/// How long anything may take before a test fails: far longer than it takes on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` returns something.
///
/// # Panics
/// When it has not within [`PATIENCE`].
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
