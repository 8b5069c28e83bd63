//! The blocks on the heap before and after a million of anything: none more.

use super::figures::Figures;
use super::suite;
use crate::Result;
use crate::command::Program;

/// # Errors
/// When something is left behind.
pub(super) fn run() -> Result<Figures> {
    // In release mode the rounds are a million.
    let tests = Program::cargo("test --release --package callboard --all-features --test memory");
    Ok(Figures::of(suite::run(tests)?, "tests"))
}
