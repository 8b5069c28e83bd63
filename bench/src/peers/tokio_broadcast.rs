//! `tokio::sync::broadcast`: one ring for all receivers. It drops what the slowest has not read, so
//! it runs behind the harness's gate.

use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::events::Message;
use crate::flow::{Flow, Sink};
use crate::harness::{BATCH, CAPACITY, Queue, TaskTransport, ThreadTransport, Transport};

/// One thread sends and receives.
#[derive(Debug)]
pub(crate) struct OneThread<M>(Sender<M>, Receiver<M>);

impl<M: Message> Queue<M> for OneThread<M> {
    const NAME: &'static str = "tokio broadcast";

    fn open() -> Self {
        let (sender, receiver) = channel(CAPACITY);
        Self(sender, receiver)
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        self.0.send(message).is_ok()
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        self.1.try_recv().inspect(|message| sink.take(message)).is_ok()
    }
}

fn open<M: Message>(subscribers: usize) -> (Sender<M>, Vec<Receiver<M>>) {
    let sender = Sender::new(CAPACITY);
    let receivers = (0..subscribers).map(|_| sender.subscribe()).collect();
    (sender, receivers)
}

/// Receivers await event by event.
#[derive(Debug)]
pub(crate) struct OneByOne;

impl<M: Message> Transport<M> for OneByOne {
    const NAME: &'static str = "tokio broadcast, recv";
    const FLOW: Flow = Flow::Gated;

    type Publisher = Sender<M>;
    type Subscriber = Receiver<M>;

    fn open(subscribers: usize) -> (Sender<M>, Vec<Receiver<M>>) {
        open(subscribers)
    }
}

impl<M: Message> TaskTransport<M> for OneByOne {
    #[inline]
    async fn publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.send(message);
    }

    #[inline]
    async fn receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.recv().await.expect("the gate lets nobody lag"));
    }
}

/// Receivers await one event and take at once what else there is.
#[derive(Debug)]
pub(crate) struct Batched;

impl<M: Message> Transport<M> for Batched {
    const NAME: &'static str = "tokio broadcast, recv + try_recv";
    const FLOW: Flow = Flow::Gated;

    type Publisher = Sender<M>;
    type Subscriber = Receiver<M>;

    fn open(subscribers: usize) -> (Sender<M>, Vec<Receiver<M>>) {
        open(subscribers)
    }
}

#[inline]
fn take_rest<M: Message, S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
    let rest = std::iter::from_fn(|| subscriber.try_recv().ok());
    rest.take(BATCH - 1).for_each(|message| sink.take(&message));
}

impl<M: Message> TaskTransport<M> for Batched {
    #[inline]
    async fn publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.send(message);
    }

    #[inline]
    async fn receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.recv().await.expect("the gate lets nobody lag"));
        take_rest(subscriber, sink);
    }
}

impl<M: Message> ThreadTransport<M> for Batched {
    #[inline]
    fn blocking_publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.send(message);
    }

    #[inline]
    fn blocking_receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.blocking_recv().expect("the gate lets nobody lag"));
        take_rest(subscriber, sink);
    }
}
