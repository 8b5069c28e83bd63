//! What the bus says aloud: `tracing` events with the feature, nothing without it.

use std::any::Any;
#[cfg(feature = "tracing")]
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a user's code and stops a panic at this frame, in silence; if it panics, returns what `read`
/// makes of the payload. The panic hook has printed the message by then.
pub(crate) fn catch<R, E>(
    code: impl FnOnce() -> R,
    read: impl FnOnce(&(dyn Any + Send)) -> E,
) -> Result<R, E> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let error = read(&*payload);
        // The payload is the user's too, and its destructor may panic in its turn.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        error
    })
}

/// A message on one line: a control character in a name is escaped, or the name could pass for
/// another line of the log.
#[cfg(feature = "tracing")]
pub(crate) struct Line<'a>(pub(crate) fmt::Arguments<'a>);

#[cfg(feature = "tracing")]
impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaping(f).write_fmt(self.0)
    }
}

#[cfg(feature = "tracing")]
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

#[cfg(feature = "tracing")]
impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            let control = part.chars().next_back().filter(|last| last.is_control());
            let printable = &part[..part.len() - control.map_or(0, char::len_utf8)];
            self.0.write_str(printable)?;
            control.map_or(Ok(()), |control| write!(self.0, "{}", control.escape_default()))?;
        }
        Ok(())
    }
}

/// Says something at a level of `tracing`'s. Never under a lock: whoever listens is the user's, and
/// if it panics, what it was told is lost and nothing else.
macro_rules! say {
    ($level:ident, $($arg:tt)+) => {{
        #[cfg(feature = "tracing")]
        let _ = $crate::report::catch(
            || {
                let line = $crate::report::Line(::std::format_args!($($arg)+));
                ::tracing::$level!(target: "callboard", "{line}");
            },
            |_| (),
        );
        #[cfg(not(feature = "tracing"))]
        let _ = ::std::format_args!($($arg)+);
    }};
}

pub(crate) use say;
