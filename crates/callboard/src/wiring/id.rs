//! Identifiers for names that may be any text.

use std::collections::{HashMap, HashSet};

/// The characters that a document's identifiers may have besides letters and digits.
#[cfg(feature = "asyncapi")]
pub(super) const PLAIN: &str = ".-";

/// Unique identifiers for some names: a prefix, then letters, digits, underscores and other plain
/// characters.
pub(super) struct Ids<'a>(HashMap<&'a str, String>);

impl<'a> Ids<'a> {
    /// Names that differ only in other characters get a numeric suffix, in order.
    pub(super) fn new(prefix: &str, plain: &str, names: impl Iterator<Item = &'a str>) -> Self {
        let mut taken = HashSet::new();
        let mut ids = HashMap::new();
        for name in names {
            let base = format!("{prefix}{}", words(name, plain));
            let mut id = base.clone();
            let mut number = 2;
            while !taken.insert(id.clone()) {
                id = format!("{base}_{number}");
                number += 1;
            }
            ids.insert(name, id);
        }
        Self(ids)
    }

    /// The identifier of one of the names.
    pub(super) fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// The plain characters of a name, joined by underscores; never empty.
fn words(name: &str, plain: &str) -> String {
    let stays = |letter: char| letter.is_ascii_alphanumeric() || plain.contains(letter);
    let words: Vec<_> = name.split(|it| !stays(it)).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "_".to_owned() } else { words.join("_") }
}

/// A name as one line of text, with control characters and backslashes escaped as in Rust strings.
/// An empty name is a pair of quotes.
pub(super) fn shown(name: &str) -> String {
    if name.is_empty() {
        return "\"\"".to_owned();
    }
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_control() || is_invisible(letter) {
            text.extend(letter.escape_unicode());
        } else if letter == '\\' {
            text.push_str("\\\\");
        } else {
            text.push(letter);
        }
    }
    text
}

/// Whether a character ends a line or changes the text direction.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{Ids, shown};

    #[test]
    fn names_that_differ_have_identifiers_that_differ() {
        let names = ["a.b", "a-b", "a.b.2", "", "é", "A.b", "a.b_2", "(unnamed)"];
        let ids = Ids::new("e_", "", names.into_iter());
        let ids: Vec<_> = names.iter().map(|name| ids.of(name)).collect();
        assert_eq!(
            ids,
            ["e_a_b", "e_a_b_2", "e_a_b_2_2", "e__", "e___2", "e_A_b", "e_a_b_2_3", "e_unnamed"]
        );
    }

    #[test]
    fn name_is_shown_on_one_line() {
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("a\n\u{202e}b\\c é"), r"a\u{a}\u{202e}b\\c é");
    }
}
