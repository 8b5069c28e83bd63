//! The architecture page's code map names what exists, and everything that must be found there:
//! the members of the workspace and the core's modules.

use std::collections::BTreeSet;
use std::path::Path;

use super::Problem;
use super::links::resolves;
use super::markdown::{code_words, headings, spans};
use crate::{Result, manifest, tree};

const PATH: &str = "ARCHITECTURE.md";
const CORE: &str = "crates/callboard/src";

pub(super) fn check() -> Result<Vec<Problem>> {
    let Ok(text) = std::fs::read_to_string(PATH) else {
        return Ok(vec![Problem::new(PATH, 0, "it is missing")]);
    };
    let Some((first_line, map)) = section(&text) else {
        let what = "it has no heading `Code map`";
        return Ok(vec![Problem::new(PATH, 0, what)]);
    };
    let mut problems = Vec::new();
    for span in spans(map) {
        if is_folder(&span.text) && !resolves(Path::new(PATH), &span.text) {
            let what = format!("the code map names `{}`, which doesn't exist", span.text);
            problems.push(Problem::new(PATH, first_line + span.line - 1, what));
        }
    }

    let modules: BTreeSet<String> = tree::rust(CORE)?
        .iter()
        .filter_map(|file| file.module().map(str::to_owned))
        .filter(|module| module != "lib")
        .collect();
    let members: Vec<String> = manifest::value("Cargo.toml", "workspace.members")?;
    let words = code_words(map);
    for module in &modules {
        if !names(&words, module) {
            let what = format!("the code map doesn't name the module `{module}` of callboard");
            problems.push(Problem::new(PATH, first_line, what));
        }
    }
    for member in &members {
        if !words.iter().any(|word| Path::new(word).starts_with(member)) {
            let what = format!("the code map doesn't name `{member}`");
            problems.push(Problem::new(PATH, first_line, what));
        }
    }
    Ok(problems)
}

/// The section under the heading `Code map`, and the number of its first line.
fn section(text: &str) -> Option<(usize, &str)> {
    let headings = headings(text);
    let at = headings.iter().position(|heading| heading.text.eq_ignore_ascii_case("code map"))?;
    let start = headings[at].line;
    let end = headings[at + 1..]
        .iter()
        .find(|heading| heading.level <= headings[at].level)
        .map(|heading| heading.line);
    let from = nth_line(text, start);
    let to = end.map_or(text.len(), |line| nth_line(text, line));
    Some((start, &text[from..to]))
}

/// Where a line begins, counted from one.
fn nth_line(text: &str, line: usize) -> usize {
    let lines = text.split_inclusive('\n');
    lines.take(line - 1).map(str::len).sum()
}

/// Whether a code span in the map is meant as a folder.
fn is_folder(span: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    span.ends_with('/') && span.len() > 1 && span.chars().all(plain)
}

/// Whether one of the words names the module: `bus`, `bus.rs`, `engine/`, `engine/queue.rs` or a
/// path to one of them from the root.
fn names(words: &[String], module: &str) -> bool {
    words.iter().any(|word| {
        let word = word.strip_prefix(CORE).unwrap_or(word);
        let first = word.trim_start_matches('/').split(['/', ':']).next();
        first.is_some_and(|first| first.strip_suffix(".rs").unwrap_or(first) == module)
    })
}

#[cfg(test)]
mod tests {
    use super::{is_folder, names, section};

    #[test]
    fn the_section_ends_at_the_next_heading_of_its_level() {
        let text = "# A\n## Code map\nx\n### B\ny\n## C\nz\n";
        assert_eq!(section(text), Some((2, "## Code map\nx\n### B\ny\n")));
        assert_eq!(section("# A\n"), None);
        assert_eq!(section("## Code Map\nx"), Some((1, "## Code Map\nx")));
    }

    #[test]
    fn modules_are_named_in_many_ways() {
        for word in [
            "engine",
            "engine/",
            "engine.rs",
            "engine/queue.rs",
            "engine::Mailbox",
            "crates/callboard/src/engine/",
        ] {
            assert!(names(&[word.to_owned()], "engine"), "{word}");
        }
        assert!(!names(&["engines".to_owned(), "a/engine".to_owned()], "engine"));
        assert!(is_folder("engine/") && !is_folder("engine") && !is_folder("a b/"));
    }
}
