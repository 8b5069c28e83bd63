//! `cargo xtask scenarios`: whole programs on the bus in many orders, by the scheduler shuttle.

use std::collections::BTreeSet;

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

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options<'a> {
    help: bool,
    schedules: Option<&'a str>,
    replay: Option<&'a str>,
    names: Vec<&'a str>,
}

/// # Errors
/// When they don't build, one fails, or an argument is none.
pub(crate) fn main(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    if options.help {
        print!("{HELP}");
        return Ok(());
    }
    if let Some(file) = options.replay {
        let file = std::path::absolute(file)?;
        let file = file.to_str().ok_or("the path of the schedule is no text")?;
        return program().args(["--exact"]).args(options.names).env("CALLBOARD_REPLAY", file).run();
    }
    let mut program = program().args(options.names);
    if let Some(schedules) = options.schedules {
        program = program.env("CALLBOARD_SCHEDULES", schedules);
    }
    println!("{}", run(program)?);
    Ok(())
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

impl<'a> Options<'a> {
    fn parse(args: &'a [String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--help" => options.help = true,
                "--schedules" => {
                    let number = args.next().filter(|number| number.parse::<u64>().is_ok());
                    options.schedules = Some(number.ok_or("`--schedules` needs a number")?);
                }
                "--replay" => {
                    options.replay = Some(args.next().ok_or("`--replay` needs a file")?);
                }
                other if other.starts_with('-') => {
                    return Err(format!("there is no option `{other}`\n\n{HELP}").into());
                }
                name => options.names.push(name),
            }
        }
        if options.replay.is_some() && options.names.len() != 1 {
            return Err("`--replay` needs the name of the scenario, too".into());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, sum};

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

    #[test]
    fn options_are_what_they_say() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line = args("--schedules 10 churn");
        let expected =
            Options { schedules: Some("10"), names: vec!["churn"], ..Options::default() };
        assert_eq!(Options::parse(&line).unwrap(), expected);
        for wrong in ["--schedules many", "--replay", "--replay file", "--fast"] {
            assert!(Options::parse(&args(wrong)).is_err(), "{wrong}");
        }
    }
}
