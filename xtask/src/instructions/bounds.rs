//! The file of figures and bounds.

use super::count::Tools;
use crate::{Result, manifest};

/// Where it is.
pub(super) const PATH: &str = "bench/instructions.toml";

/// Its section that says what the figures were measured with.
const TOOLS: &str = "tools";

/// The head of its section of figures and bounds.
const OPERATIONS: &str = "[operations]";

const ABOUT: &str = "\
# Instructions of the hot operations, for each delivery: as they were measured, and the bounds that
# `cargo xtask ci --only instructions` holds them to. Where a change is worth its instructions, or
# saves many, `cargo xtask instructions --renew` writes this file anew.
";

/// What the file says of an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound<'a> {
    pub(super) name: &'a str,
    pub(super) measured: f64,
    pub(super) bound: u64,
}

/// The bound for a figure: a quarter more, rounded up to something that is easily read.
pub(super) fn roomy(name: &str, measured: f64) -> Bound<'_> {
    let quarter_more = (measured * 1.25).ceil() as u64;
    let step = match quarter_more {
        0..100 => 1,
        100..1_000 => 5,
        1_000..10_000 => 50,
        _ => 500,
    };
    Bound { name, measured, bound: quarter_more.next_multiple_of(step) }
}

/// The text of the file.
pub(super) fn write(tools: &Tools, bounds: &[Bound<'_>]) -> String {
    let Tools { rustc, valgrind } = tools;
    let head = format!(
        "{ABOUT}\n[{TOOLS}]\nrustc = \"{rustc}\"\nvalgrind = \"{valgrind}\"\n\n{OPERATIONS}\n"
    );
    let line = |Bound { name, measured, bound }: &Bound<'_>| {
        format!("{name:<13} = {{ measured = {measured:>7.1}, bound = {bound:>5} }}\n")
    };
    bounds.iter().fold(head, |text, bound| text + &line(bound))
}

/// That the figures in the file are those of other tools than these, if they are.
pub(super) fn of_other_tools(text: &str, tools: &Tools) -> Option<String> {
    let mut others = Vec::new();
    for (key, ours) in [("rustc", &tools.rustc), ("valgrind", &tools.valgrind)] {
        let theirs = manifest::string(text, TOOLS, key).unwrap_or("none");
        if theirs != ours {
            others.push(format!("`{theirs}` where this is `{ours}`"));
        }
    }
    let others = (!others.is_empty()).then(|| others.join(" and "))?;
    Some(format!("the figures in {PATH} are those of {others}"))
}

/// Reads the text of the file.
///
/// # Errors
/// A line of its figures that is not as it should be.
pub(super) fn read(text: &str) -> Result<Vec<Bound<'_>>> {
    let lines = (1..).zip(text.lines()).skip_while(|(_, line)| *line != OPERATIONS).skip(1);
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let bounds = lines.map(|(number, line)| {
        let right = "name = { measured = 100.5, bound = 130 }";
        let wrong = || format!("{PATH}:{number}: `{line}` is not like `{right}`");
        Ok(bound(line).ok_or_else(wrong)?)
    });
    bounds.collect()
}

fn bound(line: &str) -> Option<Bound<'_>> {
    let (name, table) = line.split_once('=')?;
    let (measured, bound) = table.trim().strip_prefix('{')?.strip_suffix('}')?.split_once(',')?;
    let measured = value(measured, "measured")?.parse().ok().filter(|it: &f64| it.is_finite())?;
    let bound = value(bound, "bound")?.parse().ok()?;
    Some(Bound { name: name.trim(), measured, bound })
}

/// The value of `key = value`.
fn value<'a>(pair: &'a str, key: &str) -> Option<&'a str> {
    let (found, value) = pair.split_once('=')?;
    (found.trim() == key).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::{Bound, Tools, of_other_tools, read, roomy, write};

    #[test]
    fn reads_what_it_writes() {
        let tools = Tools { rustc: "rustc 1".into(), valgrind: "valgrind-3".into() };
        let bounds = [roomy("nap", 100.5), roomy("fan-out-100", 8.0), roomy("ask", 12_806.5)];
        let text = write(&tools, &bounds);
        assert_eq!(read(&text).unwrap(), bounds);
        assert!(
            text.contains("\nnap           = { measured =   100.5, bound =   130 }\n"),
            "{text}"
        );
    }

    #[test]
    fn says_when_the_figures_are_those_of_other_tools() {
        let tools = |rustc: &str| Tools { rustc: rustc.into(), valgrind: "valgrind-3".into() };
        let text = write(&tools("rustc 1"), &[]);
        assert_eq!(of_other_tools(&text, &tools("rustc 1")), None);
        assert_eq!(
            of_other_tools(&text, &tools("rustc 2")).unwrap(),
            "the figures in bench/instructions.toml are those of `rustc 1` where this is `rustc 2`"
        );
    }

    #[test]
    fn says_which_line_is_wrong_and_what_would_be_right() {
        for line in [
            "nap",
            "nap = 130",
            "nap = { bound = 130, measured = 100.5 }",
            "nap = { measured = 100.5, bound = 130.5 }",
            "nap = { measured = some, bound = 130 }",
            "nap = { measured = 100.5, bound = -1 }",
            "<<<<<<< HEAD",
        ] {
            let error = read(&format!("[operations]\n# Fine.\n\n{line}\n")).unwrap_err();
            let right = "is not like `name = { measured = 100.5, bound = 130 }`";
            assert_eq!(error.to_string(), format!("bench/instructions.toml:4: `{line}` {right}"));
        }
        assert!(read("").unwrap().is_empty(), "no file has no bounds");
    }

    #[test]
    fn a_bound_is_a_quarter_more_and_easily_read() {
        let bounds = [3.2, 80.0, 80.1, 289.1, 1_154.6, 12_806.5];
        let bounds = bounds.map(|measured| roomy("nap", measured).bound);
        assert_eq!(bounds, [4, 100, 105, 365, 1_450, 16_500]);
        assert_eq!(roomy("nap", 8.0), Bound { name: "nap", measured: 8.0, bound: 10 });
    }
}
