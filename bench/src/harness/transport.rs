//! What a contestant offers. A peer implements what it can do; the loops beside this file do the
//! rest.

use crate::events::Message;
use crate::flow::{Flow, Sink};
use crate::row::Side;

/// Something that one thread puts in and takes out.
pub(crate) trait Queue<M: Message>: Sized + 'static {
    const NAME: &'static str;
    const SIDE: Side = Side::Peer;
    const NOTE: &'static str = "";

    fn open() -> Self;

    /// Puts a message in; whether it was accepted.
    fn offer(&mut self, message: M) -> bool;

    /// Takes one message out; whether there was one.
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool;
}

/// Something that carries messages from publishers to subscribers, each of whom receives all.
pub(crate) trait Transport<M: Message>: 'static {
    const NAME: &'static str;
    const SIDE: Side = Side::Peer;
    const NOTE: &'static str = "";
    const FLOW: Flow = Flow::BackPressure;

    type Publisher: Clone + Send + 'static;
    type Subscriber: Send + 'static;

    /// Opens it for so many subscribers, each of which holds
    /// [`CAPACITY`](super::CAPACITY) events.
    fn open(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>);
}

/// A transport between tasks.
pub(crate) trait TaskTransport<M: Message>: Transport<M> {
    /// Publishes; waits for room if that is the transport's way.
    fn publish(publisher: &mut Self::Publisher, message: M) -> impl Future<Output = ()> + Send;

    /// Waits for a message, and receives it and what else there is, as its own documentation
    /// advises.
    fn receive<S: Sink>(
        subscriber: &mut Self::Subscriber,
        sink: &mut S,
    ) -> impl Future<Output = ()> + Send;
}

/// A transport between threads.
pub(crate) trait ThreadTransport<M: Message>: Transport<M> {
    /// [`TaskTransport::publish`], parking the thread.
    fn blocking_publish(publisher: &mut Self::Publisher, message: M);

    /// [`TaskTransport::receive`], parking the thread.
    fn blocking_receive<S: Sink>(subscriber: &mut Self::Subscriber, sink: &mut S);
}

/// A channel that has one receiver. For several subscribers there is one channel each.
pub(crate) trait Channel: 'static {
    const NAME: &'static str;
    const NOTE: &'static str = "";

    type Sender<M: Message>: Clone + Send + Sync + 'static;
    type Receiver<M: Message>: Send + 'static;

    fn open<M: Message>(capacity: usize) -> (Self::Sender<M>, Self::Receiver<M>);

    /// Sends if there is room; whether there was.
    fn try_send<M: Message>(sender: &Self::Sender<M>, message: M) -> bool;

    /// Receives one message if there is one.
    fn try_recv<M: Message>(receiver: &mut Self::Receiver<M>) -> Option<M>;
}

/// A channel between tasks.
pub(crate) trait TaskChannel: Channel {
    fn send<M: Message>(sender: &Self::Sender<M>, message: M) -> impl Future<Output = ()> + Send;

    /// Waits for a message, and receives it and what else there is.
    fn recv<M: Message, S: Sink>(
        receiver: &mut Self::Receiver<M>,
        sink: &mut S,
    ) -> impl Future<Output = ()> + Send;
}

/// A channel between threads.
pub(crate) trait ThreadChannel: Channel {
    fn blocking_send<M: Message>(sender: &Self::Sender<M>, message: M);

    /// [`TaskChannel::recv`], parking the thread.
    fn blocking_recv<M: Message, S: Sink>(receiver: &mut Self::Receiver<M>, sink: &mut S);
}

/// Both ends of a channel, in one thread's hands.
#[derive(Debug)]
pub(crate) struct Ends<C: Channel, M: Message>(C::Sender<M>, C::Receiver<M>);

impl<C: Channel, M: Message> Queue<M> for Ends<C, M> {
    const NAME: &'static str = C::NAME;
    const NOTE: &'static str = C::NOTE;

    fn open() -> Self {
        let (sender, receiver) = C::open(super::CAPACITY);
        Self(sender, receiver)
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        C::try_send(&self.0, message)
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        C::try_recv(&mut self.1).inspect(|message| sink.take(message)).is_some()
    }
}

/// A channel for each subscriber; the publisher sends a clone into every one.
#[derive(Debug)]
pub(crate) struct Each<C>(C);

impl<C: Channel, M: Message> Transport<M> for Each<C> {
    const NAME: &'static str = C::NAME;
    const NOTE: &'static str = C::NOTE;

    type Publisher = Vec<C::Sender<M>>;
    type Subscriber = C::Receiver<M>;

    fn open(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        (0..subscribers).map(|_| C::open(super::CAPACITY)).unzip()
    }
}

impl<C: TaskChannel, M: Message> TaskTransport<M> for Each<C> {
    #[inline]
    async fn publish(publisher: &mut Self::Publisher, message: M) {
        if let Some((last, others)) = publisher.split_last() {
            for sender in others {
                C::send(sender, message.clone()).await;
            }
            C::send(last, message).await;
        }
    }

    #[inline]
    async fn receive<S: Sink>(subscriber: &mut Self::Subscriber, sink: &mut S) {
        C::recv(subscriber, sink).await;
    }
}

impl<C: ThreadChannel, M: Message> ThreadTransport<M> for Each<C> {
    #[inline]
    fn blocking_publish(publisher: &mut Self::Publisher, message: M) {
        if let Some((last, others)) = publisher.split_last() {
            for sender in others {
                C::blocking_send(sender, message.clone());
            }
            C::blocking_send(last, message);
        }
    }

    #[inline]
    fn blocking_receive<S: Sink>(subscriber: &mut Self::Subscriber, sink: &mut S) {
        C::blocking_recv(subscriber, sink);
    }
}
