//! All figures, as JSON.

use serde_json::{Value, json};

use super::Report;
use crate::measure::{Measured, Score};
use crate::row::Side;
use crate::statistics::Spread;
use crate::verdict::{Behind, Named, Outcome, Rival, Verdict};

/// The whole report.
pub(super) fn render(report: &Report) -> String {
    let context = &report.context;
    let versions: serde_json::Map<String, Value> =
        context.versions.iter().map(|(name, version)| (name.clone(), json!(version))).collect();
    let report = json!({
        "machine": { "cpu": context.cpu, "cores": context.cores, "kernel": context.kernel },
        "date": context.date,
        "rustc": context.rustc,
        "commit": context.commit,
        "command": context.command,
        "versions": versions,
        "rows": array(&report.rows, row),
        "summary": array(&report.verdicts, verdict),
        "behind": array(&report.behind, behind),
    });
    format!("{report}\n")
}

fn array<T>(values: &[T], one: impl Fn(&T) -> Value) -> Value {
    values.iter().map(one).collect()
}

fn row(row: &Measured) -> Value {
    json!({
        "name": row.name,
        "about": row.about,
        "columns": array(row.columns, |it| json!({ "name": it.name, "unit": it.unit })),
        "deliveries": row.deliveries,
        "contestants": array(&row.scores, |it| score(it, row.columns.len())),
    })
}

fn score(score: &Score, columns: usize) -> Value {
    let side = match score.side {
        Side::Ours => "ours",
        Side::Peer => "peer",
        Side::Shown => "shown",
        Side::Limit => "limit",
        Side::Baseline => "baseline",
    };
    json!({
        "name": score.name,
        "side": side,
        "note": score.note,
        "events_per_round": score.events,
        "figures": (0..columns).map(|it| spread(&score.spread(it))).collect::<Value>(),
        "rounds": array(&score.rounds, |figures| array(figures, |it| number(*it))),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let outcome = verdict.outcome().map(|outcome| match outcome {
        Outcome::Met => "met",
        Outcome::Missed => "missed",
        Outcome::Undecided => "undecided",
    });
    json!({
        "row": verdict.row,
        "unit": verdict.unit,
        "ours": named(&verdict.ours),
        "best_peer": verdict.best.as_ref().map(rival),
        "limit": verdict.limit.as_ref().map(rival),
        "target": verdict.target,
        "target_against": verdict.other.as_ref().map(rival),
        "strain": verdict.strain.as_ref().map(spread),
        "outcome": outcome,
        "told": verdict.told(),
    })
}

fn behind(behind: &Behind) -> Value {
    json!({
        "row": behind.row,
        "unit": behind.unit,
        "ours": named(&behind.ours),
        "ahead": array(&behind.ahead, rival),
    })
}

fn rival(Rival { named, ratio }: &Rival) -> Value {
    json!({ "name": named.name, "median": number(named.median), "ratio": spread(ratio) })
}

fn named(named: &Named) -> Value {
    json!({ "name": named.name, "median": number(named.median) })
}

fn spread(spread: &Spread) -> Value {
    let [median, min, max] = [spread.median, spread.least, spread.most].map(number);
    json!({ "median": median, "min": min, "max": max })
}

/// A number with three decimals; JSON has none that is infinite.
fn number(value: f64) -> Value {
    json!((value * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::number;

    #[test]
    fn numbers_are_such_that_json_has_them() {
        let numbers = [1.0, 0.12345, f64::INFINITY, f64::NAN].map(number);
        assert_eq!(json!(numbers), json!([1.0, 0.123, null, null]));
    }
}
