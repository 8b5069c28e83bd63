//! The summary as `BENCHMARKS.md` has it. Every figure of every row is in the page and the JSON.

use std::fmt::Write as _;

use super::Report;
use super::table::{figure, range, times};
use crate::verdict::{Behind, Count, Rival, Verdict};

/// Context, summary, and who is ahead.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::from("| | |\n| --- | --- |\n");
    for (name, value) in report.context.lines() {
        let _ = writeln!(text, "| {name} | {} |", cell(&value));
    }
    summary(&report.verdicts, &mut text);
    behind(&report.behind, &mut text);
    text
}

fn summary(verdicts: &[Verdict], text: &mut String) {
    let _ = write!(
        text,
        "\n### Summary\n\n{}.\n\n\
         | row | ours | | best of all peers | ours ÷ it | limit probe | target against | ours ÷ it | target | |\n\
         | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n",
        Count::of(verdicts)
    );
    for verdict in verdicts {
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {} | {} | {} | {} | {} |",
            cell(&verdict.row),
            figure(verdict.ours.median),
            verdict.unit,
            cell(&verdict.ours.name),
            rival(verdict.best.as_ref()),
            verdict.limit.as_ref().map_or_else(String::new, |it| figure(it.named.median)),
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
