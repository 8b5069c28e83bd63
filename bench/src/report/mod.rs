//! What is shown and written: tables while it runs, and the whole at the end.

mod charts;
mod context;
mod grid;
mod html;
mod json;
mod markdown;
mod svg;
mod table;

use std::fs;
use std::path::Path;

use crate::measure::Measured;
use crate::verdict::{Behind, Verdict, behind, verdicts};

pub(crate) use context::Context;
pub(crate) use table::{grouped, row_table};

/// Everything that a run found out.
#[derive(Debug)]
pub(crate) struct Report {
    context: Context,
    rows: Vec<Measured>,
    verdicts: Vec<Verdict>,
    behind: Vec<Behind>,
}

impl Report {
    pub(crate) fn new(context: Context, rows: Vec<Measured>) -> Self {
        let verdicts = rows.iter().flat_map(verdicts).collect();
        let behind = rows.iter().flat_map(behind).collect();
        Self { context, rows, verdicts, behind }
    }

    /// The verdicts, and who is ahead, for the terminal.
    pub(crate) fn summary(&self) -> String {
        [table::behind_table(&self.behind), table::summary_table(&self.verdicts)].concat()
    }

    /// # Errors
    /// If the file can't be written: says which.
    pub(crate) fn write_json(&self, path: &Path) -> Result<(), String> {
        write(path, &json::render(self))
    }

    /// # Errors
    /// As [`write_json`](Self::write_json).
    pub(crate) fn write_html(&self, path: &Path) -> Result<(), String> {
        write(path, &html::render(self))
    }

    /// # Errors
    /// As [`write_json`](Self::write_json).
    pub(crate) fn write_markdown(&self, path: &Path) -> Result<(), String> {
        write(path, &markdown::render(self))
    }
}

/// Writes a file, and makes the folder it is in.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(path, text));
    written.map_err(|error| format!("failed to write `{}`: {error}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
}
