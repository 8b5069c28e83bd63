//! Files stay short, and nothing is left for later.

use std::path::{Path, PathBuf};

use super::Problem;
use crate::source::{Source, line_of, words};
use crate::{Result, tree};

/// How many lines a source file may have.
const LIMIT: usize = 400;

/// Where the limit holds: below these, in folders called `src`.
const LIMITED: &[&str] = &["crates", "examples", "bench", "proof", "xtask"];

/// Words that put work off.
const PUT_OFF: &[&str] = &["TODO", "FIXME"];

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for path in tree::files(".", "rs")? {
        let text = tree::read(&path)?;
        let length = text.lines().count();
        if is_limited(&path) && length > LIMIT {
            let what = format!("{length} lines are more than {LIMIT}");
            problems.push(Problem::new(&path, 0, what));
        }
        let found = put_off(&Source::new(&text));
        problems.extend(found.into_iter().map(|(line, what)| Problem::new(&path, line, what)));
    }
    for path in prose()? {
        let text = tree::read(&path)?;
        let found = marks(&text);
        problems.extend(found.into_iter().map(|(line, what)| Problem::new(&path, line, what)));
    }
    Ok(problems)
}

fn is_limited(path: &Path) -> bool {
    let in_src = path.iter().any(|part| part == "src");
    in_src && LIMITED.iter().any(|folder| path.starts_with(folder))
}

/// The files that are neither Rust nor data.
fn prose() -> Result<Vec<PathBuf>> {
    let mut paths = vec![PathBuf::from(".ci/run")];
    for extension in ["md", "toml", "sh"] {
        paths.extend(tree::files(".", extension)?);
    }
    Ok(paths)
}

/// What a Rust file leaves for later.
fn put_off(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in words(&source.code, "todo") {
        if source.code[at..].starts_with("todo!") {
            found.push((line_of(&source.code, at), "`todo!` is left".to_owned()));
        }
    }
    for (at, _) in source.code.match_indices("#[ignore]") {
        let what = "`#[ignore]` gives no reason".to_owned();
        found.push((line_of(&source.code, at), what));
    }
    found.extend(marks(&source.code));
    found.extend(marks(&source.comments));
    found.sort();
    found
}

fn marks(text: &str) -> Vec<(usize, String)> {
    let mark = |word: &&'static str| {
        let word = *word;
        let places = words(text, word).into_iter();
        places.map(move |at| (line_of(text, at), format!("`{word}` is left")))
    };
    PUT_OFF.iter().flat_map(mark).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{is_limited, put_off};
    use crate::source::Source;

    #[test]
    fn finds_what_is_put_off() {
        let text = format!(
            "fn todo() {{ \"{0}\" }}\n// {0}: later\n#[ignore = \"slow\"]\n#[ignore]\nfn f() {{ todo!() }}\n",
            super::PUT_OFF[0]
        );
        let found: Vec<usize> =
            put_off(&Source::new(&text)).into_iter().map(|(line, _)| line).collect();
        assert_eq!(found, [2, 4, 5]);
    }

    #[test]
    fn the_limit_is_for_sources() {
        assert!(is_limited(Path::new("crates/a/src/b/c.rs")));
        assert!(is_limited(Path::new("xtask/src/main.rs")));
        assert!(!is_limited(Path::new("crates/a/tests/b.rs")));
    }
}
