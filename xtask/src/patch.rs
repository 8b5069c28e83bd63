//! Patches: bugs that are planted in a copy of the tree. A patch has a head that says what is wrong,
//! and hunks without line numbers: `--- FILE`, then `@@` before each run of lines that begin with a
//! blank, `-` or `+`. What a hunk replaces must stand in its file exactly once, so that no patch can
//! become void in silence.

use std::path::{Path, PathBuf};

use crate::lab::Change;
use crate::{Result, tree};

/// A planted bug.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    path: PathBuf,
    /// What stands before the first file.
    pub(crate) head: String,
    hunks: Vec<Hunk>,
}

/// Some lines of a file, and what they become.
#[derive(Debug, PartialEq, Eq)]
struct Hunk {
    path: PathBuf,
    old: String,
    new: String,
}

/// All patches of a folder, in the order of their names.
///
/// # Errors
/// When one can't be read.
pub(crate) fn all(folder: &str) -> Result<Vec<Patch>> {
    tree::files(folder, "patch")?.iter().map(|path| Patch::read(path)).collect()
}

/// What is wrong with the patches of some folders that can't be planted any more, since the code has
/// changed.
///
/// # Errors
/// When a patch can't be read.
pub(crate) fn check(folders: &[&str]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in folders {
        let errors = all(folder)?.into_iter().filter_map(|patch| patch.changes().err());
        problems.extend(errors.map(|error| error.to_string()));
    }
    Ok(problems)
}

impl Patch {
    /// # Errors
    /// When it can't be read, or changes nothing.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let patch = Self::parse(path, &tree::read(path)?);
        patch.map_err(|wrong| format!("{}: {wrong}", path.display()).into())
    }

    pub(crate) fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\n--- ").ok_or("it has no line `--- FILE`")?;
        let mut hunks = Vec::new();
        for file in body.split("\n--- ") {
            let (path, rest) = file.split_once('\n').ok_or("a file has no changes")?;
            for text in rest.split("@@\n").skip(1) {
                hunks.push(Hunk::parse(path.into(), text)?);
            }
        }
        if hunks.is_empty() || hunks.iter().any(|hunk| hunk.old == hunk.new) {
            return Err("it changes nothing".into());
        }
        Ok(Self { path: path.to_path_buf(), head: head.to_owned(), hunks })
    }

    /// The files as the patch would have them.
    ///
    /// # Errors
    /// When the tree has moved on: some lines are not found, or in several places.
    pub(crate) fn changes(&self) -> Result<Vec<Change>> {
        let mut changes: Vec<Change> = Vec::new();
        for hunk in &self.hunks {
            let before = changes.iter().position(|change| change.path == hunk.path);
            let text = match before {
                Some(before) => changes.swap_remove(before).text,
                None => tree::read(&hunk.path)?,
            };
            let text = hunk.apply(&text);
            let text = text.map_err(|wrong| format!("{}: {wrong}", self.path.display()))?;
            changes.push(Change { path: hunk.path.clone(), text });
        }
        Ok(changes)
    }
}

impl Hunk {
    fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let (mut old, mut new) = (String::new(), String::new());
        for line in text.lines() {
            let (in_old, in_new, rest) = match line.split_at_checked(1) {
                None => (true, true, ""),
                Some((" ", rest)) => (true, true, rest),
                Some(("-", rest)) => (true, false, rest),
                Some(("+", rest)) => (false, true, rest),
                Some(_) => return Err(format!("`{line}` begins with no ` `, `-` or `+`").into()),
            };
            if in_old {
                old += &format!("{rest}\n");
            }
            if in_new {
                new += &format!("{rest}\n");
            }
        }
        Ok(Self { path, old, new })
    }

    fn apply(&self, text: &str) -> Result<String> {
        let at_line = |at: &usize| text[..*at].is_empty() || text[..*at].ends_with('\n');
        let places: Vec<usize> =
            text.match_indices(&self.old).map(|(at, _)| at).filter(at_line).collect();
        let [at] = places[..] else {
            let (path, times, old) = (self.path.display(), places.len(), &self.old);
            return Err(format!("{path} has these lines {times} times, not once:\n{old}").into());
        };
        Ok(format!("{}{}{}", &text[..at], self.new, &text[at + self.old.len()..]))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Hunk, Patch};

    #[test]
    fn reads_files_and_hunks() {
        let text = "Wrong.\n\nMore.\n\n--- x.rs\n@@\n a\n-b\n+c\n\n@@\n-d\n--- y.rs\n@@\n+e\n f\n";
        let patch = Patch::parse(Path::new("p/wrong.patch"), text).unwrap();
        assert_eq!((&*patch.name(), &*patch.head), ("wrong", "Wrong.\n\nMore.\n"));
        let hunks: Vec<(&str, &str, &str)> =
            patch.hunks.iter().map(|it| (it.path.to_str().unwrap(), &*it.old, &*it.new)).collect();
        let expected =
            [("x.rs", "a\nb\n\n", "a\nc\n\n"), ("x.rs", "d\n", ""), ("y.rs", "f\n", "e\nf\n")];
        assert_eq!(hunks, expected);
        let nothing = Patch::parse(Path::new(""), &text.replace("\n+e\n", "\n"));
        assert_eq!(nothing.unwrap_err().to_string(), "it changes nothing");
    }

    #[test]
    fn what_is_not_there_exactly_once_is_an_error() {
        let hunk = Hunk { path: "x.rs".into(), old: "a\n".to_owned(), new: "b\n".to_owned() };
        assert_eq!(hunk.apply("ca\na\n").unwrap(), "ca\nb\n");
        assert!(hunk.apply("b\n").is_err() && hunk.apply("a\na\n").is_err());
    }
}
