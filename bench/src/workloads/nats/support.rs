//! Real NATS servers, started and stopped by the code that the tests of `callboard-nats` use.

// The tests need more of it.
#![allow(dead_code, reason = "the rows need a part of the support only")]

#[path = "../../../../crates/callboard-nats/tests/support/binary.rs"]
mod binary;
#[path = "../../../../crates/callboard-nats/tests/support/monitoring.rs"]
mod monitoring;
#[path = "../../../../crates/callboard-nats/tests/support/ports.rs"]
mod ports;
#[path = "../../../../crates/callboard-nats/tests/support/process.rs"]
mod process;
#[path = "../../../../crates/callboard-nats/tests/support/server.rs"]
mod server;

use std::time::{Duration, Instant};

pub(crate) use server::Server;

/// How long anything may take before a row fails: far longer than it takes on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Whether there is a `nats-server`. If there is none, that is said on standard error.
pub(super) fn is_there() -> bool {
    binary::Binary::find().is_some()
}

/// Starts a server of its own.
///
/// # Panics
/// If there is no `nats-server`: the rows are left out then.
pub(super) fn server() -> Server {
    Server::start().expect("the rows are left out without a nats-server")
}

/// Waits until `condition` returns something.
///
/// # Panics
/// When it has not within [`PATIENCE`].
fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
