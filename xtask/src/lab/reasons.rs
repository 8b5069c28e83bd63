//! Reasons: why nothing is red though something was changed.

use std::collections::BTreeSet;

use crate::{Result, tree};

/// The changes that there is a reason for, as the file at `path` calls them.
#[derive(Debug)]
pub(crate) struct Reasons {
    path: &'static str,
    heads: BTreeSet<String>,
}

impl Reasons {
    /// # Errors
    /// When the file can't be read, or a change has no reason.
    pub(crate) fn read(path: &'static str) -> Result<Self> {
        Ok(Self { path, heads: parse(path, &tree::read(path)?)? })
    }

    /// Leaves only those that are for one of these changes.
    pub(crate) fn retain(&mut self, changes: &BTreeSet<String>) {
        self.heads.retain(|head| changes.contains(head));
    }

    pub(crate) fn cover(&self, change: &str) -> bool {
        self.heads.contains(change)
    }

    /// The changes that there is a reason for.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &str> {
        self.heads.iter().map(String::as_str)
    }

    /// What is wrong if only these changes need a reason.
    pub(crate) fn idle(&self, needed: &BTreeSet<String>) -> Vec<String> {
        let idle = self.heads.difference(needed);
        idle.map(|head| format!("{}: `{head}` is not needed", self.path)).collect()
    }
}

/// Reads changes, a line each, with the reason for those above it indented below. Lines that begin
/// with `#` are comments.
fn parse(path: &str, text: &str) -> Result<BTreeSet<String>> {
    let mut heads = BTreeSet::new();
    let mut waiting = None;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            heads.insert(line.to_owned());
            waiting = Some((number, line));
        } else if heads.is_empty() {
            return Err(format!("{path}:{number}: `{line}` stands below no change").into());
        } else {
            waiting = None;
        }
    }
    match waiting {
        Some((number, line)) => {
            Err(format!("{path}:{number}: `{line}` has no reason below it").into())
        }
        None => Ok(heads),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reasons, parse};

    #[test]
    fn several_changes_share_a_reason() {
        let text = "# About.\n\na.rs: b\nc.rs: d\n    Since.\n    So.\n";
        let reasons = Reasons { path: "why.txt", heads: parse("why.txt", text).unwrap() };
        assert!(reasons.cover("a.rs: b") && !reasons.cover("a.rs: d"));
        let needed = ["a.rs: b".to_owned()].into();
        assert_eq!(reasons.idle(&needed), ["why.txt: `c.rs: d` is not needed"]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, wrong) in [
            ("a.rs: b\n", "why.txt:1: `a.rs: b` has no reason below it"),
            ("    Since.\n", "why.txt:1: `    Since.` stands below no change"),
        ] {
            assert_eq!(parse("why.txt", text).unwrap_err().to_string(), wrong);
        }
    }
}
