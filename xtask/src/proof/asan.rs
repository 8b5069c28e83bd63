//! AddressSanitizer, with LeakSanitizer, over every test of the core.

use std::borrow::Cow;

use super::planted::{FREED, FREEING, Fault};
use super::sanitizer::Sanitizer;
use crate::Result;

const ASAN: Sanitizer = Sanitizer {
    name: "asan",
    flags: Cow::Borrowed("-Zsanitizer=address --cfg callboard_asan"),
    options: &[
        ("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1"),
        ("LSAN_OPTIONS", "suppressions=proof/leaks.supp"),
    ],
};

/// The last owner does not drop the event.
pub(super) const LEAKED: Fault = Fault {
    name: "leaked",
    file: "crates/callboard/src/log/memory/slot.rs",
    right: "owners.fetch_sub(1, Ordering::AcqRel) == 1",
    wrong: "owners.fetch_sub(1, Ordering::AcqRel) == 0",
};

/// # Errors
/// When a test fails, anything is reported, or a planted fault is not.
pub(super) fn run() -> Result<String> {
    let tests = ASAN.run_suite("")?;
    let few = &format!("test --package callboard --all-features --test it -- {FREEING}");
    ASAN.sees(&FREED, few, "ERROR: AddressSanitizer: heap-use-after-free")?;
    ASAN.sees(&LEAKED, few, "ERROR: LeakSanitizer: detected memory leaks")?;
    Ok(format!("{tests} tests, 2 planted faults seen"))
}

/// The unit tests and those of the promises alone, as CI has the time for.
///
/// # Errors
/// When a test fails, or anything is reported.
pub(crate) fn short() -> Result {
    ASAN.run_suite("--lib --test it").map(drop)
}
