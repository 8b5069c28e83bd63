//! Rounds: the contestants of a row take turns (A B C A B C …) in one process, so that whatever
//! else the machine does meets them all.
//!
//! Each is first given few events, and more until the time they take says how many fill a turn; that
//! is also its warm-up, with one whole turn on top. Only the rounds after that count.

use std::time::{Duration, Instant};

use crate::row::{Column, Contestant, Goal, Row, Side, Turn};
use crate::statistics::Spread;

/// How many rounds a row has, however long they take: fewer have no median worth the name.
const LEAST_ROUNDS: usize = 3;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effort {
    /// How many rounds count.
    pub(crate) rounds: usize,
    /// How long a contestant's turn is, about.
    pub(crate) turn: Duration,
    /// When a row stops beginning new rounds; it has at least [`LEAST_ROUNDS`].
    pub(crate) row: Duration,
}

impl Effort {
    /// The whole run takes about a minute and a half.
    pub(crate) const QUICK: Self =
        Self { rounds: 3, turn: Duration::from_millis(24), row: Duration::from_secs(4) };

    /// The whole run takes about a quarter of an hour.
    pub(crate) const FULL: Self =
        Self { rounds: 9, turn: Duration::from_millis(160), row: Duration::from_secs(40) };
}

/// What a row came to.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) columns: &'static [Column],
    pub(crate) deliveries: u64,
    pub(crate) scores: Vec<Score>,
    pub(crate) goals: Vec<Goal>,
}

/// What one contestant came to.
#[derive(Debug)]
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) note: &'static str,
    /// How many events each turn had.
    pub(crate) events: u64,
    /// The figures of each round, one per column.
    pub(crate) rounds: Vec<Vec<f64>>,
}

impl Score {
    /// The median and the extremes of a column.
    pub(crate) fn spread(&self, column: usize) -> Spread {
        Spread::of(self.rounds.iter().map(|figures| figures[column]))
    }
}

impl Measured {
    /// The best of the contestants that `wanted` picks.
    pub(crate) fn best(&self, column: usize, wanted: impl Fn(&Score) -> bool) -> Option<&Score> {
        let picked = self.scores.iter().filter(|score| wanted(score));
        picked.min_by(|a, b| a.spread(column).median.total_cmp(&b.spread(column).median))
    }

    /// The contestants, best first.
    pub(crate) fn ranked(&self, column: usize) -> Vec<&Score> {
        let mut scores: Vec<&Score> = self.scores.iter().collect();
        scores.sort_by(|a, b| a.spread(column).median.total_cmp(&b.spread(column).median));
        scores
    }

    /// One contestant's figure over another's, of each round that both had.
    pub(crate) fn ratio(column: usize, one: &Score, other: &Score) -> Spread {
        let rounds = one.rounds.iter().zip(&other.rounds);
        Spread::of(rounds.map(|(one, other)| over(one[column], other[column])))
    }

    /// The best contestant of one side.
    pub(crate) fn best_of(&self, column: usize, side: Side) -> Option<&Score> {
        self.best(column, |score| score.side == side)
    }
}

/// How many times one figure is another; nothing is once nothing.
pub(crate) fn over(figure: f64, other: f64) -> f64 {
    if figure == other { 1.0 } else { figure / other }
}

/// Puts a row to its contestants.
pub(crate) fn measure(row: Row, effort: Effort) -> Measured {
    let Row { name, about, columns, deliveries, turn, mut contestants, goals } = row;
    let begun = Instant::now();
    let sizes: Vec<u64> =
        contestants.iter_mut().map(|contestant| calibrate(contestant, turn, effort)).collect();
    let mut rounds = vec![Vec::new(); contestants.len()];
    for round in 0..effort.rounds {
        if round >= LEAST_ROUNDS && begun.elapsed() > effort.row {
            break;
        }
        for ((contestant, &events), rounds) in contestants.iter_mut().zip(&sizes).zip(&mut rounds) {
            rounds.push((contestant.run)(events).figures);
        }
    }
    let scores = contestants.into_iter().zip(sizes).zip(rounds);
    let scores = scores.map(|((contestant, events), rounds)| Score {
        name: contestant.name,
        side: contestant.side,
        note: contestant.note,
        events,
        rounds,
    });
    Measured { name, about, columns, deliveries, scores: scores.collect(), goals }
}

/// How many events fill the contestant's turn; leaves it warm.
fn calibrate(contestant: &mut Contestant, turn: Turn, effort: Effort) -> u64 {
    let (least, stretch) = match turn {
        Turn::Timed { least, stretch } => (least, stretch),
        Turn::Fixed(events) => {
            (contestant.run)(events);
            return events;
        }
    };
    let wanted = effort.turn * stretch;
    let mut events = least;
    loop {
        let took = (contestant.run)(events).elapsed.max(Duration::from_nanos(1));
        if took >= wanted / 2 {
            let fitting = events as f64 * wanted.as_secs_f64() / took.as_secs_f64();
            return (fitting as u64).max(least);
        }
        // Not at once to where it seems to lead: the first events are slow.
        let factor = (wanted.as_secs_f64() / took.as_secs_f64()).clamp(2.0, 20.0);
        events = (events as f64 * factor) as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::{Effort, LEAST_ROUNDS, Measured, Score, measure, over};
    use crate::row::{Row, Sample, Side, Turn};
    use crate::statistics::Spread;

    const EFFORT: Effort =
        Effort { rounds: 3, turn: Duration::from_millis(10), row: Duration::from_secs(60) };

    /// A contestant that needs so long for each event, in name only.
    fn takes(
        per_event: Duration,
        turns: Rc<RefCell<Vec<u64>>>,
    ) -> impl FnMut(u64) -> Sample + 'static {
        move |events| {
            turns.borrow_mut().push(events);
            Sample::per_event(per_event * u32::try_from(events).unwrap(), events)
        }
    }

    #[test]
    fn contestants_take_turns_of_the_same_length() {
        let turns = Rc::<RefCell<Vec<u64>>>::default();
        let row = Row::new("row", "")
            .turn(Turn::Timed { least: 10, stretch: 1 })
            .ours("quick", takes(Duration::from_nanos(100), Rc::clone(&turns)))
            .peer("slow", takes(Duration::from_micros(10), Rc::clone(&turns)));
        let measured = measure(row, EFFORT);
        let turns = turns.borrow();
        let counted = &turns[turns.len() - 6..];
        assert_eq!(counted, [100_000, 1_000].repeat(3));
        assert_eq!(measured.scores[0].rounds, [[100.0], [100.0], [100.0]]);
        assert_eq!(measured.scores[1].spread(0).median, 10_000.0);
    }

    #[test]
    fn ratios_are_those_of_each_round() {
        let score = |figures: &[f64]| Score {
            name: String::new(),
            side: Side::Peer,
            note: "",
            events: 1,
            rounds: figures.iter().map(|figure| vec![*figure]).collect(),
        };
        // A disturbance that meets both in one round does not show.
        let ratio = Measured::ratio(0, &score(&[1.0, 50.0, 3.0]), &score(&[2.0, 100.0, 2.0]));
        assert_eq!(ratio, Spread { least: 0.5, median: 0.5, most: 1.5 });
        assert_eq!([over(0.0, 0.0), over(1.0, 0.0)], [1.0, f64::INFINITY]);
    }

    #[test]
    fn a_contestant_slower_than_its_turn_is_given_the_least() {
        let turns = Rc::default();
        let row = Row::new("row", "")
            .turn(Turn::Timed { least: 10, stretch: 1 })
            .ours("slow", takes(Duration::from_millis(100), Rc::clone(&turns)));
        measure(row, EFFORT);
        assert_eq!(*turns.borrow(), [10; 4]);
    }

    #[test]
    fn a_row_out_of_time_stops_after_the_least_rounds() {
        let row = Row::new("row", "").turn(Turn::Fixed(1)).ours("one", |_| Sample::counted(1.0));
        let effort = Effort { rounds: 9, row: Duration::ZERO, ..EFFORT };
        assert_eq!(measure(row, effort).scores[0].rounds.len(), LEAST_ROUNDS);
    }
}
