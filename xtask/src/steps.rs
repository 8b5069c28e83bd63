//! A list of steps: says which one begins and how long it took, and stops at the first failure.

use std::time::{Duration, Instant};

use crate::Result;

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
    list: bool,
    only: Vec<String>,
    skip: Vec<String>,
}

/// Walks `steps` as `args` ask for.
///
/// # Errors
/// The first step that fails, by name; or an argument that names nothing.
pub(crate) fn main(steps: &[Step], args: &[String]) -> Result {
    let options = parse(steps, args)?;
    if options.list {
        for step in steps {
            println!("{:<14}{}", step.name, step.about);
        }
        return Ok(());
    }
    let chosen: Vec<&Step> = steps
        .iter()
        .filter(|step| options.only.is_empty() || options.only.iter().any(|it| it == step.name))
        .filter(|step| !options.skip.iter().any(|it| it == step.name))
        .collect();
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

fn parse(steps: &[Step], args: &[String]) -> Result<Options> {
    let mut options = Options::default();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "--list" => options.list = true,
            "--skip-install" => options.skip.push("install".to_owned()),
            "--only" => {
                let name = args.next().ok_or("`--only` needs the name of a step")?;
                if !steps.iter().any(|step| step.name == name) {
                    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
                    let names = names.join(", ");
                    return Err(format!("there is no step `{name}`, only {names}").into());
                }
                options.only.push(name.to_owned());
            }
            other => {
                return Err(format!(
                    "there is no option `{other}`, only --list, --only STEP and --skip-install"
                )
                .into());
            }
        }
    }
    Ok(options)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{Options, Step, parse, walk};

    const GOOD: Step = Step { name: "good", about: "passes", run: || Ok(()) };
    const BAD: Step = Step { name: "bad", about: "fails", run: || Err("as it must".into()) };
    const UNREACHED: Step = Step {
        name: "unreached",
        about: "stands after a failure",
        run: || panic!("a step ran after a failure"),
    };

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn stops_at_the_first_failure_and_names_it() {
        assert!(walk(&[&GOOD, &GOOD]).is_ok());
        let error = walk(&[&GOOD, &BAD, &UNREACHED]).unwrap_err().to_string();
        assert_eq!(error, "step `bad` failed: as it must");
    }

    #[test]
    fn reads_its_options() {
        let options = parse(&[GOOD, BAD], &args("--only bad --skip-install")).unwrap();
        let expected = Options { list: false, only: args("bad"), skip: args("install") };
        assert_eq!(options, expected);
    }

    #[test]
    fn rejects_what_it_does_not_know() {
        let error = parse(&[GOOD, BAD], &args("--only ugly")).unwrap_err();
        assert_eq!(error.to_string(), "there is no step `ugly`, only good, bad");
        assert!(parse(&[GOOD], &args("--only")).is_err());
        assert!(parse(&[GOOD], &args("--fast")).is_err());
    }
}
