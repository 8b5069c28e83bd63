//! Tables for the terminal.

use std::fmt::Write as _;

use crate::measure::Measured;
use crate::row::Side;
use crate::verdict::Verdict;

/// A row's table: a line for each contestant, best first within each column.
pub(crate) fn row_table(row: &Measured) -> String {
    let mut text = format!("\n{}: {}\n", row.name, row.about);
    for (index, column) in row.columns.iter().enumerate() {
        let title = [column.name, column.unit].join(" ");
        let ours = row.best_of(index, Side::Ours).map(|score| score.spread(index).median);
        let per_delivery = if row.deliveries > 1 { "ns/delivery" } else { "" };
        let _ = writeln!(
            text,
            "  {:<34}{:>12}  {:<22}{:>8}  {per_delivery}",
            "",
            title.trim(),
            "min – max",
            "÷ ours"
        );
        for score in row.ranked(index) {
            let spread = score.spread(index);
            let range = format!("{} – {}", figure(spread.least), figure(spread.most));
            let ratio = ours.map_or_else(String::new, |ours| times(spread.median / ours));
            let each = match row.deliveries {
                1 => String::new(),
                many => figure(spread.median / many as f64),
            };
            let mark = if score.side == Side::Ours { '*' } else { ' ' };
            let _ = writeln!(
                text,
                "{mark} {:<34}{:>12}  {range:<22}{ratio:>8}  {each:<11}  {}",
                score.name,
                figure(spread.median),
                score.note
            );
        }
    }
    text
}

/// The table of all verdicts.
pub(crate) fn summary_table(verdicts: &[Verdict]) -> String {
    let mut text = String::from("\nSummary (ours ÷ the other: smaller is better)\n");
    for verdict in verdicts {
        let other = verdict
            .other
            .as_ref()
            .map_or_else(String::new, |(name, median)| format!("{} {name}", figure(*median)));
        let ratio = verdict.ratio().map_or_else(String::new, times);
        let target = match verdict.target {
            "" => String::new(),
            target => format!("{target}: {}", verdict.outcome()),
        };
        let _ = writeln!(
            text,
            "  {:<26}{:>10} {:<12}{other:<36}{ratio:>8}  {target}",
            verdict.row,
            figure(verdict.ours.1),
            verdict.unit
        );
    }
    text
}

/// A figure with three digits or so, and thousands set apart.
pub(crate) fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.abs() < 9.995 {
        return format!("{value:.2}");
    }
    if value.abs() < 99.95 {
        return format!("{value:.1}");
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(value.abs().round() as usize))
}

/// A whole number with its thousands set apart.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio.
pub(crate) fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio >= 9.995 => format!("{ratio:.1}×"),
        ratio => format!("{ratio:.2}×"),
    }
}

#[cfg(test)]
mod tests {
    use super::{figure, grouped, times};

    #[test]
    fn figures_are_short_and_readable() {
        let shown = [0.0, 1.234, 12.34, 123.4, 1_234.0, 1_234_567.0].map(figure);
        assert_eq!(shown, ["0", "1.23", "12.3", "123", "1,234", "1,234,567"]);
        assert_eq!(figure(-123_456.0), "-123,456");
        assert_eq!([1, 1_000, 12_345_678].map(grouped), ["1", "1,000", "12,345,678"]);
        assert_eq!([0.5, 12.34].map(times), ["0.50×", "12.3×"]);
    }
}
