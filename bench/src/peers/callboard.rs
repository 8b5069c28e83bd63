//! The bus itself. What it receives with is in this file alone.

use callboard::{Bus, Event, EventSet, Subscription};

use crate::events::Message;
use crate::flow::{Flow, Sink};
use crate::harness::{CAPACITY, Queue, TaskTransport, ThreadTransport, Transport};
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

/// One thread publishes and receives, in batches, which are lent.
#[derive(Debug)]
pub(crate) struct OneThreadBatched<M: Message + Event>(OneThread<M>);

impl<M: Message + Event> Queue<M> for OneThreadBatched<M> {
    const NAME: &'static str = "callboard, try_recv_batch";
    const SIDE: Side = Side::Ours;

    fn open() -> Self {
        Self(OneThread::open())
    }

    #[inline]
    fn offer(&mut self, message: M) -> bool {
        self.0.offer(message)
    }

    #[inline]
    fn take<S: Sink<M>>(&mut self, sink: &mut S) -> bool {
        let batch = self.0.subscription.try_recv_batch();
        batch.map(|batch| batch.for_each(|event| sink.take(&event))).is_ok()
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

/// Subscribers receive in batches, which are lent.
#[derive(Debug)]
pub(crate) struct Batched;

impl<M: Message + Event> Transport<M> for Batched {
    const NAME: &'static str = "callboard, recv_batch";
    const SIDE: Side = Side::Ours;
    const FLOW: Flow = Flow::Gated;

    type Publisher = Bus;
    type Subscriber = Subscription<M>;

    fn open(subscribers: usize) -> (Bus, Vec<Subscription<M>>) {
        open(subscribers)
    }
}

impl<M: Message + Event> TaskTransport<M> for Batched {
    #[inline]
    async fn publish(publisher: &mut Bus, message: M) {
        publisher.publish(message);
    }

    #[inline]
    async fn receive<S: Sink<M>>(subscriber: &mut Subscription<M>, sink: &mut S) {
        if let Some(batch) = subscriber.recv_batch().await {
            batch.for_each(|event| sink.take(&event));
        }
    }
}

impl<M: Message + Event> ThreadTransport<M> for Batched {
    #[inline]
    fn blocking_publish(publisher: &mut Bus, message: M) {
        publisher.publish(message);
    }

    #[inline]
    fn blocking_receive<S: Sink<M>>(subscriber: &mut Subscription<M>, sink: &mut S) {
        if let Some(batch) = subscriber.blocking_recv_batch() {
            batch.for_each(|event| sink.take(&event));
        }
    }
}
