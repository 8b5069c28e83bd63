//! Publishing on a node that exports, while there is no server.

use std::time::Instant;

use callboard::Bus;
use callboard_nats::LinkState;

use super::support::{Server, server};
use super::world::{Node, Wire, turns};
use crate::events::Message;
use crate::harness::{GAP, idle, percentiles};
use crate::row::{PERCENTILES, Row, Rule, Sample, Turn};

/// How many seconds an outage lasts at least, instead of as long as the rounds take.
const SECONDS: &str = "NATS_OUTAGE_SECONDS";

/// What the figures stand beside: no outage, and no link, which shows what the machine adds.
const THERE: &str = "callboard, the server there";
const ALONE: &str = "callboard, no link";

pub(super) fn rows() -> Vec<Row> {
    let row = |name, what| {
        let about = format!(
            "publishing an event that is exported while the server is {what}; the publisher, a \
             thread, spins {} µs between events",
            GAP.as_micros()
        );
        Row::new(format!("nats-outage-{name}"), about).columns(PERCENTILES).turn(turn()).goal_on(
            2,
            "at most 5 µs",
            Rule::AtMost(5_000.0),
        )
    };
    let stopped = row("stopped", "stopped (SIGSTOP)")
        .ours("callboard", turns(Outage::stopped, Outage::publish));
    let gone = row("gone", "gone (killed)").ours("callboard", turns(Outage::gone, Outage::publish));
    let beside = |row: Row| {
        row.baseline(THERE, "", turns(Outage::there, Outage::publish)).baseline(
            ALONE,
            "nobody listens",
            turns(Outage::alone, Outage::publish),
        )
    };
    [stopped, gone].map(beside).into()
}

/// Long enough for p99.9, or as long as is asked.
fn turn() -> Turn {
    let seconds = std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse::<u64>().ok());
    // Three contestants have at least three rounds each, between which the outage goes on.
    let events = |seconds: u64| seconds.saturating_mul(1_000_000) / GAP.as_micros() as u64 / 9;
    seconds
        .map_or(Turn::Timed { least: 1_000, stretch: 3 }, |it| Turn::Fixed(events(it).max(1_000)))
}

/// A bus on which is published, and its link.
struct Outage {
    bus: Bus,
    link: Option<Linked>,
}

/// A node that exports, and one that imports. From the first turn to the last the server is as it
/// was brought to be when they were opened.
struct Linked {
    from: Node,
    // Its link ends with it.
    _to: Node,
    server: Server,
    is_there: bool,
}

impl Outage {
    async fn alone() -> Self {
        let bus = Bus::new();
        bus.start();
        Self { bus, link: None }
    }

    async fn there() -> Self {
        Self::of(Linked::open().await)
    }

    async fn stopped() -> Self {
        let link = Linked::open().await;
        link.server.stop();
        Self::of(link.lost().await)
    }

    async fn gone() -> Self {
        let mut link = Linked::open().await;
        link.server.kill();
        Self::of(link.lost().await)
    }

    fn of(link: Linked) -> Self {
        Self { bus: link.from.bus.clone(), link: Some(link) }
    }

    async fn publish(self, events: u64) -> (Self, Sample) {
        let bus = self.bus.clone();
        let publisher = tokio::task::spawn_blocking(move || {
            let mut took = Vec::with_capacity(events as usize);
            let begun = Instant::now();
            for value in 0..events {
                idle();
                let event = Wire::new(value);
                let begun = Instant::now();
                bus.publish(event);
                took.push(begun.elapsed().as_nanos() as u64);
            }
            Sample { elapsed: begun.elapsed(), figures: percentiles(took) }
        });
        let sample = publisher.await.expect("a publisher does not panic");
        self.link.as_ref().inspect(|link| link.check());
        (self, sample)
    }
}

impl Linked {
    async fn open() -> Self {
        let server = server();
        let from = Node::start(&server, "from", |link| link.export::<Wire>()).await;
        let to = Node::start(&server, "to", |link| link.import::<Wire>()).await;
        from.meets(&["to"]).await;
        to.meets(&["from"]).await;
        Self { from, _to: to, server, is_there: true }
    }

    /// Waits until the link has noticed that the server does not answer.
    async fn lost(self) -> Self {
        let lost = [LinkState::Stalled, LinkState::Disconnected];
        self.from.until("the outage", |link| lost.contains(&link.state)).await;
        Self { is_there: false, ..self }
    }

    /// # Panics
    /// If the outage is over, or an event is not accounted for.
    fn check(&self) {
        let link = self.from.link.snapshot();
        assert_eq!(link.state == LinkState::Online, self.is_there, "the link is {}", link.state);
        assert!(link.balances(), "an event is not accounted for: {link:#?}");
    }
}
