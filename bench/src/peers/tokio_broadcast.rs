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

/// Receivers await one event, and take at once what else there is, up to `MOST` in all.
#[derive(Debug)]
pub(crate) struct Receiving<const MOST: usize>;

/// Receivers await event by event.
pub(crate) type OneByOne = Receiving<1>;

/// Receivers take what there is.
pub(crate) type Batched = Receiving<BATCH>;

impl<M: Message, const MOST: usize> Transport<M> for Receiving<MOST> {
    const NAME: &'static str = match MOST {
        1 => "tokio broadcast, recv",
        _ => "tokio broadcast, recv + try_recv",
    };
    const FLOW: Flow = Flow::Gated;

    type Publisher = Sender<M>;
    type Subscriber = Receiver<M>;

    fn open(subscribers: usize) -> (Sender<M>, Vec<Receiver<M>>) {
        let sender = Sender::new(CAPACITY);
        let receivers = (0..subscribers).map(|_| sender.subscribe()).collect();
        (sender, receivers)
    }
}

#[inline]
fn take_rest<M: Message, S: Sink>(subscriber: &mut Receiver<M>, rest: usize, sink: &mut S) {
    let received = std::iter::from_fn(|| subscriber.try_recv().ok());
    received.take(rest).for_each(|message| sink.take(&message));
}

impl<M: Message, const MOST: usize> TaskTransport<M> for Receiving<MOST> {
    #[inline]
    async fn publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.send(message);
    }

    #[inline]
    async fn receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.recv().await.expect("the gate lets nobody lag"));
        take_rest(subscriber, MOST - 1, sink);
    }
}

impl<M: Message, const MOST: usize> ThreadTransport<M> for Receiving<MOST> {
    #[inline]
    fn blocking_publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.send(message);
    }

    #[inline]
    fn blocking_receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.blocking_recv().expect("the gate lets nobody lag"));
        take_rest(subscriber, MOST - 1, sink);
    }
}
