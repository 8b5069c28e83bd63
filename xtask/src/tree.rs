//! Reads the files of the repository.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::source::Source;

/// Folders that hold nothing of ours.
const FOREIGN: &[&str] = &["target", ".git", "node_modules"];

/// A Rust file, read and split.
#[derive(Debug)]
pub(crate) struct RustFile {
    /// Where it is, from the root of the repository.
    pub(crate) path: PathBuf,
    /// Where it is below the folder that was asked for.
    below: PathBuf,
    /// What it holds.
    pub(crate) source: Source,
    /// Whether it is compiled for tests only.
    pub(crate) is_test: bool,
}

impl RustFile {
    /// The top-level module it belongs to; `lib` is the crate's root.
    pub(crate) fn module(&self) -> Option<&str> {
        let first = self.below.iter().next()?.to_str()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// How many modules deep it is: none for the crate's root, one for a top-level module.
    pub(crate) fn depth(&self) -> usize {
        match self.below.file_name().and_then(|name| name.to_str()) {
            Some("lib.rs" | "main.rs" | "mod.rs") => self.below.iter().count() - 1,
            _ => self.below.iter().count(),
        }
    }

    /// Where the module `name` of this file may be: the folder, or the file with `.rs` appended.
    fn child(&self, name: &str) -> PathBuf {
        match self.path.file_name().and_then(|name| name.to_str()) {
            Some("lib.rs" | "main.rs" | "mod.rs") => self.path.with_file_name(name),
            _ => self.path.with_extension("").join(name),
        }
    }
}

/// The folder that cargo builds to, as an absolute path: it is used from within copies.
///
/// # Errors
/// When the current folder can't be told.
pub(crate) fn target() -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(std::path::absolute(target)?)
}

/// The files below `folder` whose name ends in `.extension`, in order. The folder may be missing.
///
/// # Errors
/// When a folder can't be read.
pub(crate) fn files(folder: impl AsRef<Path>, extension: &str) -> Result<Vec<PathBuf>> {
    let all = all(folder)?.into_iter();
    Ok(all.filter(|path| path.extension().is_some_and(|it| it == extension)).collect())
}

/// All files below `folder`, in order. The folder may be missing.
///
/// # Errors
/// As [`files`].
pub(crate) fn all(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.as_ref().to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !FOREIGN.iter().any(|name| entry.file_name() == *name) {
                    folders.push(path);
                }
            } else {
                found.push(path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The Rust files below `folder`, in order.
///
/// # Errors
/// When one can't be read.
pub(crate) fn rust(folder: impl AsRef<Path>) -> Result<Vec<RustFile>> {
    let folder = folder.as_ref();
    let mut rust = Vec::new();
    for path in files(folder, "rs")? {
        let below = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
        let source = Source::new(&read(&path)?);
        rust.push(RustFile { path, below, source, is_test: false });
    }
    let tests: HashSet<PathBuf> = rust
        .iter()
        .flat_map(|file| {
            let names = file.source.test_modules.iter();
            names.map(|name| file.child(name))
        })
        .collect();
    for file in &mut rust {
        let module = file.path.with_extension("");
        file.is_test = module.ancestors().any(|path| tests.contains(path));
    }
    Ok(rust)
}

/// Reads a file, naming it when that fails.
///
/// # Errors
/// When it can't be read.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    std::fs::read_to_string(path)
        .map_err(|error| format!("failed to read {}: {error}", path.display()).into())
}
