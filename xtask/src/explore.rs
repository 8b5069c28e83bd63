//! `cargo xtask models` and `cargo xtask scenarios`: the core, and whole programs on it, in many
//! orders. The arguments are those of the test harness: parts of names, and options.

use std::collections::BTreeSet;

use crate::Result;
use crate::command::Program;

/// Runs the models by the model checker loom; how much was tried.
///
/// # Errors
/// When they don't build, or one fails.
pub(crate) fn models(args: &[String]) -> Result<String> {
    let test = "test --release --package callboard --lib --target-dir target/models --";
    let program = Program::cargo(test).env("RUSTFLAGS", "--cfg callboard_loom");
    let names = args.iter().any(|arg| !arg.starts_with('-'));
    let all = (!names).then_some("models::");
    let said = program
        .args(["--nocapture"])
        .args(args.iter().map(String::as_str).chain(all))
        .read_aloud()?;
    sum_of_models(&said).ok_or_else(|| "no model was run".into())
}

/// Runs the scenarios by the scheduler shuttle; how much was tried.
///
/// # Errors
/// As [`models`].
pub(crate) fn scenarios(args: &[String]) -> Result<String> {
    let test = "test --release --package callboard --test scenarios --target-dir target/scenarios";
    let program = Program::cargo(test)
        .env("RUSTFLAGS", "--cfg callboard_shuttle")
        // Some of the tests have failures in them, which need not be traced.
        .env("RUST_BACKTRACE", "0")
        .args(["--", "--nocapture"])
        .args(args.iter().map(String::as_str));
    let said = program.read_aloud()?;
    if std::env::var_os("CALLBOARD_REPLAY").is_some() {
        return Ok("the schedule was replayed".to_owned());
    }
    sum_of_scenarios(&said).ok_or_else(|| "no scenario was run".into())
}

/// The lines that tests print of what has passed, split into `key=value`. What else is printed may
/// stand before a line. Some tests are of something that fails.
fn passed<'a>(said: &'a str, what: &str) -> Vec<Vec<(&'a str, &'a str)>> {
    let begin = format!("{what} name=");
    let lines = said.lines().filter(|line| line.ends_with("verdict=passed"));
    let lines = lines.filter_map(|line| line.find(&begin).map(|at| &line[at..]));
    lines.map(|line| line.split(' ').filter_map(|cell| cell.split_once('=')).collect()).collect()
}

fn value<'a>(cells: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    cells.iter().find(|cell| cell.0 == key).map(|cell| cell.1)
}

/// Exhaustive models were tried in every order, and not only in those with few preemptions.
fn sum_of_models(said: &str) -> Option<String> {
    let (mut models, mut exhaustive, mut executions) = (0, 0, 0);
    for cells in passed(said, "model") {
        models += 1;
        exhaustive += u64::from(value(&cells, "preemptions")? == "all");
        executions += value(&cells, "executions")?.parse::<u64>().ok()?;
    }
    (models > 0)
        .then(|| format!("{models} models, {exhaustive} exhaustive, {executions} executions"))
}

fn sum_of_scenarios(said: &str) -> Option<String> {
    let (mut names, mut schedules) = (BTreeSet::new(), 0);
    for cells in passed(said, "scenario") {
        names.insert(value(&cells, "name")?);
        schedules += value(&cells, "schedules")?.parse::<u64>().ok()?;
    }
    (schedules > 0).then(|| format!("{} scenarios, {schedules} schedules", names.len()))
}

#[cfg(test)]
mod tests {
    use super::{sum_of_models, sum_of_scenarios};

    #[test]
    fn lines_of_what_has_passed_are_added_up() {
        let said = "running 2 tests\n\
                    test a ... model name=a executions=7 preemptions=all verdict=passed\n\
                    model name=b executions=30 preemptions=3 seconds=1 verdict=passed\nok\n\
                    model name=harness executions=1 preemptions=all verdict=failed\n\
                    scenario name=churn by=random schedules=30 seconds=2.80 verdict=passed\n\
                    test nested ... scenario name=nested by=pct schedules=5 verdict=passed\n\
                    scenario name=forgetful by=pct schedules=2 seconds=0.39 verdict=failed\n\
                    scenario name=churn by=pct schedules=30 seconds=1.89 verdict=passed\n";
        assert_eq!(sum_of_models(said).unwrap(), "2 models, 1 exhaustive, 37 executions");
        assert_eq!(sum_of_scenarios(said).unwrap(), "2 scenarios, 65 schedules");
        assert_eq!(sum_of_models("running 0 tests\n").or(sum_of_scenarios("")), None);
    }
}
