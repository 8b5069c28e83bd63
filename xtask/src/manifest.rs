//! Reads the little that is needed of a TOML file: the keys of a section, a string, a list of
//! strings. It understands the files of this repository, not TOML.

/// The keys of `[section]`, in order.
pub(crate) fn keys<'a>(text: &'a str, section: &str) -> Vec<&'a str> {
    let lines = lines(text, section);
    lines.into_iter().filter_map(key).collect()
}

/// The string value of `key` in `[section]`.
pub(crate) fn string<'a>(text: &'a str, section: &str, wanted: &str) -> Option<&'a str> {
    let lines = lines(text, section);
    let line = lines.into_iter().find(|line| key(line) == Some(wanted))?;
    line.split('"').nth(1)
}

/// The strings of the list `key` in `[section]`, on one line or several.
pub(crate) fn list<'a>(text: &'a str, section: &str, wanted: &str) -> Vec<&'a str> {
    let lines = lines(text, section);
    let mut strings = Vec::new();
    for line in lines.into_iter().skip_while(|line| key(line) != Some(wanted)) {
        strings.extend(line.split('"').skip(1).step_by(2));
        if line.trim_end().ends_with(']') {
            break;
        }
    }
    strings
}

/// The lines of one section, without comments.
fn lines<'a>(text: &'a str, section: &str) -> Vec<&'a str> {
    let header = format!("[{section}]");
    text.lines()
        .map(without_comment)
        .skip_while(|line| line.trim() != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .collect()
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::{keys, list, string};

    const TEXT: &str = r#"
[package]
version = "1.2.3" # not "9"

[licenses]
# allow = ["GPL-3.0"]
allow = [
    "MIT", "ISC", # the short ones
    "Apache-2.0 WITH LLVM-exception",
]

[features]
default = ["one"]
# A comment = with a sign.
one = ["dep:one"]
two-three = []
"#;

    #[test]
    fn reads_keys_strings_and_lists_of_a_section() {
        assert_eq!(keys(TEXT, "features"), ["default", "one", "two-three"]);
        assert_eq!(string(TEXT, "package", "version"), Some("1.2.3"));
        assert_eq!(string(TEXT, "features", "version"), None);
        assert_eq!(
            list(TEXT, "licenses", "allow"),
            ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
        );
        assert_eq!(list(TEXT, "features", "one"), ["dep:one"]);
        assert!(list(TEXT, "features", "none").is_empty());
    }
}
