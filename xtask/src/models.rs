//! `cargo xtask models`: the core in every order that matters, by the model checker loom.

use crate::Result;
use crate::command::Program;

/// # Errors
/// When they don't build, or one fails.
pub(crate) fn main(args: &[String]) -> Result {
    let run = "test --release --package callboard --lib --target-dir target/models -- models::";
    Program::cargo(run)
        .env("RUSTFLAGS", "--cfg callboard_loom")
        .args(["--nocapture"])
        .args(args.iter().map(String::as_str))
        .run()
}
