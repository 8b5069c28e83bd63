//! A fence around users' code: what they serialise, convert and trace with.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a user's code; a panic is an error like any other, with its message.
///
/// # Errors
/// What the code returns, or how it panicked.
pub(crate) fn fenced<T>(code: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // What a panic leaves half done is the user's own, and is not looked at again.
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        // The payload's destructor is the user's code too.
        let _dropped = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        Err(format!("it panicked: {}", text.unwrap_or_default()))
    })
}
