//! The bus itself. What it receives with is in this file alone; what is published and how one
//! subscribes is a [`Way`].

use std::marker::PhantomData;

use callboard::{Bus, Subscription};

use super::ways::Way;
use crate::flow::{Flow, Sink};
use crate::harness::{CAPACITY, Queue, TaskTransport, ThreadTransport, Transport};
use crate::row::Side;

/// A running bus and so many subscriptions.
fn open<W: Way>(subscribers: usize) -> (Bus, Vec<Subscription<W::Set>>) {
    let bus = W::bus();
    let reader = |index| W::subscribe(bus.subscriber(format!("reader {index}")).capacity(CAPACITY));
    let subscriptions = (0..subscribers).map(reader).collect();
    bus.start();
    (bus, subscriptions)
}

/// One thread publishes and receives.
pub(crate) struct OneThread<W: Way> {
    bus: Bus,
    subscription: Subscription<W::Set>,
}

impl<W: Way> Queue<W::Message> for OneThread<W> {
    const NAME: &'static str = "callboard";
    const SIDE: Side = Side::Ours;

    fn open() -> Self {
        let (bus, mut subscriptions) = open::<W>(1);
        Self { bus, subscription: subscriptions.remove(0) }
    }

    #[inline]
    fn offer(&mut self, message: W::Message) -> bool {
        W::publish(&self.bus, message).delivered() == 1
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        self.subscription.try_recv().inspect(|event| W::take(event, sink)).is_ok()
    }
}

/// One thread publishes and receives, in batches, which are lent.
pub(crate) struct OneThreadBatched<W: Way>(OneThread<W>);

impl<W: Way> Queue<W::Message> for OneThreadBatched<W> {
    const NAME: &'static str = "callboard, try_recv_batch";
    const SIDE: Side = Side::Ours;

    fn open() -> Self {
        Self(OneThread::open())
    }

    #[inline]
    fn offer(&mut self, message: W::Message) -> bool {
        self.0.offer(message)
    }

    #[inline]
    fn take<S: Sink>(&mut self, sink: &mut S) -> bool {
        let batch = self.0.subscription.try_recv_batch();
        batch.map(|batch| batch.for_each(|event| W::look(&event, sink))).is_ok()
    }
}

/// A transport that receives by the methods named, of tasks and of threads.
macro_rules! transport {
    ($(#[$about:meta])* $transport:ident: $name:literal; $recv:ident, $blocking_recv:ident;
     |$received:ident, $sink:ident| $take:expr) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $transport<W>(PhantomData<W>);

        impl<W: Way> Transport<W::Message> for $transport<W> {
            const NAME: &'static str = $name;
            const SIDE: Side = Side::Ours;
            const FLOW: Flow = Flow::Gated;

            type Publisher = Bus;
            type Subscriber = Subscription<W::Set>;

            fn open(subscribers: usize) -> (Bus, Vec<Subscription<W::Set>>) {
                open::<W>(subscribers)
            }
        }

        impl<W: Way> TaskTransport<W::Message> for $transport<W> {
            #[inline]
            async fn publish(publisher: &mut Bus, message: W::Message) {
                W::publish(publisher, message);
            }

            #[inline]
            async fn receive<S: Sink>(subscriber: &mut Subscription<W::Set>, $sink: &mut S) {
                if let Some($received) = subscriber.$recv().await {
                    $take;
                }
            }
        }

        impl<W: Way> ThreadTransport<W::Message> for $transport<W> {
            #[inline]
            fn blocking_publish(publisher: &mut Bus, message: W::Message) {
                W::publish(publisher, message);
            }

            #[inline]
            fn blocking_receive<S: Sink>(subscriber: &mut Subscription<W::Set>, $sink: &mut S) {
                if let Some($received) = subscriber.$blocking_recv() {
                    $take;
                }
            }
        }
    };
}

transport! {
    /// Subscribers receive event by event.
    OneByOne: "callboard, recv"; recv, blocking_recv;
    |event, sink| W::take(&event, sink)
}

transport! {
    /// Subscribers receive in batches, which are lent.
    Batched: "callboard, recv_batch"; recv_batch, blocking_recv_batch;
    |batch, sink| batch.for_each(|event| W::look(&event, sink))
}
