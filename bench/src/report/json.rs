//! All figures, as JSON.

use super::Report;
use crate::measure::{Measured, Score};
use crate::row::Side;
use crate::statistics::Spread;
use crate::verdict::{Behind, Named, Outcome, Rival, Verdict};

/// The whole report.
pub(super) fn render(report: &Report) -> String {
    let context = &report.context;
    let versions = context.versions.iter().map(|(name, version)| (name.as_str(), string(version)));
    let mut text = object([
        (
            "machine",
            object([
                ("cpu", string(&context.cpu)),
                ("cores", context.cores.to_string()),
                ("kernel", string(&context.kernel)),
            ]),
        ),
        ("date", string(&context.date)),
        ("rustc", string(&context.rustc)),
        ("commit", string(&context.commit)),
        ("command", string(&context.command)),
        ("versions", object(versions)),
        ("rows", array(report.rows.iter().map(row))),
        ("summary", array(report.verdicts.iter().map(verdict))),
        ("behind", array(report.behind.iter().map(behind))),
    ]);
    text.push('\n');
    text
}

fn row(row: &Measured) -> String {
    let column = |column: &crate::row::Column| {
        object([("name", string(column.name)), ("unit", string(column.unit))])
    };
    object([
        ("name", string(&row.name)),
        ("about", string(&row.about)),
        ("columns", array(row.columns.iter().map(column))),
        ("deliveries", row.deliveries.to_string()),
        ("contestants", array(row.scores.iter().map(|it| score(it, row.columns.len())))),
    ])
}

fn score(score: &Score, columns: usize) -> String {
    let side = match score.side {
        Side::Ours => "ours",
        Side::Peer => "peer",
        Side::Shown => "shown",
        Side::Baseline => "baseline",
    };
    let spreads = (0..columns).map(|column| spread(score.spread(column)));
    let rounds = score.rounds.iter().map(|figures| array(figures.iter().copied().map(number)));
    object([
        ("name", string(&score.name)),
        ("side", string(side)),
        ("note", string(score.note)),
        ("events_per_round", score.events.to_string()),
        ("figures", array(spreads)),
        ("rounds", array(rounds)),
    ])
}

fn verdict(verdict: &Verdict) -> String {
    let outcome = verdict.outcome().map(|outcome| match outcome {
        Outcome::Met => "met",
        Outcome::Missed => "missed",
        Outcome::Undecided => "undecided",
    });
    object([
        ("row", string(&verdict.row)),
        ("unit", string(verdict.unit)),
        ("ours", object(named(&verdict.ours))),
        ("best_peer", verdict.best.as_ref().map_or_else(null, rival)),
        ("target", string(verdict.target)),
        ("target_against", verdict.other.as_ref().map_or_else(null, rival)),
        ("strain", verdict.strain.map_or_else(null, spread)),
        ("outcome", outcome.map_or_else(null, string)),
        ("told", string(&verdict.told())),
    ])
}

fn behind(behind: &Behind) -> String {
    object([
        ("row", string(&behind.row)),
        ("unit", string(behind.unit)),
        ("ours", object(named(&behind.ours))),
        ("ahead", array(behind.ahead.iter().map(rival))),
    ])
}

fn rival(rival: &Rival) -> String {
    object(named(&rival.named).into_iter().chain([("ratio", spread(rival.ratio))]))
}

fn named(named: &Named) -> [(&'static str, String); 2] {
    [("name", string(&named.name)), ("median", number(named.median))]
}

fn spread(spread: Spread) -> String {
    object([
        ("median", number(spread.median)),
        ("min", number(spread.least)),
        ("max", number(spread.most)),
    ])
}

fn null() -> String {
    "null".to_owned()
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members = members.into_iter().map(|(name, value)| format!("{}:{value}", string(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn array(values: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(","))
}

/// A number; JSON has none that is infinite.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "null".to_owned() }
}

fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            letter if letter < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{array, number, object, string};

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a \"b\" \\ c\n\t–"), "\"a \\\"b\\\" \\\\ c\\n\\u0009–\"");
    }

    #[test]
    fn numbers_are_such_that_json_has_them() {
        assert_eq!(
            [1.0, 0.12345, f64::INFINITY, f64::NAN].map(number),
            ["1.000", "0.123", "null", "null"]
        );
    }

    #[test]
    fn values_nest() {
        let inner = array(["1".to_owned(), string("x")]);
        assert_eq!(object([("a", inner), ("b", object([]))]), "{\"a\":[1,\"x\"],\"b\":{}}");
    }
}
