//! `cargo xtask orderings`: each memory ordering of the library, weakened, against the models.
//!
//! What an ordering is for is only shown by a model that is red without it. So each is weakened by
//! one step, one at a time, in a [laboratory](crate::lab), and the models are run until one is red.
//! A [mutant] that survives them all is one ordering too strong, or one model too few; or the
//! models can't see it, and then the [reason](REASONS) must be written down.

mod mutant;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Instant;

use crate::choice::Choice;
use crate::lab::{Binary, Kind, Lab, Program, Reasons, Verdict, each};
use crate::{Result, tree};
use mutant::Mutant;

const SOURCE: &str = "crates/callboard/src";
/// Why some may survive.
const REASONS: &str = "proof/orderings.txt";

/// For each module, the models that use it most; the others come after them.
const NEAREST: &[(&str, &[&str])] = &[
    ("log", &["log", "memory", "wait_list", "waiting", "bus"]),
    ("sync", &["parking", "wait_list", "waiting", "bus"]),
    ("engine", &["waiting", "bus"]),
    ("registry", &["bus", "waiting"]),
    ("request", &["asking", "replies", "bus"]),
];

/// # Errors
/// When a mutant survives without a reason, or a reason is not needed any more.
pub(crate) fn main(args: &[String]) -> Result {
    let choice = Choice::parse(args)?;
    let mutants = choice.of_parts(mutants()?, ToString::to_string)?;
    if choice.list {
        mutants.iter().for_each(|mutant| println!("{mutant}"));
        return Ok(());
    }
    let mut reasons = Reasons::read(REASONS)?;
    if !choice.is_all() {
        reasons.retain(&mutants.iter().map(Mutant::head).collect());
    }
    println!("orderings: {}", walk(mutants, reasons)?);
    Ok(())
}

/// What is wrong with the reasons: those for an ordering that there is not.
///
/// # Errors
/// When they can't be read.
pub(crate) fn check() -> Result<Vec<String>> {
    Ok(Reasons::read(REASONS)?.idle(&mutants()?.iter().map(Mutant::head).collect()))
}

/// Runs the models against every mutant; how many were killed.
///
/// # Errors
/// As [`main`].
pub(crate) fn all() -> Result<String> {
    walk(mutants()?, Reasons::read(REASONS)?)
}

fn walk(mutants: Vec<Mutant>, reasons: Reasons) -> Result<String> {
    let begun = Instant::now();
    let lab = Lab::open("orderings", Kind::AllModels)?;
    let program = lab.build(Binary::Models)?;
    let models = program.tests()?;
    let models: Vec<&str> =
        models.iter().map(String::as_str).filter(|name| !name.starts_with("harness::")).collect();
    if let Some((model, why)) = first_red(&program, &models)? {
        return Err(format!("the model {model} is red without a mutant: {why}").into());
    }
    println!("{} models pass, in {:.0} s", models.len(), begun.elapsed().as_secs_f64());

    let (mut killed, mut excused) = (0, 0);
    let mut problems = Vec::new();
    let mut needed = BTreeSet::new();
    for mutant in mutants {
        let begun = Instant::now();
        let models = nearest_first(&models, &mutant.module(SOURCE));
        let red =
            lab.with(&[mutant.change()?], |lab| first_red(&lab.build(Binary::Models)?, &models));
        let came_of_it = match red.map_err(|error| format!("{mutant}: {error}"))? {
            Some((model, why)) => {
                killed += 1;
                format!("killed by {model}: {why}")
            }
            None if reasons.cover(&mutant.head()) => {
                excused += 1;
                needed.insert(mutant.head());
                "survived, for a reason".to_owned()
            }
            None => {
                problems.push(format!("{mutant} survived"));
                "SURVIVED".to_owned()
            }
        };
        println!("{mutant} {came_of_it} ({:.0} s)", begun.elapsed().as_secs_f64());
    }
    problems.extend(reasons.idle(&needed));
    if problems.is_empty() {
        Ok(format!("{killed} mutants killed, {excused} survived for a reason"))
    } else {
        Err(problems.join("\n").into())
    }
}

fn mutants() -> Result<Vec<Mutant>> {
    Ok(tree::rust(SOURCE)?.iter().flat_map(mutant::of).collect())
}

/// The models in the order in which they are likely to see something of a module.
fn nearest_first<'a>(models: &[&'a str], module: &str) -> Vec<&'a str> {
    let nearest = NEAREST.iter().find(|(name, _)| *name == module).map_or(&[][..], |it| it.1);
    let rank = |model: &&str| {
        let of = model.split("::").next();
        nearest.iter().position(|name| Some(*name) == of).unwrap_or(nearest.len())
    };
    let mut models = models.to_vec();
    models.sort_by_key(rank);
    models
}

/// Runs models until one is red, as many at a time as there are cores. Returns that, and what it
/// complained of.
fn first_red(program: &Program, models: &[&str]) -> Result<Option<(String, String)>> {
    let red = Mutex::new(None);
    each(models, |model| {
        let Verdict::Failed(why) = program.run(model)? else {
            return Ok(ControlFlow::Continue(()));
        };
        red.lock().expect("nobody panics").get_or_insert(((*model).to_owned(), why));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(red.into_inner().expect("nobody panics"))
}

#[cfg(test)]
mod tests {
    use super::nearest_first;

    #[test]
    fn the_nearest_models_come_first() {
        let models = ["bus::a", "log::b", "wait_list::c", "waiting::d", "log::e"];
        assert_eq!(
            nearest_first(&models, "log"),
            ["log::b", "log::e", "wait_list::c", "waiting::d", "bus::a"]
        );
        assert_eq!(nearest_first(&models, "time"), models);
    }
}
