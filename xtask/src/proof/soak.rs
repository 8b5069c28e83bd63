//! Everything at once, for a while.

use super::figures::Figures;
use crate::Result;

/// # Errors
/// When it finds a fault.
pub(super) fn run() -> Result<Figures> {
    crate::soak::main(&["--minutes".to_owned(), "10".to_owned()])?;
    Ok(Figures::of(10, "minutes"))
}
