//! `cargo xtask bench`: the benchmark, in release mode.

use crate::Result;
use crate::command::Program;

/// # Errors
/// When it doesn't build or fails.
pub(crate) fn main(args: &[String]) -> Result {
    Program::cargo("run --release --package bench --").args(args.iter().map(String::as_str)).run()
}
