//! Compiles each published library with none of its features, each alone, each two, all but one, and all: what
//! breaks one set of three or more breaks one of these.

use std::collections::BTreeMap;

use crate::command::Program;
use crate::{Result, manifest};

/// The libraries that have features.
const LIBRARIES: [&str; 3] = ["callboard", "callboard-console", "callboard-nats"];

/// # Errors
/// The first set with which a library doesn't compile, or warns.
pub(crate) fn run() -> Result {
    LIBRARIES.iter().try_for_each(|library| every_set_of(library))
}

fn every_set_of(library: &str) -> Result {
    let features: BTreeMap<String, Vec<String>> =
        manifest::value(&format!("crates/{library}/Cargo.toml"), "features")?;
    let features: Vec<&str> =
        features.keys().map(String::as_str).filter(|name| *name != "default").collect();
    let sets = subsets(&features);
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

fn subsets<'a>(features: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut sets = vec![Vec::new()];
    for feature in features {
        for index in 0..sets.len() {
            let mut with = sets[index].clone();
            with.push(*feature);
            sets.push(with);
        }
    }
    sets.retain(|set| set.len() <= 2 || set.len() + 1 >= features.len());
    sets.sort_by_key(Vec::len);
    sets
}

#[cfg(test)]
mod tests {
    use super::subsets;

    #[test]
    fn small_and_large_subsets_come_once_and_small_ones_first() {
        let sets = subsets(&["a", "b"]);
        assert_eq!(sets, [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]);
        assert_eq!(subsets(&["a", "b", "c", "d", "e", "f"]).len(), 1 + 6 + 15 + 6 + 1);
    }
}
