//! `cargo xtask scenarios`: whole programs on the bus in many orders, by the scheduler shuttle.

use std::collections::BTreeSet;

use lexopt::prelude::*;

use crate::Result;
use crate::command::Program;

const HELP: &str = "\
usage: cargo xtask scenarios [options] [NAME...]

Runs the scenarios of crates/callboard/tests/scenarios, or those whose name has NAME, with every step
of the sync layer scheduled by shuttle: first by chance, then by priorities that change now and then.

  --schedules N     so many schedules of each kind for each scenario; 3,000 by default
  --replay FILE     the one schedule in FILE, for the scenario NAME

A schedule that fails is written to a file, and the run says how to replay it. It fails again in the
same way, step by step, until the scenario or the library is changed. Both kinds of schedules begin with
the same seed each time; SHUTTLE_RANDOM_SEED is another one.

`cargo test -p callboard --test scenarios` runs the same scenarios by seeds, on one thread that changes
between their parts where they await. What fails there names its seed: CALLBOARD_SEED runs that alone.
";

/// # Errors
/// When they don't build, one fails, or an argument is none.
pub(crate) fn main(args: &[String]) -> Result {
    let (mut program, mut names, mut replays) = (program(), Vec::new(), false);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("schedules") => {
                let schedules: u64 = parser.value()?.parse()?;
                program = program.env("CALLBOARD_SCHEDULES", &schedules.to_string());
            }
            Long("replay") => {
                let file = std::path::absolute(parser.value()?)?;
                let file = file.to_str().ok_or("the path of the schedule is no text")?;
                program = program.env("CALLBOARD_REPLAY", file);
                replays = true;
            }
            Value(name) => names.push(name.string()?),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            _ => return Err(format!("{}\n\n{HELP}", arg.unexpected()).into()),
        }
    }
    let names = names.iter().map(String::as_str);
    match (replays, names.len()) {
        (false, _) => {
            println!("{}", run(program.args(names))?);
            Ok(())
        }
        (true, 1) => program.args(["--exact"]).args(names).run(),
        (true, _) => Err("`--replay` needs the name of one scenario, too".into()),
    }
}

/// Runs all scenarios; how much was tried.
///
/// # Errors
/// As [`main`].
pub(crate) fn all() -> Result<String> {
    run(program())
}

fn run(program: Program) -> Result<String> {
    sum(&program.read_aloud()?).ok_or_else(|| "no scenario was run".into())
}

fn program() -> Program {
    let run = "test --release --package callboard --test scenarios --target-dir target/scenarios";
    Program::cargo(run)
        .env("RUSTFLAGS", "--cfg callboard_shuttle")
        // Some of the tests have failures in them, which need not be traced.
        .env("RUST_BACKTRACE", "0")
        .args(["--", "--nocapture"])
}

/// Adds up the lines that the scenarios print of themselves.
fn sum(said: &str) -> Option<String> {
    let mut names = BTreeSet::new();
    let mut schedules = 0;
    // What else is printed may stand before a line.
    let lines = said.lines().filter_map(|line| line.split_once("scenario name="));
    // Some tests are of a scenario that fails.
    for (_, line) in lines.filter(|(_, line)| line.ends_with("verdict=passed")) {
        let mut cells = line.split(' ');
        names.extend(cells.next());
        let count = cells.find_map(|cell| cell.strip_prefix("schedules="))?;
        schedules += count.parse::<u64>().ok()?;
    }
    (schedules > 0).then(|| format!("{} scenarios, {schedules} schedules", names.len()))
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn lines_of_what_has_passed_are_added_up() {
        let said = "running 3 tests\n\
                    scenario name=churn by=random schedules=30 seconds=2.80 verdict=passed\n\
                    test nested ... scenario name=nested by=pct schedules=5 seconds=1 verdict=passed\n\
                    scenario name=forgetful by=pct schedules=2 seconds=0.39 verdict=failed\n\
                    scenario name=churn by=pct schedules=30 seconds=1.89 verdict=passed\n";
        assert_eq!(sum(said).unwrap(), "2 scenarios, 65 schedules");
        assert_eq!(sum("running 0 tests\n"), None);
    }
}
