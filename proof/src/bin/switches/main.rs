//! Puts every mutant of the library into one copy of it, each behind a switch, so that they are
//! compiled once and not two thousand times: `cargo xtask mutants` runs it.
//!
//! Which mutants there are, `cargo mutants --list` says ([`listed`]). Where the operands of an
//! operator begin and end, [`syntax`] says. [`weave`] writes each file anew, with the mutants as
//! branches: `a < b` becomes `if on(7) { a == b } else { a < b }`. What does not compile so is taken
//! out again ([`judge`]), and either is no mutant at all, or must be made and compiled alone.
//!
//! (The technique is old: "mutant schemata", R. Untch, A. Offutt and M. J. Harrold, 1993.)

mod judge;
mod listed;
mod syntax;
mod weave;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use judge::Fate;
use listed::Mutant;
use weave::Woven;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The library in the copy, and the file that has the switches.
const LIBRARY: &str = "crates/callboard/src";
const SWITCHES: &str = "crates/callboard/src/mutant.rs";

fn main() -> ExitCode {
    let result = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [tree, list] => run(Path::new(tree), Path::new(list)),
        _ => Err(
            "usage: switches TREE LIST\n\nTREE is a copy of the repository, to be changed; LIST \
                  is where the mutants are written to"
                .into(),
        ),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(tree: &Path, list: &Path) -> Result {
    let mutants = listed::read(tree)?;
    let mut files: BTreeMap<PathBuf, Woven> = BTreeMap::new();
    for mutant in &mutants {
        if !files.contains_key(&mutant.file) {
            let text = std::fs::read_to_string(tree.join(&mutant.file))?;
            files.insert(mutant.file.clone(), Woven::new(text)?);
        }
    }
    let mut fates = vec![Fate::Switched; mutants.len()];
    for (id, mutant) in mutants.iter().enumerate() {
        let file = files.get_mut(&mutant.file).ok_or("every file was read")?;
        if !file.weave_in(id, mutant) {
            fates[id] = Fate::Alone;
        }
    }
    add_switches(tree, mutants.len())?;
    loop {
        for (path, file) in &files {
            let woven = file.text(|id| fates[id] == Fate::Switched);
            std::fs::write(tree.join(path), woven)?;
        }
        let refused = judge::refused(tree)?;
        if refused.is_empty() {
            break;
        }
        println!("{} mutants do not compile behind a switch", refused.len());
        refused.into_iter().for_each(|(id, fate)| fates[id] = fate);
    }
    let lines: Vec<String> =
        mutants.iter().zip(&fates).map(|(mutant, fate)| line(mutant, *fate)).collect();
    Ok(std::fs::write(list, lines.concat())?)
}

/// What is written of a mutant, with tabs between: what came of it, its file, from where to where
/// it stands there, what is put there instead, and what it is called. Its number is that of its line,
/// from zero.
fn line(mutant: &Mutant, fate: Fate) -> String {
    let Mutant { file, place, replacement, name, .. } = mutant;
    let (file, start, end) = (file.display(), place.start, place.end);
    format!("{}\t{file}\t{start}\t{end}\t{replacement}\t{name}\n", fate.word())
}

/// Adds the module that the switches are in.
fn add_switches(tree: &Path, mutants: usize) -> Result {
    let code = include_str!("switch.rs.in").replace("MUTANTS", &mutants.to_string());
    std::fs::write(tree.join(SWITCHES), code)?;
    let root = tree.join(LIBRARY).join("lib.rs");
    let text = std::fs::read_to_string(&root)?;
    if text.contains("mod mutant;") {
        return Err("the copy has switches already".into());
    }
    Ok(std::fs::write(root, text + "\nmod mutant;\n")?)
}
