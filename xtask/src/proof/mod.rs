//! `cargo xtask proof`: everything that tries to prove the core wrong, and how much each tried.
//!
//! Each proof is one function, listed in [`PROOFS`], that returns how much it tried. A proof that
//! fails stops no other. One that relies on a tool also shows that the tool sees what it is there
//! for, by a patch in [`PLANTED`].

pub(crate) mod asan;
mod realtime;
mod sanitizer;
mod suite;
mod tsan;
mod valgrind;

use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::lab::Lab;
use crate::patch::Patch;
use crate::steps::{self, Failure, Step};
use crate::{Result, explore, orderings, soak, tree, zoo};

/// Bugs that the tools must see.
pub(crate) const PLANTED: &str = "proof/planted";

const PROOFS: &[Step] = &[
    Step::new("asan", "no use of freed memory, no overrun, no leak, in any test", asan::run),
    Step::new("tsan", "no data race, in any test", tsan::run),
    Step::new("heap", "no memory is left behind by a million of anything", heap),
    Step::new("crowd", "a million subscriptions come, get their events and go", crowd),
    Step::new("valgrind", "no use of memory that is not there or was not written", valgrind::run),
    Step::new(
        "realtime",
        "no allocation, no system call, no waiting where there must be none",
        realtime::run,
    ),
    Step::new("models", "each concurrent mechanism is right in every order that matters", || {
        explore::models(&[])
    }),
    Step::new("scenarios", "whole programs keep the promises, in many orders", || {
        explore::scenarios(&[])
    }),
    Step::new("programs", "the bus does what a plain model of it does", programs),
    Step::new("zoo", "a real bug that is planted is caught", || zoo::main(&[])),
    Step::new("orderings", "a memory ordering that is weakened is caught", || orderings::main(&[])),
    Step::new(
        "soak",
        "no account, order or wakeup is lost when everything happens at once",
        || soak(&[]),
    ),
    Step::new("soak-hour", "and memory does not grow", || {
        soak(&["--minutes".to_owned(), "60".to_owned()])
    }),
];

/// # Errors
/// When a proof fails, or an argument names nothing.
pub(crate) fn main(args: &[String]) -> Result<String> {
    steps::main(PROOFS, Failure::StopsNothing, args)
}

/// A million rounds of what comes and goes, which leaves no block on the heap.
fn heap() -> Result<String> {
    // In release mode the rounds are a million.
    let tests = Program::cargo("test --release --package callboard --all-features --test memory");
    Ok(format!("{} tests", suite::run(tests)?))
}

/// So many subscriptions at once.
fn crowd() -> Result<String> {
    const CROWD: &str = "1000000";
    let test = "test --release --package callboard --all-features --test it -- \
                hostile::sizes::crowd_of_subscriptions_comes_and_goes";
    suite::run(Program::cargo(test).env("CALLBOARD_CROWD", CROWD))?;
    Ok(format!("{CROWD} subscriptions"))
}

/// Random programs, of each property of the reference model so many.
fn programs() -> Result<String> {
    const PROGRAMS: &str = "20000";
    let tests = "test --release --package callboard --all-features --test model";
    let tests = suite::run(Program::cargo(tests).env("PROPTEST_CASES", PROGRAMS))?;
    Ok(format!("{tests} tests, {PROGRAMS} programs a property"))
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
