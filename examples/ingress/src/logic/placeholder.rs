//! Placeholders that another tool's template left in a manifest.

/// The delimiters of the template languages that manifests are usually written in.
const DELIMITERS: [(&str, &str); 5] =
    [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("${", "}"), ("$(", ")")];

/// What follows a placeholder in its explanation.
const LOOKS: &str = "looks like an unrendered template";

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
    find(text).map(|found| format!("`{found}` {LOOKS}"))
}

/// Whether `reason` explains a placeholder.
pub(crate) fn explains(reason: &str) -> bool {
    reason.contains(LOOKS)
}

/// The placeholders outside quotes and comments that may keep `text` from being read, with their
/// lines, counted from 1: the first of each line, all in the template language of the first.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut language = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let found = find(line)?;
        let before = &line[..line.find(found)?];
        let quotes = before.chars().filter(|c| matches!(c, '"' | '\'')).count();
        // YAML can read `$(…)` anywhere: it is more often a command of a script.
        let harmless = quotes % 2 == 1 || before.contains('#') || found.starts_with("$(");
        let opens = found.get(..2).unwrap_or(found);
        (!harmless && *language.get_or_insert(opens) == opens).then_some((index + 1, found))
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
        assert_eq!(find("port: $(PORT)"), Some("$(PORT)"));
        assert_eq!(find("a{3} $b {c}"), None);
    }

    #[test]
    fn quotes_and_comments_hide_one() {
        let of = |text| lines(text).collect::<Vec<_>>();
        let text = "a: \"{{ x }}\"\n# {{ y }}\nb: {{ z }}\nrun: $(date) ${HOME}\n{{ end }}";
        assert_eq!(of(text), [(3, "{{ z }}"), (5, "{{ end }}")]);
        assert_eq!(of("a: 1"), []);
    }
}
