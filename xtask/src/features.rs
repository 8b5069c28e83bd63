//! Compiles each published library with none of its features, each alone, and all.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Program;
use crate::{Result, manifest};

/// The libraries that have features.
const LIBRARIES: [&str; 3] = ["callboard", "callboard-console", "callboard-nats"];

/// # Errors
/// The first set with which a library doesn't compile, or warns.
pub(crate) fn run() -> Result<String> {
    let mut count = 0;
    for library in LIBRARIES {
        let features: BTreeMap<String, Vec<String>> =
            manifest::value(&format!("crates/{library}/Cargo.toml"), "features")?;
        let features = features.keys().map(String::as_str).filter(|name| *name != "default");
        for set in sets(&features.collect()) {
            let set = Vec::from_iter(set).join(",");
            // A warning of clippy's is an error in the library alone.
            Program::cargo("clippy --quiet --lib --no-default-features --package")
                .args([library, "--features", &*set, "--", "-Dwarnings"])
                .run()?;
            count += 1;
        }
    }
    Ok(format!("{count} sets of features"))
}

fn sets<'a>(all: &BTreeSet<&'a str>) -> BTreeSet<BTreeSet<&'a str>> {
    let alone = all.iter().map(|feature| BTreeSet::from([*feature]));
    alone.chain([BTreeSet::new(), all.clone()]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::sets;

    #[test]
    fn each_set_comes_once() {
        assert_eq!(sets(&BTreeSet::from(["a"])).len(), 2);
        assert_eq!(sets(&BTreeSet::from(["a", "b", "c", "d"])).len(), 1 + 4 + 1);
    }
}
