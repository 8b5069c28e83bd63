//! YAML with a line number for everything in it.
//!
//! [`documents`] parses a file into trees whose every node knows its line; [`from_node`] turns a
//! tree into any `Deserialize` type, and its errors say which line and which field.

mod de;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::placeholder;

pub(crate) use de::{Located, from_node};

/// A parsed YAML value that knows its line.
pub(crate) type Node<'a> = MarkedYaml<'a>;

/// Every document of `text`, empty ones left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Node<'_>>, Located> {
    let nodes = MarkedYaml::load_from_str(text)
        .map_err(|error| Located::new(error.marker().line(), error.info()))?;
    Ok(nodes.into_iter().filter(|node| !is_null(node)).collect())
}

/// The documents of `text`, each with the number of lines before it; for a text of which one
/// document does not parse.
pub(crate) fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut begin, mut offset, mut at) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        // YAML allows `---` in the first column only where a document starts.
        let starts = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if starts && at > begin {
            parts.push((offset, &text[begin..at]));
            (begin, offset) = (at, number);
        }
        at += line.len();
    }
    parts.push((offset, &text[begin..]));
    parts
}

/// The line `node` starts at, counted from 1.
pub(crate) fn line(node: &Node<'_>) -> usize {
    node.span.start.line()
}

/// The value of `key`, when `node` is a mapping that has it.
pub(crate) fn get<'n, 'a>(node: &'n Node<'a>, key: &str) -> Option<&'n Node<'a>> {
    let YamlData::Mapping(entries) = &node.data else {
        return None;
    };
    entries.iter().find(|(name, _)| as_str(name) == Some(key)).map(|(_, value)| value)
}

/// The string `node` holds.
pub(crate) fn as_str<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

/// The keys and values of a mapping; none for anything else.
pub(crate) fn entries<'n, 'a>(
    node: &'n Node<'a>,
) -> impl Iterator<Item = (&'n Node<'a>, &'n Node<'a>)> {
    let entries = match &node.data {
        YamlData::Mapping(entries) => Some(entries),
        _ => None,
    };
    entries.into_iter().flatten()
}

/// The items of a sequence; none for anything else.
pub(crate) fn items<'n, 'a>(node: &'n Node<'a>) -> &'n [Node<'a>] {
    match &node.data {
        YamlData::Sequence(items) => items,
        _ => &[],
    }
}

/// The placeholder that `node` holds: in a string, or by itself without quotes, where YAML reads
/// `{{ name }}` as a mapping in a mapping.
pub(crate) fn placeholder(node: &Node<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => placeholder::find(text).map(str::to_owned),
        YamlData::Mapping(entries) if entries.len() == 1 => {
            let (YamlData::Mapping(inner), true) =
                entries.iter().next().map(|(name, value)| (&name.data, is_null(value)))?
            else {
                return None;
            };
            let names: Vec<_> = inner.iter().filter_map(|(name, _)| as_str(name)).collect();
            Some(format!("{{{{ {} }}}}", names.join(", ")))
        }
        _ => None,
    }
}

/// Calls `visit` with the path (`spec.rules[0].host`) and line of everything below `node`.
pub(crate) fn walk(node: &Node<'_>, path: &str, visit: &mut impl FnMut(String, usize)) {
    match &node.data {
        YamlData::Mapping(entries) => {
            for (name, value) in entries {
                let name = as_str(name).unwrap_or("?");
                let below =
                    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                visit(below.clone(), line(value));
                walk(value, &below, visit);
            }
        }
        YamlData::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                let below = format!("{path}[{index}]");
                visit(below.clone(), line(item));
                walk(item, &below, visit);
            }
        }
        _ => {}
    }
}

fn is_null(node: &Node<'_>) -> bool {
    matches!(node.data, YamlData::Value(Scalar::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_documents_keep_the_lines_of_the_file() {
        let nodes = documents("---\na: 1\n---\n# nothing\n---\nb:\n  c: 2\n").unwrap();
        assert_eq!(nodes.len(), 2);
        assert_eq!(line(get(get(&nodes[1], "b").unwrap(), "c").unwrap()), 7);
    }

    #[test]
    fn text_that_does_not_parse_names_the_line() {
        let error = documents("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!((2..=4).contains(&error.line), "{error:?}");
        assert!(!error.reason.is_empty());
    }

    #[test]
    fn a_text_is_split_where_documents_start() {
        let text = "a: 1\n--- # two\nb: |\n  ---\n---\n";
        assert_eq!(split(text), [(0, "a: 1\n"), (1, "--- # two\nb: |\n  ---\n"), (4, "---\n")]);
        assert_eq!(split("---\na: 1"), [(0, "---\na: 1")]);
        assert_eq!(split("----\na: 1"), [(0, "----\na: 1")]);
    }

    #[test]
    fn a_key_given_twice_is_an_error() {
        let error = documents("a: 1\na: 2\n").unwrap_err();
        assert_eq!(error.line, 2, "{error:?}");
    }

    #[test]
    fn walk_reaches_everything_by_its_path() {
        let nodes =
            documents("spec:\n  rules:\n  - host: a\n    http:\n      paths: []\n").unwrap();
        let mut seen = Vec::new();
        walk(&nodes[0], "", &mut |path, line| seen.push((path, line)));
        assert!(seen.contains(&("spec.rules[0].host".to_owned(), 3)));
        assert!(seen.contains(&("spec.rules[0].http.paths".to_owned(), 5)));
    }
}
