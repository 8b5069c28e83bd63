//! Counts: the program `operations`, under callgrind.
//!
//! An operation is run a few times and many times; the difference is what it takes, without the
//! start of the program.

use serde::Deserialize;

use crate::Result;
use crate::command::{Program, executable};

/// A few times, and many times. Both have as many digits, and the difference is a power of two, so
/// that what happens once in 32 or 128 operations is counted in whole turns.
const FEW: u64 = 1_024;
const MANY: u64 = 3_072;

/// An operation, as the program tells of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) name: String,
    /// How many deliveries it makes.
    deliveries: u64,
    pub(super) about: String,
}

/// What a figure depends on, besides the code.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tools {
    pub(super) rustc: String,
    pub(super) valgrind: String,
}

impl Tools {
    /// # Errors
    /// When one is missing.
    pub(super) fn find() -> Result<Self> {
        let version = |name| Program::new(name, "--version").read();
        let missing = |error| {
            format!("{error}\nDebian's package valgrind has it: `cargo xtask test --only install`")
        };
        Ok(Self {
            rustc: version("rustc")?.trim().to_owned(),
            valgrind: version("valgrind").map_err(missing)?.trim().to_owned(),
        })
    }
}

/// Builds the program and returns where it is.
///
/// # Errors
/// When it doesn't build.
pub(super) fn build() -> Result<String> {
    let build = "build --release --package bench --no-default-features --bin operations \
                 --message-format json-render-diagnostics";
    let messages = Program::cargo(build).read()?;
    let path = executable(&messages).ok_or("cargo does not say where `operations` is")?;
    Ok(path.to_owned())
}

/// The operations that the program has: a line each, with tabs between its name, its number of
/// deliveries and what it does.
///
/// # Errors
/// When it fails, or a line is not as it should be.
pub(super) fn operations(program: &str) -> Result<Vec<Operation>> {
    let listed = Program::new(program, "--list").read()?;
    let operation = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, deliveries, about] = cells[..] else {
            return Err(format!("`{line}` is no operation").into());
        };
        let (name, about) = (name.to_owned(), about.to_owned());
        Ok(Operation { name, deliveries: deliveries.parse()?, about })
    };
    listed.lines().map(operation).collect()
}

/// The instructions that an operation takes for each of its deliveries, to a tenth.
///
/// # Errors
/// When it fails.
pub(super) fn measure(program: &str, operation: &Operation) -> Result<f64> {
    let (folder, name) = program.rsplit_once('/').unwrap_or((".", program));
    let count = |times: u64| {
        // The environment and the program's path lie on its stack, and copying takes another way
        // where what is copied lies across pages.
        let log = Program::new("env", "--ignore-environment")
            .args(["--chdir", folder])
            .args("valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-fd=1".split(' '))
            .args([&*format!("./{name}"), &operation.name, &times.to_string()])
            .read()?;
        collected(&log)
    };
    let instructions = count(MANY)?.saturating_sub(count(FEW)?);
    let each = instructions as f64 / ((MANY - FEW) * operation.deliveries) as f64;
    Ok((each * 10.0).round() / 10.0)
}

/// The number of instructions in callgrind's log.
fn collected(log: &str) -> Result<u64> {
    let line = log.lines().find_map(|line| line.split_once("Collected :"));
    let number = line.and_then(|(_, number)| number.trim().parse().ok());
    Ok(number.ok_or_else(|| format!("callgrind does not say what it collected, but:\n{log}"))?)
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn reads_callgrinds_log() {
        let log = "==7== Events    : Ir\n==7== Collected : 625726\n==7== \n";
        assert_eq!(collected(log).unwrap(), 625_726);
        assert!(collected("==7== Collected : few").is_err());
    }
}
