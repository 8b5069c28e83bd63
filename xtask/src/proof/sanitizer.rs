//! What the sanitizers share: the whole suite, built with one.
//!
//! They come with the stable compiler, behind a door that `RUSTC_BOOTSTRAP` opens. The standard
//! library is the stock one, without instrumentation.

use std::borrow::Cow;

use super::{folder, is_seen, suite};
use crate::Result;
use crate::command::Program;

/// The target, named since a sanitizer must not get into build scripts and macros.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How the suite is built and run with one sanitizer.
#[derive(Debug)]
pub(super) struct Sanitizer {
    /// What its target folder is called.
    pub(super) name: &'static str,
    pub(super) flags: Cow<'static, str>,
    /// Its options, by the variable that they are in; files are named from the root.
    pub(super) options: &'static [(&'static str, &'static str)],
}

impl Sanitizer {
    /// Runs all tests of the core, or those of some `targets`, and returns how many passed.
    ///
    /// What they print is not captured: that goes to a buffer under a lock within the standard library,
    /// which ThreadSanitizer does not see, and for which no suppression fits when the buffer grows.
    ///
    /// # Errors
    /// When a test fails or the sanitizer reports anything.
    pub(super) fn run_suite(&self, targets: &str) -> Result<u64> {
        let tests = format!("test --package callboard --all-features --no-fail-fast {targets}");
        suite::run(self.cargo(&format!("{tests} -- --nocapture"))?)
    }

    /// Runs a command of cargo's on a copy of the repository with a bug in it, which must fail and
    /// say `report`.
    ///
    /// # Errors
    /// When it doesn't.
    pub(super) fn sees(&self, bug: &str, command: &str, report: &str) -> Result {
        is_seen(bug, self.cargo_in(&format!("planted/{}", self.name), command)?, report)
    }

    /// Cargo, told to build with the sanitizer; the tests' own arguments may follow ` -- `.
    pub(super) fn cargo(&self, command: &str) -> Result<Program> {
        self.cargo_in(self.name, command)
    }

    fn cargo_in(&self, target: &str, command: &str) -> Result<Program> {
        let (command, rest) = command.split_once(" -- ").unwrap_or((command, ""));
        let target = folder(target)?;
        let target = target.to_str().ok_or("the target folder is not named in Unicode")?;
        let program = Program::cargo(command).args(["--target", TARGET, "--target-dir", target]);
        let program = if rest.is_empty() {
            program
        } else {
            program.args(std::iter::once("--").chain(rest.split_whitespace()))
        };
        let program = program
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUST_BACKTRACE", "0")
            .env("RUSTFLAGS", &self.flags)
            .env("RUSTDOCFLAGS", &self.flags);
        // Tests run in the folder of their package.
        let here = format!("={}/proof/", std::env::current_dir()?.display());
        Ok(self.options.iter().fold(program, |program, (variable, options)| {
            program.env(variable, &options.replace("=proof/", &here))
        }))
    }
}
