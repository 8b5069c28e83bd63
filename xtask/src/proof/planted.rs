//! Planted faults: a copy of the repository with one mistake in it, which a tool must see.
//!
//! A tool that reports nothing may have looked at nothing. So each proof that relies on one also
//! shows it a mistake of the kind that it is there for.
//!
//! What is built from the copy never lies where the repository's own is built: cargo takes the two
//! for the same, and the older for up to date.

use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::lab::{Change, Lab};
use crate::{Result, tree};

/// A mistake: what stands in a file, and what it is replaced by.
#[derive(Debug)]
pub(super) struct Fault {
    /// What it is called when it isn't seen.
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) right: &'static str,
    pub(super) wrong: &'static str,
}

/// An event is let go of after its block.
pub(super) const FREED: Fault = Fault {
    name: "freed",
    file: "crates/callboard/src/log/memory/handle.rs",
    right: "let _share = Share::of(self.0.0, Shape::of::<E>());",
    wrong: "drop(Share::of(self.0.0, Shape::of::<E>()));",
};

/// A test in which that shows, since its events have blocks of their own.
pub(super) const FREEING: &str = "coalesce::events_of_two_priorities";

impl Fault {
    /// Plants it in a copy and runs `program` there, which must fail and say `report`.
    ///
    /// # Errors
    /// When the fault can't be planted any more, or isn't seen.
    pub(super) fn is_seen_by(&self, program: Program, report: &str) -> Result {
        let said = self.planted(|copy| program.folder(copy).fail())?;
        if said.contains(report) {
            return Ok(());
        }
        Err(format!("the planted fault `{}` leads to no `{report}`, but:\n{said}", self.name)
            .into())
    }

    /// Does something in a copy of the repository with the fault in it.
    ///
    /// # Errors
    /// When the fault can't be planted any more, or what is done fails.
    pub(super) fn planted<R>(&self, work: impl FnOnce(&Path) -> Result<R>) -> Result<R> {
        let text = self.spoil(&tree::read(self.file)?)?;
        let change = Change { path: self.file.into(), text };
        let lab = Lab::open("proof")?;
        lab.with(&[change], || work(&lab.tree))
    }

    fn spoil(&self, text: &str) -> Result<String> {
        let Self { name, file, right, .. } = self;
        match text.matches(right).count() {
            1 => Ok(text.replace(right, self.wrong)),
            count => Err(format!(
                "the fault `{name}` can't be planted: {file} has `{right}` {count} times, not once"
            )
            .into()),
        }
    }
}

/// A folder of the proofs' own below cargo's target folder.
///
/// # Errors
/// When the current folder can't be told.
pub(super) fn folder(name: &str) -> Result<PathBuf> {
    Ok(tree::target()?.join("proof").join(name))
}

#[cfg(test)]
mod tests {
    use super::FREED;
    use crate::proof::{asan, realtime, tsan};

    #[test]
    fn faults_fit_the_code() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let faults =
            [&FREED, &asan::LEAKED, &tsan::RELAXED, &realtime::ALLOCATES, &realtime::YIELDS];
        for fault in faults {
            let text = std::fs::read_to_string(root.join(fault.file)).unwrap();
            assert!(fault.spoil(&text).is_ok_and(|spoilt| spoilt != text), "{}", fault.name);
        }
    }
}
