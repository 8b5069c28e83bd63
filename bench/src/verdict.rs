//! Whether a row's targets were met, and who is ahead of the bus.
//!
//! Contestants are compared round by round, since a round's turns follow each other closely:
//! a ratio is the median of the rounds' ratios, and its spread says how sure that is.

use crate::measure::{Measured, Score, over};
use crate::row::{Against, Column, Rule, Side};
use crate::statistics::Spread;

/// A row's answer to one of its targets, or only its ratio to the best peer if it has none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// The row, and the column where it has several.
    pub(crate) row: String,
    pub(crate) unit: &'static str,
    /// The best of the bus's contestants, by which the target is judged.
    pub(crate) ours: Named,
    /// Whom the target compares with, if with anybody.
    pub(crate) other: Option<Rival>,
    /// The best of all peers, whether the target names it or not.
    pub(crate) best: Option<Rival>,
    /// What delivery alone costs, where that is measured.
    pub(crate) limit: Option<Rival>,
    /// The target in words; empty if there is none.
    pub(crate) target: &'static str,
    /// The figure over what the target allows.
    pub(crate) strain: Option<Spread>,
}

/// A contestant's name and median.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) median: f64,
}

/// Somebody whom the bus is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rival {
    pub(crate) named: Named,
    /// The bus's figure over the rival's, of each round.
    pub(crate) ratio: Spread,
}

/// How a target turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// In every round.
    Met,
    /// In no round.
    Missed,
    /// In some rounds, and not in others.
    Undecided,
}

/// How many targets there are, and how many of them turned out how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    targets: usize,
    met: usize,
    missed: usize,
}

/// One figure of a row, and everybody who is ahead of the bus in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Behind {
    /// The row, and the column where it has several.
    pub(crate) row: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: Named,
    /// Those ahead, furthest first; those too that are no yardstick, but for the limit probe.
    pub(crate) ahead: Vec<Rival>,
}

impl Verdict {
    /// How the target turned out, if there is one.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let Spread { least, most, .. } = self.strain?;
        Some(match (least <= 1.0, most <= 1.0) {
            (_, true) => Outcome::Met,
            (false, false) => Outcome::Missed,
            (true, false) => Outcome::Undecided,
        })
    }

    /// Met, undecided, or missed by how much.
    pub(crate) fn told(&self) -> String {
        let Some((strain, outcome)) = self.strain.zip(self.outcome()) else {
            return String::new();
        };
        match (outcome, strain.median) {
            (Outcome::Met, _) => "met".to_owned(),
            (Outcome::Undecided, _) => "undecided".to_owned(),
            (Outcome::Missed, strain) if strain.is_infinite() => "missed".to_owned(),
            (Outcome::Missed, strain) if strain < 2.0 => {
                format!("missed by {:.0} %", (strain - 1.0) * 100.0)
            }
            (Outcome::Missed, strain) => format!("missed {strain:.1}-fold"),
        }
    }
}

impl Count {
    pub(crate) fn of(verdicts: &[Verdict]) -> Self {
        let outcomes: Vec<Outcome> = verdicts.iter().filter_map(Verdict::outcome).collect();
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        Self { targets: outcomes.len(), met: count(Outcome::Met), missed: count(Outcome::Missed) }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { targets, met, missed } = *self;
        let undecided = targets - met - missed;
        write!(f, "{met} of {targets} targets met, {missed} missed, {undecided} undecided")
    }
}

/// The verdicts on a row, one per target.
pub(crate) fn verdicts(row: &Measured) -> Vec<Verdict> {
    let verdict = |column: usize, target, rule: Option<&Rule>| {
        let ours = row.best_of(column, Side::Ours).filter(|ours| is_told(column, ours))?;
        let best = row.best_of(column, Side::Peer);
        let limit = row.best_of(column, Side::Limit);
        let other = match rule {
            Some(Rule::Ratio { against: Against::BestOf(names), .. }) => {
                row.best(column, |score| {
                    score.side != Side::Ours
                        && names.iter().any(|name| score.name.starts_with(name))
                })
            }
            Some(Rule::Ratio { against: Against::BestPeer, .. }) => best,
            Some(Rule::AtMost(_)) | None => None,
        };
        let rival = |other: &Score| rival(column, ours, other);
        let other = other.map(rival);
        let strain = match rule {
            Some(Rule::AtMost(limit)) => {
                Some(Spread::of(ours.rounds.iter().map(|round| over(round[column], *limit))))
            }
            Some(Rule::Ratio { at_most, .. }) => other.as_ref().map(|other| Spread {
                least: other.ratio.least / at_most,
                median: other.ratio.median / at_most,
                most: other.ratio.most / at_most,
            }),
            None => None,
        };
        let (row, unit) = title(row, column);
        let ours = named(column, ours);
        let (best, limit) = (best.map(rival), limit.map(rival));
        Some(Verdict { row, unit, ours, other, best, limit, target, strain })
    };
    let plain =
        (0..row.columns.len()).filter(|column| row.goals.iter().all(|it| it.column != *column));
    let goals = row.goals.iter();
    let mut verdicts: Vec<(usize, Verdict)> = goals
        .filter_map(|goal| Some((goal.column, verdict(goal.column, goal.text, Some(&goal.rule))?)))
        .chain(plain.filter_map(|column| Some((column, verdict(column, "", None)?))))
        .collect();
    verdicts.sort_by_key(|(column, _)| *column);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

/// The figures of a row in which anybody is ahead.
pub(crate) fn behind(row: &Measured) -> Vec<Behind> {
    let figure = |column| {
        let ours = row.best_of(column, Side::Ours).filter(|ours| is_told(column, ours))?;
        let others = row.scores.iter().filter(|score| {
            matches!(score.side, Side::Peer | Side::Shown) && is_told(column, score)
        });
        let rivals = others.map(|other| rival(column, ours, other));
        let mut ahead: Vec<Rival> = rivals.filter(|rival| rival.ratio.median > 1.0).collect();
        ahead.sort_by(|a, b| b.ratio.median.total_cmp(&a.ratio.median));
        let (row, unit) = title(row, column);
        Some(Behind { row, unit, ours: named(column, ours), ahead })
            .filter(|it| !it.ahead.is_empty())
    };
    (0..row.columns.len()).filter_map(figure).collect()
}

/// Whether the turns were long enough for the column's figure.
fn is_told(column: usize, score: &Score) -> bool {
    !score.spread(column).median.is_nan()
}

fn named(column: usize, score: &Score) -> Named {
    Named { name: score.name.clone(), median: score.spread(column).median }
}

fn rival(column: usize, ours: &Score, other: &Score) -> Rival {
    Rival { named: named(column, other), ratio: Measured::ratio(column, ours, other) }
}

/// The row's name with the column's, and its unit.
fn title(row: &Measured, column: usize) -> (String, &'static str) {
    let Column { name, unit } = row.columns[column];
    ([row.name.as_str(), name].join(" ").trim_end().to_owned(), unit)
}

#[cfg(test)]
mod tests {
    use super::{Count, Outcome, behind, verdicts};
    use crate::measure::{Measured, Score};
    use crate::row::{Against, Goal, NS_PER_EVENT, Rule, Side};

    fn score(name: &str, side: Side, figures: &[f64]) -> Score {
        let rounds = figures.iter().map(|figure| vec![*figure]).collect();
        Score { name: name.to_owned(), side, note: "", events: 1, rounds }
    }

    fn row(rule: Rule) -> Measured {
        Measured {
            name: "row".to_owned(),
            about: String::new(),
            columns: NS_PER_EVENT,
            deliveries: 1,
            scores: vec![
                score("callboard, a", Side::Ours, &[30.0]),
                score("callboard, b", Side::Ours, &[20.0]),
                score("callboard, before", Side::Baseline, &[10.0]),
                score("flume", Side::Peer, &[40.0]),
                score("kanal", Side::Peer, &[25.0]),
                score("disruptor", Side::Shown, &[5.0]),
                score("limit probe", Side::Limit, &[4.0]),
            ],
            goals: vec![Goal { text: "a target", column: 0, rule }],
        }
    }

    fn told(rule: Rule) -> String {
        verdicts(&row(rule))[0].told()
    }

    fn ratio(against: Against, at_most: f64) -> Rule {
        Rule::Ratio { against, at_most }
    }

    #[test]
    fn the_best_of_ours_is_held_against_the_best_peer() {
        assert_eq!(told(ratio(Against::BestPeer, 0.8)), "met");
        assert_eq!(told(ratio(Against::BestPeer, 0.64)), "missed by 25 %");
        assert_eq!(told(ratio(Against::BestOf(&["callboard, before"]), 0.5)), "missed 4.0-fold");
        assert_eq!(told(ratio(Against::BestOf(&["nobody"]), 0.5)), "");
        assert_eq!(told(Rule::AtMost(20.0)), "met");
        assert_eq!(told(Rule::AtMost(0.0)), "missed");
    }

    #[test]
    fn a_target_that_names_a_peer_shows_the_best_of_all_too() {
        let verdict = &verdicts(&row(ratio(Against::BestOf(&["flume"]), 0.5)))[0];
        assert_eq!(verdict.ours.name, "callboard, b");
        assert_eq!(verdict.other.as_ref().unwrap().named.name, "flume");
        assert_eq!(verdict.best.as_ref().unwrap().named.name, "kanal");
        assert_eq!(verdict.told(), "met");
    }

    #[test]
    fn what_some_rounds_meet_and_others_miss_is_undecided() {
        let judged = |figures: &[f64]| {
            let scores = vec![
                score("callboard", Side::Ours, figures),
                score("flume", Side::Peer, &[10.0, 100.0, 10.0]),
            ];
            let row = Measured { scores, ..row(ratio(Against::BestPeer, 1.0)) };
            verdicts(&row)[0].outcome()
        };
        assert_eq!(judged(&[9.0, 90.0, 10.0]), Some(Outcome::Met));
        assert_eq!(judged(&[9.0, 90.0, 11.0]), Some(Outcome::Undecided));
        // The machine was disturbed in the second round: that is no reason for doubt.
        assert_eq!(judged(&[11.0, 110.0, 11.0]), Some(Outcome::Missed));
    }

    #[test]
    fn targets_are_counted() {
        let rules = [Rule::AtMost(20.0), Rule::AtMost(10.0)];
        let mut all: Vec<_> = rules.into_iter().flat_map(|rule| verdicts(&row(rule))).collect();
        all.extend(verdicts(&Measured { goals: Vec::new(), ..row(Rule::AtMost(1.0)) }));
        assert_eq!(Count::of(&all).to_string(), "1 of 2 targets met, 1 missed, 0 undecided");
    }

    #[test]
    fn a_row_without_target_shows_the_best_peer() {
        let verdicts = verdicts(&Measured { goals: Vec::new(), ..row(Rule::AtMost(1.0)) });
        assert_eq!(verdicts[0].best.as_ref().unwrap().ratio.median, 0.8);
        assert_eq!((verdicts[0].other.as_ref(), verdicts[0].told().as_str()), (None, ""));
    }

    #[test]
    fn the_limit_is_told_and_judges_nothing() {
        let verdict = &verdicts(&row(ratio(Against::BestPeer, 0.8)))[0];
        assert_eq!(verdict.limit.as_ref().unwrap().ratio.median, 5.0);
        assert_eq!(verdict.best.as_ref().unwrap().named.name, "kanal");
        assert_eq!(verdict.told(), "met");
    }

    #[test]
    fn everybody_ahead_is_listed_but_the_bus_itself() {
        let mut row = row(Rule::AtMost(1.0));
        let ahead = |row: &Measured| -> Vec<String> {
            let behind = behind(row);
            behind.iter().flat_map(|it| &it.ahead).map(|it| it.named.name.clone()).collect()
        };
        assert_eq!(ahead(&row), ["disruptor"]);
        row.scores[4] = score("kanal", Side::Peer, &[19.0]);
        assert_eq!(ahead(&row), ["disruptor", "kanal"]);
        row.scores.truncate(4);
        assert!(behind(&row).is_empty());
    }

    #[test]
    fn a_figure_that_is_not_told_is_not_judged() {
        let scores =
            vec![score("callboard", Side::Ours, &[f64::NAN]), score("flume", Side::Peer, &[1.0])];
        let row = Measured { scores, goals: Vec::new(), ..row(Rule::AtMost(1.0)) };
        assert!(verdicts(&row).is_empty() && behind(&row).is_empty());
    }
}
