//! `cargo xtask models`: the core in every order that matters, by the model checker loom.

use crate::Result;
use crate::command::Program;

/// How much was tried.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) models: u64,
    /// Those of them that were tried in every order, and not only in those with few preemptions.
    pub(crate) exhaustive: u64,
    pub(crate) executions: u64,
}

/// # Errors
/// When they don't build, or one fails.
pub(crate) fn main(args: &[String]) -> Result {
    let Figures { models, exhaustive, executions } =
        Figures::of(&program(args).read_aloud()?).ok_or("no model was run")?;
    println!("{models} models, {exhaustive} of them in every order, {executions} executions");
    Ok(())
}

/// Runs all models.
///
/// # Errors
/// As [`main`].
pub(crate) fn figures() -> Result<Figures> {
    let said = program(&[]).read_aloud()?;
    Figures::of(&said).ok_or_else(|| "no model was run".into())
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

impl Figures {
    /// Adds up the lines that the models print of themselves.
    fn of(said: &str) -> Option<Self> {
        let mut figures = Self::default();
        // What else is printed may stand before a line.
        let lines = said.lines().filter_map(|line| line.split_once("model name="));
        // The harness's own model must fail.
        for (_, line) in lines.filter(|(_, line)| !line.starts_with("harness ")) {
            let cell = |name| line.split(' ').find_map(|cell| cell.strip_prefix(name));
            figures.models += 1;
            figures.exhaustive += u64::from(cell("preemptions=")? == "all");
            figures.executions += cell("executions=")?.parse::<u64>().ok()?;
        }
        (figures.models > 0).then_some(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn lines_are_added_up() {
        let said = "running 2 tests\n\
                    test a ... model name=a executions=7 preemptions=all seconds=1 verdict=passed\n\
                    model name=b executions=30 preemptions=3 seconds=1 verdict=passed\nok\n\
                    model name=harness executions=1 preemptions=all verdict=failed\n";
        let figures = Figures { models: 2, exhaustive: 1, executions: 37 };
        assert_eq!(Figures::of(said), Some(figures));
        assert_eq!(Figures::of("running 0 tests\n"), None);
    }
}
