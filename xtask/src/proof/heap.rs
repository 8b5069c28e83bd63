//! A million of anything: of what comes and goes, which leaves no block on the heap; and of
//! subscriptions at once.

use super::suite;
use crate::Result;
use crate::command::Program;

/// # Errors
/// When something is left behind.
pub(super) fn run() -> Result<String> {
    // In release mode the rounds are a million.
    let tests = Program::cargo("test --release --package callboard --all-features --test memory");
    Ok(format!("{} tests", suite::run(tests)?))
}

/// So many subscriptions at once.
const CROWD: u64 = 1_000_000;

/// # Errors
/// When one of them does not get its events, or leaves something behind.
pub(super) fn crowd() -> Result<String> {
    let test = "test --release --package callboard --all-features --test it -- \
                hostile::sizes::crowd_of_subscriptions_comes_and_goes";
    suite::run(Program::cargo(test).env("CALLBOARD_CROWD", &CROWD.to_string()))?;
    Ok(format!("{CROWD} subscriptions"))
}
