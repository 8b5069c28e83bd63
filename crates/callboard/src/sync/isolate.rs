//! A fence around code that is not ours.

#[cfg(not(callboard_loom))]
use crate::report::contain;

/// Runs a user's code and stops a panic at this frame, so that one bad handler, callback, waker
/// or destructor skips nobody else. `what` names the code in the report.
///
/// Returns `None` if it panicked. The panic hook has printed the message by then.
pub(crate) fn isolate<R>(what: &str, code: impl FnOnce() -> R) -> Option<R> {
    let value = contain(code);
    if value.is_none() {
        crate::report::say!(error, "{what} panicked; the bus goes on without it");
    }
    value
}

/// Stops a panic that a model is about. What the model checker complains of must end the model.
#[cfg(callboard_loom)]
fn contain<R>(code: impl FnOnce() -> R) -> Option<R> {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(panic) if panic.is::<PanicOfModel>() => None,
        Err(complaint) => resume_unwind(complaint),
    }
}

/// What the user's code panics with in a model that is about that.
#[cfg(callboard_loom)]
pub(crate) struct PanicOfModel;

/// Drops a user's value. Several are dropped one by one: a second panic in one frame aborts.
pub(crate) fn discard<T>(value: T) {
    isolate("a destructor", || drop(value));
}

/// Drops a user's value, if there is one.
#[inline]
pub(crate) fn discard_any<T>(value: Option<T>) {
    if let Some(value) = value {
        discard(value);
    }
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
