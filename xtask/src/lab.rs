//! A laboratory: a copy of the tree in which something is broken, built and tested, so that the
//! tree itself stays whole.
//!
//! It lies in the target folder, below `lab`, and is kept from run to run: only what has changed is
//! copied and compiled anew. Each name is one copy with a target folder of its own, so two runs of
//! one command at once would break each other's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::command::executable;
use crate::{Result, tree};

/// In seconds: a test that takes longer hangs. (One that waits in vain gives up after 20 by itself.)
const PATIENCE: &str = "120";

/// A file of the tree, with other text in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// From the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A copy of the tree, and a target folder.
#[derive(Debug)]
pub(crate) struct Lab {
    /// The copy.
    pub(crate) tree: PathBuf,
    target: PathBuf,
}

/// A test binary of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Binary {
    /// `tests/it`: a file per promise.
    It,
    /// `tests/model`: random programs against a reference.
    Model,
    /// `tests/memory`: what is allocated.
    Memory,
    /// `src/models`, as loom runs it: compiled in seconds, for one model or another.
    Models,
    /// The same, compiled for a minute to run faster.
    AllModels,
}

/// What came of a test.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// With what it complained of.
    Failed(String),
    /// There is no test of this name.
    Missing,
}

impl Binary {
    pub(crate) fn is_of_models(self) -> bool {
        matches!(self, Self::Models | Self::AllModels)
    }

    /// How cargo is told to build it.
    fn options(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        const TESTS: &[(&str, &str)] = &[("CARGO_PROFILE_DEV_DEBUG", "0")];
        const MODELS: &[(&str, &str)] = &[
            ("RUSTFLAGS", "--cfg callboard_loom"),
            ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
            ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        ];
        match self {
            Self::It => ("--all-features --test it", TESTS),
            Self::Model => ("--all-features --test model", TESTS),
            Self::Memory => ("--all-features --test memory", TESTS),
            Self::Models => {
                ("--release --lib --config profile.release.package.callboard.opt-level=0", MODELS)
            }
            Self::AllModels => ("--release --lib", MODELS),
        }
    }
}

impl Lab {
    /// The copy of this name, brought up to date: what an earlier run left broken is whole again.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let folder = tree::target()?.join("lab").join(name);
        let lab = Self { tree: folder.join("tree"), target: folder.join("target") };
        let ours: BTreeSet<PathBuf> = tree::all(".")?.into_iter().collect();
        for path in tree::all(&lab.tree)? {
            let path = path.strip_prefix(&lab.tree)?.to_path_buf();
            if !ours.contains(&path) {
                std::fs::remove_file(lab.tree.join(path))?;
            }
        }
        for path in ours {
            lab.write(&path, &std::fs::read(&path)?)?;
        }
        Ok(lab)
    }

    /// Runs `work` while the copy is changed like this, and makes it whole again.
    ///
    /// # Errors
    /// What `work` says; or when a file can't be read or written.
    pub(crate) fn with<R>(
        &self,
        changes: &[Change],
        work: impl FnOnce() -> Result<R>,
    ) -> Result<R> {
        for Change { path, text } in changes {
            self.write(path, text.as_bytes())?;
        }
        let result = work();
        for Change { path, .. } in changes {
            self.write(path, &std::fs::read(path)?)?;
        }
        result
    }

    /// Writes a file of the copy, unless it is so already: cargo goes by the time of writing.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result {
        let there = self.tree.join(path);
        if std::fs::read(&there).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        if let Some(folder) = there.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(there, bytes)?)
    }

    /// Builds a test binary, and says where it is.
    ///
    /// # Errors
    /// When it doesn't build, with what the compiler says.
    pub(crate) fn build(&self, binary: Binary) -> Result<PathBuf> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let (options, variables) = binary.options();
        let output = Command::new(cargo)
            .args(["test", "--quiet", "--no-run", "--package", "callboard"])
            .args(options.split(' '))
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{binary:?}` doesn't build:\n{said}").into());
        }
        let messages = String::from_utf8(output.stdout)?;
        let path = executable(&messages);
        Ok(path.ok_or("cargo does not say where the test binary is")?.into())
    }
}

/// Runs one test of a binary, in a process of its own, since it may abort.
///
/// # Errors
/// When the binary can't be run.
pub(crate) fn run(program: &Path, test: &str) -> Result<Verdict> {
    let output = Command::new("timeout")
        .args(["--signal=KILL", PATIENCE])
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()?;
    Ok(verdict(&output))
}

fn verdict(output: &Output) -> Verdict {
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        // The message of a panic stands in the line below the place.
        let panic = errors.split_once(" panicked at ").map(|(_, rest)| rest.lines().skip(1));
        let message = panic.and_then(|mut lines| lines.find(|line| !line.trim().is_empty()));
        return Verdict::Failed(message.map_or_else(|| output.status.to_string(), str::to_owned));
    }
    if said.contains("\ntest result: ok. 1 passed") { Verdict::Passed } else { Verdict::Missing }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};

    use super::{Verdict, verdict};

    #[test]
    fn a_test_that_is_not_there_has_not_passed() {
        let ended = |code: i32, said: &str, errors: &str| {
            verdict(&Output {
                status: ExitStatus::from_raw(code << 8),
                stdout: said.into(),
                stderr: errors.into(),
            })
        };
        let passed = "running 1 test\n\ntest result: ok. 1 passed; 0 failed";
        assert_eq!(ended(0, passed, ""), Verdict::Passed);
        let missing = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed";
        assert_eq!(ended(0, missing, ""), Verdict::Missing);
        let failed = |why: &str| Verdict::Failed(why.to_owned());
        assert_eq!(ended(3, passed, ""), failed("exit status: 3"));
        let errors = "x\nthread 'a' (1) panicked at b.rs:1:2:\nfirst\nmore\n";
        assert_eq!(ended(101, "", errors), failed("first"));
    }
}
