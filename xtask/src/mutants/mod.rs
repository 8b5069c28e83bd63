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
use std::time::{Duration, Instant};

use crate::choice::Choice;
use crate::command::Program;
use crate::lab::{Binary, Kind, Lab, Reasons, each};
use crate::{Result, tree};
use listed::{Mutant, Way};
use suite::{Suite, Verdict};

/// Why some may survive.
const REASONS: &str = "proof/mutants.txt";

/// What has come of the mutants.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Those that compile.
    pub(crate) mutants: usize,
    pub(crate) killed: usize,
    /// Those of them that were killed because the tests hung.
    pub(crate) hung: usize,
    /// Those that survived for a reason that is written down.
    pub(crate) excused: usize,
    /// Those that survived without one.
    pub(crate) survived: Vec<String>,
    /// The reasons that are for no mutant, or for one that was killed.
    pub(crate) idle: Vec<String>,
    pub(crate) time: Duration,
}

impl Figures {
    fn print(&self) {
        let Self { mutants, killed, hung, excused, survived, time, .. } = self;
        println!(
            "mutants: {killed} of {mutants} killed ({:.1} %), {hung} of them since the tests hung; \
             {excused} survived for a reason, {} without; in {:.0} s",
            100.0 * *killed as f64 / (*mutants).max(1) as f64,
            survived.len(),
            time.as_secs_f64()
        );
    }
}

/// # Errors
/// When the library doesn't compile with its mutants, one survives without a reason, or a reason is
/// not needed any more.
pub(crate) fn main(args: &[String]) -> Result {
    let choice = Choice::parse(args)?;
    let figures = walk(&choice)?;
    if choice.list {
        return Ok(());
    }
    let survived = figures.survived.iter().map(|name| format!("{name} survived"));
    match survived.chain(figures.idle.iter().cloned()).collect::<Vec<_>>() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(problems.join("\n").into()),
    }
}

/// Tries every mutant.
///
/// # Errors
/// As [`main`], except when one survives.
pub(crate) fn figures() -> Result<Figures> {
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
fn walk(choice: &Choice) -> Result<Figures> {
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
        return Ok(Figures::default());
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
    let figures = tally.figures(&reasons);
    figures.print();
    Ok(figures)
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

    fn figures(self, reasons: &Reasons) -> Figures {
        let time = self.begun.elapsed();
        let mut figures = Figures { time, ..Figures::default() };
        let mut needed = BTreeSet::new();
        for (mutant, verdict) in self.verdicts.into_inner().expect("nobody panics") {
            figures.mutants += 1;
            figures.hung += usize::from(verdict == Verdict::Hung);
            if !verdict.is_survival() {
                figures.killed += 1;
            } else if reasons.cover(&mutant.head()) {
                needed.insert(mutant.head());
                figures.excused += 1;
            } else {
                figures.survived.push(mutant.name);
            }
        }
        figures.idle = reasons.idle(&needed);
        figures
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
