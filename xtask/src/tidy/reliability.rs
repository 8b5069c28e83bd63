//! The reliability page names, for each promise, tests that exist: by hand, random and modelled.

use std::path::Path;

use super::Problem;
use super::markdown::{headings, spans};
use crate::Result;
use crate::source::{Source, words};

const PATH: &str = "RELIABILITY.md";
/// The contract has so many promises.
const PROMISES: usize = 10;
/// Where the module that a test is in may begin.
const ROOTS: &[&str] = &[
    "crates/callboard/src",
    "crates/callboard/tests",
    "crates/callboard/tests/it",
    "crates/callboard/tests/model",
];
/// What each promise tells of.
const KINDS: &[&str] = &["- Held by:", "- Models:", "- Properties:"];

pub(super) fn check() -> Result<Vec<Problem>> {
    let Ok(text) = std::fs::read_to_string(PATH) else {
        return Ok(vec![Problem::new(PATH, 0, "it is missing")]);
    };
    let problems = judge(&text, |module, test| {
        let sources = ROOTS.iter().flat_map(|root| {
            let module = Path::new(root).join(module.replace("::", "/"));
            [module.with_extension("rs"), module.join("mod.rs"), module.join("main.rs")]
        });
        let texts = sources.filter_map(|path| std::fs::read_to_string(path).ok());
        texts.map(|text| Source::new(&text)).any(|source| has_test(&source.code, test))
    });
    Ok(problems.into_iter().map(|(line, what)| Problem::new(PATH, line, what)).collect())
}

/// What is wrong with the page, given what tests there are.
fn judge(text: &str, exists: impl Fn(&str, &str) -> bool) -> Vec<(usize, String)> {
    let mut problems = Vec::new();
    let mut tests = Vec::new();
    for span in spans(text) {
        let Some((module, test)) = span.text.rsplit_once("::").filter(|_| is_test(&span.text))
        else {
            continue;
        };
        if exists(module, test) {
            tests.push(span.line);
        } else {
            problems.push((span.line, format!("there is no test `{}`", span.text)));
        }
    }
    let headings = headings(text);
    for promise in 1..=PROMISES {
        let number = format!("{promise}. ");
        let Some(at) = headings.iter().position(|heading| heading.text.starts_with(&number)) else {
            problems.push((0, format!("promise {promise} has no heading")));
            continue;
        };
        let line = headings[at].line;
        let end = headings.get(at + 1).map_or(usize::MAX, |next| next.line);
        if !tests.iter().any(|test| (line..end).contains(test)) {
            problems.push((line, "no test holds this promise".to_owned()));
        }
        let section = || text.lines().skip(line).take(end - line - 1);
        let untold = KINDS.iter().filter(|kind| !section().any(|line| line.starts_with(**kind)));
        problems.extend(untold.map(|kind| (line, format!("there is no line `{kind}`"))));
    }
    problems.sort();
    problems
}

/// Whether a code span is meant as a test: a path all of lower case.
fn is_test(span: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    span.contains("::") && span.chars().all(|letter| plain(letter) || "_:".contains(letter))
}

/// Whether the code has a test of this name: a function with an attribute that makes it one.
fn has_test(code: &str, name: &str) -> bool {
    words(code, name).into_iter().any(|at| {
        let Some(before) = code[..at].trim_end().strip_suffix("fn") else {
            return false;
        };
        let attributes = before.rfind(['}', ';', '{']).map_or(before, |end| &before[end..]);
        !words(attributes, "test").is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::{PROMISES, has_test, judge};

    #[test]
    fn each_promise_names_tests_that_exist() {
        let lines = "- Held by: `file::test`\n- Models: none\n- Properties: none\n";
        let mut page: String =
            (1..=PROMISES).map(|it| format!("### {it}. Promise\n{lines}")).collect();
        assert!(judge(&page, |module, test| (module, test) == ("file", "test")).is_empty());
        let wrong = "10. Promise\n- Held by: `file::other` `Bus::new`\n- Models: none\n\n";
        page = page.replace(&format!("10. Promise\n{lines}"), wrong);
        let problems = judge(&page, |_, test| test == "test");
        let expected = [
            (37, "no test holds this promise".to_owned()),
            (37, "there is no line `- Properties:`".to_owned()),
            (38, "there is no test `file::other`".to_owned()),
        ];
        assert_eq!(problems, expected);
        let problems = judge(&page.replace("### 3. ", "### "), |_, _| true);
        assert_eq!(problems[0], (0, "promise 3 has no heading".to_owned()));
    }

    #[test]
    fn a_test_is_a_function_that_is_marked_as_one() {
        let code = "#[test]\nfn a() { b(); }\nfn b() {}\n\
                    #[tokio::test]\nasync fn c() {}\nproptest! {\n    #[test]\n    fn d(x in 0..9) {}\n}";
        let found: String =
            ["a", "b", "c", "d", "x"].into_iter().filter(|it| has_test(code, it)).collect();
        assert_eq!(found, "acd");
    }
}
