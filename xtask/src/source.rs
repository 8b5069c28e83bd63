//! What of a file is code of the library, told by the layout that rustfmt gives it.
//!
//! A comment is a line that begins with `//`, or what stands behind ` // `. What an attribute leaves
//! to tests or to the model checkers ends with the first line at the attribute's own indentation
//! that ends something. What does not belong is blank, so that every place stays the same.

/// The parts of one file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The code without comments, and without the items that exist for tests or models only.
    pub(crate) production: String,
    /// The names of the modules that exist for those only and are files of their own.
    pub(crate) test_modules: Vec<String>,
}

impl Source {
    /// Splits `text`.
    pub(crate) fn new(text: &str) -> Self {
        let mut production = String::with_capacity(text.len());
        let mut test_modules = Vec::new();
        // The indentation of an item that is left out.
        let mut outside: Option<usize> = None;
        for line in text.lines() {
            let code = without_comment(line);
            let item = code.trim();
            let indent = code.len() - code.trim_start().len();
            let mut kept = "";
            if for_tests(item) {
                outside = Some(indent);
            } else if outside.is_none() {
                kept = code;
            } else if outside == Some(indent) && item.ends_with([';', '}', ',']) {
                outside = None;
                let name = item.strip_suffix(';').and_then(|item| item.rsplit_once("mod "));
                test_modules.extend(name.map(|(_, name)| name.to_owned()));
            }
            production.push_str(kept);
            production.push_str(&" ".repeat(line.len() - kept.len()));
            production.push('\n');
        }
        Self { production, test_modules }
    }
}

/// The line of a place, counted from one.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Whether a character may be part of an identifier.
pub(crate) fn in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The identifier that `text` begins with; empty if it begins with none.
pub(crate) fn first_word(text: &str) -> &str {
    text.split(|letter| !in_word(letter)).next().unwrap_or_default()
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split_once(" // ").map_or(line, |(code, _)| code)
}

/// Whether a line is an attribute that leaves its item out of everything but tests and models.
fn for_tests(line: &str) -> bool {
    const ONLY: [&str; 5] = [
        "#[cfg(test)]",
        "#[cfg(all(test,",
        "#[cfg(callboard_loom)]",
        "#[cfg(callboard_shuttle)]",
        "#[cfg(any(callboard_loom, callboard_shuttle))]",
    ];
    ONLY.iter().any(|attribute| line.starts_with(attribute))
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn leaves_out_comments_and_what_exists_for_tests_only() {
        let source = Source::new(
            "use a; // b\n// c\n#[cfg(test)]\nuse d::{\n    e,\n};\n\
             #[cfg(all(test, x))]\n#[path = \"y\"]\npub(crate) mod f {\n    fn g() {}\n}\n\
             #[cfg(test)]\nmod h;\n#[cfg(not(test))]\nfn i() {}\n\
             impl J {\n    #[cfg(callboard_loom)]\n    fn k() -> [u8; 2] {\n        l()\n    }\n}\n",
        );
        let kept: Vec<(usize, &str)> = source.production.lines().enumerate().collect();
        let kept = kept.into_iter().map(|(at, line)| (at, line.trim_end()));
        let kept: Vec<_> = kept.filter(|(_, line)| !line.is_empty()).collect();
        let expected = [
            (0, "use a;"),
            (13, "#[cfg(not(test))]"),
            (14, "fn i() {}"),
            (15, "impl J {"),
            (20, "}"),
        ];
        assert_eq!(kept, expected);
        assert_eq!(source.test_modules, ["h"]);
    }
}
