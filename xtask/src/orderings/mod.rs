//! `cargo xtask orderings`: each memory ordering of the library, weakened, against the models.
//!
//! What an ordering is for is only shown by a model that is red without it. So each is weakened by
//! one step, one at a time, in a [laboratory](crate::lab), and the models are run until one is red.
//! A [mutant] that survives them all is one ordering too strong, or one model too few; or the
//! models can't see it, and then the [reason](REASONS) must be written down.

mod mutant;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::choice::Choice;
use crate::command::Program;
use crate::lab::{self, Binary, Lab, Verdict};
use crate::{Result, tree};
use mutant::Mutant;

const SOURCE: &str = "crates/callboard/src";
/// Why some may survive: mutants, with the reason indented below.
const REASONS: &str = "proof/orderings.txt";

/// The models that are red most often, which are run first.
const FIRST: [&str; 6] = ["log", "memory", "wait_list", "waiting", "parking", "bus"];

/// # Errors
/// When a mutant survives without a reason, or a reason is not needed any more.
pub(crate) fn main(args: &[String]) -> Result<String> {
    let choice = Choice::parse(args, &[])?;
    let mutants = choice.of(mutants()?, ToString::to_string)?;
    if choice.list {
        return Ok(mutants.iter().map(|mutant| format!("{mutant}\n")).collect());
    }
    walk(&mutants)
}

/// What is wrong with the reasons: those for an ordering that there is not.
///
/// # Errors
/// When they can't be read.
pub(crate) fn check() -> Result<Vec<String>> {
    let heads: BTreeSet<String> = mutants()?.iter().map(Mutant::head).collect();
    let idle = reasons()?.into_iter().filter(|reason| !heads.contains(reason));
    Ok(idle.map(|head| format!("{REASONS}: `{head}` is of nothing that there is")).collect())
}

fn walk(mutants: &[Mutant]) -> Result<String> {
    let reasons = reasons()?;
    let lab = Lab::open("orderings")?;
    let program = lab.build(Binary::AllModels)?;
    let models = models(&program)?;
    if let Some(red) = first_red(&program, &models)? {
        return Err(format!("without a mutant: {red}").into());
    }
    println!("{} models pass", models.len());

    let (mut killed, mut excused, mut problems) = (0, 0, Vec::new());
    for mutant in mutants {
        let begun = Instant::now();
        let red =
            lab.with(&[mutant.change()?], || first_red(&lab.build(Binary::AllModels)?, &models));
        let red = red.map_err(|error| format!("{mutant}: {error}"))?;
        let came_of_it = match (red, reasons.contains(&mutant.head())) {
            (Some(red), reason) => {
                killed += 1;
                problems.extend(reason.then(|| format!("{mutant} needs no reason any more")));
                format!("killed by {red}")
            }
            (None, true) => {
                excused += 1;
                "survived, for a reason".to_owned()
            }
            (None, false) => {
                problems.push(format!("{mutant} survived"));
                "SURVIVED".to_owned()
            }
        };
        println!("{mutant} {came_of_it} ({:.0} s)", begun.elapsed().as_secs_f64());
    }
    if problems.is_empty() {
        Ok(format!("{killed} mutants killed, {excused} survived for a reason"))
    } else {
        Err(problems.join("\n").into())
    }
}

fn mutants() -> Result<Vec<Mutant>> {
    Ok(tree::rust(SOURCE)?.iter().flat_map(mutant::of).collect())
}

/// The mutants that may survive.
fn reasons() -> Result<BTreeSet<String>> {
    let text = tree::read(REASONS)?;
    let heads = text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', ' ']));
    Ok(heads.map(str::to_owned).collect())
}

/// The names of all models, but for those that must fail.
fn models(program: &Path) -> Result<Vec<String>> {
    let program = program.to_str().ok_or("the target folder is not named in Unicode")?;
    let listed = Program::new(program, "--list --format terse").read()?;
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let models = names.filter(|name| name.starts_with("models::") && !name.contains("::harness::"));
    let mut models: Vec<String> = models.map(str::to_owned).collect();
    let rank = |name: &String| FIRST.iter().position(|it| name.split("::").nth(1) == Some(it));
    models.sort_by_key(|name| rank(name).unwrap_or(FIRST.len()));
    Ok(models)
}

/// Runs models until one is red, as many at a time as there are cores. Returns that, and what it
/// complained of.
fn first_red(program: &Path, models: &[String]) -> Result<Option<String>> {
    let (next, red) = (AtomicUsize::new(0), Mutex::new(None));
    let work = || {
        while let Some(model) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = match lab::run(program, model) {
                Ok(Verdict::Failed(why)) => Ok(format!("{model}: {why}")),
                Ok(_) => continue,
                // An error crosses the thread as text.
                Err(error) => Err(error.to_string()),
            };
            red.lock().expect("nobody panics").get_or_insert(found);
            next.store(models.len(), Ordering::Relaxed);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    Ok(red.into_inner().expect("nobody panics").transpose()?)
}
