//! The event types of the tests, and what they have in common: a kind, a key and some numbers.

use std::sync::Arc;

use callboard::{AnyEvent, Call, Coalesce, Delivery, Event, EventSet, Overflow, Priority, Request};

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
    /// A request.
    Ask,
    /// Its answer.
    Reply,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Plain, Self::Change, Self::Status, Self::Kept, Self::Ranked, Self::Ask, Self::Reply];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => Plain::TYPE,
            Self::Change => Change::TYPE,
            Self::Status => Status::TYPE,
            Self::Kept => Kept::TYPE,
            Self::Ranked => Ranked::TYPE,
            Self::Ask => Ask::TYPE,
            Self::Reply => Reply::TYPE,
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
    ($($(#[$attribute:meta])* $name:ident;)*) => {$(
        #[derive(Debug, Event)]
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
    #[event(type = "model.plain")] Plain;
    #[event(type = "model.change")] Change;
    #[event(type = "state.status", retain)] Status;
    #[event(type = "state.kept", retain)] Kept;
    #[event(type = "model.ranked", priority = Self::rank)] Ranked;
}

impl Ranked {
    fn rank(&self) -> Priority {
        rank(self.key)
    }
}

/// The priority of a `Ranked` with this key.
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

#[derive(Debug, Request)]
#[request(type = "ask.question", response = Reply)]
pub(crate) struct Ask(pub(crate) u32);

#[derive(Debug, Event)]
#[event(type = "ask.reply")]
pub(crate) struct Reply(pub(crate) u32);

impl Valued for Ask {
    fn value(&self) -> Value {
        Value { kind: Kind::Ask, key: 0, parts: vec![self.0] }
    }
}

impl Valued for Reply {
    fn value(&self) -> Value {
        Value { kind: Kind::Reply, key: 0, parts: vec![self.0] }
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
}

/// What a reader was handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) value: Value,
    pub(crate) sequence: u64,
    pub(crate) missed: u64,
    pub(crate) cause: Option<u64>,
    pub(crate) call: bool,
}

/// An item of any subscription of the tests.
pub(crate) trait Seen {
    fn seen(self) -> (Got, Option<Call<Ask>>);
}

impl<E: Event + Valued> Seen for Delivery<E> {
    fn seen(self) -> (Got, Option<Call<Ask>>) {
        let got = Got {
            value: self.value(),
            sequence: self.sequence(),
            missed: self.missed(),
            cause: self.cause(),
            call: false,
        };
        (got, None)
    }
}

impl Seen for Call<Ask> {
    fn seen(self) -> (Got, Option<Call<Ask>>) {
        let got = Got {
            value: self.value(),
            sequence: self.sequence(),
            missed: self.missed(),
            cause: self.cause(),
            call: true,
        };
        (got, Some(self))
    }
}

impl Seen for AnyEvent {
    fn seen(self) -> (Got, Option<Call<Ask>>) {
        fn show<E: Event + Valued>(event: AnyEvent) -> Result<Got, AnyEvent> {
            event.downcast::<E>().map(|delivery| delivery.seen().0)
        }
        let name = self.event_type();
        let got = show::<Plain>(self)
            .or_else(show::<Change>)
            .or_else(show::<Status>)
            .or_else(show::<Kept>)
            .or_else(show::<Ranked>)
            .or_else(show::<Ask>)
            .or_else(show::<Reply>)
            .expect("a type of the tests");
        assert_eq!(got.value.kind.name(), name);
        (got, None)
    }
}

impl Seen for Trio {
    fn seen(self) -> (Got, Option<Call<Ask>>) {
        match self {
            Self::Plain(delivery) => delivery.seen(),
            Self::Change(delivery) => delivery.seen(),
            Self::Kept(delivery) => delivery.seen(),
        }
    }
}

impl Seen for Desk {
    fn seen(self) -> (Got, Option<Call<Ask>>) {
        match self {
            Self::Plain(delivery) => delivery.seen(),
            Self::Seen(delivery) => delivery.seen(),
            Self::Call(call) => call.seen(),
        }
    }
}
