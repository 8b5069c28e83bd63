//! `kameo`: actors, and the message bus of `kameo_actors`, which is an actor too. With its
//! `Guaranteed` delivery it waits for room in each mailbox, so nothing is lost.

use std::time::{Duration, Instant};

use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message as Handle};
use kameo_actors::DeliveryStrategy;
use kameo_actors::message_bus::{MessageBus, Publish, Register};
use tokio::sync::oneshot;

use super::{Entry, TaskRuns};
use crate::events::{Message, Plain};
use crate::flow::{Sink, Tally};
use crate::harness::{Ask, CAPACITY, runtime};
use crate::row::{Sample, Side};

const NAME: &str = "kameo message bus";

pub(super) fn tasks<M: Message>() -> Entry<TaskRuns> {
    let note = "subscribers are actors; each is given event by event";
    let runs = TaskRuns { fan_out: fan_out::<M>, latency: None };
    Entry { name: NAME, side: Side::Peer, note, runs }
}

/// A subscriber: tells its tally once it has received everything.
#[derive(kameo::Actor)]
struct Reader {
    events: u64,
    tally: Tally,
    done: Option<oneshot::Sender<(Tally, Instant)>>,
}

impl<M: Message> Handle<M> for Reader {
    type Reply = ();

    async fn handle(&mut self, message: M, _: &mut Context<Self, ()>) {
        self.tally.take(&message);
        if self.tally.count == self.events
            && let Some(done) = self.done.take()
        {
            let _ = done.send((self.tally, Instant::now()));
        }
    }
}

fn fan_out<M: Message>(publishers: u64, subscribers: usize, events: u64) -> Sample {
    let each = events.div_ceil(publishers);
    let events = each * publishers;
    runtime().block_on(async {
        let bus = MessageBus::new(DeliveryStrategy::Guaranteed);
        let bus = MessageBus::spawn_with_mailbox(bus, mailbox::bounded(CAPACITY));
        let mut readers = Vec::new();
        for _ in 0..subscribers {
            let (done, ended) = oneshot::channel();
            let reader = Reader { events, tally: Tally::default(), done: Some(done) };
            let reader = Reader::spawn_with_mailbox(reader, mailbox::bounded(CAPACITY));
            let registered = bus.ask(Register(reader.clone().recipient::<M>())).await;
            registered.expect("the bus runs");
            readers.push((reader, ended));
        }
        let begun = Instant::now();
        for index in 0..publishers {
            let bus = bus.clone();
            tokio::spawn(async move {
                for value in index * each..(index + 1) * each {
                    let _ = bus.tell(Publish(M::new(value))).await;
                }
            });
        }
        let mut last = begun;
        for (reader, ended) in readers {
            let (tally, at) = ended.await.expect("the reader ends");
            tally.check(NAME, events);
            last = last.max(at);
            let _ = reader.stop_gracefully().await;
        }
        let _ = bus.stop_gracefully().await;
        Sample::per_event(last - begun, events)
    })
}

/// Actors that answer.
#[derive(Debug)]
pub(crate) struct Actors(Vec<ActorRef<Responder>>);

#[derive(kameo::Actor)]
pub(crate) struct Responder;

impl Handle<Plain> for Responder {
    type Reply = u64;

    async fn handle(&mut self, question: Plain, _: &mut Context<Self, u64>) -> u64 {
        question.value() + 1
    }
}

impl Ask for Actors {
    fn open(responders: usize) -> Self {
        let _entered = runtime().enter();
        let mailbox = || mailbox::bounded(CAPACITY);
        Self((0..responders).map(|_| Responder::spawn_with_mailbox(Responder, mailbox())).collect())
    }

    async fn ask(&mut self, value: u64) -> u64 {
        let gather = async {
            let mut pending = Vec::with_capacity(self.0.len());
            for responder in &self.0 {
                let question = responder.ask(Plain::new(value));
                pending.push(question.enqueue().await.expect("the responder runs"));
            }
            let mut sum = 0;
            for answer in pending {
                sum += answer.await.expect("the responder answers");
            }
            sum
        };
        let timeout = Duration::from_secs(10);
        tokio::time::timeout(timeout, gather).await.expect("the answers come in time")
    }
}
