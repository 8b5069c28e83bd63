//! Reads the little that is needed of Markdown: headings, links and code spans.

/// A heading.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) line: usize,
    pub(super) level: usize,
    pub(super) text: String,
}

/// A piece of text and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) line: usize,
    pub(super) text: String,
}

/// A line and whether it is inside a code block.
fn lines(text: &str) -> impl Iterator<Item = (usize, bool, &str)> {
    let mut fence = None;
    text.lines().enumerate().map(move |(index, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|it| start.starts_with(it));
        let code = fence.is_some() || mark.is_some();
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        (index + 1, code, line)
    })
}

/// The headings of a text.
pub(super) fn headings(text: &str) -> Vec<Heading> {
    let heading = |(line, code, text): (usize, bool, &str)| {
        let level = text.len() - text.trim_start_matches('#').len();
        let title = text[level..].strip_prefix(' ')?;
        (!code && (1..=6).contains(&level)).then(|| Heading {
            line,
            level,
            text: title.trim().to_owned(),
        })
    };
    lines(text).filter_map(heading).collect()
}

/// What links, images and definitions point to: `[a](target)`, `[a]: target`, `src="target"`.
pub(super) fn targets(text: &str) -> Vec<Piece> {
    let mut targets = Vec::new();
    for (number, code, line) in lines(text) {
        if code {
            continue;
        }
        let (line, _) = split_spans(line);
        let mut push = |target: &str| {
            // A title may stand behind the target, and angle brackets around it.
            let target = target.split_whitespace().next().unwrap_or_default();
            let target = target.trim_start_matches('<').trim_end_matches('>');
            targets.push(Piece { line: number, text: target.to_owned() });
        };
        for (at, _) in line.match_indices("](") {
            push(until_closed(&line[at + 2..]));
        }
        for attribute in ["src=\"", "href=\""] {
            for (at, _) in line.match_indices(attribute) {
                let rest = &line[at + attribute.len()..];
                push(rest.split('"').next().unwrap_or_default());
            }
        }
        if line.starts_with('[')
            && let Some((label, target)) = line.split_once("]: ")
            && !label.starts_with("[^")
        {
            push(target);
        }
    }
    targets
}

/// The code spans of a text, without what is in code blocks.
pub(super) fn spans(text: &str) -> Vec<Piece> {
    let prose = lines(text).filter(|(_, code, _)| !code);
    prose
        .flat_map(|(number, _, line)| {
            let spans = split_spans(line).1.into_iter();
            spans.map(move |text| Piece { line: number, text })
        })
        .collect()
}

/// The words of a text that are code, in a span or in a block.
pub(super) fn code_words(text: &str) -> Vec<String> {
    let blocks = lines(text).filter(|(_, code, _)| *code);
    let mut words: Vec<String> =
        blocks.flat_map(|(_, _, line)| line.split_whitespace().map(str::to_owned)).collect();
    words.extend(spans(text).into_iter().map(|span| span.text));
    words
}

/// The name that a heading's anchor has on the usual forges.
pub(super) fn anchor(heading: &str) -> String {
    let visible = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    let kept: String = heading.chars().filter(visible).collect();
    kept.to_lowercase().replace(' ', "-")
}

/// A line with its code spans blanked, and the spans.
fn split_spans(line: &str) -> (String, Vec<String>) {
    let mut rest = line;
    let mut plain = String::new();
    let mut spans = Vec::new();
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let body = &rest[start + ticks..];
        plain.push_str(&rest[..start]);
        match body.find(&"`".repeat(ticks)) {
            Some(end) => {
                spans.push(body[..end].trim().to_owned());
                plain.push('_');
                rest = &body[end + ticks..];
            }
            None => rest = body,
        }
    }
    plain.push_str(rest);
    (plain, spans)
}

/// Up to the bracket that closes the one before `rest`.
fn until_closed(rest: &str) -> &str {
    let mut depth = 0_usize;
    for (at, letter) in rest.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return &rest[..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::{anchor, code_words, headings, spans, targets};

    #[test]
    fn finds_headings_outside_code() {
        let found = headings("# A\n```sh\n# b\n```\n\n## `C` and d\n#no\n");
        let found: Vec<_> = found.iter().map(|it| (it.line, it.level, it.text.as_str())).collect();
        assert_eq!(found, [(1, 1, "A"), (6, 2, "`C` and d")]);
    }

    #[test]
    fn finds_targets_outside_code() {
        let text = "[a](b.md) and ![c `](x)`](d(1).png \"title\") `[e](f)`\n```\n[g](h)\n```\n\
                    [i]: <j.md>\n[^k]: note\n<img src=\"l.svg\">";
        let found = targets(text);
        let found: Vec<_> = found.iter().map(|it| (it.line, it.text.as_str())).collect();
        assert_eq!(found, [(1, "b.md"), (1, "d(1).png"), (5, "j.md"), (7, "l.svg")]);
    }

    #[test]
    fn finds_code() {
        let text = "`a/b.rs` and ``c ` d``\n```\ne/ f\n```\n";
        let found: Vec<_> = spans(text).into_iter().map(|it| it.text).collect();
        assert_eq!(found, ["a/b.rs", "c ` d"]);
        assert_eq!(code_words(text), ["```", "e/", "f", "```", "a/b.rs", "c ` d"]);
    }

    #[test]
    fn makes_anchors() {
        assert_eq!(anchor("What it's `not`, yet"), "what-its-not-yet");
    }
}
