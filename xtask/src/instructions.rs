//! `cargo xtask instructions`: how many instructions each hot operation takes, against its bound.
//!
//! Instructions are counted, under valgrind's callgrind, because a count comes out the same every
//! time, on a busy machine too, where a time does not. An operation is run a few times and many
//! times; the difference is what it takes, without the start of the program. The figures and their
//! bounds are in a file, which `--renew` writes anew. They are those of one compiler and one kind of
//! machine: a bound leaves room for the next compiler, and on another kind of machine nothing is
//! checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Result;
use crate::command::{Program, executable};

/// The file of figures and bounds.
const PATH: &str = "bench/instructions.toml";

const ABOUT: &str = "\
# Instructions of the hot operations, for each delivery: as they were measured, and the bounds that
# `cargo xtask ci --only instructions` holds them to. Where a change is worth its instructions, or
# saves many, `cargo xtask instructions --renew` writes this file anew.
";

/// A few times, and many times. Both have as many digits, and the difference is a power of two, so
/// that what happens once in 32 or 128 operations is counted in whole turns.
const FEW: u64 = 1_024;
const MANY: u64 = 3_072;

/// What the file says of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    measured: f64,
    bound: u64,
}

/// # Errors
/// When an operation takes more than its bound, unless the bounds are renewed; when an operation has
/// no bound, or a bound no operation; or an argument that is not `--renew`.
pub(crate) fn main(args: &[String]) -> Result<String> {
    let renewing = match args {
        [] => false,
        [arg] if arg == "--renew" => true,
        args => return Err(format!("there is only `--renew`, not `{}`", args.join(" ")).into()),
    };
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Ok(format!("nothing is checked: {PATH} has the figures of x86-64 and Linux"));
    }
    let build = "build --release --package bench --no-default-features --bin operations \
                 --message-format json-render-diagnostics";
    let messages = Program::cargo(build).read()?;
    let program = executable(&messages).ok_or("cargo does not say where `operations` is")?;
    let mut bounds = match read(&std::fs::read_to_string(PATH).unwrap_or_default()) {
        // Renewing mends a file that can't be read.
        Err(_) if renewing => BTreeMap::new(),
        bounds => bounds?,
    };
    let (mut renewed, mut problems) = (tools()?, Vec::new());
    println!("{:<15}{:>9}{:>9}{:>8}", "instructions", "now", "then", "bound");
    // A line each, with tabs between its name, its number of deliveries and what it does.
    for line in Program::new(program, "--list").read()?.lines() {
        let [name, deliveries, about] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("`{line}` is no operation").into());
        };
        let figure = measure(program, name, deliveries.parse()?)?;
        let bound = bounds.remove(name);
        let (then, most) = bound.map_or_else(Default::default, |it| (it.measured, it.bound));
        println!("{name:<15}{figure:>9.1}{then:>9.1}{most:>8}  {about}");
        renewed += &roomy(figure).line(name);
        if figure * 2.0 < most as f64 {
            println!(
                "note: that is under half of the bound, which `--renew` makes a real one again"
            );
        } else if bound.is_none() {
            problems.push(format!("`{name}` has no bound in {PATH}"));
        } else if figure > most as f64 {
            problems.push(format!(
                "`{name}` takes {figure:.1} instructions, more than its bound of {most}: it took \
                 {then:.1} when that was set"
            ));
        }
    }
    if renewing {
        std::fs::write(PATH, renewed)?;
        return Ok(format!("{PATH} is renewed"));
    }
    problems.extend(bounds.keys().map(|name| format!("{PATH} bounds `{name}`, no operation")));
    if problems.is_empty() {
        return Ok(String::new());
    }
    problems.push(format!(
        "make it cheaper again; or, if it is worth that, `cargo xtask instructions --renew` writes \
         the figures and bounds in {PATH} anew"
    ));
    Err(problems.join("\n").into())
}

/// The head of the file, with the versions that the figures depend on.
fn tools() -> Result<String> {
    let rustc = Program::new("rustc", "--version").read()?;
    let valgrind = Program::new("valgrind", "--version").read()?;
    Ok(format!("{ABOUT}# Measured with {} and {}.\n\n", rustc.trim(), valgrind.trim()))
}

/// The instructions that an operation takes for each of its deliveries, to a tenth.
fn measure(program: &str, operation: &str, deliveries: u64) -> Result<f64> {
    let (folder, name) = program.rsplit_once('/').unwrap_or((".", program));
    let count = |times: u64| -> Result<u64> {
        // The environment and the program's path lie on its stack, and copying takes another way
        // where what is copied lies across pages.
        let log = Program::new("env", "--ignore-environment")
            .args(["--chdir", folder])
            .args("valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-fd=1".split(' '))
            .args([&*format!("./{name}"), operation, &times.to_string()])
            .read()?;
        collected(&log)
            .ok_or_else(|| format!("callgrind does not say what it collected:\n{log}").into())
    };
    let instructions = count(MANY)?.saturating_sub(count(FEW)?);
    let each = instructions as f64 / ((MANY - FEW) * deliveries) as f64;
    Ok((each * 10.0).round() / 10.0)
}

/// The number of instructions in callgrind's log.
fn collected(log: &str) -> Option<u64> {
    let (_, number) = log.lines().find_map(|line| line.split_once("Collected :"))?;
    number.trim().parse().ok()
}

/// The bound for a figure: a quarter more, rounded up to something that is easily read.
fn roomy(measured: f64) -> Bound {
    let quarter_more = (measured * 1.25).ceil() as u64;
    let step = match quarter_more {
        0..100 => 1,
        100..1_000 => 5,
        1_000..10_000 => 50,
        _ => 500,
    };
    Bound { measured, bound: quarter_more.next_multiple_of(step) }
}

impl Bound {
    /// Its line in the file.
    fn line(self, name: &str) -> String {
        let Self { measured, bound } = self;
        format!("{name:<13} = {{ measured = {measured:>7.1}, bound = {bound:>5} }}\n")
    }
}

/// Reads the text of the file.
fn read(text: &str) -> Result<BTreeMap<String, Bound>> {
    Ok(toml::from_str(text).map_err(|error| format!("{PATH}: {error}"))?)
}

#[cfg(test)]
mod tests {
    use super::{collected, read, roomy};

    #[test]
    fn reads_what_it_writes_and_callgrinds_log() {
        let found = read(&(roomy(12_806.5).line("ask") + &roomy(8.0).line("fan-out-100"))).unwrap();
        assert_eq!((found["ask"], found["fan-out-100"]), (roomy(12_806.5), roomy(8.0)));
        assert!(read("nap = { measured = 100.5 }\n").is_err());
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 625726\n"), Some(625_726));
        assert_eq!(collected("==7== Collected : few"), None);
    }

    #[test]
    fn a_bound_is_a_quarter_more_and_easily_read() {
        let bounds = [3.2, 80.0, 80.1, 289.1, 1_154.6, 12_806.5];
        let bounds = bounds.map(|measured| roomy(measured).bound);
        assert_eq!(bounds, [4, 100, 105, 365, 1_450, 16_500]);
    }
}
