//! Judges a licence expression (SPDX) against the licences that are allowed.

/// Whether `expression` can be satisfied with licences out of `allowed` only.
///
/// `AND` binds tighter than `OR`; `/` is the old way to write `OR`. A licence `WITH` an exception
/// is allowed by its own entry, or by the plain licence's, since an exception only permits more.
pub(crate) fn satisfies(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let verdict = any(&mut words, allowed);
    verdict == Some(true) && words.next().is_none()
}

type Words<'w, 'a> = &'w mut std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: Words<'_, '_>, allowed: &[&str]) -> Option<bool> {
    let mut verdict = all(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        verdict |= all(words, allowed)?;
    }
    Some(verdict)
}

fn all(words: Words<'_, '_>, allowed: &[&str]) -> Option<bool> {
    let mut verdict = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        verdict &= one(words, allowed)?;
    }
    Some(verdict)
}

/// One licence or one bracket; `None` if there is neither.
fn one(words: Words<'_, '_>, allowed: &[&str]) -> Option<bool> {
    let name = match words.next()? {
        "(" => {
            let verdict = any(words, allowed)?;
            return (words.next() == Some(")")).then_some(verdict);
        }
        ")" | "OR" | "AND" | "WITH" => return None,
        name => name,
    };
    let mut verdict = allowed.contains(&name);
    if words.next_if_eq(&"WITH").is_some() {
        let with = format!("{name} WITH {}", words.next()?);
        verdict |= allowed.contains(&with.as_str());
    }
    Some(verdict)
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    #[test]
    fn judges_expressions() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "BSD WITH patents"];
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "Unlicense/MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "MIT OR GPL-3.0 AND ISC",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "BSD WITH patents",
        ] {
            assert!(satisfies(good, &allowed), "{good} is allowed");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR GPL-3.0) AND ISC",
            "BSD",
            "BSD WITH commons",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
        ] {
            assert!(!satisfies(bad, &allowed), "{bad} is not allowed");
        }
    }
}
