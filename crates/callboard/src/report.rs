//! Logging: `tracing` events with the feature, nothing without it.

use std::any::Any;
use std::fmt::Display;
#[cfg(feature = "tracing")]
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code and catches its panic without logging it; then returns the result of `read` for
/// the payload. The panic hook has printed the message by then.
pub(crate) fn catch<R, E>(
    code: impl FnOnce() -> R,
    read: impl FnOnce(&(dyn Any + Send)) -> E,
) -> Result<R, E> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let error = read(&*payload);
        // The payload is a user's value, too, and its destructor may panic.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        error
    })
}

/// How many items of a list a message shows.
pub(crate) const LISTED: usize = 10;

/// A list in a message: the first ten items, and the number of the others.
pub(crate) fn first_of<T: Display>(
    items: impl ExactSizeIterator<Item = T>,
    separator: &str,
) -> String {
    let more = items.len().saturating_sub(LISTED);
    let shown: Vec<String> = items.take(LISTED).map(|item| item.to_string()).collect();
    let shown = shown.join(separator);
    if more == 0 { shown } else { format!("{shown} and {} more", thousands(more)) }
}

/// A number with thousands separators: `99,995`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 event`, `2 events`.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// How often: `once`, `2 times`.
pub(crate) fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

/// A message on one line. Control characters in names are escaped, so that a name can't forge a
/// line of the log.
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

/// Logs at a `tracing` level. Must not be called under a lock, since a `tracing` subscriber is user
/// code. If it panics, only the message is lost.
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

#[cfg(test)]
mod tests {
    use super::{count, first_of, thousands, times};

    #[test]
    fn thousands_are_set_off() {
        let numbers = [0, 999, 1_000, 99_995, 1_234_567];
        let expected = ["0", "999", "1,000", "99,995", "1,234,567"];
        assert_eq!(numbers.map(thousands), expected);
    }

    #[test]
    fn one_thing_is_singular() {
        assert_eq!([0, 1, 2].map(|it| count(it, "event")), ["0 events", "1 event", "2 events"]);
        assert_eq!([0, 1, 2].map(times), ["0 times", "once", "2 times"]);
    }

    #[test]
    fn long_list_shows_its_first_ten() {
        assert_eq!(first_of(0..3, "; "), "0; 1; 2");
        assert_eq!(first_of(0..10, ","), "0,1,2,3,4,5,6,7,8,9");
        assert_eq!(first_of(0..1_011, ","), "0,1,2,3,4,5,6,7,8,9 and 1,001 more");
        assert_eq!(first_of([""; 0].into_iter(), ", "), "");
    }
}
