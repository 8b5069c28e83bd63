//! Isolation of user code: serialization, conversion and tracing.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code; a panic becomes an error with its message.
///
/// # Errors
/// The code's own error, or the message of its panic.
pub(crate) fn fenced<T>(code: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // A panic may only leave the user's own data half changed, which is not used again.
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        // The payload's destructor is user code, too.
        let _dropped = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        Err(format!("it panicked: {}", text.unwrap_or_default()))
    })
}
