//! ThreadSanitizer over every test of the core.

use super::figures::Figures;
use super::planted::Fault;
use super::sanitizer::Sanitizer;
use crate::Result;

/// The standard library is not instrumented: what its locks order is told to the sanitizer by the
/// core's `sync`, which knows the cfg; what it orders otherwise is in the file of suppressions.
const TSAN: Sanitizer = Sanitizer {
    name: "tsan",
    flags: "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg callboard_tsan",
    variable: "TSAN_OPTIONS",
    options: "halt_on_error=0",
    suppressions: Some(("TSAN_OPTIONS", "proof/races.supp")),
};

/// A reader may see that there is an event before it sees the event.
const RELAXED: Fault = Fault {
    name: "relaxed",
    file: "crates/callboard/src/log/memory/cursor.rs",
    right: "self.head.0.0.store(self.position, Ordering::Release)",
    wrong: "self.head.0.0.store(self.position, Ordering::Relaxed)",
};

/// # Errors
/// When a test fails, a race is reported, or the planted one is not.
pub(super) fn run() -> Result<Figures> {
    let tests = TSAN.run_suite()?;
    let storm = "test --package callboard --all-features --test it -- storm::";
    TSAN.sees(&RELAXED, storm, "WARNING: ThreadSanitizer: data race")?;
    Ok(Figures::of(tests, "tests").and(1, "planted fault seen"))
}
