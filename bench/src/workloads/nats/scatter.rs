//! A request to the responders of five other nodes.

use std::time::Instant;

use async_nats::{Client, Subscriber};
use bytes::Bytes;
use callboard::Bus;
use futures_util::StreamExt;
use tokio::task::JoinSet;

use super::support::{Server, server};
use super::world::{Answer, LONG, Node, Question, client, number, soon, subscribe, turns};
use crate::harness::percentiles;
use crate::row::{Against, PERCENTILES, Row, Rule, Sample, Turn};

const NODES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];
const RESPONDERS: [&str; 5] = ["r1", "r2", "r3", "r4", "r5"];

/// The pattern that the bus is held against.
const RAW: &str = "async-nats, one inbox";

pub(super) fn rows() -> Vec<Row> {
    let about = "a request to five responders on five other nodes, until all have answered; raw: one \
                 message with a reply subject under one wildcard inbox, five subscribers";
    let row = Row::new("nats-scatter-5", about)
        .columns(PERCENTILES)
        .turn(Turn::Timed { least: 200, stretch: 3 })
        .ours("callboard", turns(Scatter::open, Scatter::ask))
        .peer(RAW, turns(Raw::open, Raw::ask))
        .goal_on(
            0,
            "at most 1.2 times the raw inbox pattern",
            Rule::Ratio { against: Against::BestOf(&[RAW]), at_most: 1.2 },
        );
    vec![row]
}

/// A node that asks, and five that answer.
struct Scatter {
    asker: Node,
    _nodes: Vec<Node>,
    // Aborted with the row.
    _responders: JoinSet<()>,
    _server: Server,
}

impl Scatter {
    async fn open() -> Self {
        let server = server();
        let asker = Node::start(&server, "asker", |link| link.ask::<Question>()).await;
        let (mut nodes, mut responders) = (Vec::new(), JoinSet::new());
        for (node, name) in NODES.into_iter().zip(RESPONDERS) {
            let bus = Bus::new();
            bus.start();
            let mut inbox = bus.responder::<Question>(name);
            responders.spawn(async move {
                while let Some(call) = inbox.recv().await {
                    let value = call.value + 1;
                    call.respond(Answer { value });
                }
            });
            nodes.push(Node::on(bus, &server.url(), node, |link| link.serve::<Question>()).await);
        }
        asker.meets(&NODES).await;
        asker.finds(&RESPONDERS).await;
        Self { asker, _nodes: nodes, _responders: responders, _server: server }
    }

    async fn ask(self, events: u64) -> (Self, Sample) {
        let mut took = Vec::with_capacity(events as usize);
        let begun = Instant::now();
        let asking = async {
            for value in 0..events {
                let begun = Instant::now();
                let request = self.asker.bus.request(Question { value }).expect(RESPONDERS);
                let gathered = request.timeout(LONG).gather().await.expect("the bus is open");
                took.push(begun.elapsed().as_nanos() as u64);
                let all = gathered.into_all().expect("all answer");
                let right = all.iter().filter(|(_, answer)| answer.value == value + 1).count();
                assert_eq!(right, RESPONDERS.len(), "an answer is wrong or missing");
            }
        };
        soon("the answers", asking).await;
        (self, Sample { elapsed: begun.elapsed(), figures: percentiles(took) })
    }
}

/// A client that asks, and five that answer.
struct Raw {
    asker: Client,
    inbox: String,
    answers: Subscriber,
    _responders: JoinSet<()>,
    _server: Server,
}

impl Raw {
    async fn open() -> Self {
        let server = server();
        let asker = client(&server).await;
        let inbox = asker.new_inbox();
        let answers = subscribe(&asker, format!("{inbox}.*")).await;
        let mut responders = JoinSet::new();
        for _ in NODES {
            let client = client(&server).await;
            let mut questions = subscribe(&client, "bench.question").await;
            responders.spawn(async move {
                while let Some(question) = questions.next().await {
                    let value = number(&question.payload) + 1;
                    let reply = question.reply.expect("a question has an inbox");
                    // The row has ended if it can't be sent.
                    let _sent = client.publish(reply, small(value)).await;
                }
            });
        }
        Self { asker, inbox, answers, _responders: responders, _server: server }
    }

    async fn ask(mut self, events: u64) -> (Self, Sample) {
        let mut took = Vec::with_capacity(events as usize);
        let begun = Instant::now();
        let asking = async {
            for value in 0..events {
                let begun = Instant::now();
                let reply = format!("{}.{value}", self.inbox);
                let question = small(value);
                let sent = self.asker.publish_with_reply("bench.question", reply.clone(), question);
                sent.await.expect("it is connected");
                let mut right = 0;
                while right < NODES.len() {
                    let answer = self.answers.next().await.expect("it is connected");
                    assert_eq!(answer.subject.as_str(), reply, "an answer to another question");
                    assert_eq!(number(&answer.payload), value + 1, "an answer is wrong");
                    right += 1;
                }
                took.push(begun.elapsed().as_nanos() as u64);
            }
        };
        soon("the answers", asking).await;
        (self, Sample { elapsed: begun.elapsed(), figures: percentiles(took) })
    }
}

/// As much as a question or an answer of the bus has to say.
fn small(value: u64) -> Bytes {
    Bytes::copy_from_slice(&value.to_le_bytes())
}
