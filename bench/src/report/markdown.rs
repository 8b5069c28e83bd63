//! The tables as `BENCHMARKS.md` has them.

use std::fmt::Write as _;

use super::Report;
use super::table::{figure, range, target_line, times};
use crate::measure::Measured;
use crate::row::Side;
use crate::verdict::{Behind, Count, Rival, Verdict, verdicts};

/// Context, summary, who is ahead, and a table for each row.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::from("| | |\n| --- | --- |\n");
    for (name, value) in report.context.lines() {
        let _ = writeln!(text, "| {name} | {} |", cell(&value));
    }
    summary(&report.verdicts, &mut text);
    behind(&report.behind, &mut text);
    for row in &report.rows {
        table(row, &mut text);
    }
    text
}

fn summary(verdicts: &[Verdict], text: &mut String) {
    let _ = write!(
        text,
        "\n### Summary\n\n{}.\n\n\
         | row | ours | | best of all peers | ours ÷ it | target against | ours ÷ it | target | |\n\
         | --- | ---: | --- | ---: | ---: | ---: | ---: | --- | --- |\n",
        Count::of(verdicts)
    );
    for verdict in verdicts {
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {} | {} | {} | {} |",
            cell(&verdict.row),
            figure(verdict.ours.median),
            verdict.unit,
            cell(&verdict.ours.name),
            rival(verdict.best.as_ref()),
            rival(verdict.other.as_ref()),
            cell(verdict.target),
            verdict.told()
        );
    }
}

/// Two cells: whom it is, and the ratio.
fn rival(rival: Option<&Rival>) -> String {
    let Some(Rival { named, ratio }) = rival else {
        return " | ".to_owned();
    };
    let (name, median) = (cell(&named.name), figure(named.median));
    format!("{name}: {median} | {} ({})", times(ratio.median), range(*ratio, times))
}

fn behind(behind: &[Behind], text: &mut String) {
    text.push_str(
        "\n### Who is ahead\n\n\
         | row | ours | | ahead | ours ÷ it | min – max |\n\
         | --- | ---: | --- | --- | ---: | ---: |\n",
    );
    for Behind { row, unit, ours, ahead } in behind {
        for Rival { named, ratio } in ahead {
            let _ = writeln!(
                text,
                "| {} | {} {unit} | {} | {}: {} | {} | {} |",
                cell(row),
                figure(ours.median),
                cell(&ours.name),
                cell(&named.name),
                figure(named.median),
                times(ratio.median),
                range(*ratio, times)
            );
        }
    }
}

fn table(row: &Measured, text: &mut String) {
    let _ = write!(text, "\n### {}\n\n{}.\n", row.name, capitalised(&row.about));
    for verdict in verdicts(row) {
        text.extend(target_line(&verdict).map(|line| format!("{}.\n", cell(&capitalised(&line)))));
    }
    text.push_str("\n| |");
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
            Side::Peer | Side::Shown | Side::Baseline => cell(&score.name),
        };
        let _ = write!(text, "| {name} |");
        for column in 0..row.columns.len() {
            let spread = score.spread(column);
            let _ = write!(text, " {} | {} |", figure(spread.median), range(spread, figure));
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
