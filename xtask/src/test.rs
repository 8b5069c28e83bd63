//! `cargo xtask test`: everything that must hold before a commit.
//!
//! There is no step that only builds: clippy checks every target, and what cargo builds for `build` it
//! builds anew for `test`.

use crate::Result;
use crate::command::Program;
use crate::steps::{self, Failure, Step};
use crate::{documents, features, install, package, tidy};

/// The steps, cheapest mistakes first.
const STEPS: &[Step] = &[
    Step::new("install", "what the tests need: Debian packages, a NATS server", install::run),
    Step::new("fmt", "the code is formatted", || cargo("fmt --all --check")),
    Step::new("clippy", "no lint warns, in any target with every feature", || {
        cargo("clippy --workspace --all-targets --all-features -- -D warnings")
    }),
    Step::new("test", "unit, integration, compile-fail and documentation tests", || {
        cargo("test --workspace --all-features --no-fail-fast")
    }),
    Step::new("documents", "the official parsers accept what a bus writes", documents::run),
    Step::new("doc", "the documentation builds and its links resolve", || {
        let doc = Program::cargo("doc --no-deps --workspace --all-features");
        doc.env("RUSTDOCFLAGS", "-Dwarnings").run()?;
        Ok(String::new())
    }),
    Step::new(
        "features",
        "each library compiles with none, one, and all of its features",
        features::run,
    ),
    Step::new("package", "the published crates package, and the packages compile", package::run),
    Step::new("tidy", "the house checks", || tidy::main(&[])),
];

fn cargo(args: &str) -> Result<String> {
    Program::cargo(args).run()?;
    Ok(String::new())
}

/// # Errors
/// The first step that fails.
pub(crate) fn main(args: &[String]) -> Result<String> {
    steps::main(STEPS, Failure::Stops, args)
}
