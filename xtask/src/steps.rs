//! A list of steps: says which one begins and how long it took, and stops at the first failure.

use std::time::Instant;

use crate::Result;
use crate::choice::Choice;

/// One step of `test` or `ci`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// What `--only` calls it.
    name: &'static str,
    /// What it does, in a few words.
    about: &'static str,
    /// Does it.
    run: fn() -> Result,
}

impl Step {
    pub(crate) const fn new(name: &'static str, about: &'static str, run: fn() -> Result) -> Self {
        Self { name, about, run }
    }
}

const SKIP_INSTALL: &str = "skip-install";

/// Runs the steps that `args` ask for.
///
/// # Errors
/// The first step that fails, by name; or an argument that names nothing.
pub(crate) fn main(steps: &[Step], args: &[String]) -> Result {
    let choice = Choice::parse(args, &[SKIP_INSTALL])?;
    let mut chosen = choice.of(steps.to_vec(), |step| step.name.to_owned())?;
    if choice.list {
        chosen.iter().for_each(|step| println!("{:<14}{}", step.name, step.about));
        return Ok(());
    }
    chosen.retain(|step| step.name != "install" || !choice.has(SKIP_INSTALL));
    walk(&chosen)
}

fn walk(steps: &[Step]) -> Result {
    let all = Instant::now();
    for (index, Step { name, about, run }) in steps.iter().enumerate() {
        println!("\n=== {name} ({}/{}): {about}", index + 1, steps.len());
        let begun = Instant::now();
        let outcome = run();
        let verdict = if outcome.is_ok() { "passed in" } else { "failed after" };
        println!("=== {name}: {verdict} {:.1} s", begun.elapsed().as_secs_f64());
        outcome.map_err(|error| format!("step `{name}` failed: {error}"))?;
    }
    println!("\n=== all {} steps passed in {:.0} s", steps.len(), all.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Step, walk};

    const GOOD: Step = Step::new("good", "passes", || Ok(()));
    const BAD: Step = Step::new("bad", "fails", || Err("as it must".into()));
    const UNREACHED: Step =
        Step::new("unreached", "stands after a failure", || panic!("a step ran after a failure"));

    #[test]
    fn stops_at_the_first_failure_and_names_it() {
        assert!(walk(&[GOOD, GOOD]).is_ok());
        let error = walk(&[GOOD, BAD, UNREACHED]).unwrap_err().to_string();
        assert_eq!(error, "step `bad` failed: as it must");
    }
}
