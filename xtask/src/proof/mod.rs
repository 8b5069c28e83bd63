//! `cargo xtask proof`: everything that tries to prove the core wrong, and how much each tried.
//!
//! Each proof is one function, listed in [`PROOFS`], that returns how much it tried. A proof that
//! fails stops no other. One that relies on a tool's eye also shows that the tool still sees, by a
//! [planted bug](PLANTED).

pub(crate) mod asan;
mod heap;
mod realtime;
mod sanitizer;
mod suite;
mod tsan;
mod valgrind;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::choice::Choice;
use crate::command::Program;
use crate::lab::Lab;
use crate::patch::Patch;
use crate::{Result, models, orderings, scenarios, tree, zoo};

/// Bugs that the tools must see.
pub(crate) const PLANTED: &str = "proof/planted";

/// One way to prove the core wrong.
#[derive(Debug, Clone, Copy)]
struct Proof {
    /// What `--only` calls it.
    name: &'static str,
    /// What holds if it passes, in a few words.
    shows: &'static str,
    /// Tries it, and says how much was tried.
    run: fn() -> Result<String>,
}

impl Proof {
    const fn new(name: &'static str, shows: &'static str, run: fn() -> Result<String>) -> Self {
        Self { name, shows, run }
    }
}

const PROOFS: &[Proof] = &[
    Proof::new("asan", "no use of freed memory, no overrun, no leak, in any test", asan::run),
    Proof::new("tsan", "no data race, in any test", tsan::run),
    Proof::new("heap", "no memory is left behind by a million of anything", heap::run),
    Proof::new("crowd", "a million subscriptions come, get their events and go", heap::crowd),
    Proof::new("valgrind", "no use of memory that is not there or was not written", valgrind::run),
    Proof::new(
        "realtime",
        "no allocation, no system call, no waiting where there must be none",
        realtime::run,
    ),
    Proof::new("models", "each concurrent mechanism is right in every order that matters", || {
        models::run(&[])
    }),
    Proof::new("scenarios", "whole programs keep the promises, in many orders", scenarios::all),
    Proof::new("programs", "the bus does what a plain model of it does", programs),
    Proof::new("zoo", "a real bug that is planted is caught", zoo::all),
    Proof::new("orderings", "a memory ordering that is weakened is caught", orderings::all),
    Proof::new(
        "soak",
        "no account, order or wakeup is lost when everything happens at once",
        || soak("1"),
    ),
    Proof::new("soak-hour", "and memory does not grow", || soak("60")),
];

/// # Errors
/// When a proof fails, or an argument names nothing.
pub(crate) fn main(args: &[String]) -> Result {
    let choice = Choice::parse(args, &[])?;
    let chosen = choice.of(PROOFS.to_vec(), |proof| proof.name.to_owned())?;
    if choice.list {
        chosen.iter().for_each(|Proof { name, shows, .. }| println!("{name:<11}{shows}"));
        return Ok(());
    }
    let mut failed = 0;
    let mut table = String::new();
    for (index, Proof { name, shows, run, .. }) in chosen.iter().enumerate() {
        println!("\n=== {name} ({}/{}): {shows}", index + 1, chosen.len());
        let begun = Instant::now();
        let (verdict, text) = match run() {
            Ok(tried) => ("holds", tried),
            Err(error) => {
                failed += 1;
                ("FAILS", error.to_string())
            }
        };
        println!("=== {name}: {verdict}");
        let seconds = begun.elapsed().as_secs();
        table.push_str(&format!("{name:<11}{verdict}  {seconds:>5} s  {text}\n"));
    }
    print!("\n{table}");
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} proofs do not hold", chosen.len()).into()),
    }
}

/// Random programs, of each property of the reference model so many.
fn programs() -> Result<String> {
    const PROGRAMS: &str = "20000";
    let tests = "test --release --package callboard --all-features --test model";
    let tests = suite::run(Program::cargo(tests).env("PROPTEST_CASES", PROGRAMS))?;
    Ok(format!("{tests} tests, {PROGRAMS} programs a property"))
}

/// Everything at once, for a while.
fn soak(minutes: &str) -> Result<String> {
    crate::soak(&["--minutes".to_owned(), minutes.to_owned()])?;
    Ok(format!("{minutes} min"))
}

/// Does something in a copy of the repository with a bug in it. What is built there must not lie
/// where the repository's own is built: cargo takes the two for the same.
fn planted<R>(bug: &str, work: impl FnOnce(&Path) -> Result<R>) -> Result<R> {
    let patch = Patch::read(&Path::new(PLANTED).join(bug).with_extension("patch"))?;
    let lab = Lab::open("proof")?;
    lab.with(&patch.changes()?, || work(&lab.tree))
}

/// Runs `program` in a copy with a bug in it, which must fail and say `report`.
fn is_seen(bug: &str, program: Program, report: &str) -> Result {
    let said = planted(bug, |copy| program.folder(copy).fail())?;
    if said.contains(report) {
        return Ok(());
    }
    Err(format!("the planted bug `{bug}` leads to no `{report}`, but:\n{said}").into())
}

/// A test that shows the planted bugs of memory, since its events have blocks of their own.
const FREEING: &str = "coalesce::events_of_two_priorities";

/// A folder of the proofs' own below cargo's target folder.
fn folder(name: &str) -> Result<PathBuf> {
    Ok(tree::target()?.join("proof").join(name))
}
