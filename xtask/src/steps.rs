//! A list of steps: says which one begins and how long it took, and stops at the first failure.

use std::time::{Duration, Instant};

use crate::Result;
use crate::choice::Choice;

/// One step of `test` or `ci`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it does, in a few words.
    pub(crate) about: &'static str,
    /// Does it.
    pub(crate) run: fn() -> Result,
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
    let begun = Instant::now();
    let mut times = Vec::new();
    let mut failure = None;
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {} ({}/{}): {}", step.name, index + 1, steps.len(), step.about);
        let step_begun = Instant::now();
        let outcome = (step.run)();
        let took = seconds(step_begun.elapsed());
        match outcome {
            Ok(()) => {
                println!("=== {}: passed in {took}", step.name);
                times.push((step.name, took, "passed"));
            }
            Err(error) => {
                println!("=== {}: failed after {took}", step.name);
                times.push((step.name, took, "failed"));
                failure = Some(format!("step `{}` failed: {error}", step.name));
                break;
            }
        }
    }

    println!("\n=== all steps: {}", seconds(begun.elapsed()));
    for (name, took, outcome) in &times {
        println!("{name:<14}{took:>8}  {outcome}");
    }
    for step in &steps[times.len()..] {
        println!("{:<14}{:>8}  not run", step.name, "");
    }
    let failed = usize::from(failure.is_some());
    let passed = times.len() - failed;
    let not_run = match steps.len() - times.len() {
        0 => String::new(),
        rest => format!(", {rest} not run"),
    };
    println!("steps: {passed} passed, {failed} failed{not_run}");
    failure.map_or(Ok(()), |failure| Err(failure.into()))
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

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{Options, Step, walk};

    const GOOD: Step = Step { name: "good", about: "passes", run: || Ok(()) };
    const BAD: Step = Step { name: "bad", about: "fails", run: || Err("as it must".into()) };
    const UNREACHED: Step = Step {
        name: "unreached",
        about: "stands after a failure",
        run: || panic!("a step ran after a failure"),
    };

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
