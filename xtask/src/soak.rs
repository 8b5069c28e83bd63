//! `cargo xtask soak`: the bus under everything at once, in release mode.

use crate::Result;
use crate::command::Program;

/// # Errors
/// When it doesn't build, or finds a fault.
pub(crate) fn main(args: &[String]) -> Result {
    let run = "run --release --package callboard-proof --bin soak --";
    Program::cargo(run).args(args.iter().map(String::as_str)).run()
}
