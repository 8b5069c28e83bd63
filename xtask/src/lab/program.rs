//! The test programs of a laboratory: building one, and running one test of it.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{Kind, Lab};
use crate::Result;
use crate::command::executable;

/// A test that takes longer hangs. (One that waits in vain gives up after 20 seconds by itself.)
const PATIENCE: Duration = Duration::from_secs(120);

/// A test binary of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Binary {
    /// What is tested beside the code.
    Unit,
    /// `tests/it`: a file per promise.
    It,
    /// `tests/model`: random programs against a reference.
    Model,
    /// `tests/memory`: what is allocated.
    Memory,
    /// `src/models`: what is concurrent, as loom runs it.
    Models,
}

impl Binary {
    const ALL: [Self; 5] = [Self::Unit, Self::It, Self::Model, Self::Memory, Self::Models];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|binary| binary.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::It => "it",
            Self::Model => "model",
            Self::Memory => "memory",
            Self::Models => "models",
        }
    }

    /// Where it is built.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Unit | Self::It | Self::Model | Self::Memory => Kind::Tests,
            Self::Models => Kind::Models,
        }
    }

    /// How cargo is asked for it.
    fn target(self) -> &'static str {
        match self {
            Self::It => "--test it",
            Self::Model => "--test model",
            Self::Memory => "--test memory",
            Self::Unit | Self::Models => "--lib",
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A test binary that was built.
#[derive(Debug)]
pub(crate) struct Program {
    binary: Binary,
    path: PathBuf,
    /// Where what its tests say is written to.
    said: PathBuf,
}

/// What came of a test.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// With the first that it complained of.
    Failed(String),
    /// There is no test of this name.
    Missing,
}

impl Lab {
    /// Builds a test binary.
    ///
    /// # Errors
    /// When it doesn't build, with what the compiler says.
    pub(crate) fn build(&self, binary: Binary) -> Result<Program> {
        let fits = self.kind.is_for_models() == binary.kind().is_for_models();
        assert!(fits, "each kind of laboratory builds its own");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["test", "--quiet", "--no-run", "--package", "callboard"])
            .args(binary.target().split(' '))
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .stdin(Stdio::null());
        match self.kind {
            Kind::Tests => command.arg("--all-features").env("CARGO_PROFILE_DEV_DEBUG", "0"),
            Kind::Mutants => command
                .arg("--all-features")
                // What is wrong with mutants is for the tests to say.
                .env("RUSTFLAGS", "--cap-lints allow")
                .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
            Kind::Models | Kind::AllModels => command
                .arg("--release")
                .env("RUSTFLAGS", "--cfg callboard_loom")
                .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        };
        if self.kind == Kind::Models {
            command.args(["--config", "profile.release.package.callboard.opt-level=0"]);
        }
        let output = command.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{binary}` doesn't build:\n{said}").into());
        }
        let messages = String::from_utf8(output.stdout)?;
        let path = executable(&messages)
            .ok_or_else(|| format!("cargo does not say where `{binary}` is"))?;
        Ok(Program { binary, path: path.into(), said: self.said.clone() })
    }
}

impl Program {
    /// The names of its tests.
    ///
    /// # Errors
    /// When it can't be run.
    pub(crate) fn tests(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.path).args(["--list", "--format", "terse"]).output()?;
        let listed = String::from_utf8(output.stdout)?;
        let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(names.filter_map(|name| self.short(name)).map(str::to_owned).collect())
    }

    /// The name of a model, below the module of all.
    fn short<'a>(&self, name: &'a str) -> Option<&'a str> {
        match self.binary {
            Binary::Models => name.strip_prefix("models::"),
            Binary::Unit | Binary::It | Binary::Model | Binary::Memory => Some(name),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs one test, in a process of its own, since it may abort.
    ///
    /// # Errors
    /// When the program can't be run.
    pub(crate) fn run(&self, test: &str) -> Result<Verdict> {
        let full = match self.binary {
            Binary::Models => format!("models::{test}"),
            Binary::Unit | Binary::It | Binary::Model | Binary::Memory => test.to_owned(),
        };
        let path = self.said.join(test.replace("::", "-"));
        let said = File::create(&path)?;
        let mut child = Command::new(&self.path)
            .args(["--exact", &full, "--nocapture"])
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()?;
        let Some(status) = watch(&mut child, PATIENCE, || Ok(false))? else {
            return Ok(Verdict::Failed("hangs".to_owned()));
        };
        let said = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        Ok(verdict(self.binary, status, &said))
    }
}

/// How it ended by itself. `None`: it was ended, since it took too long, or since it was `enough`.
///
/// # Errors
/// When it can't be waited for, or what `enough` says.
pub(crate) fn watch(
    child: &mut Child,
    patience: Duration,
    mut enough: impl FnMut() -> Result<bool>,
) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if enough()? || begun.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn verdict(binary: Binary, status: ExitStatus, said: &str) -> Verdict {
    match status.success() {
        true if said.contains("\ntest result: ok. 1 passed") => Verdict::Passed,
        true => Verdict::Missing,
        false => Verdict::Failed(complaint(binary, said).unwrap_or_else(|| status.to_string())),
    }
}

/// The message of a panic: of the last, since some tests have panics in them; but a model that
/// fails panics once more as it ends.
fn complaint(binary: Binary, said: &str) -> Option<String> {
    const HEAD: &str = " panicked at ";
    let (_, rest) = match binary {
        Binary::Models => said.split_once(HEAD)?,
        Binary::Unit | Binary::It | Binary::Model | Binary::Memory => said.rsplit_once(HEAD)?,
    };
    let message = rest.lines().skip(1).map(str::trim).find(|line| !line.is_empty())?;
    Some(message.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::{Binary, Verdict, complaint, verdict};

    #[test]
    fn a_test_that_is_not_there_has_not_passed() {
        let ended = |code: i32| ExitStatus::from_raw(code << 8);
        let passed = "running 1 test\n\ntest result: ok. 1 passed; 0 failed";
        assert_eq!(verdict(Binary::It, ended(0), passed), Verdict::Passed);
        let missing = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed";
        assert_eq!(verdict(Binary::It, ended(0), missing), Verdict::Missing);
        assert_eq!(
            verdict(Binary::It, ended(3), passed),
            Verdict::Failed("exit status: 3".to_owned())
        );
    }

    #[test]
    fn what_a_test_complains_of_is_the_panic_that_ends_it() {
        let said = "x\nthread 'a' (1) panicked at b.rs:1:2:\nfirst\nmore\n\
                    thread '<unnamed>' (2) panicked at b.rs:7:8:\nlast\n";
        assert_eq!(complaint(Binary::Models, said).unwrap(), "first");
        assert_eq!(complaint(Binary::It, said).unwrap(), "last");
        assert_eq!(complaint(Binary::It, "aborted"), None);
    }
}
