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

/// Which steps to run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    choice: Choice,
    skip: Option<&'static str>,
}

/// Walks `steps` as `args` ask for.
///
/// # Errors
/// The first step that fails, by name; or an argument that names nothing.
pub(crate) fn main(steps: &[Step], args: &[String]) -> Result {
    let options = Options::parse(args)?;
    let mut chosen = options.choice.of(steps.iter().collect(), |step| step.name)?;
    if options.choice.list {
        for step in chosen {
            println!("{:<14}{}", step.name, step.about);
        }
        return Ok(());
    }
    chosen.retain(|step| Some(step.name) != options.skip);
    walk(&chosen)
}

fn walk(steps: &[&Step]) -> Result {
    for (index, Step { name, about, run }) in steps.iter().enumerate() {
        println!("\n=== {name} ({}/{}): {about}", index + 1, steps.len());
        let begun = Instant::now();
        let outcome = run();
        let verdict = if outcome.is_ok() { "passed in" } else { "failed after" };
        println!("=== {name}: {verdict} {:.1} s", begun.elapsed().as_secs_f64());
        outcome.map_err(|error| format!("step `{name}` failed: {error}"))?;
    }
    println!("\n=== all {} steps passed", steps.len());
    Ok(())
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            if arg == "--skip-install" {
                options.skip = Some("install");
            } else if !options.choice.takes(arg, &mut args)? {
                return Err(format!(
                    "there is no option `{arg}`, only --list, --only STEP and --skip-install"
                )
                .into());
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Step, walk};

    const GOOD: Step = Step::new("good", "passes", || Ok(()));
    const BAD: Step = Step::new("bad", "fails", || Err("as it must".into()));
    const UNREACHED: Step =
        Step::new("unreached", "stands after a failure", || panic!("a step ran after a failure"));

    #[test]
    fn stops_at_the_first_failure_and_names_it() {
        assert!(walk(&[&GOOD, &GOOD]).is_ok());
        let error = walk(&[&GOOD, &BAD, &UNREACHED]).unwrap_err().to_string();
        assert_eq!(error, "step `bad` failed: as it must");
    }

    #[test]
    fn installs_unless_told_not_to() {
        let parse = |line: &str| {
            Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(parse("--only bad").unwrap().skip, None);
        assert_eq!(parse("--skip-install --list").unwrap().skip, Some("install"));
        let error = parse("--fast").unwrap_err().to_string();
        assert!(error.starts_with("there is no option `--fast`"), "{error}");
    }
}
