//! A fence around code that is not ours.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a user's code and stops a panic at this frame, so that one bad handler, callback, waker
/// or destructor skips nobody else. `what` names the code in the report.
///
/// Returns `None` if it panicked. The panic hook has printed the message by then.
pub(crate) fn isolate<R>(what: &str, code: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // The payload is the user's too, and its destructor may panic in its turn.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            crate::report::say!(error, "{what} panicked; the bus goes on without it");
            None
        }
    }
}

/// Drops a user's value. Several are dropped one by one: a second panic in one frame aborts.
pub(crate) fn discard<T>(value: T) {
    isolate("a destructor", || drop(value));
}

#[cfg(test)]
mod tests {
    use super::isolate;

    #[test]
    fn passes_the_value_and_stops_the_panic() {
        assert_eq!(isolate("a test", || 7), Some(7));
        assert_eq!(isolate("a test", || -> u8 { panic!("expected") }), None);
    }

    #[test]
    fn survives_a_payload_whose_destructor_panics() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("expected, from the payload");
            }
        }
        assert_eq!(isolate("a test", || -> u8 { std::panic::panic_any(Bomb) }), None);
    }
}
