//! The mutants that cargo-mutants would make.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Result;

/// Compiled for model checkers only: no test reaches it.
const LEFT_OUT: &[&str] = &["models/**", "sync/model.rs"];

/// A change that a test should see.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// From the root of the repository.
    pub(crate) file: PathBuf,
    pub(crate) genre: Genre,
    /// The bytes that are replaced: the statements of a function, an operator, a guard, an arm.
    pub(crate) place: Range<usize>,
    pub(crate) replacement: String,
    /// What the function returns.
    pub(crate) returns: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Listed {
    file: PathBuf,
    function: Option<Function>,
    genre: Genre,
    name: String,
    replacement: String,
    span: Span,
}

#[derive(Deserialize)]
struct Function {
    return_type: String,
}

#[derive(Deserialize)]
struct Span {
    start: Point,
    end: Point,
}

/// A line and a column, from one.
#[derive(Deserialize)]
struct Point {
    line: usize,
    column: usize,
}

impl Point {
    fn offset(&self, text: &str) -> Option<usize> {
        let line = text.split_inclusive('\n').take(self.line - 1).map(str::len).sum::<usize>();
        let letters = text.get(line..)?.char_indices().map(|(at, _)| at);
        Some(line + letters.chain([text.len() - line]).nth(self.column - 1)?)
    }
}

/// Asks cargo-mutants.
///
/// # Errors
/// When it isn't installed, or says something unknown.
pub(crate) fn read(tree: &Path) -> Result<Vec<Mutant>> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json", "--package", "callboard"]);
    for path in LEFT_OUT {
        command.args(["--exclude", &format!("{}/{path}", crate::LIBRARY)]);
    }
    let output = command.current_dir(tree).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("`cargo mutants` does not run; cargo install --locked cargo-mutants".into());
    }
    let listed: Vec<Listed> = serde_json::from_slice(&output.stdout)?;
    listed.into_iter().map(|listed| placed(tree, listed)).collect()
}

fn placed(tree: &Path, listed: Listed) -> Result<Mutant> {
    let Listed { file, function, genre, name, replacement, span } = listed;
    let text = std::fs::read_to_string(tree.join(&file))?;
    let place = span.start.offset(&text).zip(span.end.offset(&text));
    let (start, end) = place.ok_or_else(|| format!("`{name}` is at no place of its file"))?;
    let returns = function.map(|function| function.return_type).unwrap_or_default();
    Ok(Mutant { file, genre, place: start..end, replacement, returns, name })
}

#[cfg(test)]
mod tests {
    use super::Point;

    #[test]
    fn points_are_bytes() {
        let text = "a\nbé c\n";
        let at = |line, column| Point { line, column }.offset(text);
        assert_eq!(at(1, 1), Some(0));
        assert_eq!(at(2, 3), Some(5));
        assert_eq!(at(2, 5), Some(7));
        assert_eq!(at(9, 9), None);
    }
}
