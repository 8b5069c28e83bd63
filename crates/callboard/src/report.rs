//! What the bus says aloud: `tracing` events with the feature, nothing without it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a user's code and stops a panic at this frame, in silence. The panic hook has printed the
/// message by then.
pub(crate) fn contain<R>(code: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // The payload is the user's too, and its destructor may panic in its turn.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            None
        }
    }
}

/// Says something at a level of `tracing`'s. Never under a lock: whoever listens is the user's, and
/// if it panics, what it was told is lost and nothing else.
macro_rules! say {
    ($level:ident, $($arg:tt)+) => {{
        #[cfg(feature = "tracing")]
        $crate::report::contain(|| ::tracing::$level!(target: "callboard", $($arg)+));
        #[cfg(not(feature = "tracing"))]
        let _ = ::std::format_args!($($arg)+);
    }};
}

pub(crate) use say;
