//! `cargo xtask mutants`: every mutant that cargo-mutants makes of the library, against the tests.
//!
//! To compile the tests anew for each of some two thousand would take a night. So all are compiled
//! at once, each behind a switch (`proof/src/bin/switches` says how), in a [laboratory](crate::lab);
//! each test is run once to see which mutants it [reaches](suite), and then each mutant is switched
//! on for those tests only. The few that can't be behind a switch are compiled alone. Why
//! one may survive is in the list of [`REASONS`].

mod listed;
mod suite;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use crate::choice::Choice;
use crate::command::Program;
use crate::lab::{Binary, Kind, Lab, Reasons, each};
use crate::{Result, tree};
use listed::{Mutant, Way};
use suite::{Suite, Verdict};

/// Why some may survive.
const REASONS: &str = "proof/mutants.txt";

/// Of a hundred mutants, so many must be killed; the others need a reason.
const KILLED: usize = 95;

/// # Errors
/// When the library doesn't compile with its mutants, one survives without a reason, or a reason is
/// not needed any more; or when too few are killed of all.
pub(crate) fn main(args: &[String]) -> Result {
    walk(&Choice::parse(args)?).map(drop)
}

/// Tries every mutant; how many were killed.
///
/// # Errors
/// As [`main`].
pub(crate) fn all() -> Result<String> {
    walk(&Choice::default())
}

/// What is wrong with the reasons, as far as can be told without the list of mutants: those for a
/// file or a function that there is not.
///
/// # Errors
/// When they can't be read.
pub(crate) fn check() -> Result<Vec<String>> {
    let reasons = Reasons::read(REASONS)?;
    let lost = reasons.heads().filter(|head| !is_there(head));
    Ok(lost.map(|head| format!("{REASONS}: `{head}` is of nothing that there is")).collect())
}

fn is_there(head: &str) -> bool {
    let Some((path, what)) = head.split_once(": ") else { return false };
    let Ok(text) = tree::read(path) else { return false };
    let function = what.rsplit_once(" in ").and_then(|(_, function)| function.rsplit("::").next());
    function.is_none_or(|name| text.contains(&format!("fn {name}")))
}

/// Installs cargo-mutants below the target folder, unless it is there; the folder that it is in.
fn install() -> Result<PathBuf> {
    let tools = tree::target()?.join("tools");
    let programs = tools.join("bin");
    if Program::cargo("mutants --version").found_in(&programs).read().is_err() {
        println!("cargo-mutants lists the mutants, and is not there yet");
        let tools = tools.to_string_lossy();
        Program::cargo("install --locked cargo-mutants@27.1.0 --root").args([&*tools]).run()?;
    }
    Ok(programs)
}

/// Tries the mutants that are asked for, or only lists them.
fn walk(choice: &Choice) -> Result<String> {
    let mut reasons = Reasons::read(REASONS)?;
    let tally = Tally { begun: Instant::now(), verdicts: Mutex::default() };
    let lab = Lab::open("mutants", Kind::Mutants)?;
    let said = std::path::absolute(lab.tree().with_file_name("said"))?;
    let list = said.join("mutants.list");
    let (tree, file) = (lab.tree().to_string_lossy(), list.to_string_lossy());
    Program::cargo("run --quiet --package callboard-proof --bin switches --")
        .args([&*tree, &*file])
        .found_in(&install()?)
        .run()?;
    let mutants = listed::parse(&std::fs::read_to_string(&list)?)?;
    let mutants = choice.of_parts(mutants, |mutant| mutant.name.clone())?;
    if choice.list {
        mutants.iter().for_each(|mutant| println!("{}", mutant.name));
        return Ok(String::new());
    }
    if !choice.is_all() {
        reasons.retain(&mutants.iter().map(Mutant::head).collect());
    }

    let mut suite = Suite::new(&lab, &said)?;
    println!("{} tests pass, after {:.0} s", suite.len(), tally.begun.elapsed().as_secs_f64());
    let (switched, alone): (Vec<Mutant>, Vec<Mutant>) =
        mutants.into_iter().partition(|mutant| mutant.way == Way::Switched);
    each(&switched, |mutant| {
        let mut verdict = suite.try_switched(mutant.number, "")?;
        if !verdict.is_survival() && reasons.cover(&mutant.head()) {
            // Where one may survive, a machine that is too busy for a test is no murderer.
            verdict = suite.try_switched(mutant.number, "-again")?;
        }
        tally.add(mutant, verdict);
        Ok(ControlFlow::Continue(()))
    })?;
    // A laboratory without switches, and where tests compile faster than they run.
    let lab = Lab::open("mutants", Kind::Tests)?;
    for mutant in &alone {
        if let Some(verdict) = compiled_alone(&lab, &mut suite, mutant)? {
            tally.add(mutant, verdict);
        }
    }
    tally.outcome(&reasons, choice.is_all())
}

/// The verdicts so far.
#[derive(Debug)]
struct Tally {
    begun: Instant,
    verdicts: Mutex<Vec<(Mutant, Verdict)>>,
}

impl Tally {
    /// Adds one, and tells of it if it survived.
    fn add(&self, mutant: &Mutant, verdict: Verdict) {
        if verdict.is_survival() {
            println!("{verdict:?}: {}", mutant.name);
        }
        let mut verdicts = self.verdicts.lock().expect("nobody panics");
        verdicts.push((mutant.clone(), verdict));
        if verdicts.len().is_multiple_of(100) {
            println!("{} done, after {:.0} s", verdicts.len(), self.begun.elapsed().as_secs_f64());
        }
    }

    fn outcome(self, reasons: &Reasons, is_all: bool) -> Result<String> {
        let (mut mutants, mut killed, mut excused) = (0, 0, 0);
        let mut needed = BTreeSet::new();
        let mut problems = Vec::new();
        for (mutant, verdict) in self.verdicts.into_inner().expect("nobody panics") {
            mutants += 1;
            if !verdict.is_survival() {
                killed += 1;
            } else if reasons.cover(&mutant.head()) {
                needed.insert(mutant.head());
                excused += 1;
            } else {
                problems.push(format!("{} survived", mutant.name));
            }
        }
        problems.extend(reasons.idle(&needed));
        if is_all && killed * 100 < mutants * KILLED {
            problems.push(format!("fewer than {KILLED} % are killed: a reason is no test"));
        }
        let outcome =
            format!("{killed} of {mutants} mutants killed, {excused} survived for a reason");
        println!("mutants: {outcome}");
        if problems.is_empty() { Ok(outcome) } else { Err(problems.join("\n").into()) }
    }
}

/// Compiles a mutant in place of what was there, and runs the tests. `None`: it does not compile.
fn compiled_alone(lab: &Lab, suite: &mut Suite, mutant: &Mutant) -> Result<Option<Verdict>> {
    lab.with(&[mutant.change()?], |lab| {
        if lab.build(Binary::Unit).is_err() {
            return Ok(None);
        }
        // What doesn't compile of the tests is red, too.
        suite.rebuild(lab).map_or(Ok(Some(Verdict::Killed)), |()| suite.try_whole().map(Some))
    })
}
