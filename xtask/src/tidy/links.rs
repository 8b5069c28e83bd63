//! Markdown: relative links, anchors and the paths in code spans lead somewhere; the reliability page
//! names tests that exist; the architecture page names every module and member.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Problem;
use crate::source::first_word;
use crate::{Result, manifest, tree};

const CORE: &str = "crates/callboard/src";
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const RELIABILITY: &str = "RELIABILITY.md";

/// How a name ends that is a file's even if no folder of ours stands before it.
const ENDINGS: &[&str] =
    &[".rs", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".html", ".css", ".js", ".svg"];

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let tests = tests()?;
    for document in tree::files(".", "md")? {
        for (line, text) in prose(&tree::read(&document)?) {
            for target in targets(text) {
                if !is_link_right(&document, target) {
                    let what = format!("the link to `{target}` leads nowhere");
                    problems.push(Problem::new(&document, line, what));
                }
            }
            for span in text.split('`').skip(1).step_by(2) {
                let wrong = is_path(span) && !resolves(&document, span)
                    || document == Path::new(RELIABILITY)
                        && is_test(span)
                        && !tests.contains(span.rsplit("::").next().unwrap_or_default());
                if wrong {
                    problems.push(Problem::new(&document, line, format!("there is no `{span}`")));
                }
            }
        }
    }
    problems.extend(unmapped()?);
    Ok(problems)
}

/// The lines outside code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// What the links and images of a line point to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let attributes = ["src=\"", "href=\""].into_iter().flat_map(|it| line.split(it).skip(1));
    let attributes = attributes.filter_map(|rest| rest.split_once('"'));
    inline.chain(attributes).map(|(target, _)| target)
}

/// Links to elsewhere and to Rust items are not judged.
fn is_link_right(document: &Path, target: &str) -> bool {
    if target.contains("::") || target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = match file.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root),
        None if file.is_empty() => document.to_path_buf(),
        None => document.with_file_name(file),
    };
    let Ok(text) = std::fs::read_to_string(&path) else { return path.exists() };
    let mut headings = prose(&text).filter(|(_, line)| line.starts_with('#'));
    fragment.is_empty()
        || path.extension().is_none_or(|extension| extension != "md")
        || headings.any(|(_, heading)| anchor(heading) == fragment)
}

/// The name that a heading's anchor has on the usual forges.
fn anchor(heading: &str) -> String {
    let visible = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    let kept: String = heading.chars().filter(visible).collect();
    kept.trim().to_lowercase().replace(' ', "-")
}

/// Whether a code span names a file or folder of this repository.
fn is_path(span: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    if !span.chars().all(plain) || span.starts_with(['/', '-']) || span.starts_with("target/") {
        return false;
    }
    match span.split_once('/') {
        // A document's name is a path even alone; other names alone are too many things.
        None => span.ends_with(".md"),
        Some((first, _)) => {
            ENDINGS.iter().any(|ending| span.ends_with(ending))
                || (!first.is_empty() && Path::new(first).is_dir())
        }
    }
}

/// Whether a path exists, from the document's folder, the root, or that of the core's modules.
fn resolves(document: &Path, path: &str) -> bool {
    document.with_file_name(path).exists()
        || ["", CORE].iter().any(|base| Path::new(base).join(path).exists())
}

/// Whether a code span is meant as a test: a path all of lower case.
fn is_test(span: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    span.contains("::") && span.chars().all(|letter| plain(letter) || "_:".contains(letter))
}

/// The names of all functions of the core and its tests.
fn tests() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for path in tree::files("crates/callboard", "rs")? {
        let text = tree::read(path)?;
        names.extend(text.split("fn ").skip(1).map(|rest| first_word(rest).to_owned()));
    }
    Ok(names)
}

/// The modules of the core and the members of the workspace that the architecture page leaves out.
fn unmapped() -> Result<Vec<Problem>> {
    let text = tree::read(ARCHITECTURE)?;
    let names = |name: &str| {
        let begins = |at: usize| text[..at].ends_with(['`', '/']);
        let ends = |at: usize| !first_word(&text[at..]).starts_with(|it: char| it != '_');
        text.match_indices(name).any(|(at, _)| begins(at) && ends(at + name.len()))
    };
    let mut wanted: Vec<String> = manifest::value("Cargo.toml", "workspace.members")?;
    let modules: BTreeSet<String> =
        tree::rust(CORE)?.iter().filter_map(|file| file.module().map(str::to_owned)).collect();
    wanted.extend(modules.into_iter().filter(|module| module != "lib"));
    let missing = wanted.into_iter().filter(|name| !names(name));
    Ok(missing
        .map(|it| Problem::new(ARCHITECTURE, 0, format!("it does not name `{it}`")))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{anchor, is_link_right, is_path, is_test, prose, targets};

    #[test]
    fn reads_what_is_needed_of_markdown() {
        let text = "a\n```sh\n# b\n```\n# `C` and d, yet\n";
        let lines: Vec<usize> = prose(text).map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 5]);
        assert_eq!(anchor("# `C` and d, yet"), "c-and-d-yet");
        let line = "[a](b.md) and ![c](d.png) <img src=\"e.svg\">";
        assert!(targets(line).eq(["b.md", "d.png", "e.svg"]));
    }

    #[test]
    fn tells_paths_and_tests_from_other_code() {
        for path in ["src/bus.rs", "engine/queue.rs", "DESIGN.md", "../a/b.md"] {
            assert!(is_path(path), "{path}");
        }
        for other in ["config.*", "text/html", "bus.rs", "/etc/a.md", "target/doc/x.html"] {
            assert!(!is_path(other), "{other}");
        }
        assert!(is_test("start::replay_2") && !is_test("Bus::new") && !is_test("start"));
    }

    #[test]
    fn links_elsewhere_are_not_judged() {
        for target in ["https://a.b/c", "mailto:a@b", "crate::Bus"] {
            assert!(is_link_right(Path::new("a/b.md"), target), "{target}");
        }
        assert!(!is_link_right(Path::new("a/b.md"), "nowhere.md"));
    }
}
