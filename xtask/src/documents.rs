//! Has the official parsers read what a bus writes of itself: AsyncAPI and Mermaid. (That Graphviz
//! draws its DOT, a test of the library checks.) The parsers are npm packages, pinned in
//! `proof/documents` and installed in the target folder.

use std::fs;
use std::path::Path;

use crate::command::Program;
use crate::install::on_path;
use crate::{Result, tree};

const TOOL: &str = "proof/documents";
const FILES: [&str; 3] = ["package.json", "package-lock.json", "check.mjs"];

/// # Errors
/// When a document is not valid. A parser that can't be had is said aloud, and no error.
pub(crate) fn run() -> Result<String> {
    let documents = tree::target()?.join("documents");
    if documents.exists() {
        fs::remove_dir_all(&documents)?;
    }
    let shown = documents.display().to_string();
    Program::cargo("run --quiet --package callboard --example documents --all-features --")
        .args([shown.as_str()])
        .run()?;
    if !on_path("node") || !on_path("npm") {
        return Ok("SKIPPED: node and npm are missing, so nothing was checked".to_owned());
    }
    let tool = tree::target()?.join("documents-tool");
    if let Err(error) = install(&tool) {
        return Ok(format!("SKIPPED: the parsers can't be installed: {error}"));
    }
    let mut check = Program::new("node", "").args([&*tool.join("check.mjs").display().to_string()]);
    for extension in ["json", "mmd"] {
        for folder in [documents.as_path(), Path::new("examples")] {
            for file in files(folder, extension)? {
                check = check.args([file.as_str()]);
            }
        }
    }
    check.run()?;
    Ok(String::new())
}

/// Installs the parsers, unless those of this lock file are there.
fn install(tool: &Path) -> Result {
    fs::create_dir_all(tool)?;
    let read = |folder: &Path| fs::read_to_string(folder.join("package-lock.json")).ok();
    let there = read(tool) == read(Path::new(TOOL)) && tool.join("node_modules/mermaid").is_dir();
    if !there {
        for file in FILES {
            fs::copy(Path::new(TOOL).join(file), tool.join(file))?;
        }
        let npm = Program::new("npm", "ci --ignore-scripts --no-audit --no-fund").folder(tool);
        if let Err(error) = npm.run() {
            // Half of it is none.
            fs::remove_dir_all(tool)?;
            return Err(error);
        }
    }
    fs::copy(Path::new(TOOL).join("check.mjs"), tool.join("check.mjs"))?;
    Ok(())
}

/// The documents below a folder. (Site data is JSON, too, in some examples.)
fn files(folder: &Path, extension: &str) -> Result<Vec<String>> {
    let files = tree::files(folder, extension)?.into_iter().map(|it| it.display().to_string());
    Ok(files.filter(|it| it.ends_with(".asyncapi.json") || it.ends_with(".mmd")).collect())
}
