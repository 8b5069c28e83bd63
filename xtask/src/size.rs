//! Holds the size of the core: the library without tests and without its `testing` module.

use std::collections::BTreeMap;

use crate::Result;
use crate::tree;

const CORE: &str = "crates/callboard/src";
const LIMIT: usize = 5_000;

/// # Errors
/// When the core has as many lines of code as its limit, or more.
pub(crate) fn run() -> Result {
    let mut modules: BTreeMap<String, usize> = BTreeMap::new();
    for file in tree::rust(CORE)? {
        let module = file.module().unwrap_or_default();
        if !file.is_test && module != "testing" {
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
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::lines_of_code;
    use crate::source::Source;

    #[test]
    fn counts_neither_blanks_nor_comments_nor_tests() {
        let source = Source::new(
            "//! Doc.\n\n/* a\n b */\nfn a() {\n    b(\"x\n y\"); // c\n}\n\
             #[cfg(test)]\nmod tests {\n    fn t() {}\n}\n",
        );
        assert_eq!(lines_of_code(&source.production), 4);
    }
}
