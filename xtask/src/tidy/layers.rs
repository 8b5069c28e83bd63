//! Holds the order of the core's modules: each imports only from layers below its own, so there
//! is no cycle among them and each can be read without those above.
//!
//! An import is a path that begins with `crate::`; comments and tests don't count. Within one
//! top-level module its parts may import each other.

use super::Problem;
use crate::source::{first_word, in_word, line_of};
use crate::{Result, tree};

const CORE: &str = "crates/callboard/src";

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

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in tree::rust(CORE)?.iter().filter(|file| !file.is_test) {
        let module = file.module().unwrap_or(ROOT);
        let code = &file.source.production;
        if file.depth() > 0 && code.contains(&"super::".repeat(file.depth())) {
            problems.push(Problem::new(&file.path, 0, "it imports through `super`, not `crate`"));
        }
        for (line, name) in imports(code) {
            if let Some(what) = judge(module, &name) {
                problems.push(Problem::new(&file.path, line, what));
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
    match (rank(module), rank(name)) {
        (None, _) => Some(format!("`{module}` has no place in the order of the layers")),
        (_, None) => Some(format!("`{module}` imports `{name}`, which is no module with a place")),
        (of_module, of_name) if of_name < of_module => None,
        _ => Some(format!("`{module}` imports from `{name}`, which is not below it")),
    }
}

/// The modules that are named behind `crate::`, with their lines.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut imports = Vec::new();
    let begins = |at: &usize| !code[..*at].ends_with(in_word) && !code[..*at].ends_with('$');
    let places = code.match_indices("crate::").map(|(at, _)| at).filter(begins);
    for at in places {
        let path = &code[at + "crate::".len()..];
        let Some(braced) = path.strip_prefix('{') else {
            imports.push((line_of(code, at), first_word(path).to_owned()));
            continue;
        };
        // The names that are in no further braces.
        let mut depth = 0_usize;
        let list = braced.split_inclusive([',', '{', '}']).take_while(|part| {
            if depth == 0 {
                imports.push((line_of(code, at), first_word(part.trim_start()).to_owned()));
            }
            match part.chars().next_back() {
                Some('{') => depth += 1,
                Some('}') if depth == 0 => return false,
                Some('}') => depth -= 1,
                _ => {}
            }
            true
        });
        let _names = list.count();
        imports.retain(|(_, name)| !name.is_empty());
    }
    imports
}

#[cfg(test)]
mod tests {
    use super::{imports, judge};

    #[test]
    fn finds_imports_wherever_they_stand() {
        let text = "use crate::a::B;\nuse crate::{\n    c::{D, e::F},\n    g::{H, i::{J}}, k, l::M,\n};\n\
                    fn f() { crate::n::o!($crate::p, mycrate::q) }\n#[serde(with = \"crate::r::s\")]";
        let names: Vec<String> = imports(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names.join(" "), "a c g k l n r");
        assert_eq!(imports(text)[5].0, 6);
    }

    #[test]
    fn judges_by_the_order() {
        assert_eq!(judge("bus", "registry"), None);
        assert_eq!(judge("bus", "bus"), None);
        assert_eq!(judge("lib", "Bus"), None);
        assert!(judge("registry", "bus").unwrap().contains("not below"));
        assert!(judge("startup", "request").is_some(), "the same layer");
        assert!(judge("bus", "Event").unwrap().contains("no module"));
    }
}
