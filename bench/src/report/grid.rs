//! The tables of a whole run, as the page and the Markdown have them.

use super::table::{figure, range, times};
use crate::verdict::{Behind, Rival, Verdict};

/// How a column of text stands, in Markdown.
const TEXT: &str = "---";

/// How a column of numbers stands.
pub(super) const NUMBER: &str = "---:";

/// Headings, each with how its column stands, and lines of as many cells.
pub(super) struct Grid {
    pub(super) heads: &'static [(&'static str, &'static str)],
    pub(super) lines: Vec<Vec<String>>,
}

/// A line for each figure, with its target if it has one.
pub(super) fn summary<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Grid {
    let heads = &[
        ("row", TEXT),
        ("ours", NUMBER),
        ("", TEXT),
        ("best of all peers", NUMBER),
        ("ours ÷ it", NUMBER),
        ("limit probe", NUMBER),
        ("target against", NUMBER),
        ("ours ÷ it", NUMBER),
        ("target", TEXT),
        ("", TEXT),
    ];
    let line = |verdict: &Verdict| {
        let [best, to_best] = rival(verdict.best.as_ref());
        let [other, to_other] = rival(verdict.other.as_ref());
        let limit = verdict.limit.as_ref().map_or_else(String::new, |it| figure(it.named.median));
        vec![
            verdict.row.clone(),
            format!("{} {}", figure(verdict.ours.median), verdict.unit),
            verdict.ours.name.clone(),
            best,
            to_best,
            limit,
            other,
            to_other,
            verdict.target.to_owned(),
            verdict.told(),
        ]
    };
    Grid { heads, lines: verdicts.into_iter().map(line).collect() }
}

/// A line for each contestant that is ahead of the bus.
pub(super) fn behind(behind: &[Behind]) -> Grid {
    let heads =
        &[("row", TEXT), ("ours", NUMBER), ("", TEXT), ("ahead", TEXT), ("ours ÷ it", NUMBER)];
    let lines = behind.iter().flat_map(|Behind { row, unit, ours, ahead }| {
        ahead.iter().map(move |other| {
            let [other, ratio] = rival(Some(other));
            let figure = format!("{} {unit}", figure(ours.median));
            vec![row.clone(), figure, ours.name.clone(), other, ratio]
        })
    });
    Grid { heads, lines: lines.collect() }
}

/// Two cells: whom it is, and the ratio.
fn rival(rival: Option<&Rival>) -> [String; 2] {
    let Some(Rival { named, ratio }) = rival else {
        return Default::default();
    };
    let name = format!("{}: {}", named.name, figure(named.median));
    [name, format!("{} ({})", times(ratio.median), range(*ratio, times))]
}
