//! Recipes: a [`Patch`] in `proof/zoo`, and the tests that must be red with it.

use crate::Result;
use crate::lab::Binary;
use crate::patch::{self, Patch};

/// Where they are.
pub(crate) const FOLDER: &str = "proof/zoo";

/// What stands before the tests that catch a bug, and before what it stands for.
const CAUGHT_BY: &str = "Caught by:";
const STANDS_FOR: &str = "Stands for:";

/// A bug.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) patch: Patch,
    pub(super) tests: Vec<Test>,
}

/// A test that must be red.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) binary: Binary,
    pub(super) name: String,
}

/// All recipes, in the order of their names.
///
/// # Errors
/// When one can't be read.
pub(super) fn all() -> Result<Vec<Recipe>> {
    let recipe = |patch: Patch| {
        let tests = tests(&patch.head).map_err(|wrong| format!("{}: {wrong}", patch.name()))?;
        Ok(Recipe { patch, tests })
    };
    patch::all(FOLDER)?.into_iter().map(recipe).collect()
}

fn tests(head: &str) -> Result<Vec<Test>> {
    let tests = head.lines().filter_map(|line| line.strip_prefix(CAUGHT_BY));
    let tests = tests.map(test).collect::<Result<Vec<_>>>()?;
    let first = tests.first().ok_or_else(|| format!("it has no line `{CAUGHT_BY} BINARY TEST`"))?;
    if tests.iter().any(|test| test.binary.is_of_models() != first.binary.is_of_models()) {
        return Err("models and other tests are built differently: name one kind".into());
    }
    if !head.lines().any(|line| line.starts_with(STANDS_FOR)) {
        return Err(format!("it has no line `{STANDS_FOR} …`").into());
    }
    Ok(tests)
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

impl Recipe {
    /// What is wrong, in a line.
    pub(super) fn about(&self) -> &str {
        self.patch.head.lines().next().unwrap_or_default()
    }

    /// Whether models must catch it, or else other tests.
    pub(super) fn is_for_models(&self) -> bool {
        self.tests[0].binary.is_of_models()
    }
}

#[cfg(test)]
mod tests {
    use super::{Test, tests};
    use crate::lab::Binary;

    #[test]
    fn reads_what_catches_a_bug() {
        let found = tests("Wrong.\n\nStands for: a #1.\nCaught by: models a::b\n").unwrap();
        assert_eq!(found, [Test { binary: Binary::Models, name: "models::a::b".into() }]);
        assert!(tests("Wrong.\nCaught by: models a::b\n").is_err());
    }
}
