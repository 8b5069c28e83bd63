//! The tables as `BENCHMARKS.md` has them.

use std::fmt::Write as _;

use super::Report;
use super::table::{figure, times};
use crate::measure::Measured;
use crate::row::Side;
use crate::verdict::Verdict;

/// Context, summary, and a table for each row.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::from("| | |\n| --- | --- |\n");
    for (name, value) in report.context.lines() {
        let _ = writeln!(text, "| {name} | {} |", cell(&value));
    }
    text.push_str("\n### Summary\n\n");
    summary(&report.verdicts, &mut text);
    for row in &report.rows {
        table(row, &mut text);
    }
    text
}

fn summary(verdicts: &[Verdict], text: &mut String) {
    text.push_str(
        "| row | ours | compared with | ours ÷ it | target | |\n\
         | --- | ---: | ---: | ---: | --- | --- |\n",
    );
    for verdict in verdicts {
        let other = verdict.other.as_ref();
        let other =
            other.map_or_else(String::new, |(name, median)| format!("{name}: {}", figure(*median)));
        let ratio = verdict.ratio().map_or_else(String::new, times);
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {ratio} | {} | {} |",
            cell(&verdict.row),
            figure(verdict.ours.1),
            verdict.unit,
            cell(&other),
            cell(verdict.target),
            verdict.outcome()
        );
    }
}

fn table(row: &Measured, text: &mut String) {
    let _ = write!(text, "\n### {}\n\n{}.\n\n| |", row.name, capitalised(&row.about));
    for column in row.columns {
        let _ = write!(text, " {} | min – max |", [column.name, column.unit].join(" ").trim());
    }
    let per_delivery = row.deliveries > 1;
    text.push_str(if per_delivery { " ns/delivery | |\n| --- |" } else { " |\n| --- |" });
    text.push_str(&" ---: | ---: |".repeat(row.columns.len()));
    text.push_str(if per_delivery { " ---: | --- |\n" } else { " --- |\n" });
    for score in row.ranked(0) {
        let name = match score.side {
            Side::Ours => format!("**{}**", cell(&score.name)),
            Side::Peer | Side::Shown => cell(&score.name),
        };
        let _ = write!(text, "| {name} |");
        for column in 0..row.columns.len() {
            let spread = score.spread(column);
            let (least, most) = (figure(spread.least), figure(spread.most));
            let _ = write!(text, " {} | {least} – {most} |", figure(spread.median));
        }
        if per_delivery {
            let each = score.spread(0).median / row.deliveries as f64;
            let _ = write!(text, " {} |", figure(each));
        }
        let _ = writeln!(text, " {} |", cell(score.note));
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Text that does not end its cell, nor begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::{capitalised, cell};

    #[test]
    fn cells_stay_cells() {
        assert_eq!(cell("Arc<E> | x"), "Arc&lt;E> \\| x");
        assert_eq!([capitalised("one task"), capitalised("")], ["One task", ""]);
    }
}
