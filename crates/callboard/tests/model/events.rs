//! The event types of the tests, and what they have in common: a kind, a key and some numbers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::{
    AnyEvent, AnyEventRef, Call, Coalesce, Delivery, Event, EventRef, EventSet, Overflow, Priority,
    Request,
};

/// The event types by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// No abilities.
    Plain,
    /// Coalesces, and merges.
    Change,
    /// Coalesces, the latest wins, and is retained.
    Status,
    /// Retained.
    Kept,
    /// Its priority depends on its value.
    Ranked,
    /// Its priority is high.
    Urgent,
    /// A request, whose priority depends on its value.
    Ask,
    /// Its answer, likewise.
    Reply,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Plain,
        Self::Change,
        Self::Status,
        Self::Kept,
        Self::Ranked,
        Self::Urgent,
        Self::Ask,
        Self::Reply,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => Plain::TYPE,
            Self::Change => Change::TYPE,
            Self::Status => Status::TYPE,
            Self::Kept => Kept::TYPE,
            Self::Ranked => Ranked::TYPE,
            Self::Urgent => Urgent::TYPE,
            Self::Ask => Ask::TYPE,
            Self::Reply => Reply::TYPE,
        }
    }

    /// Whether the bus keeps the latest.
    pub(crate) fn retains(self) -> bool {
        matches!(self, Self::Status | Self::Kept)
    }

    /// The priority of one with this key.
    pub(crate) fn rank(self, key: u8) -> Priority {
        match self {
            Self::Ranked | Self::Ask | Self::Reply => rank(key),
            Self::Urgent => Priority::High,
            Self::Plain | Self::Change | Self::Status | Self::Kept => Priority::Normal,
        }
    }
}

/// An event's value, whatever its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) key: u8,
    /// The numbers of the publications it stands for, oldest first.
    pub(crate) parts: Vec<u32>,
}

/// Tells, by its count, how many values are alive.
pub(crate) type Token = Arc<()>;

macro_rules! events {
    ($($(#[$attribute:meta])* $name:ident: $derive:ident;)*) => {$(
        #[derive(Debug, $derive)]
        $(#[$attribute])*
        pub(crate) struct $name {
            key: u8,
            parts: Vec<u32>,
            #[allow(dead_code, reason = "its count tells how many events are alive")]
            token: Token,
        }

        impl $name {
            pub(crate) fn new(key: u8, part: u32, token: &Token) -> Self {
                Self { key, parts: vec![part], token: Arc::clone(token) }
            }

            /// The number of the latest publication it stands for.
            #[allow(dead_code, reason = "not asked of every type")]
            pub(crate) fn part(&self) -> u32 {
                self.parts[self.parts.len() - 1]
            }
        }

        impl Valued for $name {
            fn value(&self) -> Value {
                Value { kind: Kind::$name, key: self.key, parts: self.parts.clone() }
            }
        }
    )*};
}

/// Shows its value.
pub(crate) trait Valued {
    fn value(&self) -> Value;
}

events! {
    #[event(type = "model.plain")] Plain: Event;
    #[event(type = "model.change")] Change: Event;
    #[event(type = "state.status", retain)] Status: Event;
    #[event(type = "state.kept", retain)] Kept: Event;
    #[event(type = "model.ranked", priority = Self::rank)] Ranked: Event;
    #[event(type = "model.urgent", priority = high)] Urgent: Event;
    #[request(type = "ask.question", priority = Self::rank, response = Reply)] Ask: Request;
    #[event(type = "ask.reply", priority = Self::rank)] Reply: Event;
}

macro_rules! ranked {
    ($($name:ident)*) => {$(
        impl $name {
            fn rank(&self) -> Priority {
                rank(self.key)
            }
        }
    )*};
}

ranked! { Ranked Ask Reply }

/// The priority of a type that has it by value, with this key.
pub(crate) fn rank(key: u8) -> Priority {
    [Priority::Low, Priority::Normal, Priority::High][usize::from(key % 3)]
}

impl Coalesce for Change {
    type Key = u8;

    fn key(&self) -> u8 {
        self.key
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        let parts = older.parts.iter().chain(&self.parts).copied().collect();
        Some(Self { key: self.key, parts, token: Arc::clone(&self.token) })
    }
}

impl Coalesce for Status {
    type Key = u8;

    fn key(&self) -> u8 {
        self.key
    }
}

/// A set that only reads.
#[derive(Debug, EventSet)]
pub(crate) enum Trio {
    Plain(Delivery<Plain>),
    Change(Delivery<Change>),
    Kept(Delivery<Kept>),
}

/// A set that reads requests, and answers them.
#[derive(Debug, EventSet)]
pub(crate) enum Desk {
    Plain(Delivery<Plain>),
    Seen(Delivery<Ask>),
    Call(Call<Ask>),
}

/// What a subscription listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    One(Kind),
    Trio,
    Desk,
    Calls,
    Everything,
    Matching(&'static str),
}

impl Wants {
    pub(crate) fn reads(self, kind: Kind) -> bool {
        match self {
            Self::One(one) => one == kind,
            Self::Trio => matches!(kind, Kind::Plain | Kind::Change | Kind::Kept),
            Self::Desk => matches!(kind, Kind::Plain | Kind::Ask),
            Self::Calls => false,
            Self::Everything | Self::Matching(">") => true,
            Self::Matching("model.*") => kind.name().starts_with("model."),
            Self::Matching("state.*") => kind.retains(),
            Self::Matching("*.kept") => kind == Kind::Kept,
            Self::Matching("ask.>") => matches!(kind, Kind::Ask | Kind::Reply),
            Self::Matching("state") => false,
            Self::Matching(pattern) => panic!("say what `{pattern}` matches"),
        }
    }

    pub(crate) fn answers(self) -> bool {
        matches!(self, Self::Desk | Self::Calls)
    }
}

/// How a subscription is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    pub(crate) name: &'static str,
    pub(crate) wants: Wants,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) lossy: bool,
    pub(crate) late: bool,
    pub(crate) retained: bool,
    pub(crate) concurrent: bool,
}

/// What a reader was handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) value: Value,
    pub(crate) sequence: u64,
    pub(crate) missed: u64,
    pub(crate) cause: Option<u64>,
    pub(crate) published_at: Option<Instant>,
    pub(crate) queued_for: Option<Duration>,
    pub(crate) call: bool,
}

/// What remains of an item once it was looked at.
pub(crate) enum InHand {
    Nothing,
    Call(Call<Ask>),
    /// An event that was kept: it can be looked at again.
    Event(Box<dyn Fn() -> Value + Send>),
}

/// An item of any subscription of the tests.
pub(crate) trait Seen {
    /// Looks at it. A call stays in hand, an event only with `keep`.
    fn seen(self, keep: bool) -> (Got, InHand);
}

macro_rules! got {
    ($item:expr, $value:expr, $call:expr) => {
        Got {
            value: $value,
            sequence: $item.sequence(),
            missed: $item.missed(),
            cause: $item.cause(),
            published_at: $item.published_at(),
            queued_for: $item.queued_for(),
            call: $call,
        }
    };
}

impl<E: Event + Valued> Seen for Delivery<E> {
    fn seen(self, keep: bool) -> (Got, InHand) {
        let got = got!(self, self.value(), false);
        let in_hand =
            if keep { InHand::Event(Box::new(move || self.value())) } else { InHand::Nothing };
        (got, in_hand)
    }
}

/// An event that is lent.
impl<E: Event + Valued> Seen for EventRef<'_, E> {
    fn seen(self, keep: bool) -> (Got, InHand) {
        let got = got!(self, self.value(), false);
        if !keep {
            return (got, InHand::Nothing);
        }
        let (kept, in_hand) = self.keep().seen(true);
        assert_eq!(kept, got, "what was lent, and then kept");
        (got, in_hand)
    }
}

impl Seen for Call<Ask> {
    fn seen(self, _keep: bool) -> (Got, InHand) {
        (got!(self, self.value(), true), InHand::Call(self))
    }
}

/// The value of an event of any type, owned or lent.
macro_rules! look {
    ($event:expr; $($kind:ident)*) => {{
        let event = $event;
        let value = None;
        $(
            assert_eq!(event.is::<$kind>(), event.downcast_ref::<$kind>().is_some());
            let value = value.or_else(|| event.downcast_ref::<$kind>().map(Valued::value));
        )*
        let value: Value = value.expect("a type of the tests");
        assert_eq!(value.kind.name(), event.event_type());
        value
    }};
    ($event:expr) => { look!($event; Plain Change Status Kept Ranked Urgent Ask Reply) };
}

/// An event of any type that is lent.
impl Seen for AnyEventRef<'_> {
    fn seen(self, keep: bool) -> (Got, InHand) {
        let got = got!(self, look!(&self), false);
        let (again, in_hand) = match self.downcast::<Change>() {
            Ok(change) => change.seen(keep),
            Err(any) => any.keep().seen(keep),
        };
        assert_eq!(again, got, "what was lent, and then kept or given its type back");
        (got, in_hand)
    }
}

impl Seen for AnyEvent {
    fn seen(self, keep: bool) -> (Got, InHand) {
        let got = got!(self, look!(&self), false);
        match (keep, self.downcast::<Plain>()) {
            (false, _) => (got, InHand::Nothing),
            (true, Ok(plain)) => {
                let (again, in_hand) = plain.seen(true);
                assert_eq!(again, got, "an event with its type given back");
                (got, in_hand)
            }
            (true, Err(any)) => (got, InHand::Event(Box::new(move || look!(&any)))),
        }
    }
}

impl Seen for Trio {
    fn seen(self, keep: bool) -> (Got, InHand) {
        match self {
            Self::Plain(delivery) => delivery.seen(keep),
            Self::Change(delivery) => delivery.seen(keep),
            Self::Kept(delivery) => delivery.seen(keep),
        }
    }
}

impl Seen for Desk {
    fn seen(self, keep: bool) -> (Got, InHand) {
        match self {
            Self::Plain(delivery) => delivery.seen(keep),
            Self::Seen(delivery) => delivery.seen(keep),
            Self::Call(call) => call.seen(keep),
        }
    }
}

impl Seen for TrioRef<'_> {
    fn seen(self, keep: bool) -> (Got, InHand) {
        match self {
            Self::Plain(event) => event.seen(keep),
            Self::Change(event) => event.seen(keep),
            kept @ Self::Kept(_) => kept.keep().seen(keep),
        }
    }
}

impl Seen for DeskRef<'_> {
    fn seen(self, keep: bool) -> (Got, InHand) {
        match self {
            Self::Plain(event) => event.seen(keep),
            Self::Seen(event) => event.seen(keep),
            Self::Call(call) => call.seen(keep),
        }
    }
}
