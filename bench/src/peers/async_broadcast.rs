//! `async-broadcast`: one queue for all receivers; with overflow off, sending waits for the slowest.

use async_broadcast::{Receiver, Sender, broadcast};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{BATCH, CAPACITY, Queue, TaskTransport, ThreadTransport, Transport};

/// One thread sends and receives.
#[derive(Debug)]
pub(crate) struct OneThread<M>(Sender<M>, Receiver<M>);

impl<M: Message> Queue<M> for OneThread<M> {
    const NAME: &'static str = "async-broadcast";

    fn open() -> Self {
        let (sender, receiver) = broadcast(CAPACITY);
        Self(sender, receiver)
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        self.0.try_broadcast(message).is_ok()
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        self.1.try_recv().inspect(|message| sink.take(message)).is_ok()
    }
}

/// Without overflow; the futures are its `_direct` ones, which do not allocate.
#[derive(Debug)]
pub(crate) struct AsyncBroadcast;

impl<M: Message> Transport<M> for AsyncBroadcast {
    const NAME: &'static str = "async-broadcast";

    type Publisher = Sender<M>;
    type Subscriber = Receiver<M>;

    fn open(subscribers: usize) -> (Sender<M>, Vec<Receiver<M>>) {
        let (sender, receiver) = broadcast(CAPACITY);
        let mut receivers = vec![receiver; subscribers.max(1)];
        receivers.truncate(subscribers);
        (sender, receivers)
    }
}

#[inline]
fn take_rest<M: Message, S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
    let rest = std::iter::from_fn(|| subscriber.try_recv().ok());
    rest.take(BATCH - 1).for_each(|message| sink.take(&message));
}

impl<M: Message> TaskTransport<M> for AsyncBroadcast {
    #[inline]
    async fn publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.broadcast_direct(message).await;
    }

    #[inline]
    async fn receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.recv_direct().await.expect("the sender is there"));
        take_rest(subscriber, sink);
    }
}

impl<M: Message> ThreadTransport<M> for AsyncBroadcast {
    #[inline]
    fn blocking_publish(publisher: &mut Sender<M>, message: M) {
        let _ = publisher.broadcast_blocking(message);
    }

    #[inline]
    fn blocking_receive<S: Sink>(subscriber: &mut Receiver<M>, sink: &mut S) {
        sink.take(&subscriber.recv_blocking().expect("the sender is there"));
        take_rest(subscriber, sink);
    }
}
