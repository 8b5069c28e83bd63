//! The file of figures and bounds.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::count::Tools;
use crate::Result;

/// Where it is.
pub(super) const PATH: &str = "bench/instructions.toml";

const ABOUT: &str = "\
# Instructions of the hot operations, for each delivery: as they were measured, and the bounds that
# `cargo xtask ci --only instructions` holds them to. Where a change is worth its instructions, or
# saves many, `cargo xtask instructions --renew` writes this file anew.
";

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Bounds {
    /// What the figures were measured with.
    pub(super) tools: Tools,
    /// By the name of the operation.
    pub(super) operations: BTreeMap<String, Bound>,
}

/// What the file says of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bound {
    pub(super) measured: f64,
    pub(super) bound: u64,
}

/// The bound for a figure: a quarter more, rounded up to something that is easily read.
pub(super) fn roomy(measured: f64) -> Bound {
    let quarter_more = (measured * 1.25).ceil() as u64;
    let step = match quarter_more {
        0..100 => 1,
        100..1_000 => 5,
        1_000..10_000 => 50,
        _ => 500,
    };
    Bound { measured, bound: quarter_more.next_multiple_of(step) }
}

/// The text of the file.
pub(super) fn write(tools: &Tools, bounds: &[(&str, Bound)]) -> String {
    let Tools { rustc, valgrind } = tools;
    let head = format!(
        "{ABOUT}\n[tools]\nrustc = \"{rustc}\"\nvalgrind = \"{valgrind}\"\n\n[operations]\n"
    );
    bounds.iter().fold(head, |text, (name, Bound { measured, bound })| {
        text + &format!("{name:<13} = {{ measured = {measured:>7.1}, bound = {bound:>5} }}\n")
    })
}

/// Reads the text of the file.
///
/// # Errors
/// When it is not as it should be.
pub(super) fn read(text: &str) -> Result<Bounds> {
    Ok(toml::from_str(text).map_err(|error| format!("{PATH}: {error}"))?)
}

#[cfg(test)]
mod tests {
    use super::{Bound, Tools, read, roomy, write};

    #[test]
    fn reads_what_it_writes() {
        let tools = Tools { rustc: "rustc 1".into(), valgrind: "valgrind-3".into() };
        let bounds = [("ask", roomy(12_806.5)), ("fan-out-100", roomy(8.0))];
        let found = read(&write(&tools, &bounds)).unwrap();
        assert_eq!(found.tools, tools);
        assert!(found.operations.iter().map(|(name, bound)| (&**name, *bound)).eq(bounds));
        assert!(read("").unwrap().operations.is_empty(), "no file has no bounds");
        assert!(read("[operations]\nnap = { measured = 100.5 }\n").is_err());
    }

    #[test]
    fn a_bound_is_a_quarter_more_and_easily_read() {
        let bounds = [3.2, 80.0, 80.1, 289.1, 1_154.6, 12_806.5];
        let bounds = bounds.map(|measured| roomy(measured).bound);
        assert_eq!(bounds, [4, 100, 105, 365, 1_450, 16_500]);
        assert_eq!(roomy(8.0), Bound { measured: 8.0, bound: 10 });
    }
}
