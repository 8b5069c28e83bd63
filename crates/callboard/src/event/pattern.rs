//! Subject patterns over event type names.

use std::fmt;

/// A pattern over event type names, with NATS's rules for subjects: tokens are separated by dots,
/// `*` matches exactly one token, and a final `>` one or more.
///
/// # Examples
///
/// ```
/// use callboard::Pattern;
///
/// let pattern = Pattern::new("config.*")?;
/// assert!(pattern.matches("config.parsed"));
/// assert!(!pattern.matches("config.file.read"), "* is one token");
/// assert!(Pattern::new("config.>")?.matches("config.file.read"));
/// assert!(!Pattern::new("config.>")?.matches("config"), "> is one token or more");
/// # Ok::<(), callboard::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// If the text is empty, or has an empty token, white space, a wildcard inside a token, or a
    /// `>` that is not last.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let error = |problem| PatternError { pattern: text.into(), problem };
        if text.is_empty() {
            return Err(error("it is empty; `>` matches every event"));
        }
        let mut tokens = text.split('.').peekable();
        while let Some(token) = tokens.next() {
            if token.is_empty() {
                return Err(error("every token between dots needs at least one character"));
            }
            if token.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(error("a token has no white space or control characters"));
            }
            if token.len() > 1 && token.contains(['*', '>']) {
                return Err(error("a wildcard is a whole token: `config.*`, not `config.par*`"));
            }
            if token == ">" && tokens.peek().is_some() {
                return Err(error("`>` stands for the rest and must be the last token"));
            }
        }
        Ok(Self { text: text.into() })
    }

    /// Whether the pattern matches an event type's name.
    pub fn matches(&self, event_type: &str) -> bool {
        let mut name = event_type.split('.');
        for token in self.text.split('.') {
            match (token, name.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (token, Some(other)) if token == other => {}
                _ => return false,
            }
        }
        name.next().is_none()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The error for an invalid [`Pattern`]; its `Display` has the text and the expected syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pattern: Box<str>,
    problem: &'static str,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad pattern `{}`: {}", self.pattern.escape_debug(), self.problem)
    }
}

impl std::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).expect("a good pattern").matches(name)
    }

    #[test]
    fn follows_the_rules_of_nats() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "a.b", false),
            ("a.b", "a", false),
            ("*", "a", true),
            ("*", "a.b", false),
            ("*.b", "a.b", true),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.b.c", false),
            (">", "a", true),
            (">", "a.b.c", true),
            ("a.>", "a", false),
            ("a.>", "a.b", true),
            ("a.>", "a.b.c", true),
            ("*.>", "a", false),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_bad_pattern_is_named_with_its_problem() {
        for bad in ["", ".", "a..b", "a.", ".a", "a b", "a.par*", ">.a", "a.>.b", "a\n"] {
            let error = Pattern::new(bad).expect_err(bad).to_string();
            assert!(error.contains(&bad.escape_debug().to_string()), "{error}");
        }
    }
}
