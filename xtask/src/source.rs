//! Splits Rust source into code and comments, without parsing it.
//!
//! Every view keeps the length and the line breaks of the text it came from, so that a place in
//! one is the same place in all. What doesn't belong to a view is blank in it; a literal is a run
//! of quotation marks in the code, so that nothing looks into it and its lines still count. Only a
//! literal behind `=` that begins like a path is code: attributes such as serde's take them so.

use std::ops::Range;

/// The views of one file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Everything but comments.
    pub(crate) code: String,
    /// Comments only.
    pub(crate) comments: String,
    /// The code without the items that exist for tests only.
    pub(crate) production: String,
    /// The names of the modules that exist for tests or models only and are files of their own.
    pub(crate) test_modules: Vec<String>,
}

/// How a literal begins that is a path.
const PATH: &str = "\"crate::";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Source {
    /// Splits `text`.
    pub(crate) fn new(text: &str) -> Self {
        let mut code = blank(text);
        let mut comments = blank(text);
        let mut at = 0;
        while at < text.len() {
            let before = &text[..at];
            let (kind, length) = match token(&text[at..], before.ends_with(in_word)) {
                (Kind::Literal, length)
                    if before.trim_end().ends_with('=') && text[at..].starts_with(PATH) =>
                {
                    (Kind::Code, length)
                }
                token => token,
            };
            let range = at..at + length;
            match kind {
                Kind::Code => code[range.clone()].copy_from_slice(&text.as_bytes()[range]),
                Kind::Comment => comments[range.clone()].copy_from_slice(&text.as_bytes()[range]),
                Kind::Literal => {
                    for byte in code[range].iter_mut().filter(|byte| **byte != b'\n') {
                        *byte = b'"';
                    }
                }
            }
            at += length;
        }
        let code = String::from_utf8_lossy(&code).into_owned();
        let comments = String::from_utf8_lossy(&comments).into_owned();
        let (production, test_modules) = without_tests(&code);
        Self { code, comments, production, test_modules }
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

/// Where `word` stands in `text` as a word of its own.
pub(crate) fn words(text: &str, word: &str) -> Vec<usize> {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(in_word) && !after.is_some_and(in_word)
        })
        .collect()
}

fn blank(text: &str) -> Vec<u8> {
    let blank = |byte| if byte == b'\n' { b'\n' } else { b' ' };
    text.bytes().map(blank).collect()
}

/// The kind and the length of what `rest` begins with. It is never empty.
fn token(rest: &str, after_word: bool) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if !after_word && let Some(length) = raw_string(rest) {
        return (Kind::Literal, length);
    }
    let mut letters = rest.chars();
    let first = letters.next();
    match first {
        Some('"') => (Kind::Literal, quoted(rest, '"')),
        // A character, not a lifetime: it is escaped, or closed right behind one character.
        Some('\'') if letters.next() == Some('\\') || letters.next() == Some('\'') => {
            (Kind::Literal, quoted(rest, '\''))
        }
        _ => (Kind::Code, first.map_or(1, char::len_utf8)),
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix) && rest[prefix.len()..].starts_with(['#', '"']))?;
    let body = &rest[prefix.len()..];
    let hashes = body.len() - body.trim_start_matches('#').len();
    let body = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let inside = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix.len() + hashes + 1 + inside)
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Blanks the items under `#[cfg(test)]`, or under the model checker's, and names the modules among them that have no body.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut production = code.as_bytes().to_vec();
    let mut modules = Vec::new();
    for (start, _) in code.match_indices("#[cfg(") {
        let Some(attribute) = bracketed(code, start + 1) else {
            continue;
        };
        if !for_tests(&code[attribute.clone()]) {
            continue;
        }
        let item = item(code, attribute.end);
        let text = code[item.clone()].trim();
        if let Some(name) =
            text.strip_suffix(';').and_then(|text| text.rsplit_once("mod ").map(|(_, name)| name))
        {
            modules.push(name.trim().to_owned());
        }
        for byte in &mut production[start..item.end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    (String::from_utf8_lossy(&production).into_owned(), modules)
}

/// Whether an attribute leaves its item out of everything but tests and models.
fn for_tests(attribute: &str) -> bool {
    let attribute = attribute.replace("any(callboard_loom, callboard_shuttle)", "checked");
    let without = ["test", "checked", "callboard_loom", "callboard_shuttle"]
        .iter()
        .fold(attribute, |rest, word| rest.replace(&format!("not({word})"), ""));
    let names = |word: &str| !words(&without, word).is_empty();
    !without.contains("any(")
        && ["test", "checked", "callboard_loom", "callboard_shuttle"].into_iter().any(names)
}

/// From the bracket at `start` to behind the one that closes it.
fn bracketed(code: &str, start: usize) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    for (at, letter) in code[start..].char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(start..start + at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The item that begins at `start`, with its further attributes: to its body's end or semicolon.
fn item(code: &str, start: usize) -> Range<usize> {
    let mut at = start;
    while let Some(offset) = code[at..].find(|letter: char| !letter.is_whitespace()) {
        match code[at + offset..].strip_prefix('#') {
            Some(_) => {
                at = bracketed(code, at + offset + 1).map_or(code.len(), |range| range.end);
            }
            None => break,
        }
    }
    let import = words(&code[at..], "use").first().is_some_and(|word| {
        let before = code[at..at + word].trim();
        before.is_empty() || before.starts_with("pub")
    });
    while let Some(offset) = code[at..].find([';', '{', '(', '[']) {
        let found = at + offset;
        if code[found..].starts_with(';') {
            return start..found + 1;
        }
        let body = code[found..].starts_with('{') && !import;
        at = bracketed(code, found).map_or(code.len(), |range| range.end);
        if body {
            return start..at;
        }
    }
    start..code.len()
}

#[cfg(test)]
mod tests {
    use super::{Source, line_of, words};

    #[test]
    fn tells_code_from_comments_and_literals() {
        let source = Source::new("a(\"// no\"); // b \"\n/* c /* d */ e */ f('\\'', '\"', 'x); g");
        let code: Vec<&str> = source.code.split_whitespace().collect();
        assert_eq!(code, ["a(\"\"\"\"\"\"\");", "f(\"\"\"\",", "\"\"\",", "'x);", "g"]);
        let comments: Vec<&str> = source.comments.split_whitespace().collect();
        assert_eq!(comments, ["//", "b", "\"", "/*", "c", "/*", "d", "*/", "e", "*/"]);
    }

    #[test]
    fn understands_raw_strings_and_raw_names() {
        let source = Source::new("x(r#\"a \" // b\"#, br\"c\", r#type); // d");
        assert!(source.code.ends_with(", r#type);     "));
        assert_eq!(source.comments.trim(), "// d");
    }

    #[test]
    fn keeps_every_place() {
        let text = "é // ü\n\"ö\n\" 'ä' x";
        let source = Source::new(text);
        assert_eq!(source.code.len(), text.len());
        assert_eq!(source.comments.len(), text.len());
        assert_eq!(line_of(&source.code, source.code.find('x').unwrap()), 3);
    }

    #[test]
    fn leaves_out_what_exists_for_tests_only() {
        let source = Source::new(
            "use a;\n#[cfg(test)]\nuse b::{c, d};\n\
             #[cfg(all(test, x))]\n#[path = \"y\"]\npub(crate) mod e {\n    fn f() {}\n}\n\
             #[cfg(test)]\nmod g;\n#[cfg(not(test))]\nfn h() {}\n\
             #[cfg(any(test, feature = \"x\"))]\nfn i() {}\n\
             #[cfg(test)]\nfn j() -> [u8; 2] { k }\n\
             #[cfg(callboard_loom)]\nmod m;\n#[cfg(not(callboard_loom))]\nfn l() {}\n\
             #[cfg(any(callboard_loom, callboard_shuttle))]\nmod n;\n\
             #[cfg(not(any(callboard_loom, callboard_shuttle)))]\nfn o() {}\n",
        );
        let kept: Vec<&str> = source.production.split_whitespace().collect();
        let kept = kept.join(" ");
        assert!(kept.starts_with("use a; #[cfg(not(test))] fn h() {} #[cfg(any("));
        assert!(kept.ends_with(
            "fn i() {} #[cfg(not(callboard_loom))] fn l() {} \
             #[cfg(not(any(callboard_loom, callboard_shuttle)))] fn o() {}"
        ));
        assert_eq!(source.test_modules, ["g", "m", "n"]);
        assert!(source.code.contains("mod e"));
    }

    #[test]
    fn finds_whole_words_only() {
        assert_eq!(words("todo todos a_todo todo!", "todo"), [0, 18]);
    }
}
