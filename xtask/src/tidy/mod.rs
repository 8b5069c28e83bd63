//! `cargo xtask tidy`: the rules of the house that no other tool holds.
//!
//! Each check returns its [`Problem`]s; all of them are shown before the command fails.

mod layers;
mod links;
mod text;

use std::path::Path;

use crate::{Result, orderings, patch, proof, zoo};

/// A place that breaks a rule, and how.
#[derive(Debug)]
struct Problem(String);

impl Problem {
    /// Lines are counted from one; zero stands for the whole file.
    fn new(path: impl AsRef<Path>, line: usize, what: impl AsRef<str>) -> Self {
        let (path, what) = (path.as_ref().display(), what.as_ref());
        match line {
            0 => Self(format!("{path}: {what}")),
            line => Self(format!("{path}:{line}: {what}")),
        }
    }
}

type Check = fn() -> Result<Vec<Problem>>;

const CHECKS: &[(&str, Check)] = &[
    ("layers of the core", layers::check),
    ("links, paths, tests and modules in Markdown", links::check),
    ("length, orphans and what is put off", text::check),
    // What can't be planted any more is told here, and not only where all is planted.
    ("planted bugs", || {
        let problems = patch::check(&[zoo::recipe::FOLDER, proof::PLANTED])?;
        Ok(problems.into_iter().map(Problem).collect())
    }),
    ("reasons of the orderings", || Ok(orderings::check()?.into_iter().map(Problem).collect())),
];

/// Runs every check and shows every problem.
///
/// # Errors
/// When there is a problem, a file that can't be read, or an argument.
pub(crate) fn main(args: &[String]) -> Result<String> {
    if let Some(arg) = args.first() {
        return Err(format!("there is no option `{arg}`: tidy takes none").into());
    }
    let mut count = 0;
    for (name, check) in CHECKS {
        let problems = check()?;
        println!("{name}: {} to mend", problems.len());
        problems.iter().for_each(|Problem(problem)| println!("  {problem}"));
        count += problems.len();
    }
    match count {
        0 => Ok(String::new()),
        count => Err(format!("{count} places break a rule of the house").into()),
    }
}
