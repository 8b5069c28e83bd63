//! Isolation of user code: panics stop here.

use std::any::Any;
use std::fmt::Display;

#[cfg(not(callboard_loom))]
use crate::report::catch;

/// Runs user code and catches its panic, so that one bad handler, callback, waker or destructor
/// does not affect others. The log names the code (`what`) and the consequence (`then`).
///
/// Returns `None` if the code panicked. The panic hook has printed the message by then.
#[inline]
pub(crate) fn isolate<R>(what: impl Display, then: &str, code: impl FnOnce() -> R) -> Option<R> {
    isolate_for_message(code).map_err(|message| report(&what, &message, then)).ok()
}

/// Like [`isolate`], but returns the panic's message for the caller to report.
#[inline]
pub(crate) fn isolate_for_message<R>(code: impl FnOnce() -> R) -> Result<R, String> {
    catch(code, message)
}

#[cold]
fn report(what: &dyn Display, message: &str, then: &str) {
    crate::report::say!(error, "{what} panicked: {message}; {then}");
}

/// The message of a panic, truncated to a few hundred bytes.
fn message(payload: &(dyn Any + Send)) -> String {
    const LONGEST: usize = 500;
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    match text {
        None => "(the panic has no message)".to_owned(),
        Some(text) if text.len() <= LONGEST => text.to_owned(),
        Some(text) => {
            let ends = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST);
            format!("{}…", &text[..ends.last().unwrap_or(0)])
        }
    }
}

/// Catches a panic that a model throws on purpose. Panics of the model checker itself must end the
/// model.
#[cfg(callboard_loom)]
fn catch<R, E>(
    code: impl FnOnce() -> R,
    read: impl FnOnce(&(dyn Any + Send)) -> E,
) -> Result<R, E> {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Ok(value),
        Err(panic) if panic.is::<PanicOfModel>() => Err(read(&*panic)),
        Err(complaint) => resume_unwind(complaint),
    }
}

/// The payload of intentional panics in models.
#[cfg(callboard_loom)]
pub(crate) struct PanicOfModel;

/// Drops a user's value. Drop several one by one, since a second panic while unwinding aborts.
pub(crate) fn discard<T>(value: T) {
    isolate("a destructor", "the value counts as dropped", || drop(value));
}

/// Runs a waker.
pub(crate) fn wake(waking: impl FnOnce()) {
    isolate("a waker", "its task may sleep on", waking);
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
    use super::{isolate, isolate_for_message};

    #[test]
    fn passes_the_value_and_stops_the_panic() {
        assert_eq!(isolate("a test", "it ends", || 7), Some(7));
        assert_eq!(isolate("a test", "it ends", || -> u8 { panic!("expected") }), None);
    }

    #[test]
    fn hands_out_the_message_of_the_panic() {
        let said = |code: fn()| isolate_for_message(code).unwrap_err();
        assert_eq!(isolate_for_message(|| 7), Ok(7));
        assert_eq!(said(|| panic!("expected")), "expected");
        assert_eq!(said(|| panic!("expected: {}", 7)), "expected: 7");
        assert_eq!(said(|| std::panic::panic_any(7)), "(the panic has no message)");
        let long = said(|| panic!("é{}", "é".repeat(1_000)));
        assert!((500..510).contains(&long.len()) && long.ends_with("é…"), "{long}");
    }

    #[test]
    fn survives_a_payload_whose_destructor_panics() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("expected, from the payload");
            }
        }
        assert_eq!(isolate("a test", "it ends", || -> u8 { std::panic::panic_any(Bomb) }), None);
    }
}
