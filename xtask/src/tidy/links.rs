//! Every relative link, anchor and file path in Markdown leads somewhere.

use std::path::{Path, PathBuf};

use super::Problem;
use super::markdown::{anchor, headings, spans, targets};
use crate::{Result, tree};

/// The documents the repository can't be without.
const REQUIRED: &[&str] = &["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

/// What paths in prose may start from, besides the document's own folder.
pub(super) const BASES: &[&str] = &["", "crates/callboard/src"];

/// How a name ends that is a file's even if no folder of ours stands before it.
const ENDINGS: &[&str] =
    &[".rs", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".html", ".css", ".js", ".svg"];

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems: Vec<Problem> = REQUIRED
        .iter()
        .filter(|path| !Path::new(path).is_file())
        .map(|path| Problem::new(path, 0, "it is missing"))
        .collect();
    for document in tree::files(".", "md")? {
        let text = tree::read(&document)?;
        for target in targets(&text) {
            if let Some(what) = judge_link(&document, &text, &target.text) {
                problems.push(Problem::new(&document, target.line, what));
            }
        }
        for span in spans(&text) {
            if is_path(&span.text) && !resolves(&document, &span.text) {
                let what = format!("there is no `{}`", span.text);
                problems.push(Problem::new(&document, span.line, what));
            }
        }
    }
    Ok(problems)
}

/// What is wrong with a link, if anything. Links to elsewhere and to Rust items are not judged.
fn judge_link(document: &Path, text: &str, target: &str) -> Option<String> {
    if target.contains("::") || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = match file.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root),
        None if file.is_empty() => document.to_path_buf(),
        None => folder(document).join(file),
    };
    if !path.exists() {
        return Some(format!("the link to `{target}` leads nowhere"));
    }
    if fragment.is_empty() || path.extension().is_none_or(|it| it != "md") {
        return None;
    }
    let other = std::fs::read_to_string(&path).ok()?;
    let text = if file.is_empty() { text } else { &other };
    (!has_anchor(text, fragment))
        .then(|| format!("the link to `{target}` leads to no heading of {}", path.display()))
}

fn has_anchor(text: &str, fragment: &str) -> bool {
    let anchors: Vec<String> = headings(text).iter().map(|it| anchor(&it.text)).collect();
    let repeated = |(name, number): (&str, &str)| {
        let count = anchors.iter().filter(|it| *it == name).count();
        number.parse().is_ok_and(|number: usize| number < count)
    };
    anchors.iter().any(|it| it == fragment) || fragment.rsplit_once('-').is_some_and(repeated)
}

/// Whether a code span names a file or folder of this repository.
pub(super) fn is_path(span: &str) -> bool {
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

/// Whether a path exists, from the document's folder or from one of the [`BASES`].
pub(super) fn resolves(document: &Path, path: &str) -> bool {
    folder(document).join(path).exists()
        || BASES.iter().any(|base| Path::new(base).join(path).exists())
}

fn folder(document: &Path) -> &Path {
    document.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{has_anchor, is_path, judge_link};

    #[test]
    fn tells_paths_from_other_code() {
        for path in ["src/bus.rs", "engine/queue.rs", "DESIGN.md", "../a/b.md"] {
            assert!(is_path(path), "{path}");
        }
        for other in [
            "config.*",
            "text/html",
            "bus.rs",
            "/etc/haproxy.cfg.md",
            "a/<b>.rs",
            "target/doc/x.html",
            "cargo run --bin a/b.rs",
        ] {
            assert!(!is_path(other), "{other}");
        }
    }

    #[test]
    fn links_elsewhere_are_not_judged() {
        for target in ["https://a.b/c", "mailto:a@b", "crate::Bus"] {
            assert_eq!(judge_link(Path::new("a/b.md"), "", target), None);
        }
        let problem = judge_link(Path::new("a/b.md"), "", "nowhere.md").unwrap();
        assert_eq!(problem, "the link to `nowhere.md` leads nowhere");
    }

    #[test]
    fn repeated_headings_have_numbered_anchors() {
        let text = "# A b\n## C\n## C\n";
        for good in ["a-b", "c", "c-1"] {
            assert!(has_anchor(text, good), "{good}");
        }
        for bad in ["c-2", "a", "d-0"] {
            assert!(!has_anchor(text, bad), "{bad}");
        }
    }
}
