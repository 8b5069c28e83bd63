//! Holds the order of the core's modules: each imports only from layers below its own, so there
//! is no cycle among them and each can be read without those above.
//!
//! An import is a path that begins with `crate::`, with the crate's own name, or with enough
//! `super::` to leave the module; a path that an attribute takes as a string counts too. Comments
//! and tests don't. Within one top-level module its parts may import each other.

use std::path::Path;

use super::Problem;
use crate::Result;
use crate::source::{in_word, line_of};
use crate::tree;

const CORE: &str = "crates/callboard/src";

/// The crate's name as its own code may write it.
const NAME: &str = "callboard";

/// The layers, lowest first. Modules of one layer don't import each other.
const LAYERS: &[&[&str]] = &[
    &["report", "room"],
    &["sync"],
    &["log", "time", "trace"],
    &["event", "link", "outcome", "overflow"],
    &["error"],
    &["engine"],
    &["registry"],
    &["published", "subscription"],
    &["bus"],
    &["publisher"],
    &["builder", "catalogue", "on", "request", "schedule", "shutdown", "snapshot", "startup"],
    // They read a snapshot.
    &["diagnose", "metrics", "serialize", "wiring"],
    &["guide", "testing"],
    &[ROOT],
];

/// The module that stands for the crate's root and everything it exports.
const ROOT: &str = "lib";

/// One import: where it is, and the first name behind the crate's.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    line: usize,
    name: String,
}

pub(super) fn check() -> Result<Vec<Problem>> {
    violations(Path::new(CORE))
}

fn violations(core: &Path) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in tree::rust(core)?.iter().filter(|file| !file.is_test) {
        let module = file.module().unwrap_or(ROOT);
        if rank(module).is_none() {
            let what = format!("`{module}` has no place in the order of the layers");
            problems.push(Problem::new(&file.path, 0, what));
            continue;
        }
        for import in imports(&file.source.production, file.depth()) {
            if let Some(what) = judge(module, &import.name) {
                problems.push(Problem::new(&file.path, import.line, what));
            }
        }
    }
    Ok(problems)
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// What is wrong with `module` importing `name`, if anything.
fn judge(module: &str, name: &str) -> Option<String> {
    if module == name || module == ROOT {
        return None;
    }
    match rank(name) {
        Some(rank_of_name) if Some(rank_of_name) < rank(module) => None,
        Some(_) => Some(format!("`{module}` imports from `{name}`, which is not below it")),
        None => Some(format!(
            "`{module}` imports `{name}` from the crate's root; name its module instead"
        )),
    }
}

/// The imports of code that is `depth` modules below the crate's root.
fn imports(code: &str, depth: usize) -> Vec<Import> {
    let mut imports = Vec::new();
    let own_name = format!("{NAME}::");
    for prefix in ["crate::", own_name.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            if starts_a_path(code, at) {
                names(code, at + prefix.len(), &mut imports);
            }
        }
    }
    let climb = "super::".repeat(depth.max(1));
    for (at, _) in code.match_indices(&climb) {
        let end = at + climb.len();
        if depth > 0 && starts_a_path(code, at) && !code[end..].starts_with("super::") {
            // In a nested inline module the same climb ends lower; a name that is no module of
            // the crate's root tells.
            let known = |import: &Import| rank(&import.name).is_some();
            let mut found = Vec::new();
            names(code, end, &mut found);
            imports.extend(found.into_iter().filter(known));
        }
    }
    imports.sort_by(|a, b| (a.line, &a.name).cmp(&(b.line, &b.name)));
    imports
}

/// Whether the word at `at` begins a path: no other word or path is right before it.
fn starts_a_path(code: &str, at: usize) -> bool {
    let before = &code[..at];
    match before.strip_suffix("::") {
        Some(before) => !before.ends_with(in_word),
        None => !before.ends_with(in_word),
    }
}

/// Adds the first names of the path or the braces at `at`.
fn names(code: &str, at: usize, imports: &mut Vec<Import>) {
    let rest = &code[at..];
    let Some(inside) = rest.strip_prefix('{') else {
        imports.push(Import { line: line_of(code, at), name: first_name(rest) });
        return;
    };
    let mut depth = 0_usize;
    let mut start = true;
    for (offset, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => return,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            _ if start && !letter.is_whitespace() => {
                start = false;
                imports.push(Import {
                    line: line_of(code, at + 1 + offset),
                    name: first_name(&inside[offset..]),
                });
            }
            _ => {}
        }
    }
}

/// The name that `rest` begins with, or the sign if it is none, such as `*`.
fn first_name(rest: &str) -> String {
    let end = rest.find(|letter| !in_word(letter)).unwrap_or(rest.len());
    match end {
        0 => rest.chars().take(1).collect(),
        end => rest[..end].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{CORE, Import, imports, judge, violations};
    use crate::source::Source;

    fn found(text: &str, depth: usize) -> Vec<(usize, String)> {
        let imports = imports(&Source::new(text).production, depth);
        let pair = |Import { line, name }| (line, name);
        imports.into_iter().map(pair).collect()
    }

    fn expected(pairs: &[(usize, &str)]) -> Vec<(usize, String)> {
        let owned = |(line, name): &(usize, &str)| (*line, (*name).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn the_core_keeps_its_order() {
        let problems = violations(&crate::root().join(CORE)).unwrap();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn finds_single_and_braced_imports() {
        let text = "use crate::a::B;\nuse crate::{\n    c::{D, e::F},\n    G,\n};\nuse crate::*;\n";
        let names = expected(&[(1, "a"), (3, "c"), (4, "G"), (6, "*")]);
        assert_eq!(found(text, 1), names);
    }

    #[test]
    fn finds_paths_in_expressions_and_under_the_crates_own_name() {
        let text = "fn f() { crate::a::b!(\"crate::no\"); ::callboard::c::d() }\n\
                    callboard_derive::no; other::callboard::no; mycrate::no; $crate::e";
        assert_eq!(found(text, 1), expected(&[(1, "a"), (1, "c"), (2, "e")]));
    }

    #[test]
    fn finds_paths_that_attributes_take_as_strings() {
        let text = "#[serde(with = \"crate::a::b\", rename = \"c\")]\nd: E,";
        assert_eq!(found(text, 1), expected(&[(1, "a")]));
    }

    #[test]
    fn skips_comments_and_tests() {
        let text = "//! [`A`](crate::bus::A)\n/// crate::bus\n#[cfg(test)]\nmod tests {\n    \
                    use crate::bus::Bus;\n}\nuse crate::sync::Mutex;\n";
        assert_eq!(found(text, 1), expected(&[(7, "sync")]));
    }

    #[test]
    fn follows_super_out_of_the_module() {
        assert_eq!(found("use super::bus::Bus;", 1), expected(&[(1, "bus")]));
        assert_eq!(found("use super::bus::Bus;", 2), []);
        let text = "use super::super::{bus, sync::Mutex}; use super::super::local;";
        assert_eq!(found(text, 2), expected(&[(1, "bus"), (1, "sync")]));
    }

    #[test]
    fn judges_by_the_order() {
        assert_eq!(judge("bus", "registry"), None);
        assert_eq!(judge("bus", "bus"), None);
        assert_eq!(judge("lib", "Bus"), None);
        let upward = judge("registry", "bus").unwrap();
        assert_eq!(upward, "`registry` imports from `bus`, which is not below it");
        assert!(judge("startup", "request").is_some(), "the same layer");
        assert!(judge("bus", "Event").unwrap().contains("crate's root"));
    }
}
