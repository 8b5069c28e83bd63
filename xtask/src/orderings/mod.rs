//! `cargo xtask orderings`: each memory ordering of the library, weakened, against the models.
//!
//! What an ordering is for is only shown by a model that is red without it. So each is weakened by
//! one step, one at a time, in a [laboratory](crate::lab), and the models are run until one is red.
//! A [mutant] that survives them all is one ordering too strong, or one model too few; or the
//! models can't see it, and then the [reason](reasons) must be written down.

mod mutant;
mod reasons;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::lab::{Binary, Kind, Lab, Program, Verdict};
use crate::{Result, tree};
use mutant::Mutant;
use reasons::Reason;

const SOURCE: &str = "crates/callboard/src";

/// For each module, the models that use it most; the others come after them.
const NEAREST: &[(&str, &[&str])] = &[
    ("log", &["log", "memory", "wait_list", "waiting", "bus"]),
    ("sync", &["parking", "wait_list", "waiting", "bus"]),
    ("engine", &["waiting", "bus"]),
    ("registry", &["bus", "waiting"]),
    ("request", &["asking", "replies", "bus"]),
];

/// What has come of the mutants.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) mutants: usize,
    pub(crate) killed: usize,
    /// Those that survived for a reason that is written down.
    pub(crate) excused: usize,
    /// Those that survived without one.
    pub(crate) survived: Vec<String>,
    /// The reasons that are for no mutant, or for one that was killed.
    pub(crate) idle: Vec<String>,
    pub(crate) time: Duration,
}

/// # Errors
/// When a mutant survives without a reason, or a reason is not needed any more.
pub(crate) fn main(args: &[String]) -> Result {
    let mut mutants = mutants()?;
    let mut args = args.iter().map(String::as_str);
    let (mut list, mut all) = (false, true);
    while let Some(arg) = args.next() {
        match arg {
            "--list" => list = true,
            "--only" => {
                let part = args.next().ok_or("`--only` needs part of a line of the list")?;
                mutants.retain(|mutant| mutant.to_string().contains(part));
                all = false;
            }
            other => {
                return Err(format!("there is no option `{other}`, only --list and --only").into());
            }
        }
    }
    if list {
        mutants.iter().for_each(|mutant| println!("{mutant}"));
        return Ok(());
    }
    let figures = if all { figures() } else { walk(mutants) }?;
    let Figures { mutants, killed, excused, survived, idle, time } = figures;
    println!(
        "orderings: {killed} of {mutants} mutants killed, {excused} survived for a reason, {} \
         without, in {:.0} s",
        survived.len(),
        time.as_secs_f64()
    );
    let survived = survived.iter().map(|mutant| format!("{mutant} survived"));
    let idle = idle.iter().map(|head| format!("{}: `{head}` is not needed", reasons::PATH));
    match survived.chain(idle).collect::<Vec<_>>() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(problems.join("\n").into()),
    }
}

/// Runs the models against every mutant.
///
/// # Errors
/// When a mutant doesn't compile, a model is red without one, or a reason is for none there is.
pub(crate) fn figures() -> Result<Figures> {
    let mutants = mutants()?;
    match idle(&reasons::read()?, &mutants).first() {
        Some(head) => Err(format!("{}: there is no mutant `{head}`", reasons::PATH).into()),
        None => walk(mutants),
    }
}

fn walk(mutants: Vec<Mutant>) -> Result<Figures> {
    let begun = Instant::now();
    let mut reasons = reasons::read()?;
    reasons.retain(|reason| mutants.iter().any(|mutant| reason.is_for(mutant)));
    let lab = Lab::open("orderings", Kind::AllModels)?;
    let program = lab.build(Binary::Models)?;
    let models = program.tests()?;
    let models: Vec<&str> =
        models.iter().map(String::as_str).filter(|name| !name.starts_with("harness::")).collect();
    if let Some((model, why)) = first_red(&program, &models)? {
        return Err(format!("the model {model} is red without a mutant: {why}").into());
    }
    println!("{} models pass, in {:.0} s", models.len(), begun.elapsed().as_secs_f64());

    let mut figures = Figures { mutants: mutants.len(), ..Figures::default() };
    let mut survivors = Vec::new();
    for mutant in mutants {
        let begun = Instant::now();
        let models = nearest_first(&models, &mutant.module(SOURCE));
        let red =
            lab.with(&[mutant.change()?], |lab| first_red(&lab.build(Binary::Models)?, &models));
        let came_of_it = match red.map_err(|error| format!("{mutant}: {error}"))? {
            Some((model, why)) => {
                figures.killed += 1;
                format!("killed by {model}: {why}")
            }
            None if reasons.iter().any(|reason| reason.is_for(&mutant)) => {
                survivors.push(mutant.clone());
                figures.excused += 1;
                "survived, for a reason".to_owned()
            }
            None => {
                survivors.push(mutant.clone());
                figures.survived.push(mutant.to_string());
                "SURVIVED".to_owned()
            }
        };
        println!("{mutant} {came_of_it} ({:.0} s)", begun.elapsed().as_secs_f64());
    }
    figures.idle = idle(&reasons, &survivors);
    figures.time = begun.elapsed();
    Ok(figures)
}

fn mutants() -> Result<Vec<Mutant>> {
    Ok(tree::rust(SOURCE)?.iter().flat_map(mutant::of).collect())
}

/// The places of the reasons that are for none of these.
fn idle(reasons: &[Reason], mutants: &[Mutant]) -> Vec<String> {
    let needed = |reason: &&Reason| mutants.iter().any(|mutant| reason.is_for(mutant));
    reasons.iter().filter(|reason| !needed(reason)).map(Reason::head).collect()
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
    let (next, red) = (AtomicUsize::new(0), Mutex::new(None));
    let run = || {
        loop {
            let Some(model) = models.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(());
            };
            if let Verdict::Failed(why) = program.run(model).map_err(|error| error.to_string())? {
                // Nothing more is begun.
                next.store(models.len(), Ordering::Relaxed);
                red.lock().expect("nobody panics").get_or_insert((model.to_string(), why));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let runners: Vec<_> = (0..cores).map(|_| scope.spawn(run)).collect();
        let ended = runners.into_iter().map(|runner| runner.join().expect("nobody panics"));
        ended.collect::<std::result::Result<Vec<()>, String>>()
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
