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
pub(super) struct Operation<'a> {
    pub(super) name: &'a str,
    /// How many deliveries it makes.
    pub(super) deliveries: u64,
    pub(super) about: &'a str,
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

/// What the program says of its operations.
///
/// # Errors
/// When it fails.
pub(super) fn list(program: &str) -> Result<String> {
    Program::new(program, "--list").read()
}

/// Reads what the program says of its operations.
///
/// # Errors
/// A line that is not as it should be.
pub(super) fn operations(listed: &str) -> Result<Vec<Operation<'_>>> {
    let lines = listed.lines().map(|line| {
        let wrong = || format!("`{line}` is no name, number of deliveries and text, with tabs");
        Ok(operation(line).ok_or_else(wrong)?)
    });
    lines.collect()
}

fn operation(line: &str) -> Option<Operation<'_>> {
    let (name, rest) = line.split_once('\t')?;
    let (deliveries, about) = rest.split_once('\t')?;
    let deliveries = deliveries.parse().ok().filter(|it| *it > 0)?;
    Some(Operation { name, deliveries, about })
}

/// The instructions that an operation takes for each of its deliveries, to a tenth.
///
/// # Errors
/// When it fails.
pub(super) fn measure(program: &str, operation: &Operation<'_>) -> Result<f64> {
    let (folder, name) = program.rsplit_once('/').unwrap_or((".", program));
    let count = |times: u64| {
        // The environment and the program's path lie on its stack, and copying takes another way
        // where what is copied lies across pages.
        let log = Program::new("env", "--ignore-environment")
            .args(["--chdir", folder])
            .args("valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-fd=1".split(' '))
            .args([&format!("./{name}"), operation.name, &times.to_string()])
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
    let (_, number) =
        line.ok_or_else(|| format!("callgrind says no `Collected :`, but:\n{log}"))?;
    let wrong = |_| format!("callgrind collected `{}`, which is no number", number.trim());
    Ok(number.trim().parse().map_err(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::{Operation, collected, operations};

    #[test]
    fn reads_callgrinds_log() {
        let log = "==7== Events    : Ir\n==7== Collected : 625726\n==7== \n";
        assert_eq!(collected(log).unwrap(), 625_726);
        let error = collected("==7== Collected : few").unwrap_err().to_string();
        assert_eq!(error, "callgrind collected `few`, which is no number");
        let error = collected("==7== Events").unwrap_err().to_string();
        assert_eq!(error, "callgrind says no `Collected :`, but:\n==7== Events");
    }

    #[test]
    fn reads_the_list_of_operations() {
        let nap = Operation { name: "nap", deliveries: 10, about: "sleep a bit" };
        assert_eq!(operations("nap\t10\tsleep a bit\n").unwrap(), [nap]);
        for line in ["nap\t10", "nap\tten\tsleep", "nap\t0\tsleep"] {
            let error = operations(line).unwrap_err().to_string();
            let right = "is no name, number of deliveries and text, with tabs";
            assert_eq!(error, format!("`{line}` {right}"));
        }
    }
}
