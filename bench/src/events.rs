//! What is sent: events of several sizes, and fifty types that are only there to be beside them.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use callboard::{Bus, Coalesce, Event, Subscription};

/// A value that contestants carry. It is made from a number, and gives it back, so that what
/// arrives can be checked.
pub(crate) trait Message: Clone + fmt::Debug + Send + Sync + 'static {
    fn new(value: u64) -> Self;
    fn value(&self) -> u64;
}

/// The smallest event: 8 bytes.
#[derive(Debug, Clone, Copy, Event)]
#[event(type = "bench.small")]
pub(crate) struct Small(pub(crate) u64);

/// A small event: 16 bytes.
#[derive(Debug, Clone, Copy, Event)]
#[event(type = "bench.pair")]
pub(crate) struct Pair(pub(crate) [u64; 2]);

/// The usual event: 32 bytes of plain data.
#[derive(Debug, Clone, Copy, Event)]
#[event(type = "bench.plain")]
pub(crate) struct Plain(pub(crate) [u64; 4]);

/// A large event: 1 KiB of plain data.
#[derive(Debug, Clone, Copy, Event)]
#[event(type = "bench.large")]
pub(crate) struct Large([u64; 128]);

/// An event that owns 64 bytes on the heap.
#[derive(Debug, Clone, Event)]
#[event(type = "bench.heap")]
pub(crate) struct Heap {
    value: u64,
    #[expect(dead_code, reason = "only allocated and freed")]
    body: Vec<u8>,
}

/// An event of 32 bytes that coalesces with others about the same thing.
#[derive(Debug, Clone, Copy, Event)]
#[event(type = "bench.keyed", coalesce)]
pub(crate) struct Keyed {
    about: u64,
    value: [u64; 3],
}

/// One of three kinds of events, as one writes it by hand for a channel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Small(Small),
    Pair(Pair),
    Plain(Plain),
}

/// The usual event and when it was made, as one writes it by hand for a channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamped {
    #[expect(dead_code, reason = "only carried")]
    at: Instant,
    event: Plain,
}

impl Keyed {
    pub(crate) fn about(about: u64, value: u64) -> Self {
        Self { about, value: [value; 3] }
    }
}

impl Coalesce for Keyed {
    type Key = u64;

    fn key(&self) -> u64 {
        self.about
    }
}

/// Makes an event a [`Message`] by how it is made from a number and how it gives it back.
macro_rules! message {
    ($event:ty: |$number:ident| $new:expr, |$event_of:ident| $value:expr) => {
        impl Message for $event {
            fn new($number: u64) -> Self {
                $new
            }

            fn value(&self) -> u64 {
                let $event_of = self;
                $value
            }
        }
    };
}

message!(Small: |value| Self(value), |event| event.0);
message!(Pair: |value| Self([value; 2]), |event| event.0[1]);
message!(Plain: |value| Self([value; 4]), |event| event.0[3]);
message!(Large: |value| Self([value; 128]), |event| event.0[127]);
message!(Heap: |value| Self { value, body: vec![1; 64] }, |event| event.value);
// Each is about something else, so that none absorbs another.
message!(Keyed: |value| Self::about(value, value), |event| event.value[2]);
message!(
    Stamped: |value| Self { at: Instant::now(), event: Plain::new(value) },
    |stamped| stamped.event.value()
);

/// The kinds take turns.
impl Message for Kind {
    fn new(value: u64) -> Self {
        match value % 3 {
            0 => Self::Small(Small::new(value)),
            1 => Self::Pair(Pair::new(value)),
            _ => Self::Plain(Plain::new(value)),
        }
    }

    fn value(&self) -> u64 {
        match self {
            Self::Small(event) => event.value(),
            Self::Pair(event) => event.value(),
            Self::Plain(event) => event.value(),
        }
    }
}

impl<M: Message> Message for Arc<M> {
    fn new(value: u64) -> Self {
        Self::new(M::new(value))
    }

    fn value(&self) -> u64 {
        M::value(self)
    }
}

/// One of fifty event types that a measured event is published beside.
#[derive(Debug)]
pub(crate) struct Other<const N: usize>;

impl<const N: usize> Event for Other<N> {
    const TYPE: &'static str = OTHER_NAMES[N];
}

/// Subscribes to one of the [`Other`] types and keeps the subscription.
pub(crate) type SubscribeOther = fn(&Bus) -> Box<dyn Send>;

macro_rules! others {
    ($($n:literal)*) => {
        const OTHER_NAMES: &[&str] = &[$(concat!("bench.other.", $n)),*];

        /// How to subscribe to each of the [`Other`] types.
        pub(crate) const OTHERS: &[SubscribeOther] = &[$(
            |bus| {
                let other: Subscription<Other<$n>> = bus.subscribe(OTHER_NAMES[$n]);
                Box::new(other)
            }
        ),*];
    };
}

others! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
    25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::{
        Heap, Keyed, Kind, Large, Message, OTHER_NAMES, OTHERS, Pair, Plain, Small, Stamped,
    };

    #[test]
    fn messages_give_their_value_back() {
        assert_eq!(Small::new(7).value(), 7);
        assert_eq!(Plain::new(7).value(), 7);
        assert_eq!(Large::new(7).value(), 7);
        assert_eq!(<Arc<Heap> as Message>::new(7).value(), 7);
        assert_eq!([Pair::new(7).value(), Keyed::new(7).value(), Stamped::new(7).value()], [7; 3]);
        assert_eq!([6, 7, 8].map(|value| Kind::new(value).value()), [6, 7, 8]);
    }

    #[test]
    fn sizes_are_what_the_reports_say() {
        assert_eq!([size_of::<Small>(), size_of::<Plain>(), size_of::<Large>()], [8, 32, 1_024]);
        assert_eq!([size_of::<Pair>(), size_of::<Keyed>()], [16, 32]);
    }

    #[test]
    fn other_types_have_names_of_their_own() {
        assert_eq!(OTHERS.len(), 50);
        assert_eq!(OTHER_NAMES.iter().collect::<BTreeSet<_>>().len(), 50);
    }
}
