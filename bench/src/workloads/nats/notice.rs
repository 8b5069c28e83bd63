//! How soon it is noticed that a server, or another node, does not answer any more.

use std::time::{Duration, Instant};

use callboard::{Bus, Call, Outcome, Responder};
use callboard_nats::{LinkSnapshot, LinkState, PeerState};
use tokio::runtime::{Builder, Runtime};

use super::support::{Server, server};
use super::world::{LONG, Node, Question, soon, turns};
use crate::row::{Column, Row, Rule, Sample, Turn};

const COLUMNS: &[Column] = &[
    Column { name: "server", unit: "ms" },
    Column { name: "node", unit: "ms" },
    Column { name: "gather", unit: "ms" },
];

pub(super) fn rows() -> Vec<Row> {
    let about = "until a stopped server (SIGSTOP) is noticed; until a node is gone whose runtime \
                 stands still; from then until a request to it returns";
    let row = Row::new("nats-notice", about)
        .columns(COLUMNS)
        .turn(Turn::Fixed(1))
        .ours("callboard", turns(Notice::open, Notice::turn))
        .goal_on(0, "at most 3 s", Rule::AtMost(3_000.0))
        .goal_on(1, "at most 1.5 s", Rule::AtMost(1_500.0))
        .goal_on(2, "at most 50 ms", Rule::AtMost(50.0));
    vec![row]
}

/// A node whose server stops, and one whose peer does.
struct Notice {
    watcher: Node,
    stopping: Server,
    asker: Node,
    server: Server,
}

impl Notice {
    async fn open() -> Self {
        let (stopping, server) = (self::server(), self::server());
        let watcher = Node::start(&stopping, "watcher", |link| link).await;
        let asker = Node::start(&server, "asker", |link| link.ask::<Question>()).await;
        Self { watcher, stopping, asker, server }
    }

    async fn turn(self, _: u64) -> (Self, Sample) {
        let begun = Instant::now();
        let (server, (node, gather)) = tokio::join!(self.server_stops(), self.node_stops());
        let figures = [server, node, gather].map(|took| took.as_secs_f64() * 1e3).to_vec();
        (self, Sample { elapsed: begun.elapsed(), figures })
    }

    /// From the stop of the server until its link says so.
    async fn server_stops(&self) -> Duration {
        self.watcher.meets(&[]).await;
        self.stopping.stop();
        let begun = Instant::now();
        let noticed = [LinkState::Stalled, LinkState::Disconnected];
        self.watcher.until("the notice", |link| noticed.contains(&link.state)).await;
        let took = begun.elapsed();
        self.stopping.resume();
        took
    }

    /// From the stop of a node until it is gone, and from then until a request ends for it.
    async fn node_stops(&self) -> (Duration, Duration) {
        let url = self.server.url();
        let peer = tokio::task::spawn_blocking(move || Peer::until_asked(&url));
        self.asker.meets(&["peer"]).await;
        self.asker.finds(&["mute"]).await;
        let request = self.asker.bus.request(Question { value: 0 }).expect(["mute"]).timeout(LONG);
        let request = tokio::spawn(async move {
            let gathered = request.settled().await.expect("the bus is open");
            (gathered.outcome("mute"), Instant::now())
        });
        let peer = soon("the peer", peer).await.expect("the peer does not panic");
        let is_gone = |link: &LinkSnapshot| {
            link.peer("peer").is_some_and(|peer| peer.state == PeerState::Gone)
        };
        self.asker.until("the peer to be gone", is_gone).await;
        let gone = Instant::now();
        let (outcome, ended) = soon("the request", request).await.expect("it does not panic");
        assert_eq!(outcome, Some(Outcome::Gone), "the request ends because its node is gone");
        let stopped = peer.stopped;
        peer.end();
        (gone - stopped, ended.saturating_duration_since(gone))
    }
}

/// A node on a runtime that nobody drives any more: its connection stays open, and it is silent.
struct Peer {
    runtime: Runtime,
    kept: (Node, Responder<Question>, Call<Question>),
    stopped: Instant,
}

impl Peer {
    /// Lives until its responder has a request.
    fn until_asked(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime of one thread starts");
        let kept = runtime.block_on(async {
            let bus = Bus::new();
            bus.start();
            let mut inbox = bus.responder::<Question>("mute");
            let node = Node::on(bus, url, "peer", |link| link.serve::<Question>()).await;
            let call = soon("the request", inbox.recv()).await.expect("the bus is open");
            (node, inbox, call)
        });
        Self { runtime, kept, stopped: Instant::now() }
    }

    fn end(self) {
        drop(self.kept);
        self.runtime.shutdown_background();
    }
}
