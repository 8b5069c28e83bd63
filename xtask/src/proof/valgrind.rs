//! Valgrind's memcheck over the tests that reach the unsafe module: it also sees what a sanitizer
//! can't, the use of memory that was never written.

use super::{FREEING, folder, is_seen, suite};
use crate::Result;
use crate::command::Program;

/// Threads take turns, or a loop that waits for another thread might keep that from running.
const RUNNER: &str = "valgrind --quiet --fair-sched=yes --error-exitcode=99 --num-callers=30";

/// The files of tests that fill, read, share, keep and give up events; not those that do it a
/// hundred thousand times, or wait for a thread that is to get on meanwhile.
const TESTS: &str = "test --package callboard --all-features --test it -- \
                     batches:: capacity:: coalesce:: filtering:: hostile::sizes priority:: \
                     reentrant_drop:: release:: request_outcomes:: retained:: sets:: shapes:: storm:: \
                     withdrawal:: \
                     --skip catches_up --skip leaving_while --skip rac --skip thousands";

/// # Errors
/// When a test fails, anything is reported, or the planted bug is not.
pub(super) fn run() -> Result<String> {
    let tests = suite::run(under_valgrind(Program::cargo(TESTS)))?;
    let few = format!(
        "test --package callboard --all-features --test it --target-dir {} -- {FREEING}",
        folder("planted/plain")?.display()
    );
    is_seen("freed", under_valgrind(Program::cargo(&few)), "Invalid read of size")?;
    Ok(format!("{tests} tests, 1 planted bug seen"))
}

fn under_valgrind(tests: Program) -> Program {
    tests.env("RUST_BACKTRACE", "0").env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER)
}
