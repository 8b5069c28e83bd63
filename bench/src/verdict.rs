//! Whether a row's targets were met.

use crate::measure::{Measured, Score};
use crate::row::{Against, Column, Rule, Side};

/// A row's answer to one of its targets, or only its ratio to the best peer if it has none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// The row, and the column where it has several.
    pub(crate) row: String,
    pub(crate) unit: &'static str,
    /// The name and the median of the bus's best contestant.
    pub(crate) ours: (String, f64),
    /// Whom it is compared with, if with anybody.
    pub(crate) other: Option<(String, f64)>,
    /// The target in words; empty if there is none.
    pub(crate) target: &'static str,
    /// The figure over what the target allows; met if at most one.
    pub(crate) strain: Option<f64>,
}

impl Verdict {
    /// The bus's figure over the other's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (_, other) = self.other.as_ref()?;
        (*other > 0.0).then(|| self.ours.1 / other)
    }

    /// Whether the target is met, if there is one.
    pub(crate) fn met(&self) -> Option<bool> {
        self.strain.map(|strain| strain <= 1.0)
    }

    /// Met, or missed by how much.
    pub(crate) fn outcome(&self) -> String {
        match self.strain {
            None => String::new(),
            Some(strain) if strain <= 1.0 => "met".to_owned(),
            Some(strain) if strain.is_infinite() => "missed".to_owned(),
            Some(strain) if strain < 2.0 => format!("missed by {:.0} %", (strain - 1.0) * 100.0),
            Some(strain) => format!("missed {strain:.1}-fold"),
        }
    }
}

/// The verdicts on a row, one per target.
pub(crate) fn verdicts(row: &Measured) -> Vec<Verdict> {
    let verdict = |column: usize, target, rule: Option<&Rule>| {
        let median = |score: &Score| (score.name.clone(), score.spread(column).median);
        let ours = median(row.best_of(column, Side::Ours)?);
        let other = match rule {
            Some(Rule::Ratio { against: Against::BestOf(names), .. }) => {
                row.best(column, |score| {
                    score.side != Side::Ours
                        && names.iter().any(|name| score.name.starts_with(name))
                })
            }
            _ => row.best_of(column, Side::Peer),
        };
        let other = other.map(median);
        let strain = match rule {
            Some(Rule::AtMost(limit)) if *limit > 0.0 => Some(ours.1 / limit),
            Some(Rule::AtMost(_)) => Some(if ours.1 > 0.0 { f64::INFINITY } else { 0.0 }),
            Some(Rule::Ratio { at_most, .. }) => {
                other.as_ref().map(|(_, other)| ours.1 / other / at_most)
            }
            None => None,
        };
        let Column { name, unit } = row.columns[column];
        let row = [row.name.as_str(), name].join(" ").trim_end().to_owned();
        Some(Verdict { row, unit, ours, other, target, strain })
    };
    if row.goals.is_empty() {
        return (0..row.columns.len()).filter_map(|column| verdict(column, "", None)).collect();
    }
    let goals = row.goals.iter();
    goals.filter_map(|goal| verdict(goal.column, goal.text, Some(&goal.rule))).collect()
}

#[cfg(test)]
mod tests {
    use super::verdicts;
    use crate::measure::{Measured, Score};
    use crate::row::{Against, Goal, NS_PER_EVENT, Rule, Side};

    fn score(name: &str, side: Side, figure: f64) -> Score {
        Score { name: name.to_owned(), side, note: "", events: 1, rounds: vec![vec![figure]] }
    }

    fn row(rule: Rule) -> Measured {
        Measured {
            name: "row".to_owned(),
            about: String::new(),
            columns: NS_PER_EVENT,
            deliveries: 1,
            scores: vec![
                score("callboard, a", Side::Ours, 30.0),
                score("callboard, b", Side::Ours, 20.0),
                score("callboard, before", Side::Shown, 10.0),
                score("flume", Side::Peer, 40.0),
            ],
            goals: vec![Goal { text: "", column: 0, rule }],
        }
    }

    fn outcome(rule: Rule) -> String {
        verdicts(&row(rule))[0].outcome()
    }

    #[test]
    fn the_best_of_ours_is_held_against_the_best_peer() {
        let ratio = |against, at_most| Rule::Ratio { against, at_most };
        assert_eq!(outcome(ratio(Against::BestPeer, 0.5)), "met");
        assert_eq!(outcome(ratio(Against::BestPeer, 0.4)), "missed by 25 %");
        assert_eq!(outcome(ratio(Against::BestOf(&["callboard, before"]), 0.5)), "missed 4.0-fold");
        assert_eq!(outcome(ratio(Against::BestOf(&["nobody"]), 0.5)), "");
        assert_eq!(outcome(Rule::AtMost(20.0)), "met");
        assert_eq!(outcome(Rule::AtMost(0.0)), "missed");
    }

    #[test]
    fn a_row_without_target_shows_the_best_peer() {
        let verdicts = verdicts(&Measured { goals: Vec::new(), ..row(Rule::AtMost(1.0)) });
        assert_eq!(verdicts[0].ratio(), Some(0.5));
        assert_eq!(verdicts[0].outcome(), "");
    }
}
