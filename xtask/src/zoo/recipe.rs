//! Recipes: what is changed in the library to plant a bug, and which tests must then be red.

use std::path::{Path, PathBuf};

use crate::lab::{Binary, Change};
use crate::{Result, tree};

/// Where they are.
const FOLDER: &str = "proof/zoo";

/// What stands before the tests that catch a bug, and before what it stands for.
const CAUGHT_BY: &str = "Caught by:";
const STANDS_FOR: &str = "Stands for:";

/// A bug.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) name: String,
    /// What is wrong, in a line.
    pub(super) about: String,
    pub(super) tests: Vec<Test>,
    hunks: Vec<Hunk>,
}

/// A test that must be red.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) binary: Binary,
    pub(super) name: String,
}

/// Some lines of a file, and what they become.
#[derive(Debug, PartialEq, Eq)]
struct Hunk {
    path: PathBuf,
    old: String,
    new: String,
}

/// All recipes, in the order of their names.
///
/// # Errors
/// When one can't be read.
pub(super) fn all() -> Result<Vec<Recipe>> {
    tree::files(FOLDER, "patch")?.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Recipe> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let recipe = parse(&name, &tree::read(path)?);
    recipe.map_err(|wrong| format!("{}: {wrong}", path.display()).into())
}

fn parse(name: &str, text: &str) -> Result<Recipe> {
    let (head, body) = text.split_once("\n--- ").ok_or("it has no line `--- FILE`")?;
    let about = head.lines().next().unwrap_or_default();
    let tests = head.lines().filter_map(|line| line.strip_prefix(CAUGHT_BY));
    let tests = tests.map(test).collect::<Result<Vec<_>>>()?;
    let first = tests.first().ok_or_else(|| format!("it has no line `{CAUGHT_BY} BINARY TEST`"))?;
    if tests.iter().any(|test| test.binary.is_of_models() != first.binary.is_of_models()) {
        return Err("models and other tests are built differently: name one kind".into());
    }
    if !head.lines().any(|line| line.starts_with(STANDS_FOR)) {
        return Err(format!("it has no line `{STANDS_FOR} …`").into());
    }
    let mut hunks = Vec::new();
    for file in body.split("\n--- ") {
        let (path, rest) = file.split_once('\n').ok_or("a file has no changes")?;
        for text in rest.split("@@\n").skip(1) {
            hunks.push(hunk(path.into(), text)?);
        }
    }
    if hunks.is_empty() || hunks.iter().any(|hunk| hunk.old == hunk.new) {
        return Err("it changes nothing".into());
    }
    Ok(Recipe { name: name.to_owned(), about: about.to_owned(), tests, hunks })
}

fn test(line: &str) -> Result<Test> {
    let (binary, name) = line.trim().split_once(' ').ok_or("a test is `BINARY TEST`")?;
    let (binary, within) = match binary {
        "it" => (Binary::It, ""),
        "model" => (Binary::Model, ""),
        "memory" => (Binary::Memory, ""),
        "models" => (Binary::Models, "models::"),
        other => return Err(format!("there is no binary `{other}`").into()),
    };
    Ok(Test { binary, name: format!("{within}{name}") })
}

/// Lines that stay begin with a blank, those that go with `-`, those that come with `+`.
fn hunk(path: PathBuf, text: &str) -> Result<Hunk> {
    let (mut old, mut new) = (String::new(), String::new());
    for line in text.lines() {
        let (in_old, in_new, rest) = match line.split_at_checked(1) {
            None => (true, true, ""),
            Some((" ", rest)) => (true, true, rest),
            Some(("-", rest)) => (true, false, rest),
            Some(("+", rest)) => (false, true, rest),
            Some(_) => return Err(format!("`{line}` begins with none of ` `, `-` and `+`").into()),
        };
        for text in [in_old.then_some(&mut old), in_new.then_some(&mut new)].into_iter().flatten() {
            text.push_str(rest);
            text.push('\n');
        }
    }
    Ok(Hunk { path, old, new })
}

impl Recipe {
    /// Whether models must catch it, or else other tests.
    pub(super) fn is_for_models(&self) -> bool {
        self.tests[0].binary.is_of_models()
    }

    /// The files as the bug would have them.
    ///
    /// # Errors
    /// When the tree has moved on: some lines are not found, or in several places.
    pub(super) fn changes(&self) -> Result<Vec<Change>> {
        let mut changes: Vec<Change> = Vec::new();
        for hunk in &self.hunks {
            let wrong = |why| format!("{FOLDER}/{}.patch: {why}", self.name);
            let before = changes.iter().position(|change| change.path == hunk.path);
            let text = match before {
                Some(before) => changes.swap_remove(before).text,
                None => tree::read(&hunk.path).map_err(|error| wrong(error.to_string()))?,
            };
            let text = hunk.apply(&text).map_err(wrong)?;
            changes.push(Change { path: hunk.path.clone(), text });
        }
        Ok(changes)
    }
}

impl Hunk {
    fn apply(&self, text: &str) -> std::result::Result<String, String> {
        let at_line = |at: &usize| text[..*at].is_empty() || text[..*at].ends_with('\n');
        let places: Vec<usize> =
            text.match_indices(&self.old).map(|(at, _)| at).filter(at_line).collect();
        let [at] = places[..] else {
            let (path, times) = (self.path.display(), places.len());
            return Err(format!("{path} has these lines {times} times, not once:\n{}", self.old));
        };
        Ok(format!("{}{}{}", &text[..at], self.new, &text[at + self.old.len()..]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Hunk, Test, parse};
    use crate::lab::Binary;

    const RECIPE: &str = "Wrong.\n\nStands for: a #1.\nCaught by: models a::b\n\n\
                          --- x.rs\n@@\n a\n-b\n+c\n\n@@\n-d\n--- y.rs\n@@\n+e\n f\n";

    #[test]
    fn reads_a_recipe() {
        let recipe = parse("wrong", RECIPE).unwrap();
        assert_eq!((&*recipe.name, &*recipe.about), ("wrong", "Wrong."));
        assert_eq!(recipe.tests, [Test { binary: Binary::Models, name: "models::a::b".into() }]);
        let hunks: Vec<(&str, &str, &str)> =
            recipe.hunks.iter().map(|it| (it.path.to_str().unwrap(), &*it.old, &*it.new)).collect();
        let expected =
            [("x.rs", "a\nb\n\n", "a\nc\n\n"), ("x.rs", "d\n", ""), ("y.rs", "f\n", "e\nf\n")];
        assert_eq!(hunks, expected);
        let nothing = RECIPE.replace("\n+e\n", "\n");
        assert_eq!(parse("wrong", &nothing).unwrap_err().to_string(), "it changes nothing");
    }

    #[test]
    fn what_is_not_there_exactly_once_is_an_error() {
        let hunk = Hunk { path: "x.rs".into(), old: "a\n".to_owned(), new: "b\n".to_owned() };
        assert_eq!(hunk.apply("ca\na\n").unwrap(), "ca\nb\n");
        assert!(hunk.apply("b\n").is_err() && hunk.apply("a\na\n").is_err());
    }
}
