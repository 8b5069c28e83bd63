//! Compiles each published library with none of its features, each alone, all but one, and all: what
//! needs a feature without saying so fails where that is the one left out.

use std::collections::BTreeMap;

use crate::command::Program;
use crate::{Result, manifest};

/// The libraries that have features.
const LIBRARIES: [&str; 3] = ["callboard", "callboard-console", "callboard-nats"];

/// # Errors
/// The first set with which a library doesn't compile, or warns.
pub(crate) fn run() -> Result<String> {
    LIBRARIES.iter().try_for_each(|library| every_set_of(library))?;
    Ok(String::new())
}

fn every_set_of(library: &str) -> Result {
    let features: BTreeMap<String, Vec<String>> =
        manifest::value(&format!("crates/{library}/Cargo.toml"), "features")?;
    let features: Vec<&str> =
        features.keys().map(String::as_str).filter(|name| *name != "default").collect();
    let sets = sets(&features);
    println!("{library}: {} sets of {}", sets.len(), features.join(", "));
    for set in &sets {
        let set = set.join(",");
        let check = Program::cargo("check --quiet --lib --no-default-features --package");
        check
            .args([library, "--features", set.as_str()])
            .run_without_warnings()
            .map_err(|error| format!("{library} with the features [{set}]: {error}"))?;
    }
    Ok(())
}

fn sets<'a>(features: &[&'a str]) -> Vec<Vec<&'a str>> {
    let alone = features.iter().map(|feature| vec![*feature]);
    let without = features.iter().map(|left_out| {
        features.iter().copied().filter(|feature| feature != left_out).collect::<Vec<_>>()
    });
    let mut sets: Vec<Vec<&str>> = vec![Vec::new(), features.to_vec()];
    sets.extend(alone.chain(without));
    sets.sort();
    sets.dedup();
    sets
}

#[cfg(test)]
mod tests {
    use super::sets;

    #[test]
    fn small_and_large_sets_come_once() {
        assert_eq!(sets(&["a", "b"]), [vec![], vec!["a"], vec!["a", "b"], vec!["b"]]);
        assert_eq!(sets(&["a", "b", "c", "d"]).len(), 1 + 4 + 4 + 1);
    }
}
