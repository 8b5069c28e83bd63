//! Reasons: why no model sees it when some ordering is weakened.

use super::mutant::Mutant;
use crate::{Result, tree};

/// Where they are.
pub(super) const PATH: &str = "proof/orderings.txt";

/// Why a mutant survives.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    path: String,
    function: String,
    step: String,
    why: String,
}

impl Reason {
    pub(super) fn is_for(&self, mutant: &Mutant) -> bool {
        mutant.path == *self.path && mutant.function == self.function && mutant.step() == self.step
    }

    /// The place it is for, as the file has it.
    pub(super) fn head(&self) -> String {
        format!("{} {}: {}", self.path, self.function, self.step)
    }
}

/// # Errors
/// When the file can't be read, or is not as it should be.
pub(super) fn read() -> Result<Vec<Reason>> {
    parse(&tree::read(PATH)?)
}

/// Reads heads at the beginning of a line, each with its reason indented below. Lines that begin
/// with `#` are comments.
fn parse(text: &str) -> Result<Vec<Reason>> {
    let mut reasons: Vec<Reason> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |what: &str| format!("{PATH}:{number}: `{line}` {what}");
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let reason = reasons.last_mut().ok_or_else(|| wrong("stands below no place"))?;
            reason.why.push_str(line.trim());
            continue;
        }
        let read = || {
            let (place, step) = line.split_once(": ")?;
            let (path, function) = place.split_once(' ')?;
            step.split_once(" -> ")?;
            let [path, function, step] = [path, function, step].map(str::to_owned);
            Some(Reason { path, function, step, why: String::new() })
        };
        reasons.push(read().ok_or_else(|| wrong("is not like `FILE FUNCTION: Old -> New`"))?);
    }
    match reasons.iter().find(|reason| reason.why.is_empty()) {
        Some(reason) => Err(format!("{PATH}: `{}` has no reason below it", reason.head()).into()),
        None => Ok(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reason, parse};

    #[test]
    fn reads_places_with_their_reasons() {
        let text = "# About.\n\na/b.rs c: Release -> Relaxed\n    Because.\n    Of this.\n";
        let [path, function, step, why] =
            ["a/b.rs", "c", "Release -> Relaxed", "Because.Of this."].map(str::to_owned);
        assert_eq!(parse(text).unwrap(), [Reason { path, function, step, why }]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, wrong) in [
            ("    why\n", "proof/orderings.txt:1: `    why` stands below no place"),
            ("a b\n", "proof/orderings.txt:1: `a b` is not like `FILE FUNCTION: Old -> New`"),
            ("a b: c -> d\n", "proof/orderings.txt: `a b: c -> d` has no reason below it"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), wrong);
        }
    }
}
