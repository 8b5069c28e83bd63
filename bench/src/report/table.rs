//! Tables for the terminal.

use std::fmt::Write as _;

use crate::measure::{Measured, over};
use crate::row::Side;
use crate::statistics::Spread;
use crate::verdict::{Behind, Count, Rival, Verdict, verdicts};

/// A row's table: a line for each contestant, best first within each column.
pub(crate) fn row_table(row: &Measured) -> String {
    let mut text = format!("\n{}: {}\n", row.name, row.about);
    for (index, column) in row.columns.iter().enumerate() {
        let title = [column.name, column.unit].join(" ");
        let ours = row.best_of(index, Side::Ours);
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
            let ours = ours.map_or(f64::NAN, |ours| ours.spread(index).median);
            let each = match row.deliveries {
                1 => String::new(),
                many => figure(spread.median / many as f64),
            };
            let mark = if score.side == Side::Ours { '*' } else { ' ' };
            let _ = writeln!(
                text,
                "{mark} {:<34}{:>12}  {:<22}{:>8}  {each:<11}  {}",
                score.name,
                figure(spread.median),
                range(spread, figure),
                times(over(spread.median, ours)),
                score.note
            );
        }
    }
    for verdict in verdicts(row) {
        text.extend(target_line(&verdict).map(|line| format!("  {line}\n")));
    }
    text
}

/// The table of all verdicts.
pub(crate) fn summary_table(verdicts: &[Verdict]) -> String {
    let mut text =
        String::from("\nSummary (ours ÷ the other, the median of the rounds: smaller is better)\n");
    for verdict in verdicts {
        let _ = writeln!(
            text,
            "  {:<26}{:>10} {:<12}{}",
            verdict.row,
            figure(verdict.ours.median),
            verdict.unit,
            verdict.ours.name
        );
        if let Some(best) = verdict.best.as_ref().filter(|_| verdict.best != verdict.other) {
            let _ = writeln!(text, "{:28}best of all peers: {}", "", against(best));
        }
        if let Some(limit) = &verdict.limit {
            let _ = writeln!(text, "{:28}{}", "", against(limit));
        }
        text.extend(target_line(verdict).map(|line| format!("{:28}{line}\n", "")));
    }
    let _ = writeln!(text, "\n{}", Count::of(verdicts));
    text
}

/// The rows in which anybody is ahead.
pub(crate) fn behind_table(behind: &[Behind]) -> String {
    let mut text = format!("\nAhead of the bus in {} figures (ours ÷ the other)\n", behind.len());
    for Behind { row, ours, ahead, .. } in behind {
        let _ = writeln!(text, "  {row:<26}{}", ours.name);
        for rival in ahead {
            let _ = writeln!(text, "{:28}{}", "", against(rival));
        }
    }
    text
}

/// A row's target and how it turned out, if it has one.
pub(super) fn target_line(verdict: &Verdict) -> Option<String> {
    verdict.outcome()?;
    let Verdict { ours, other, target, .. } = verdict;
    let against =
        other.as_ref().map_or_else(String::new, |other| format!(" against {}", against(other)));
    Some(format!("target: {target}: {}, by {}{against}", verdict.told(), ours.name))
}

/// Somebody's name and figure, and the ratio to it.
pub(super) fn against(rival: &Rival) -> String {
    let Rival { named, ratio } = rival;
    format!(
        "{}: {}, ratio {} ({})",
        named.name,
        figure(named.median),
        times(ratio.median),
        range(*ratio, times)
    )
}

/// The least and the most; nothing if there is neither.
pub(super) fn range(spread: Spread, show: fn(f64) -> String) -> String {
    if spread.median.is_nan() {
        return String::new();
    }
    format!("{} – {}", show(spread.least), show(spread.most))
}

/// A figure with three digits or so, and thousands set apart; a dash if there is none.
pub(crate) fn figure(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
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

/// A ratio; nothing if there is none.
pub(crate) fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio.is_nan() => String::new(),
        ratio if ratio.is_infinite() => "∞".to_owned(),
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
        assert_eq!([f64::NAN, f64::INFINITY].map(times), ["", "∞"]);
        assert_eq!(figure(f64::NAN), "–");
    }
}
