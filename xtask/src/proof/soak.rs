//! Everything at once, for a while.

use super::figures::Figures;
use crate::Result;

/// # Errors
/// When it finds a fault.
pub(super) fn run(minutes: u64) -> Result<Figures> {
    crate::soak::main(&["--minutes".to_owned(), minutes.to_string()])?;
    Ok(Figures::of(minutes, if minutes == 1 { "minute" } else { "minutes" }))
}
