//! Links under faults. Whatever fails, every event is delivered once and in order, or is in an account
//! of drops, and memory stays within its bounds.
//!
//! With `CALLBOARD_LONG=1` the same tests take longer: longer freezes, more rounds.

mod cluster;
pub(crate) mod flow;
mod limits;

mod notice;
mod partition;
mod process;
pub(crate) mod processes;

mod server;

use std::time::Duration;

/// Whether the long forms were asked for.
pub(crate) fn is_long() -> bool {
    std::env::var_os("CALLBOARD_LONG").is_some_and(|value| value == "1")
}

/// `short`, or `long` where that was asked for.
pub(crate) fn short_or_long<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// Lets a fault last. It is no wait for anything: the length is what is tested.
pub(crate) async fn lasts(time: Duration) {
    tokio::time::sleep(time).await;
}
