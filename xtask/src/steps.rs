//! A list of steps: the commands `test`, `ci` and `proof` say which one begins, and what came of each.

use std::time::Instant;

use crate::Result;
use crate::choice::Choice;

/// One step of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// What `--only` calls it.
    name: &'static str,
    /// What it does, or what holds if it passes, in a few words.
    about: &'static str,
    /// Does it. Returns how much was done, if there is anything to say about it.
    run: fn() -> Result<String>,
}

/// What a failure means for the steps that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Stops,
    StopsNothing,
}

impl Step {
    pub(crate) const fn new(
        name: &'static str,
        about: &'static str,
        run: fn() -> Result<String>,
    ) -> Self {
        Self { name, about, run }
    }
}

const SKIP_INSTALL: &str = "skip-install";

/// Runs the steps that `args` ask for, and prints a table of what came of each.
///
/// # Errors
/// When a step fails, or an argument names nothing.
pub(crate) fn main(steps: &[Step], failure: Failure, args: &[String]) -> Result<String> {
    let choice = Choice::parse(args, &[SKIP_INSTALL])?;
    let mut chosen = choice.of(steps.to_vec(), |step| step.name.to_owned())?;
    if choice.list {
        let line = |step: &Step| format!("{:<14}{}\n", step.name, step.about);
        return Ok(chosen.iter().map(line).collect());
    }
    chosen.retain(|step| step.name != "install" || !choice.has(SKIP_INSTALL));
    walk(&chosen, failure)
}

fn walk(steps: &[Step], failure: Failure) -> Result<String> {
    let (mut failed, mut table) = (Vec::new(), String::new());
    for (index, Step { name, about, run }) in steps.iter().enumerate() {
        println!("\n=== {name} ({}/{}): {about}", index + 1, steps.len());
        let begun = Instant::now();
        let outcome = run();
        let seconds = begun.elapsed().as_secs();
        let verdict = if outcome.is_ok() { "passed" } else { "FAILED" };
        println!("=== {name}: {verdict} after {seconds} s");
        let text = outcome.unwrap_or_else(|error| {
            failed.push(format!("step `{name}` failed: {error}"));
            String::new()
        });
        let line = format!("{name:<14}{verdict}  {seconds:>5} s  {text}");
        table += &format!("{}\n", line.trim_end());
        if !failed.is_empty() && failure == Failure::Stops {
            break;
        }
    }
    print!("\n{table}");
    if failed.is_empty() { Ok(String::new()) } else { Err(failed.join("\n").into()) }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Step, walk};

    #[test]
    fn names_the_failures_and_stops_at_the_first_if_asked_to() {
        let good = Step::new("good", "passes", || Ok("much".to_owned()));
        let bad = Step::new("bad", "fails", || Err("as it must".into()));
        let worse = Step::new("worse", "stands after a failure", || Err("once more".into()));
        assert!(walk(&[good, good], Failure::Stops).is_ok());
        let failed = |failure| walk(&[good, bad, worse], failure).unwrap_err().to_string();
        assert_eq!(failed(Failure::Stops), "step `bad` failed: as it must");
        assert!(failed(Failure::StopsNothing).ends_with("\nstep `worse` failed: once more"));
    }
}
