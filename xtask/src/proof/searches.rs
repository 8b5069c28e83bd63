//! The searches that have commands of their own: what each tried.

use super::figures::Figures;
use super::suite;
use crate::command::Program;
use crate::{Result, models, mutants, orderings, scenarios, zoo};

/// Of each property of the reference model, so many random programs.
const PROGRAMS: u64 = 20_000;

/// Of a hundred mutants, so many must be killed; the others need a reason.
const KILLED: usize = 95;

/// # Errors
/// When a model fails.
pub(super) fn models() -> Result<Figures> {
    let models::Figures { models, exhaustive, executions } = models::figures()?;
    let figures = Figures::of(models, "models").and(exhaustive, "of them exhaustive");
    Ok(figures.and(executions, "executions"))
}

/// # Errors
/// When a scenario fails.
pub(super) fn scenarios() -> Result<Figures> {
    let scenarios::Figures { scenarios, schedules } = scenarios::figures()?;
    Ok(Figures::of(scenarios, "scenarios").and(schedules, "schedules"))
}

/// # Errors
/// When the bus differs from the reference model.
pub(super) fn programs() -> Result<Figures> {
    let tests = "test --release --package callboard --all-features --test model";
    let tests = Program::cargo(tests).env("PROPTEST_CASES", &PROGRAMS.to_string());
    Ok(Figures::of(suite::run(tests)?, "tests").and(PROGRAMS, "programs a property"))
}

/// # Errors
/// When a bug escapes.
pub(super) fn zoo() -> Result<Figures> {
    let zoo::Figures { bugs, escaped, .. } = zoo::figures()?;
    none("escaped", &escaped)?;
    Ok(Figures::of(bugs as u64, "bugs, each caught"))
}

/// # Errors
/// When a weaker ordering is seen by no model, without a reason.
pub(super) fn orderings() -> Result<Figures> {
    let orderings::Figures { killed, excused, survived, idle, .. } = orderings::figures()?;
    none("survived without a reason", &survived)?;
    none("reasons that are not needed", &idle)?;
    Ok(Figures::of(killed as u64, "mutants killed").and(excused as u64, "survived for a reason"))
}

/// # Errors
/// When a mutant is seen by no test, without a reason.
pub(super) fn mutants() -> Result<Figures> {
    let figures = mutants::figures()?;
    none("survived without a reason", &figures.survived)?;
    none("reasons that are not needed", &figures.idle)?;
    if figures.killed * 100 < figures.mutants * KILLED {
        return Err(format!("fewer than {KILLED} % are killed: a reason is no test").into());
    }
    let killed = Figures::of(figures.killed as u64, "mutants killed");
    Ok(killed.and(figures.excused as u64, "survived for a reason"))
}

/// # Errors
/// When there are some.
fn none(what: &str, some: &[String]) -> Result {
    if some.is_empty() { Ok(()) } else { Err(format!("{what}: {}", some.join(", ")).into()) }
}
