//! A laboratory: a copy of the tree in which something is broken, built and tested, so that the
//! tree itself stays whole.
//!
//! A [`Lab`] is for the tests or for the models. It lies in the target folder, below `lab`, and is
//! kept from run to run: only what has changed is copied and compiled anew. Whoever breaks things
//! has a copy of their own, and all share what is compiled. (Two runs of one command at once would
//! break each other's copy.)

mod program;
mod reasons;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Result, tree};

pub(crate) use program::{Binary, Program, Verdict, watch};
pub(crate) use reasons::Reasons;

/// What a laboratory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The library's test binaries.
    Tests,
    /// One model or another: the library as loom runs it, compiled in seconds.
    Models,
    /// All models, compiled for a minute to run faster.
    AllModels,
    /// The test binaries of a library with every mutant behind a switch.
    Mutants,
}

impl Kind {
    pub(crate) fn is_for_models(self) -> bool {
        matches!(self, Self::Models | Self::AllModels)
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Models => "models",
            Self::AllModels => "all-models",
            Self::Mutants => "mutants",
        }
    }
}

/// A file of the tree, with other text in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// From the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A copy of the tree, and a target folder.
#[derive(Debug)]
pub(crate) struct Lab {
    kind: Kind,
    /// The copy.
    tree: PathBuf,
    target: PathBuf,
    /// Where what tests say is written to.
    said: PathBuf,
}

impl Lab {
    /// The copy of the command `owner`, brought up to date: what an earlier run left broken is
    /// whole again.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub(crate) fn open(owner: &str, kind: Kind) -> Result<Self> {
        let all = tree::target()?.join("lab");
        let own = all.join(format!("{owner}-{}", kind.folder()));
        let target = all.join(kind.folder()).join("target");
        let lab = Self { kind, tree: own.join("tree"), target, said: own.join("said") };
        std::fs::create_dir_all(&lab.said)?;
        let ours: BTreeSet<PathBuf> = tree::all(".")?.into_iter().collect();
        for path in tree::all(&lab.tree)? {
            let path = path.strip_prefix(&lab.tree)?.to_path_buf();
            if !ours.contains(&path) {
                std::fs::remove_file(lab.tree.join(path))?;
            }
        }
        for path in ours {
            lab.write(&path, &std::fs::read(&path)?)?;
        }
        Ok(lab)
    }

    /// Where the copy is.
    pub(crate) fn tree(&self) -> &Path {
        &self.tree
    }

    /// Runs `work` while the copy is changed like this, and makes it whole again.
    ///
    /// # Errors
    /// What `work` says; or when a file can't be read or written.
    pub(crate) fn with<R>(
        &self,
        changes: &[Change],
        work: impl FnOnce(&Self) -> Result<R>,
    ) -> Result<R> {
        for Change { path, text } in changes {
            self.write(path, text.as_bytes())?;
        }
        let result = work(self);
        for Change { path, .. } in changes {
            self.write(path, &std::fs::read(path)?)?;
        }
        result
    }

    /// Writes a file of the copy, unless it is so already: cargo goes by the time of writing.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result {
        let there = self.tree.join(path);
        if std::fs::read(&there).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        if let Some(folder) = there.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(there, bytes)?)
    }
}

/// Does something for each, as many at a time as there are cores, until one says that it is enough.
///
/// # Errors
/// The first error there is; nothing more is begun then.
pub(crate) fn each<T: Sync>(
    all: &[T],
    work: impl Fn(&T) -> Result<ControlFlow<()>> + Sync,
) -> Result {
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            // What is wrong crosses the thread as text.
            match work(one).map_err(|error| error.to_string()) {
                Ok(ControlFlow::Continue(())) => {}
                ended => {
                    next.store(all.len(), Ordering::Relaxed);
                    return ended.map(drop);
                }
            }
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(run)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().expect("nobody panics"));
        ended.collect::<std::result::Result<(), String>>()
    })?;
    Ok(())
}
