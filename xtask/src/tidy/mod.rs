//! `cargo xtask tidy`: the rules of the house that no other tool holds.
//!
//! Each check returns its [`Problem`]s; all of them are shown before the command fails.

mod changelog;
mod code_map;
mod layers;
mod links;
mod markdown;
mod orphans;
mod reliability;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Result, mutants, orderings, zoo};

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    path: PathBuf,
    /// Counted from one; zero stands for the whole file.
    line: usize,
    what: String,
}

impl Problem {
    fn new(path: impl AsRef<Path>, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.as_ref().to_path_buf(), line, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.line {
            0 => write!(formatter, "{path}: {}", self.what),
            line => write!(formatter, "{path}:{line}: {}", self.what),
        }
    }
}

type Check = fn() -> Result<Vec<Problem>>;

const CHECKS: &[(&str, Check)] = &[
    ("layers of the core", layers::check),
    ("links and paths in Markdown", links::check),
    ("changelog", changelog::check),
    ("code map", code_map::check),
    ("promises and their tests", reliability::check),
    ("text", text::check),
    ("orphans", orphans::check),
    ("bugs of the zoo", bugs),
    ("reasons of the lists of mutants", reasons),
];

/// A bug that can't be planted any more is told here, and not only where all of them are planted.
fn bugs() -> Result<Vec<Problem>> {
    let unfit = zoo::check()?;
    Ok(unfit.into_iter().map(|what| Problem::new("proof/zoo", 0, what)).collect())
}

/// Likewise for a reason that is for nothing.
fn reasons() -> Result<Vec<Problem>> {
    let idle = orderings::check()?.into_iter().chain(mutants::check()?);
    Ok(idle.map(|what| Problem::new("proof", 0, what)).collect())
}

/// Runs every check and shows every problem.
///
/// # Errors
/// When there is a problem, a file that can't be read, or an argument.
pub(crate) fn main(args: &[String]) -> Result {
    if let Some(arg) = args.first() {
        return Err(format!("there is no option `{arg}`: tidy takes none").into());
    }
    let mut count = 0;
    for (name, check) in CHECKS {
        let problems = check()?;
        match problems.len() {
            0 => println!("{name}: fine"),
            found => println!("{name}: {found} to mend"),
        }
        for problem in &problems {
            println!("  {problem}");
        }
        count += problems.len();
    }
    match count {
        0 => Ok(()),
        1 => Err("1 place breaks a rule of the house".into()),
        count => Err(format!("{count} places break a rule of the house").into()),
    }
}
