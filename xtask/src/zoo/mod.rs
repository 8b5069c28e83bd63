//! `cargo xtask zoo`: real bugs, planted one at a time, and the tests that must catch each.
//!
//! A test that is never seen red may test nothing. A bug is a [`Recipe`] in `proof/zoo`: lines to
//! be replaced, the tests that must then be red, and which real bug it stands for. It is planted in
//! a [laboratory](crate::lab). A recipe whose lines are not found exactly once is an error, so that
//! the zoo can't rot in silence.

mod recipe;

use std::collections::BTreeSet;
use std::time::Instant;

use crate::choice::Choice;
use crate::lab::{Binary, Change, Kind, Lab, Program, Verdict};
use crate::{Result, tree};
use recipe::{Recipe, Test};

/// # Errors
/// When a bug escapes, a recipe doesn't fit any more, or a test is red without a bug.
pub(crate) fn main(args: &[String]) -> Result {
    let choice = Choice::parse(args)?;
    let recipes = choice.of(recipe::all()?, |recipe| &recipe.name)?;
    if choice.list {
        for recipe in &recipes {
            println!("{:<28}{}", recipe.name, recipe.about);
        }
        return Ok(());
    }
    println!("zoo: {}", walk(&recipes)?);
    Ok(())
}

/// Plants every bug; how many were caught.
///
/// # Errors
/// As [`main`].
pub(crate) fn all() -> Result<String> {
    walk(&recipe::all()?)
}

/// What is wrong with the bugs that can't be planted any more, since the code has changed.
///
/// # Errors
/// When a recipe can't be read.
pub(crate) fn check() -> Result<Vec<String>> {
    Ok(unfit(&recipe::all()?))
}

fn unfit(recipes: &[Recipe]) -> Vec<String> {
    let errors = recipes.iter().filter_map(|recipe| recipe.changes().err());
    errors.map(|error| error.to_string()).collect()
}

/// Plants these bugs: those for models beside the others.
fn walk(recipes: &[Recipe]) -> Result<String> {
    // Those that don't fit are told before anything is built.
    let unfit = unfit(recipes);
    if !unfit.is_empty() {
        return Err(unfit.join("\n").into());
    }
    let escaped = std::thread::scope(|scope| {
        let rooms = [Kind::Tests, Kind::Models].map(|kind| {
            let recipes: Vec<&Recipe> = recipes.iter().filter(|it| it.kind() == kind).collect();
            // What is wrong crosses the thread as text.
            scope.spawn(move || room(kind, &recipes).map_err(|error| error.to_string()))
        });
        let ended = rooms.into_iter().map(|room| room.join().expect("a room does not panic"));
        ended.collect::<std::result::Result<Vec<_>, _>>()
    })?;
    match escaped.concat() {
        none if none.is_empty() => Ok(format!("{} bugs, each caught", recipes.len())),
        escaped => Err(format!("escaped: {}", escaped.join(", ")).into()),
    }
}

/// Plants the bugs of one kind, one after the other. Returns those that escaped.
fn room(kind: Kind, recipes: &[&Recipe]) -> Result<Vec<String>> {
    let tests: BTreeSet<&Test> = recipes.iter().flat_map(|recipe| &recipe.tests).collect();
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let lab = Lab::open("zoo", kind)?;
    let begun = Instant::now();
    let tests: Vec<&Test> = tests.into_iter().collect();
    let verdicts = run(&lab, Vec::new(), &tests)?;
    for (test, verdict) in tests.iter().zip(&verdicts) {
        match verdict {
            Verdict::Passed => {}
            Verdict::Failed(why) => {
                return Err(format!("{test} is red without a bug: {why}").into());
            }
            Verdict::Missing => return Err(format!("there is no test {test}").into()),
        }
    }
    let whole = format!("(whole, {kind:?})");
    println!("{whole:<28}{:>5.0} s  {} tests pass", seconds(begun), tests.len());

    let mut escaped = Vec::new();
    for recipe in recipes {
        let begun = Instant::now();
        let tests: Vec<&Test> = recipe.tests.iter().collect();
        let verdicts = match run(&lab, recipe.changes()?, &tests) {
            Ok(verdicts) => verdicts,
            // The others are tried all the same.
            Err(error) => {
                escaped.push(format!("{} (it does not build)", recipe.name));
                println!("{:<28}{:>5.0} s  {error}", recipe.name, seconds(begun));
                continue;
            }
        };
        let (mut seen, mut unseen) = (Vec::new(), Vec::new());
        for (test, verdict) in tests.iter().zip(verdicts) {
            match verdict {
                Verdict::Failed(why) => seen.push(format!("{test}: {why}")),
                _ => unseen.push(test.to_string()),
            }
        }
        let came_of_it = match unseen.join(", ") {
            none if none.is_empty() => format!("caught by {}", seen.join("; ")),
            unseen => {
                escaped.push(recipe.name.clone());
                format!("ESCAPED from {unseen}")
            }
        };
        println!("{:<28}{:>5.0} s  {came_of_it}", recipe.name, seconds(begun));
    }
    Ok(escaped)
}

/// Makes these changes, builds what the tests are in, and runs each.
fn run(lab: &Lab, mut changes: Vec<Change>, tests: &[&Test]) -> Result<Vec<Verdict>> {
    changes.push(root_of_it(tests)?);
    lab.with(&changes, |lab| {
        let mut programs: Vec<(Binary, Program)> = Vec::new();
        let mut verdicts = Vec::new();
        for Test { binary, name } in tests {
            if !programs.iter().any(|(built, _)| built == binary) {
                programs.push((*binary, lab.build(*binary)?));
            }
            let program = programs.iter().find(|(built, _)| built == binary).map(|(_, it)| it);
            verdicts.push(program.ok_or("it was built just now")?.run(name)?);
        }
        Ok(verdicts)
    })
}

/// The root of the largest test binary without the modules that these tests do not need, since to
/// compile them takes most of the time.
fn root_of_it(tests: &[&Test]) -> Result<Change> {
    const FOLDER: &str = "crates/callboard/tests/it";
    let of_it = tests.iter().filter(|test| test.binary == Binary::It);
    let files = tree::rust(FOLDER)?;
    let codes: Vec<(&str, &str)> =
        files.iter().filter_map(|file| Some((file.module()?, &*file.source.code))).collect();
    let needed = needed(&codes, of_it.map(|test| test.module()));
    let path = format!("{FOLDER}/main.rs");
    let stays = |line: &&str| {
        let module = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(";\n"));
        module.is_none_or(|module| needed.contains(module))
    };
    let text = tree::read(&path)?.split_inclusive('\n').filter(stays).collect();
    Ok(Change { path: path.into(), text })
}

/// These modules, with all that are named in their code, and in those'.
fn needed<'a>(
    codes: &[(&'a str, &'a str)],
    modules: impl Iterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let mut needed: BTreeSet<&str> = modules.collect();
    let mut unread: Vec<&str> = needed.iter().copied().collect();
    while let Some(module) = unread.pop() {
        for (_, code) in codes.iter().filter(|(of, _)| *of == module) {
            for rest in code.split("crate::").skip(1) {
                let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next();
                unread.extend(name.filter(|name| needed.insert(name)));
            }
        }
    }
    needed
}

fn seconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::needed;

    #[test]
    fn modules_that_are_named_are_needed() {
        let codes = [
            ("a", "use crate::b::c;\nuse crate::d::{e, f};"),
            ("b", "mod inner;"),
            ("b", "use crate::g_h;"),
            ("g_h", "use crate::a;"),
            ("other", "use crate::a;"),
        ];
        assert!(needed(&codes, ["a"].into_iter()).into_iter().eq(["a", "b", "d", "g_h"]));
    }
}
