//! Placeholders that another tool's template left in a manifest.

/// The delimiters of the template languages that manifests are usually written in.
const DELIMITERS: [(&str, &str); 4] = [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("${", "}")];

/// The first placeholder in `text`, with its delimiters; an unclosed one reaches to the end.
pub(crate) fn find(text: &str) -> Option<&str> {
    let (start, close) = DELIMITERS
        .iter()
        .filter_map(|(open, close)| Some((text.find(open)?, close)))
        .min_by_key(|(start, _)| *start)?;
    let rest = &text[start..];
    Some(rest.find(close).map_or(rest, |end| &rest[..end + close.len()]).trim_end())
}

/// What to say about the first placeholder in `text`.
pub(crate) fn explain(text: &str) -> Option<String> {
    find(text).map(|found| format!("`{found}` looks like an unrendered template"))
}

/// The first of `lines` that holds a placeholder outside quotes and comments, counted from 0.
pub(crate) fn line(lines: &[&str]) -> Option<usize> {
    lines.iter().position(|line| {
        let Some(found) = find(line) else { return false };
        let before = &line[..line.find(found).unwrap_or(0)];
        let quotes = before.chars().filter(|c| matches!(c, '"' | '\'')).count();
        quotes % 2 == 0 && !before.contains('#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_placeholder_is_found() {
        assert_eq!(find("host: {{ .Host }}.example.com"), Some("{{ .Host }}"));
        assert_eq!(find("a ${PORT} {{ b }}"), Some("${PORT}"));
        assert_eq!(find("{{- if .x"), Some("{{- if .x"));
        assert_eq!(find("a{3} $b {c}"), None);
    }

    #[test]
    fn quotes_and_comments_hide_one() {
        assert_eq!(line(&["a: \"{{ x }}\"", "# {{ y }}", "b: {{ z }}"]), Some(2));
        assert_eq!(line(&["a: 1"]), None);
    }
}
