//! JSON as the YAML parser reads it.
//!
//! JSON is YAML but for one thing: it writes a character outside the basic plane as a pair of
//! surrogates, which YAML refuses.

use std::borrow::Cow;

/// `text` with every pair of surrogate escapes replaced by the character. Lines stay as they are.
pub(crate) fn to_yaml(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        if let Some(c) = pair(&text[start..]) {
            out.push_str(&text[copied..start]);
            out.push(c);
            copied = start + 12;
            at = copied;
        } else {
            // The escaped character, which may be another backslash.
            let escaped = text[start + 1..].chars().next().map_or(0, char::len_utf8);
            at = start + 1 + escaped;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// The character that `text` starts with, when it is written as two surrogate escapes.
fn pair(text: &str) -> Option<char> {
    let unit = |at: usize| {
        let hex = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    let units = [unit(0)?, unit(6)?];
    // A first unit that is a character by itself leaves the second for later.
    if !(0xd800..0xdc00).contains(&units[0]) {
        return None;
    }
    char::decode_utf16(units).next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogate_pairs_become_characters() {
        assert_eq!(to_yaml(r#"{"a": "\ud83d\ude00!"}"#), "{\"a\": \"\u{1f600}!\"}");
        assert!(matches!(to_yaml(r#"{"a": "\u00e4\n\\ud83d"}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn half_a_pair_is_left_to_the_parser() {
        for text in [r#"{"a": "\ud83d"}"#, r#"{"a": "\ud83dx"}"#, "\\", r"\ud83d\u0041", "\\\u{e4}"]
        {
            assert_eq!(to_yaml(text), text);
        }
    }
}
