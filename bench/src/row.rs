//! What is measured: a row is one question put to several contestants.

use std::time::Duration;

/// One question, and everybody it is put to. They take turns within a run.
pub(crate) struct Row {
    /// Its name: what `--only` chooses by.
    pub(crate) name: String,
    /// What is measured, in a sentence.
    pub(crate) about: String,
    /// The unit and meaning of each figure; a smaller figure is better.
    pub(crate) columns: &'static [Column],
    /// How many deliveries one event makes, where that is worth a column.
    pub(crate) deliveries: u64,
    /// How long a turn is.
    pub(crate) turn: Turn,
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) goals: Vec<Goal>,
}

/// What one of a row's figures is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// What sets it apart from the row's others; empty if it is the only one.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
}

/// How long a contestant's turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// As many events as fill the time of a round, but at least `least`; the time is `stretch`
    /// times that of the other rows.
    Timed { least: u64, stretch: u32 },
    /// Always so many events, operations or whatever else a figure is of.
    Fixed(u64),
}

/// Which side a contestant is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The bus; with several such, the best counts, and is named.
    Ours,
    /// A peer that can be the best peer.
    Peer,
    /// Somebody else who is no yardstick, for the reason the note gives.
    Shown,
    /// What delivery alone costs: told beside the bus, and no yardstick.
    Limit,
    /// The bus under other circumstances, or what the data alone takes.
    Baseline,
}

/// Somebody who is measured.
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) side: Side,
    /// What one should know of it; often empty.
    pub(crate) note: &'static str,
    /// Does so many events.
    pub(crate) run: Box<dyn FnMut(u64) -> Sample>,
}

/// What one turn came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// How long the measured part took.
    pub(crate) elapsed: Duration,
    /// One figure per column; not a number where the turn was too short to tell.
    pub(crate) figures: Vec<f64>,
}

/// What the figures ought to be.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    /// The target in words.
    pub(crate) text: &'static str,
    /// The column it is about.
    pub(crate) column: usize,
    pub(crate) rule: Rule,
}

/// When a goal is met.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    /// The figure is at most so many times another's.
    Ratio { against: Against, at_most: f64 },
    /// The figure is at most this.
    AtMost(f64),
}

/// Whom a goal compares with.
#[derive(Debug, Clone)]
pub(crate) enum Against {
    /// The best of all peers.
    BestPeer,
    /// The best of the contestants whose name begins with one of these.
    BestOf(&'static [&'static str]),
}

/// What the contestant is called that shows what delivery alone costs.
pub(crate) const LIMIT: &str = "limit probe";

/// The column of rows that measure throughput.
pub(crate) const NS_PER_EVENT: &[Column] = &[Column { name: "", unit: "ns/event" }];

/// The column of rows that measure asking.
pub(crate) const NS_PER_REQUEST: &[Column] = &[Column { name: "", unit: "ns/request" }];

/// The columns of rows that measure latency.
pub(crate) const PERCENTILES: &[Column] = &[
    Column { name: "p50", unit: "ns" },
    Column { name: "p99", unit: "ns" },
    Column { name: "p99.9", unit: "ns" },
];

impl Row {
    /// A row of throughput, in nanoseconds per event.
    pub(crate) fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            columns: NS_PER_EVENT,
            deliveries: 1,
            turn: Turn::Timed { least: 1_000, stretch: 1 },
            contestants: Vec::new(),
            goals: Vec::new(),
        }
    }

    pub(crate) fn columns(self, columns: &'static [Column]) -> Self {
        Self { columns, ..self }
    }

    pub(crate) fn deliveries(self, deliveries: u64) -> Self {
        Self { deliveries, ..self }
    }

    pub(crate) fn turn(self, turn: Turn) -> Self {
        Self { turn, ..self }
    }

    pub(crate) fn contestants(mut self, more: impl IntoIterator<Item = Contestant>) -> Self {
        self.contestants.extend(more);
        self
    }

    /// Adds one contestant.
    fn add(
        self,
        name: impl Into<String>,
        side: Side,
        note: &'static str,
        run: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.contestants([Contestant { name: name.into(), side, note, run: Box::new(run) }])
    }

    /// Adds one contestant of the bus's.
    pub(crate) fn ours(
        self,
        name: impl Into<String>,
        run: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.add(name, Side::Ours, "", run)
    }

    /// Adds one peer.
    pub(crate) fn peer(self, name: &str, run: impl FnMut(u64) -> Sample + 'static) -> Self {
        self.add(name, Side::Peer, "", run)
    }

    /// Adds somebody who is no yardstick.
    pub(crate) fn shown(
        self,
        name: &str,
        note: &'static str,
        run: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.add(name, Side::Shown, note, run)
    }

    /// Adds the limit probe.
    pub(crate) fn limit(
        self,
        note: &'static str,
        run: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.add(LIMIT, Side::Limit, note, run)
    }

    /// Adds the bus under other circumstances, or what the data alone takes.
    pub(crate) fn baseline(
        self,
        name: &str,
        note: &'static str,
        run: impl FnMut(u64) -> Sample + 'static,
    ) -> Self {
        self.add(name, Side::Baseline, note, run)
    }

    /// Adds a target about a ratio.
    pub(crate) fn goal(self, text: &'static str, against: Against, at_most: f64) -> Self {
        self.goal_on(0, text, Rule::Ratio { against, at_most })
    }

    /// Adds a target about a column.
    pub(crate) fn goal_on(mut self, column: usize, text: &'static str, rule: Rule) -> Self {
        self.goals.push(Goal { text, column, rule });
        self
    }
}

impl Sample {
    /// The time per event.
    pub(crate) fn per_event(elapsed: Duration, events: u64) -> Self {
        Self { elapsed, figures: vec![elapsed.as_nanos() as f64 / events as f64] }
    }

    /// A figure that is no time.
    pub(crate) fn counted(figure: f64) -> Self {
        Self { elapsed: Duration::ZERO, figures: vec![figure] }
    }
}
