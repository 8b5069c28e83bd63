//! `cargo xtask zoo`: real bugs, planted one at a time, and the tests that must catch each.
//!
//! A test that is never seen red may test nothing. A bug is a [`Recipe`] in `proof/zoo`: lines to
//! be replaced, the tests that must then be red, and which real bug it stands for. It is planted in
//! a [laboratory](crate::lab).

pub(crate) mod recipe;

use std::collections::BTreeSet;
use std::time::Instant;

use crate::choice::Choice;
use crate::lab::{self, Binary, Change, Lab, Verdict};
use crate::{Result, tree};
use recipe::{Recipe, Test};

/// # Errors
/// When a bug escapes, a recipe doesn't fit any more, or a test is red without a bug.
pub(crate) fn main(args: &[String]) -> Result<String> {
    let choice = Choice::parse(args, &[])?;
    let recipes = choice.of(recipe::all()?, |recipe| recipe.patch.name())?;
    if choice.list {
        let line = |recipe: &Recipe| format!("{:<28}{}\n", recipe.patch.name(), recipe.about());
        return Ok(recipes.iter().map(line).collect());
    }
    walk(&recipes)
}

/// Plants these bugs: those for models beside the others, which are built in other ways.
fn walk(recipes: &[Recipe]) -> Result<String> {
    let (models, tests): (Vec<&Recipe>, Vec<&Recipe>) =
        recipes.iter().partition(|recipe| recipe.is_for_models());
    let escaped = std::thread::scope(|scope| {
        let rooms = [("zoo-models", models), ("zoo-tests", tests)].map(|(name, recipes)| {
            // An error crosses the thread as text.
            scope.spawn(move || room(name, &recipes).map_err(|error| error.to_string()))
        });
        let ended = rooms.into_iter().map(|room| room.join().expect("a room does not panic"));
        ended.collect::<std::result::Result<Vec<_>, _>>()
    })?;
    match escaped.concat() {
        none if none.is_empty() => Ok(format!("{} bugs, each caught", recipes.len())),
        escaped => Err(format!("escaped: {}", escaped.join(", ")).into()),
    }
}

/// Plants bugs one after the other. Returns those that escaped.
fn room(name: &str, recipes: &[&Recipe]) -> Result<Vec<String>> {
    let tests: BTreeSet<&Test> = recipes.iter().flat_map(|recipe| &recipe.tests).collect();
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let lab = Lab::open(name)?;
    for (test, verdict) in run(&lab, Vec::new(), &tests.iter().copied().collect::<Vec<_>>())? {
        if verdict != Verdict::Passed {
            return Err(format!("without a bug, {test:?} comes to {verdict:?}").into());
        }
    }
    println!("{name}: {} tests pass without a bug", tests.len());
    let mut escaped = Vec::new();
    for recipe in recipes {
        let (begun, name) = (Instant::now(), recipe.patch.name());
        let tests: Vec<&Test> = recipe.tests.iter().collect();
        let came_of_it = match recipe.patch.changes().and_then(|changes| run(&lab, changes, &tests))
        {
            // The others are tried all the same.
            Err(error) => format!("ESCAPED: {error}"),
            Ok(verdicts) => match verdicts.iter().find(|(_, it)| !matches!(it, Verdict::Failed(_)))
            {
                Some((test, _)) => format!("ESCAPED from {}", test.name),
                None => format!("caught: {verdicts:?}"),
            },
        };
        if came_of_it.starts_with("ESCAPED") {
            escaped.push(name.clone());
        }
        println!("{name:<28}{:>5.0} s  {came_of_it}", begun.elapsed().as_secs_f64());
    }
    Ok(escaped)
}

/// Makes these changes, builds what the tests are in, and runs each.
fn run<'a>(
    lab: &Lab,
    mut changes: Vec<Change>,
    tests: &[&'a Test],
) -> Result<Vec<(&'a Test, Verdict)>> {
    changes.push(root_of_it(tests)?);
    lab.with(&changes, || {
        let binaries: BTreeSet<Binary> = tests.iter().map(|test| test.binary).collect();
        let mut verdicts = Vec::new();
        for binary in binaries {
            let program = lab.build(binary)?;
            for test in tests.iter().filter(|test| test.binary == binary) {
                verdicts.push((*test, lab::run(&program, &test.name)?));
            }
        }
        Ok(verdicts)
    })
}

/// The root of the largest test binary without the modules that these tests do not need, since to
/// compile them takes most of the time.
fn root_of_it(tests: &[&Test]) -> Result<Change> {
    const FOLDER: &str = "crates/callboard/tests/it";
    let module_of = |path: &str| path.split("::").next().unwrap_or_default().to_owned();
    let of_it = tests.iter().filter(|test| test.binary == Binary::It);
    let mut unread: Vec<String> = of_it.map(|test| module_of(&test.name)).collect();
    let mut needed: BTreeSet<String> = unread.iter().cloned().collect();
    let files = tree::rust(FOLDER)?;
    while let Some(module) = unread.pop() {
        for file in files.iter().filter(|file| file.module() == Some(&module)) {
            for name in file.source.production.split("crate::").skip(1).map(module_of) {
                let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next();
                unread.extend(name.map(str::to_owned).filter(|it| needed.insert(it.clone())));
            }
        }
    }
    let path = format!("{FOLDER}/main.rs");
    let stays = |line: &&str| {
        let module = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(";\n"));
        module.is_none_or(|module| needed.contains(module))
    };
    let text = tree::read(&path)?.split_inclusive('\n').filter(stays).collect();
    Ok(Change { path: path.into(), text })
}
