//! JSON as the YAML parser reads it.
//!
//! JSON is YAML but for two things: it writes a character outside the basic plane as a pair of
//! surrogates, and many programs write several values one after another. YAML refuses both.

use std::borrow::Cow;

use serde::de::IgnoredAny;

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

/// A value of a stream; or what is left from one that is not JSON, its line in there, and why.
type Part<'t> = Result<&'t str, (&'t str, usize, String)>;

/// The JSON values that `text` holds one after another, each with the number of lines before it, up
/// to the first that is not JSON.
pub(crate) fn split(text: &str) -> Vec<(usize, Part<'_>)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(value) = values.next() {
        let rest = text[at..].trim_start();
        let begin = text.len() - rest.len();
        let offset = text[..begin].matches('\n').count();
        at = values.byte_offset();
        parts.push(match value {
            Ok(IgnoredAny) => (offset, Ok(&text[begin..at])),
            Err(error) => {
                let reason = error.to_string();
                let place = format!(" at line {} column {}", error.line(), error.column());
                let reason = reason.strip_suffix(&place).unwrap_or(&reason).to_owned();
                (offset, Err((rest, error.line().saturating_sub(offset), reason)))
            }
        });
    }
    parts
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
    fn a_stream_is_split_into_its_values() {
        assert_eq!(split("\n{\n}{}\n [1]\n"), [(1, Ok("{\n}")), (2, Ok("{}")), (3, Ok("[1]"))]);
        let reason = "key must be a string".to_owned();
        assert_eq!(split("{}\n{\n1}"), [(0, Ok("{}")), (1, Err(("{\n1}", 2, reason)))]);
        assert_eq!(split(" "), []);
    }

    #[test]
    fn half_a_pair_is_left_to_the_parser() {
        for text in [r#"{"a": "\ud83d"}"#, r#"{"a": "\ud83dx"}"#, "\\", r"\ud83d\u0041", "\\\u{e4}"]
        {
            assert_eq!(to_yaml(text), text);
        }
    }
}
