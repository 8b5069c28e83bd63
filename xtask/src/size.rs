//! Holds the size of the core: the library without features, without tests and without its
//! `testing` and `guide` modules (the guide is documentation); and that of its unsafe code.

use crate::Result;
use crate::tree;

const CORE: &str = "crates/callboard/src";
/// Half of it is delivery: the logs with their readers, and queues for what a log can't hold. The other
/// half is asking with its wait-for graph, time in events, drain, and what the snapshot tells,
/// and how the wiring is drawn.
const LIMIT: usize = 16_990;
/// The one module with unsafe code: no more than a person can read with care at one sitting.
const UNSAFE: &str = "crates/callboard/src/log/memory";
const UNSAFE_LIMIT: usize = 985;

/// What is there only with a feature: these files, and the attributes that name one.
const OF_FEATURES: [&str; 9] = [
    "event/schema.rs",
    "metrics.rs",
    "metrics/links.rs",
    "on.rs",
    "serialize.rs",
    "time/tokio_clock.rs",
    "trace/spans.rs",
    "wiring/asyncapi.rs",
    "wiring/schema.rs",
];
const FEATURE_ATTRIBUTE: &str = "#[cfg_attr(feature";

/// # Errors
/// When the core, or its unsafe module, has more lines of code than its limit.
pub(crate) fn run() -> Result<String> {
    let (mut core_lines, mut unsafe_lines) = (0, 0);
    for file in tree::rust(CORE)? {
        let module = file.module().unwrap_or_default();
        let of_feature = OF_FEATURES.iter().any(|name| file.path.ends_with(name));
        if !file.is_test && !of_feature && !["testing", "guide"].contains(&module) {
            let lines = lines_of_code(&file.source.production);
            core_lines += lines;
            if file.path.starts_with(UNSAFE) {
                unsafe_lines += lines;
            }
        }
    }
    let text = format!(
        "{core_lines} lines of code, of {LIMIT}; {unsafe_lines} in {UNSAFE}, of {UNSAFE_LIMIT}"
    );
    if core_lines <= LIMIT && unsafe_lines <= UNSAFE_LIMIT { Ok(text) } else { Err(text.into()) }
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
            "//! Doc.\n\n#[cfg_attr(feature = \"f\", derive(D))]\nfn a() {\n    b(); // c\n}\n\
             #[cfg(test)]\nmod tests {\n    fn t() {}\n}\n",
        );
        assert_eq!(lines_of_code(&source.production), 3);
    }
}
