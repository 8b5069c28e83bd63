//! Reasons: why no test sees it when something is changed.

use std::collections::BTreeSet;

use crate::{Result, tree};

/// Where they are.
const PATH: &str = "proof/mutants.txt";

/// The mutants that there is a reason for, as [`head`](super::Mutant::head) calls them.
///
/// # Errors
/// When the file can't be read, or one has no reason.
pub(super) fn read() -> Result<BTreeSet<String>> {
    parse(&tree::read(PATH)?)
}

/// Reads mutants, a line each, with the reason for those above it indented below. Lines that begin
/// with `#` are comments.
fn parse(text: &str) -> Result<BTreeSet<String>> {
    let mut heads = BTreeSet::new();
    let mut waiting = None;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            waiting = None;
        } else {
            heads.insert(line.to_owned());
            waiting = Some((number, line));
        }
    }
    match waiting {
        Some((number, line)) => {
            Err(format!("{PATH}:{number}: `{line}` has no reason below it").into())
        }
        None => Ok(heads),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn several_mutants_share_a_reason() {
        let heads = parse("# About.\n\na.rs: b\nc.rs: d\n    Since.\n").unwrap();
        assert_eq!(heads.into_iter().collect::<Vec<_>>(), ["a.rs: b", "c.rs: d"]);
        assert_eq!(
            parse("a.rs: b\n").unwrap_err().to_string(),
            "proof/mutants.txt:1: `a.rs: b` has no reason below it"
        );
    }
}
