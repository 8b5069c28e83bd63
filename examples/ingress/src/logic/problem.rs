//! A problem of the site: a file, a line in it, and a reason.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::count::count;

/// What a problem costs. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The configuration as a whole is wrong and must not go live.
    Fatal,
    /// One resource is wrong. It is left out, and the rest goes live; a strict site makes this
    /// fatal.
    Error,
    /// The resource is used, but probably not as its author meant.
    Warning,
    /// A decision of the controller that its user may want to know.
    Notice,
}

/// One thing wrong with the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// What it costs.
    pub(crate) severity: Severity,
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// The line, counted from 1, when it is known.
    pub(crate) line: Option<usize>,
    /// Why, in one line.
    pub(crate) reason: String,
}

impl Problem {
    /// A problem in `file` that holds the whole configuration.
    pub(crate) fn fatal(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self::new(Severity::Fatal, file, line, reason)
    }

    /// An error of one resource in `file`.
    pub(crate) fn error(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self::new(Severity::Error, file, line, reason)
    }

    /// A warning about `file`.
    pub(crate) fn warning(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self::new(Severity::Warning, file, line, reason)
    }

    /// A notice about `file`.
    pub(crate) fn notice(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self::new(Severity::Notice, file, line, reason)
    }

    /// An I/O failure on `file` that holds the whole configuration.
    pub(crate) fn io(file: &Path, doing: &str, error: &std::io::Error) -> Self {
        Self::fatal(file, None, format!("cannot {doing}: {error}"))
    }

    /// Whether it keeps the configuration from going live.
    pub(crate) fn is_fatal(&self) -> bool {
        self.severity == Severity::Fatal
    }

    fn new(
        severity: Severity,
        file: &Path,
        line: Option<usize>,
        reason: impl Into<String>,
    ) -> Self {
        Self { severity, file: file.to_owned(), line, reason: one_line(&reason.into()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", place(&self.file, self.line))?;
        write!(f, ": {}", self.reason)
    }
}

/// `file:line`.
pub(crate) fn place(file: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    }
}

/// A single problem in full; of several, how many there are of each severity.
pub(crate) fn headline(problems: &[Problem]) -> String {
    if let [only] = problems {
        return only.to_string();
    }
    let counts = counts(problems, "");
    if counts.is_empty() { "no problem".to_owned() } else { counts }
}

/// How many problems there are of each severity; `more` is said before each name.
fn counts(problems: &[Problem], more: &str) -> String {
    let names = [
        (Severity::Fatal, "fatal error"),
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Notice, "notice"),
    ];
    let counts: Vec<_> = names
        .into_iter()
        .filter_map(|(severity, name)| {
            let number = problems.iter().filter(|problem| problem.severity == severity).count();
            (number > 0).then(|| count(number, &format!("{more}{name}")))
        })
        .collect();
    counts.join(", ")
}

/// How many problems a terminal shows one by one.
const SHOWN: usize = 20;

/// The problems that a terminal lists below their headline, and a last line that says how many
/// more there are. A single problem is in the headline already.
pub(crate) fn listed(problems: &[Problem]) -> (&[Problem], Option<String>) {
    match problems {
        [] | [_] => (&[], None),
        _ if problems.len() > SHOWN => {
            // By severity, as in the headline: other lists may leave out the warnings.
            let more = counts(&problems[SHOWN..], "more ");
            (&problems[..SHOWN], Some(format!("and {more}; --json lists all of them")))
        }
        _ => (problems, None),
    }
}

/// The headline of `problems`, and a line for each.
pub(crate) fn report(problems: &[Problem]) -> String {
    let (shown, more) = listed(problems);
    let lines = shown.iter().map(ToString::to_string).chain(more);
    lines.fold(headline(problems), |text, line| text + "\n  " + &line)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_a_compiler_message() {
        let problem =
            Problem::error(Path::new("resources/shop.yaml"), Some(14), "no\n  such service");
        assert_eq!(problem.to_string(), "resources/shop.yaml:14: no such service");
    }

    #[test]
    fn every_problem_is_reported_in_a_line_of_its_own() {
        let one = Problem::error(Path::new("a.yaml"), None, "broken");
        let two = Problem::warning(Path::new("b.yaml"), Some(2), "odd");
        assert_eq!(report(std::slice::from_ref(&one)), "a.yaml: broken");
        assert_eq!(
            report(&[one.clone(), one, two]),
            "2 errors, 1 warning\n  a.yaml: broken\n  a.yaml: broken\n  b.yaml:2: odd"
        );
    }

    #[test]
    fn a_long_report_counts_the_rest_and_says_where_to_read_it() {
        let many = vec![Problem::fatal(Path::new("a.yaml"), None, "broken"); SHOWN + 3];
        let text = report(&many);
        assert!(text.starts_with("23 fatal errors\n  a.yaml: broken\n"), "{text}");
        assert!(text.ends_with("\n  and 3 more fatal errors; --json lists all of them"), "{text}");
        assert_eq!(text.lines().count(), 1 + SHOWN + 1);
        let text =
            report(&[many, vec![Problem::warning(Path::new("b.yaml"), None, "odd")]].concat());
        let end = "\n  and 3 more fatal errors, 1 more warning; --json lists all of them";
        assert!(text.ends_with(end), "{text}");
    }
}
