//! The summary as `BENCHMARKS.md` has it. Every figure of every row is in the page and the JSON.

use super::Report;
use super::grid::{self, Grid};
use crate::verdict::Count;

/// Context, summary, and who is ahead.
pub(super) fn render(report: &Report) -> String {
    let context = report.context.lines();
    let context: String =
        context.iter().map(|(name, value)| format!("| {name} | {} |\n", cell(value))).collect();
    format!(
        "| | |\n| --- | --- |\n{context}\n### Summary\n\n{}.\n\n{}\n### Who is ahead\n\n{}",
        Count::of(&report.verdicts),
        table(&grid::summary(&report.verdicts)),
        table(&grid::behind(&report.behind))
    )
}

fn table(Grid { heads, lines }: &Grid) -> String {
    let names = line(heads.iter().map(|(name, _)| (*name).to_owned()));
    let rules = line(heads.iter().map(|(_, stands)| (*stands).to_owned()));
    let lines = lines.iter().map(|cells| line(cells.iter().map(|text| cell(text))));
    [names, rules].into_iter().chain(lines).collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Text that does not end its cell, nor begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_stay_cells() {
        assert_eq!(cell("Arc<E> | x"), "Arc&lt;E> \\| x");
    }
}
