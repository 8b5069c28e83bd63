//! `cargo xtask models`: the core in every order that matters, by the model checker loom.

use crate::Result;
use crate::command::Program;

/// # Errors
/// When they don't build, or one fails.
pub(crate) fn main(args: &[String]) -> Result {
    println!("{}", run(args)?);
    Ok(())
}

/// Runs models; how much was tried.
///
/// # Errors
/// As [`main`].
pub(crate) fn run(args: &[String]) -> Result<String> {
    sum(&program(args).read_aloud()?).ok_or_else(|| "no model was run".into())
}

/// The models whose names begin or go on as the arguments say, or all; options go to the harness.
fn program(args: &[String]) -> Program {
    let run = "test --release --package callboard --lib --target-dir target/models --";
    let is_option = |arg: &&String| arg.starts_with('-');
    let mut names: Vec<String> = args.iter().filter(|arg| !is_option(arg)).map(name_of).collect();
    if names.is_empty() {
        names.push(MODELS.to_owned());
    }
    Program::cargo(run)
        .env("RUSTFLAGS", "--cfg callboard_loom")
        .args(["--nocapture"])
        .args(args.iter().filter(is_option).map(String::as_str))
        .args(names.iter().map(String::as_str))
}

/// Where the models are.
const MODELS: &str = "models::";

/// The name of a model as the harness knows it, which takes any part of one.
fn name_of(arg: &String) -> String {
    if arg.starts_with(MODELS) { arg.clone() } else { format!("{MODELS}{arg}") }
}

/// Adds up the lines that the models print of themselves. Those that are exhaustive were tried in
/// every order, and not only in those with few preemptions.
fn sum(said: &str) -> Option<String> {
    let (mut models, mut exhaustive, mut executions) = (0, 0, 0);
    // What else is printed may stand before a line.
    let lines = said.lines().filter_map(|line| line.split_once("model name="));
    // The harness's own model must fail.
    for (_, line) in lines.filter(|(_, line)| !line.starts_with("harness ")) {
        let cell = |name| line.split(' ').find_map(|cell| cell.strip_prefix(name));
        models += 1;
        exhaustive += u64::from(cell("preemptions=")? == "all");
        executions += cell("executions=")?.parse::<u64>().ok()?;
    }
    (models > 0)
        .then(|| format!("{models} models, {exhaustive} exhaustive, {executions} executions"))
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn lines_are_added_up() {
        let said = "running 2 tests\n\
                    test a ... model name=a executions=7 preemptions=all seconds=1 verdict=passed\n\
                    model name=b executions=30 preemptions=3 seconds=1 verdict=passed\nok\n\
                    model name=harness executions=1 preemptions=all verdict=failed\n";
        assert_eq!(sum(said).unwrap(), "2 models, 1 exhaustive, 37 executions");
        assert_eq!(sum("running 0 tests\n"), None);
    }
}
