//! AddressSanitizer, with LeakSanitizer, over every test of the core.

use std::borrow::Cow;

use super::FREEING;
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

/// # Errors
/// When a test fails, anything is reported, or a planted bug is not.
pub(super) fn run() -> Result<String> {
    let tests = ASAN.run_suite("")?;
    let few = &format!("test --package callboard --all-features --test it -- {FREEING}");
    ASAN.sees("freed", few, "ERROR: AddressSanitizer: heap-use-after-free")?;
    ASAN.sees("leaked", few, "ERROR: LeakSanitizer: detected memory leaks")?;
    Ok(format!("{tests} tests, 2 planted bugs seen"))
}

/// The unit tests and those of the promises alone, as CI has the time for.
///
/// # Errors
/// When a test fails, or anything is reported.
pub(crate) fn short() -> Result<String> {
    Ok(format!("{} tests", ASAN.run_suite("--lib --test it")?))
}
