//! What must hold, and the fault that is found where it does not.
//!
//! | check | what must hold | when |
//! | --- | --- | --- |
//! | [`witness`] | order, nothing twice, one number for one event, intact values | each event received |
//! | [`account`] | ledgers balance, and agree with what readers and publishers counted | after each phase, and at each end |
//! | [`asking`] | answers are for their question, and ends fit the rule | each request |
//! | [`crate::events::Census`] | no payload leaked, or dropped twice | at the end of each bus |
//! | [`watchdog`] | who has work gets on with it | twice a second |
//! | [`heap`] | without a bus, the heap is what it was | every few seconds, judged at the end of the run |

pub(crate) mod account;
pub(crate) mod asking;
pub(crate) mod heap;
pub(crate) mod watchdog;
mod witness;

use std::fmt;

pub(crate) use witness::{Numbers, Witness};

/// Something is not as it must be.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// What was checked, of whom.
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) found: String,
    /// What may help to see why: a diagnosis, the states of threads.
    pub(crate) details: String,
}

pub(crate) type Checked = Result<(), Fault>;

impl Fault {
    pub(crate) fn new(
        what: impl fmt::Display,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        Self {
            what: what.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
            details: String::new(),
        }
    }

    pub(crate) fn with(mut self, details: impl fmt::Display) -> Self {
        self.details.push_str(&details.to_string());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, expected, found, details } = self;
        write!(f, "{what}\n  expected: {expected}\n  found:    {found}")?;
        if details.is_empty() { Ok(()) } else { write!(f, "\n{details}") }
    }
}

/// Two figures that must be one.
pub(crate) fn same<T: PartialEq + fmt::Debug>(
    what: impl FnOnce() -> String,
    expected: T,
    found: T,
) -> Checked {
    if expected == found {
        return Ok(());
    }
    Err(Fault::new(what(), format_args!("{expected:?}"), format_args!("{found:?}")))
}

/// What must be true; `expected` says what that is.
pub(crate) fn holds(
    truth: bool,
    what: impl FnOnce() -> String,
    expected: impl fmt::Display,
    found: impl FnOnce() -> String,
) -> Checked {
    if truth { Ok(()) } else { Err(Fault::new(what(), expected, found())) }
}
