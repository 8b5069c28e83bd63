//! Checks what is depended on: licences, sources, and how few the library itself needs.
//!
//! The advisory database is not consulted: it would have to be fetched, and a result that changes
//! without a change here belongs into no test.

use crate::command::Program;
use crate::{Result, manifest};

/// How many crates the library may bring along, besides its own derive and what that needs.
const CORE_LIMIT: usize = 5;

/// The only place crates come from, as the lock file writes it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// # Errors
/// When a dependency is under a licence that `deny.toml` doesn't allow, comes from elsewhere than
/// crates.io, or when the library has too many.
pub(crate) fn run() -> Result<String> {
    let mut problems = licences()?;
    problems.extend(sources(&std::fs::read_to_string("Cargo.lock")?));
    for features in ["", "tracing"] {
        let names = core_dependencies(features)?;
        let shown = names.join(", ");
        println!("callboard [{features}] depends on {}: {shown}", names.len());
        if names.len() > CORE_LIMIT {
            problems.push(format!(
                "callboard with the features [{features}] has {} dependencies, more than \
                 {CORE_LIMIT}: {shown}",
                names.len()
            ));
        }
    }
    if problems.is_empty() { Ok(String::new()) } else { Err(problems.join("\n").into()) }
}

/// The crates whose licence is not allowed, out of every target, feature and kind of dependency.
fn licences() -> Result<Vec<String>> {
    let allowed: Vec<String> = manifest::value("deny.toml", "licenses.allow")?;
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let tree = Program::cargo("tree --workspace --all-features --target all")
        .args("--edges normal,build,dev --prefix none --format {p}\t{l}\t".split(' '))
        .read()?;
    let mut lines: Vec<&str> = tree.lines().filter(|line| line.contains('\t')).collect();
    for line in &mut lines {
        // What stands behind the last tab only says that the line came before.
        *line = line.rsplit_once('\t').map_or(*line, |(line, _)| line);
    }
    lines.sort_unstable();
    lines.dedup();
    println!("{} crates under allowed licences: {}", lines.len(), allowed.join(", "));
    let problem = |line: &&str| {
        let (package, expression) = line.split_once('\t')?;
        (!satisfies(expression, &allowed))
            .then(|| format!("{package}: the licence `{expression}` is not allowed by deny.toml"))
    };
    Ok(lines.iter().filter_map(problem).collect())
}

/// Whether a licence expression (SPDX) can be satisfied with licences out of `allowed` only: each
/// part between `AND` by one alternative between `OR`, or `/`, the old way to write that. An
/// expression in which `OR` binds several parts together is thereby refused rather than allowed.
fn satisfies(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    let mut parts = expression.split(" AND ");
    parts.all(|part| part.split(" OR ").any(|licence| allowed.contains(&licence.trim())))
}

/// The sources in a lock file that are not crates.io.
fn sources(lock: &str) -> Vec<String> {
    let sources = lock.lines().filter_map(|line| line.strip_prefix("source = "));
    sources
        .map(|source| source.trim_matches('"'))
        .filter(|source| *source != CRATES_IO)
        .map(|source| format!("Cargo.lock: `{source}` is not crates.io"))
        .collect()
}

/// The names of what the library needs at run time with these features alone, itself left out.
fn core_dependencies(features: &str) -> Result<Vec<String>> {
    let tree = Program::cargo("tree --package callboard --no-default-features --edges normal")
        .args("--prefix none --format {p} --features".split(' '))
        .args([features])
        .read()?;
    let mut names: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "callboard")
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{satisfies, sources};

    #[test]
    fn licences_are_judged_by_their_expression() {
        let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        for good in
            ["GPL-3.0 OR MIT", "Unlicense/MIT", "(MIT OR GPL-3.0) AND Unicode-3.0", allowed[2]]
        {
            assert!(satisfies(good, &allowed), "{good} is allowed");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0"] {
            assert!(!satisfies(bad, &allowed), "{bad} is not allowed");
        }
    }

    #[test]
    fn only_crates_io_is_a_source() {
        let lock = "name = \"a\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                    name = \"b\"\nsource = \"git+https://example.org/b#1\"\n";
        assert_eq!(sources(lock), ["Cargo.lock: `git+https://example.org/b#1` is not crates.io"]);
    }
}
