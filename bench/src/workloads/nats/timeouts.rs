//! What is left of requests that nobody answers.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::Client;
use callboard::{Bus, Call, Outcome};
use callboard_nats::LinkSnapshot;
use futures_util::StreamExt;
use tokio::task::JoinSet;

use super::support::{Server, server};
use super::world::{Node, Question, client, payload, soon, subscribe};
use crate::alloc;
use crate::harness::runtime;
use crate::row::{Column, Row, Rule, Sample, Turn};

/// How many requests a turn has: enough for tables that grew a little not to look like a leak.
const REQUESTS: u64 = 40_000;

/// Of how many requests async-nats makes one: what it keeps shows after few.
const RAW_SHARE: u64 = 10;

/// How many are open at once.
const OPEN: u64 = 2_000;

/// How long each waits.
const TIMEOUT: Duration = Duration::from_millis(100);

const COLUMNS: &[Column] = &[Column { name: "", unit: "bytes/request" }];

pub(super) fn rows() -> Vec<Row> {
    let about = "bytes still held after 40,000 requests (async-nats: 4,000) to a responder of \
                 another node have timed out, 2,000 at once; the warm-up has as many";
    let row = Row::new("nats-timeouts", about)
        .columns(COLUMNS)
        .turn(Turn::Fixed(REQUESTS))
        .ours("callboard", held::<Linked>(1))
        .peer("async-nats, request", held::<Raw>(RAW_SHARE))
        .goal_on(0, "1 MB for a million", Rule::AtMost(1.0));
    vec![row]
}

/// Somebody who asks a responder that never answers.
trait Ask: Sized + 'static {
    async fn open() -> Self;

    /// Asks, until that has timed out.
    fn ask(&self, value: u64) -> impl Future<Output = ()> + Send + 'static;

    /// Waits until everybody concerned has given up.
    async fn settle(&self);
}

/// Counts what requests leave, of which one in `share` is made. The asker stays from turn to turn.
fn held<A: Ask>(share: u64) -> impl FnMut(u64) -> Sample {
    let mut opened = None;
    move |requests| {
        let requests = requests / share;
        let asker = opened.get_or_insert_with(|| runtime().block_on(A::open()));
        let ((), counted) = alloc::count(|| runtime().block_on(ask(asker, requests)));
        Sample::counted(counted.held as f64 / requests as f64)
    }
}

async fn ask<A: Ask>(asker: &A, requests: u64) {
    for first in (0..requests).step_by(OPEN as usize) {
        let mut open = JoinSet::new();
        for value in first..requests.min(first + OPEN) {
            open.spawn(asker.ask(value));
        }
        soon("the timeouts", open.join_all()).await;
    }
    asker.settle().await;
}

/// A node that asks, and one with a responder that keeps the calls.
struct Linked {
    asker: Node,
    other: Node,
    // Aborted with the row.
    _responder: JoinSet<()>,
    _server: Server,
}

impl Ask for Linked {
    async fn open() -> Self {
        let server = server();
        let asker = Node::start(&server, "asker", |link| link.ask::<Question>()).await;
        let bus = Bus::new();
        bus.start();
        let mut inbox = bus.subscriber("mute").capacity(10_000).responder::<Question>();
        let mut responder = JoinSet::new();
        responder.spawn(async move {
            let mut kept = VecDeque::<Call<Question>>::new();
            while let Some(call) = inbox.recv().await {
                while kept.front().is_some_and(|call| !call.is_open()) {
                    kept.pop_front();
                }
                kept.push_back(call);
            }
        });
        let other = Node::on(bus, &server.url(), "other", |link| link.serve::<Question>()).await;
        asker.meets(&["other"]).await;
        asker.finds(&["mute"]).await;
        Self { asker, other, _responder: responder, _server: server }
    }

    fn ask(&self, value: u64) -> impl Future<Output = ()> + Send + 'static {
        let bus = self.asker.bus.clone();
        async move {
            let request = bus.request(Question { value }).expect(["mute"]).timeout(TIMEOUT);
            let gathered = request.settled().await.expect("the bus is open");
            // Its own node may say it first: then the request has ended in time, without an answer.
            let outcome = gathered.outcome("mute");
            let in_vain =
                matches!(outcome, Some(Outcome::TimedOutQueued | Outcome::TimedOutHandling));
            assert!(in_vain, "nobody answers, and yet the outcome is {outcome:?}");
        }
    }

    async fn settle(&self) {
        self.asker.until("the requests", |link| link.open_requests == 0).await;
        let none = || self.other.bus.snapshot().requests.open.is_empty();
        self.other.until("the requests", |_| none()).await;
        // What both still have to write and to sweep, in half a second.
        let mut looks = 0;
        let enough = |_: &LinkSnapshot| {
            looks += 1;
            looks > 20
        };
        self.asker.until("the last messages", enough).await;
    }
}

/// A client that asks with the means of async-nats, and a subscription that is not read.
struct Raw {
    asker: Client,
    other: Client,
    // Aborted with the row.
    _responder: JoinSet<()>,
    _server: Server,
}

impl Ask for Raw {
    async fn open() -> Self {
        let server = server();
        let (asker, other) = (client(&server).await, client(&server).await);
        let mut questions = subscribe(&other, "bench.question").await;
        let mut responder = JoinSet::new();
        responder.spawn(async move { while questions.next().await.is_some() {} });
        Self { asker, other, _responder: responder, _server: server }
    }

    fn ask(&self, value: u64) -> impl Future<Output = ()> + Send + 'static {
        let asker = self.asker.clone();
        let request = async_nats::Request::new().payload(payload(value)).timeout(Some(TIMEOUT));
        async move {
            let answer = asker.send_request("bench.question", request).await;
            assert!(answer.is_err(), "nobody answers");
        }
    }

    async fn settle(&self) {
        // What was sent before has come by then.
        drop(subscribe(&self.other, "bench.settled").await);
    }
}
