//! Holds the size of the core: the library without features, without tests and without its
//! `testing` and `guide` modules (the guide is documentation).

use std::collections::BTreeMap;

use crate::Result;
use crate::tree;

const CORE: &str = "crates/callboard/src";
/// The engine before the log had 5,000 lines; that readers share no queue costs the rest.
const LIMIT: usize = 8_500;

/// What is there only with a feature: these files, and the attributes that name one.
const OF_FEATURES: [&str; 3] = ["metrics.rs", "serialize.rs", "time/tokio_clock.rs"];
const FEATURE_ATTRIBUTE: &str = "#[cfg_attr(feature";

/// # Errors
/// When the core has as many lines of code as its limit, or more.
pub(crate) fn run() -> Result {
    let mut modules: BTreeMap<String, usize> = BTreeMap::new();
    for file in tree::rust(CORE)? {
        let module = file.module().unwrap_or_default();
        let of_feature = OF_FEATURES.iter().any(|name| file.path.ends_with(name));
        if !file.is_test && !of_feature && !["testing", "guide"].contains(&module) {
            *modules.entry(module.to_owned()).or_default() +=
                lines_of_code(&file.source.production);
        }
    }
    for (module, lines) in &modules {
        println!("{lines:>6}  {module}");
    }
    let total: usize = modules.values().sum();
    println!("{total:>6}  lines of code in {CORE}, to stay under {LIMIT}");
    if total < LIMIT {
        Ok(())
    } else {
        Err(format!("{CORE} has {total} lines of code, not under {LIMIT}").into())
    }
}

/// The lines that hold code: comments are blank by now.
fn lines_of_code(code: &str) -> usize {
    let lines = code.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(FEATURE_ATTRIBUTE)).count()
}

#[cfg(test)]
mod tests {
    use super::lines_of_code;
    use crate::source::Source;

    #[test]
    fn counts_neither_blanks_nor_comments_nor_tests_nor_features() {
        let source = Source::new(
            "//! Doc.\n\n#[cfg_attr(feature = \"f\", derive(D))]\n/* a\n b */\nfn a() {\n    b(\"x\n y\"); // c\n}\n\
             #[cfg(test)]\nmod tests {\n    fn t() {}\n}\n",
        );
        assert_eq!(lines_of_code(&source.production), 4);
    }
}
