//! Which mutants do not compile, and what becomes of them.

use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Result;

/// What becomes of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in the copy, behind a switch.
    Switched,
    /// It can only be made alone, in place of what was there.
    Alone,
    /// It would not compile alone either.
    Invalid,
}

impl Fate {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Switched => "switched",
            Self::Alone => "alone",
            Self::Invalid => "invalid",
        }
    }
}

/// Errors that have nothing to do with the switch: the type has no such operator, no such function,
/// no default.
const INVALID: &[&str] = &[
    "E0061", "E0107", "E0277", "E0282", "E0283", "E0308", "E0369", "E0412", "E0423", "E0425",
    "E0433", "E0599", "E0600", "E0604", "E0605", "E0606", "E0614", "E0618", "E0728",
];

#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    code: Option<Code>,
    spans: Vec<Span>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

/// Compiles the copy; which mutants it refuses, and what is to become of each.
///
/// # Errors
/// When an error is at no mutant.
pub(crate) fn refused(tree: &Path) -> Result<Vec<(usize, Fate)>> {
    let output = Command::new("cargo")
        .args(["check", "--quiet", "--package", "callboard", "--lib", "--all-features"])
        .args(["--message-format", "json"])
        .current_dir(tree)
        .env("RUSTFLAGS", "--cap-lints allow")
        .stderr(Stdio::inherit())
        .output()?;
    let mut refused = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let Ok(Line { message: Some(message) }) = serde_json::from_str(line) else { continue };
        if message.level != "error" || message.spans.is_empty() {
            continue;
        }
        let ids = culprits(tree, &message.spans)?;
        if ids.is_empty() {
            let said = message.rendered.unwrap_or_default();
            return Err(format!("the copy does not compile, by no mutant's fault:\n{said}").into());
        }
        let code = message.code.map(|code| code.code).unwrap_or_default();
        refused.extend(ids.into_iter().map(|id| (id, fate(&code))));
    }
    if refused.is_empty() && !output.status.success() {
        return Err("the copy does not compile".into());
    }
    Ok(refused)
}

fn fate(code: &str) -> Fate {
    if INVALID.contains(&code) { Fate::Invalid } else { Fate::Alone }
}

/// The mutants that an error is about: those of the marks around its main place, or else around
/// another that it names.
fn culprits(tree: &Path, spans: &[Span]) -> Result<Vec<usize>> {
    let mut spans: Vec<&Span> = spans.iter().collect();
    spans.sort_by_key(|span| !span.is_primary);
    for span in spans {
        let text = std::fs::read_to_string(tree.join(&span.file_name))?;
        let ids = around(&text, span.byte_start..span.byte_end);
        if !ids.is_empty() {
            return Ok(ids);
        }
    }
    Ok(Vec::new())
}

/// The numbers of the innermost marks around a place.
fn around(text: &str, place: Range<usize>) -> Vec<usize> {
    const OPEN: &str = "/*@";
    const CLOSE: &str = "/*}@*/";
    let opened = |(at, _)| (at, true);
    let mut marks: Vec<(usize, bool)> = text.match_indices(OPEN).map(opened).collect();
    marks.extend(text.match_indices(CLOSE).map(|(at, _)| (at, false)));
    marks.sort_unstable();
    let mut open = Vec::new();
    for (at, opens) in marks {
        if opens && at > place.start {
            break;
        }
        if opens {
            open.push(at);
        } else if at < place.end {
            open.pop();
        }
    }
    let innermost = open.last().and_then(|at| text[at + OPEN.len()..].split_once('{'));
    let ids = innermost.map(|(ids, _)| ids.split(',').filter_map(|id| id.parse().ok()).collect());
    ids.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn the_innermost_marks_tell() {
        let text = "a /*@1,2{*/(b /*@2{*/c/*}@*/ d)/*}@*/ e";
        let at = |what: &str| {
            let start = text.find(what).unwrap();
            around(text, start..start + what.len())
        };
        assert_eq!(at("c"), [2]);
        assert_eq!(at("b"), [1, 2]);
        assert_eq!(at("(b /*@2{*/c/*}@*/ d)"), [1, 2]);
        assert!(at("a ").is_empty());
        assert!(at(" e").is_empty());
    }
}
