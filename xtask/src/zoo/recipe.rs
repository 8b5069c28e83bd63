//! Recipes: what is changed in the library to plant a bug, and which tests must then be red.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::lab::{Binary, Change, Kind};
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
    if tests.iter().any(|test| test.binary.kind() != first.binary.kind()) {
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
    let binary = Binary::named(binary).ok_or_else(|| format!("there is no binary `{binary}`"))?;
    Ok(Test { binary, name: name.to_owned() })
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

impl Test {
    /// The module of its binary that it is in.
    pub(super) fn module(&self) -> &str {
        self.name.split("::").next().unwrap_or_default()
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.binary, self.name)
    }
}

impl Recipe {
    /// Where it is tested.
    pub(super) fn kind(&self) -> Kind {
        self.tests[0].binary.kind()
    }

    /// The files as the bug would have them.
    ///
    /// # Errors
    /// When the tree has moved on: some lines are not found, or in several places.
    pub(super) fn changes(&self) -> Result<Vec<Change>> {
        let mut changes: Vec<Change> = Vec::new();
        for hunk in &self.hunks {
            let wrong = |why| format!("{FOLDER}/{}.patch: {why}", self.name);
            let change = match changes.iter_mut().find(|change| change.path == hunk.path) {
                Some(change) => change,
                None => {
                    let text = tree::read(&hunk.path).map_err(|error| wrong(error.to_string()))?;
                    changes.push(Change { path: hunk.path.clone(), text });
                    let last = changes.len() - 1;
                    &mut changes[last]
                }
            };
            change.text = hunk.apply(&change.text).map_err(wrong)?;
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

    const RECIPE: &str = "Wrong.\n\nStands for: a #1.\nCaught by: it a::b\nCaught by: model c\n\n\
                          --- x.rs\n@@\n a\n-b\n+c\n\n@@\n-d\n--- y.rs\n@@\n+e\n f\n";

    #[test]
    fn reads_a_recipe() {
        let recipe = parse("wrong", RECIPE).unwrap();
        let test = |binary, name: &str| Test { binary, name: name.to_owned() };
        assert_eq!((&*recipe.name, &*recipe.about), ("wrong", "Wrong."));
        assert_eq!(recipe.tests, [test(Binary::It, "a::b"), test(Binary::Model, "c")]);
        let hunk = |path: &str, old: &str, new: &str| Hunk {
            path: path.into(),
            old: old.to_owned(),
            new: new.to_owned(),
        };
        let hunks = [
            hunk("x.rs", "a\nb\n\n", "a\nc\n\n"),
            hunk("x.rs", "d\n", ""),
            hunk("y.rs", "f\n", "e\nf\n"),
        ];
        assert_eq!(recipe.hunks, hunks);
    }

    #[test]
    fn says_what_a_recipe_lacks() {
        for (line, instead, wrong) in [
            ("--- ", "", "it has no line `--- FILE`"),
            ("Stands for: a #1.", "", "it has no line `Stands for: …`"),
            ("Caught by: it a::b", "Caught by: its a::b", "there is no binary `its`"),
            ("\n+e\n", "\n*e\n", "`*e` begins with none of ` `, `-` and `+`"),
            ("\n+e\n", "\n", "it changes nothing"),
        ] {
            let text = RECIPE.replace(line, instead);
            assert_eq!(parse("wrong", &text).unwrap_err().to_string(), wrong, "{line}");
        }
    }

    #[test]
    fn what_is_not_there_exactly_once_is_an_error() {
        let hunk = Hunk { path: "x.rs".into(), old: "a\n".to_owned(), new: "b\n".to_owned() };
        assert_eq!(hunk.apply("ca\na\n").unwrap(), "ca\nb\n");
        for (text, times) in [("b\n", 0), ("a\na\n", 2)] {
            let wrong = format!("x.rs has these lines {times} times, not once:\na\n");
            assert_eq!(hunk.apply(text).unwrap_err(), wrong);
        }
    }
}
