//! The bus itself. What it receives with is in this file alone.

use callboard::{Bus, Delivery, Event, EventSet, Subscription};

use crate::events::Message;
use crate::flow::{Flow, Sink};
use crate::harness::{BATCH, CAPACITY, Queue, TaskTransport, ThreadTransport, Transport};
use crate::row::Side;

/// A running bus and so many subscriptions.
fn open<S: EventSet>(subscribers: usize) -> (Bus, Vec<Subscription<S>>) {
    let bus = Bus::new();
    let reader = |index| bus.subscriber(format!("reader {index}")).capacity(CAPACITY).subscribe();
    let subscriptions = (0..subscribers).map(reader).collect();
    bus.start();
    (bus, subscriptions)
}

/// One thread publishes and receives.
#[derive(Debug)]
pub(crate) struct OneThread<M: Message + Event> {
    bus: Bus,
    subscription: Subscription<M>,
}

impl<M: Message + Event> Queue<M> for OneThread<M> {
    const NAME: &'static str = "callboard";
    const SIDE: Side = Side::Ours;

    fn open() -> Self {
        let (bus, mut subscriptions) = open(1);
        Self { bus, subscription: subscriptions.remove(0) }
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        self.bus.publish(message).delivered() == 1
    }

    #[inline]
    fn take<S: Sink<M>>(&mut self, sink: &mut S) -> bool {
        self.subscription.try_recv().inspect(|event| sink.take(event)).is_ok()
    }
}

/// Subscribers receive event by event.
#[derive(Debug)]
pub(crate) struct OneByOne;

impl<M: Message + Event> Transport<M> for OneByOne {
    const NAME: &'static str = "callboard, recv";
    const SIDE: Side = Side::Ours;
    const FLOW: Flow = Flow::Gated;

    type Publisher = Bus;
    type Subscriber = Subscription<M>;

    fn open(subscribers: usize) -> (Bus, Vec<Subscription<M>>) {
        open(subscribers)
    }
}

impl<M: Message + Event> TaskTransport<M> for OneByOne {
    #[inline]
    async fn publish(publisher: &mut Bus, message: M) {
        publisher.publish(message);
    }

    #[inline]
    async fn receive<S: Sink<M>>(subscriber: &mut Subscription<M>, sink: &mut S) {
        if let Some(event) = subscriber.recv().await {
            sink.take(&event);
        }
    }
}

impl<M: Message + Event> ThreadTransport<M> for OneByOne {
    #[inline]
    fn blocking_publish(publisher: &mut Bus, message: M) {
        publisher.publish(message);
    }

    #[inline]
    fn blocking_receive<S: Sink<M>>(subscriber: &mut Subscription<M>, sink: &mut S) {
        if let Some(event) = subscriber.blocking_recv() {
            sink.take(&event);
        }
    }
}

/// Subscribers receive in batches.
#[derive(Debug)]
pub(crate) struct Batched;

/// A subscription and the buffer for its batches.
#[derive(Debug)]
pub(crate) struct Reader<M: Message + Event> {
    subscription: Subscription<M>,
    batch: Vec<Delivery<M>>,
}

impl<M: Message + Event> Transport<M> for Batched {
    const NAME: &'static str = "callboard, recv_many";
    const SIDE: Side = Side::Ours;
    const FLOW: Flow = Flow::Gated;

    type Publisher = Bus;
    type Subscriber = Reader<M>;

    fn open(subscribers: usize) -> (Bus, Vec<Reader<M>>) {
        let (bus, subscriptions) = open(subscribers);
        let batch = || Vec::with_capacity(BATCH);
        let reader = |subscription| Reader { subscription, batch: batch() };
        (bus, subscriptions.into_iter().map(reader).collect())
    }
}

impl<M: Message + Event> TaskTransport<M> for Batched {
    #[inline]
    async fn publish(publisher: &mut Bus, message: M) {
        publisher.publish(message);
    }

    #[inline]
    async fn receive<S: Sink<M>>(subscriber: &mut Reader<M>, sink: &mut S) {
        let Reader { subscription, batch } = subscriber;
        subscription.recv_many(batch, BATCH).await;
        batch.drain(..).for_each(|event| sink.take(&event));
    }
}

impl<M: Message + Event> ThreadTransport<M> for Batched {
    #[inline]
    fn blocking_publish(publisher: &mut Bus, message: M) {
        publisher.publish(message);
    }

    #[inline]
    fn blocking_receive<S: Sink<M>>(subscriber: &mut Reader<M>, sink: &mut S) {
        let Reader { subscription, .. } = subscriber;
        if let Some(event) = subscription.blocking_recv() {
            sink.take(&event);
            subscription.try_iter().take(BATCH - 1).for_each(|event| sink.take(&event));
        }
    }
}
