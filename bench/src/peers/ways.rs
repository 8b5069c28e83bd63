//! The ways to use the bus that are measured: what is published, on which bus, and how one
//! subscribes to it.

use std::marker::PhantomData;

use callboard::{
    AnyEvent, AnyEventRef, Bus, Delivery, Event, EventRef, EventSet, Overflow, Published,
    SubscriberBuilder, Subscription,
};

use crate::events::{Keyed, Kind, Message, Pair, Plain, Small};
use crate::flow::Sink;

/// A way to use the bus.
pub(crate) trait Way: Send + 'static {
    /// What the harness hands to the publisher.
    type Message: Message;
    /// What subscribers subscribe to.
    type Set: EventSet;

    fn bus() -> Bus {
        Bus::new()
    }

    fn subscribe(subscriber: SubscriberBuilder) -> Subscription<Self::Set> {
        subscriber.subscribe()
    }

    fn publish(bus: &Bus, message: Self::Message) -> Published;

    /// Takes what was received by itself.
    fn take<S: Sink>(item: &<Self::Set as EventSet>::Item, sink: &mut S);

    /// Takes what was received in a batch.
    fn look<S: Sink>(item: &<Self::Set as EventSet>::Ref<'_>, sink: &mut S);
}

/// Subscribers to one type, with the defaults.
#[derive(Debug)]
pub(crate) struct Typed<E>(PhantomData<E>);

/// Subscribers to a set of three types, as an enum.
#[derive(Debug)]
pub(crate) struct Set;

/// Subscribers to everything.
#[derive(Debug)]
pub(crate) struct Everything;

/// Subscribers to one type that drop the oldest when full.
#[derive(Debug)]
pub(crate) struct DropOldest;

/// Subscribers to one type whose events coalesce by key.
#[derive(Debug)]
pub(crate) struct ByKey;

/// Subscribers to one type, on a bus that keeps time.
#[derive(Debug)]
pub(crate) struct Timed;

/// Whatever of three types comes.
#[derive(Debug, EventSet)]
pub(crate) enum Inbox {
    Small(Delivery<Small>),
    Pair(Delivery<Pair>),
    Plain(Delivery<Plain>),
}

/// The methods of a way whose subscribers receive one type.
macro_rules! one_type {
    ($event:ty) => {
        type Message = $event;
        type Set = $event;

        #[inline]
        fn publish(bus: &Bus, message: $event) -> Published {
            bus.publish(message)
        }

        #[inline]
        fn take<S: Sink>(item: &Delivery<$event>, sink: &mut S) {
            sink.take::<$event>(item);
        }

        #[inline]
        fn look<S: Sink>(item: &EventRef<'_, $event>, sink: &mut S) {
            sink.take::<$event>(item);
        }
    };
}

/// The methods of a way whose subscribers receive three types.
macro_rules! three_types {
    ($set:ty, $item:ident, $lent:ty, $lent_item:ident, $show:ident) => {
        type Message = Kind;
        type Set = $set;

        #[inline]
        fn publish(bus: &Bus, message: Kind) -> Published {
            match message {
                Kind::Small(event) => bus.publish(event),
                Kind::Pair(event) => bus.publish(event),
                Kind::Plain(event) => bus.publish(event),
            }
        }

        #[inline]
        fn take<S: Sink>(item: &$item, sink: &mut S) {
            $show!(item, sink, $item)
        }

        #[inline]
        fn look<S: Sink>(item: &$lent, sink: &mut S) {
            $show!(item, sink, $lent_item)
        }
    };
}

/// Shows the sink an item of a set, owned or lent.
macro_rules! show_set {
    ($item:expr, $sink:expr, $set:ident) => {
        match $item {
            $set::Small(event) => $sink.take::<Small>(event),
            $set::Pair(event) => $sink.take::<Pair>(event),
            $set::Plain(event) => $sink.take::<Plain>(event),
        }
    };
}

/// Shows the sink an event of any type, owned or lent.
macro_rules! show_any {
    ($item:expr, $sink:expr, $_any:ident) => {
        if let Some(event) = $item.downcast_ref::<Small>() {
            $sink.take(event);
        } else if let Some(event) = $item.downcast_ref::<Pair>() {
            $sink.take(event);
        } else if let Some(event) = $item.downcast_ref::<Plain>() {
            $sink.take(event);
        }
    };
}

impl<E: Message + Event> Way for Typed<E> {
    one_type!(E);
}

impl Way for Set {
    three_types!(Inbox, Inbox, InboxRef<'_>, InboxRef, show_set);
}

impl Way for Everything {
    three_types!(AnyEvent, AnyEvent, AnyEventRef<'_>, AnyEventRef, show_any);
}

impl Way for DropOldest {
    one_type!(Plain);

    fn subscribe(subscriber: SubscriberBuilder) -> Subscription<Plain> {
        subscriber.overflow(Overflow::DropOldest).subscribe()
    }
}

impl Way for ByKey {
    one_type!(Keyed);

    fn subscribe(subscriber: SubscriberBuilder) -> Subscription<Keyed> {
        subscriber.overflow(Overflow::Coalesce).subscribe()
    }
}

impl Way for Timed {
    one_type!(Plain);

    fn bus() -> Bus {
        Bus::builder().timestamps(true).build().expect("nothing else is asked for")
    }
}
