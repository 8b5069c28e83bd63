//! From the publisher on one bus over the server to the subscriber on another.

use std::sync::Arc;
use std::time::Instant;

use async_nats::{Client, Subscriber};
use callboard::Subscription;
use futures_util::StreamExt;

use super::support::{Server, server};
use super::world::{Node, Wire, client, number, payload, soon, subscribe, turns};
use crate::events::Message;
use crate::flow::{Gate, Sink, Tally, Ticket};
use crate::harness::percentiles;
use crate::row::{Against, PERCENTILES, Row, Sample, Turn};

/// How many events may be under way, with both.
const WINDOW: usize = 8_192;

const PLAIN: &str = "async-nats";

pub(super) fn rows() -> Vec<Row> {
    let about = "one publisher's bus → link → server → link → another bus's subscriber, 128-byte \
                 events, at most 8,192 under way";
    let bridge = Row::new("nats-bridge", about)
        .turn(Turn::Timed { least: 1_000, stretch: 2 })
        .ours("callboard", turns(Bridge::open, Bridge::stream))
        .peer(PLAIN, turns(Plain::open, Plain::stream))
        .goal("at least 70 % of plain async-nats's rate", Against::BestPeer, 1.0 / 0.7);
    let about = "the same, one event under way: from publish to received";
    let paced = Row::new("nats-bridge-paced", about)
        .columns(PERCENTILES)
        .turn(Turn::Timed { least: 200, stretch: 2 })
        .ours("callboard", turns(Bridge::open, Bridge::paced))
        .peer(PLAIN, turns(Plain::open, Plain::paced));
    vec![bridge, paced]
}

/// Two buses and their links.
struct Bridge {
    from: Node,
    // The link ends with it.
    _to: Node,
    events: Subscription<Wire>,
    _server: Server,
}

impl Bridge {
    async fn open() -> Self {
        let server = server();
        let from = Node::start(&server, "from", |link| link.export::<Wire>()).await;
        let to = Node::start(&server, "to", |link| link.import::<Wire>()).await;
        let events = to.bus.subscriber("reader").capacity(WINDOW).late().subscribe();
        from.meets(&["to"]).await;
        to.meets(&["from"]).await;
        Self { from, _to: to, events, _server: server }
    }

    async fn stream(mut self, events: u64) -> (Self, Sample) {
        let gate = Gate::new(WINDOW, 1);
        let mut ticket = Ticket::new(Arc::clone(&gate));
        let bus = self.from.bus.clone();
        let begun = Instant::now();
        let writer = tokio::spawn(async move {
            for value in 0..events {
                ticket.pass().await;
                bus.publish(Wire::new(value));
            }
        });
        let mut tally = Tally::default();
        let receive = async {
            while tally.count < events {
                let batch = self.events.recv_batch().await.expect("the bus is open");
                batch.into_iter().for_each(|event| tally.take(&*event));
                gate.report(0, tally.count);
            }
        };
        soon("the events", receive).await;
        let elapsed = begun.elapsed();
        writer.await.expect("a writer does not panic");
        tally.check("callboard", events);
        (self, Sample::per_event(elapsed, events))
    }

    async fn paced(mut self, events: u64) -> (Self, Sample) {
        let mut took = Vec::with_capacity(events as usize);
        let begun = Instant::now();
        let exchange = async {
            for value in 0..events {
                let begun = Instant::now();
                self.from.bus.publish(Wire::new(value));
                let event = self.events.recv().await.expect("the bus is open");
                took.push(begun.elapsed().as_nanos() as u64);
                assert_eq!(event.value(), value, "`callboard` did not deliver what was published");
            }
        };
        soon("the events", exchange).await;
        (self, Sample { elapsed: begun.elapsed(), figures: percentiles(took) })
    }
}

/// Two clients.
struct Plain {
    from: Client,
    _to: Client,
    messages: Subscriber,
    _server: Server,
}

impl Plain {
    async fn open() -> Self {
        let server = server();
        let (from, to) = (client(&server).await, client(&server).await);
        let messages = subscribe(&to, "bench.wire").await;
        Self { from, _to: to, messages, _server: server }
    }

    async fn stream(mut self, events: u64) -> (Self, Sample) {
        let gate = Gate::new(WINDOW, 1);
        let mut ticket = Ticket::new(Arc::clone(&gate));
        let client = self.from.clone();
        let begun = Instant::now();
        let writer = tokio::spawn(async move {
            for value in 0..events {
                ticket.pass().await;
                client.publish("bench.wire", payload(value)).await.expect("it is connected");
            }
        });
        let (mut count, mut sum) = (0, 0_u64);
        let receive = async {
            while count < events {
                let message = self.messages.next().await.expect("it is connected");
                count += 1;
                sum = sum.wrapping_add(number(&message.payload));
                gate.report(0, count);
            }
        };
        soon("the messages", receive).await;
        let elapsed = begun.elapsed();
        writer.await.expect("a writer does not panic");
        Tally { count, sum }.check(PLAIN, events);
        (self, Sample::per_event(elapsed, events))
    }

    async fn paced(mut self, events: u64) -> (Self, Sample) {
        let mut took = Vec::with_capacity(events as usize);
        let begun = Instant::now();
        let exchange = async {
            for value in 0..events {
                let begun = Instant::now();
                let sent = self.from.publish("bench.wire", payload(value)).await;
                sent.expect("it is connected");
                let message = self.messages.next().await.expect("it is connected");
                took.push(begun.elapsed().as_nanos() as u64);
                assert_eq!(number(&message.payload), value, "`{PLAIN}` lost a message");
            }
        };
        soon("the messages", exchange).await;
        (self, Sample { elapsed: begun.elapsed(), figures: percentiles(took) })
    }
}
