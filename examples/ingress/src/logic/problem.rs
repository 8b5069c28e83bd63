//! What is wrong, and where: a file of the site, a line in it, a reason.

use std::fmt;
use std::path::{Path, PathBuf};

/// Whether a problem keeps a configuration from going live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The configuration must not go live.
    Error,
    /// Worth a line, no more.
    Warning,
}

/// One thing wrong with the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Whether it is in the way.
    pub(crate) severity: Severity,
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// The line, counted from 1, when it is known.
    pub(crate) line: Option<usize>,
    /// Why, in one line.
    pub(crate) reason: String,
}

impl Problem {
    /// An error in `file`.
    pub(crate) fn error(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            reason: one_line(&reason.into()),
        }
    }

    /// A warning about `file`.
    pub(crate) fn warning(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, line, reason) }
    }

    /// An I/O failure on `file`.
    pub(crate) fn io(file: &Path, doing: &str, error: &std::io::Error) -> Self {
        Self::error(file, None, format!("cannot {doing}: {error}"))
    }

    /// Whether it is in the way of going live.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// The first of several problems, and how many more there are.
pub(crate) fn summary(problems: &[Problem]) -> String {
    match problems {
        [] => "nothing is wrong".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
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
    fn a_summary_counts_what_it_leaves_out() {
        let one = Problem::error(Path::new("a.yaml"), None, "broken");
        assert_eq!(summary(std::slice::from_ref(&one)), "a.yaml: broken");
        assert_eq!(summary(&[one.clone(), one]), "a.yaml: broken (and 1 more)");
    }
}
