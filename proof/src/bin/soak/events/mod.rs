//! The event types: every sort that the bus treats in its own way, and what all of them carry so
//! that whoever receives one can check it.

mod item;
mod life;

pub(crate) use item::{Item, Look};
pub(crate) use life::{Census, Life};

use callboard::{Call, Coalesce, Delivery, Event, EventSet, Priority, Request};

macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident,)*) => {
        /// The event types by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$about])* $name,)*
        }

        impl Kind {
            pub(crate) const ALL: [Self; Self::COUNT] = [$(Self::$name),*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $name::TYPE,)*
                }
            }
        }
    };
}

kinds! {
    /// Plain data: nothing to drop.
    Tick,
    /// Counted.
    Note,
    /// Owns memory.
    Blob,
    /// Large, with few to a block, and less urgent than the others.
    Slab,
    /// Coalesces, and merges.
    Change,
    /// Coalesces, the latest wins, and is retained; owns memory.
    Status,
    /// Retained.
    Leader,
    /// Its urgency is in its value.
    Alarm,
    /// A request.
    Inquiry,
    /// A request that is made to answer another.
    Detail,
    /// The answer to an inquiry.
    Verdict,
    /// The answer to a detail; owns memory.
    Fact,
}

impl Kind {
    pub(crate) const COUNT: usize = 12;

    /// Those that are published; the others are asked or answered.
    pub(crate) const PUBLISHED: [Self; 8] = {
        let [published @ .., _, _, _, _] = Self::ALL;
        published
    };

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The urgency of its events, unless they are published with another.
    pub(crate) fn priority(self) -> Priority {
        if self == Self::Slab { Priority::Low } else { Priority::Normal }
    }
}

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Who published it.
    pub(crate) publisher: u32,
    /// Its number among this publisher's.
    pub(crate) number: u32,
    /// How urgent it was published to be.
    pub(crate) priority: Priority,
    /// Whether it was published before the next of this publisher's was made.
    pub(crate) ordered: bool,
}

/// An event of the soak.
pub(crate) trait Sent: Event {
    const KIND: Kind;

    fn origin(&self) -> Origin;

    /// Whether the value is the one that was published.
    fn is_intact(&self) -> bool;
}

/// The events with their bodies. A body is made from the event's number, and tells whether it
/// still says so.
macro_rules! events {
    ($($(#[$attribute:meta])* $name:ident($body:ty);)*) => {$(
        #[derive(Debug, Event)]
        $(#[$attribute])*
        pub(crate) struct $name {
            origin: Origin,
            body: $body,
        }

        impl $name {
            pub(crate) fn new(origin: Origin, census: &'static Census) -> Self {
                Self { origin, body: <$body>::make(origin.number, census) }
            }
        }

        impl Sent for $name {
            const KIND: Kind = Kind::$name;

            fn origin(&self) -> Origin {
                self.origin
            }

            fn is_intact(&self) -> bool {
                self.body.says(self.origin.number)
            }
        }
    )*};
}

events! {
    #[event(type = "soak.tick")] Tick(Mark);
    #[event(type = "soak.note")] Note(Counted);
    #[event(type = "soak.blob")] Blob(Owned);
    #[event(type = "soak.slab", priority = low)] Slab(Large);
    #[event(type = "state.change")] Change(Counted);
    #[event(type = "state.status", retain)] Status(Owned);
    #[event(type = "state.leader", retain)] Leader(Counted);
    #[event(type = "soak.alarm", priority = Self::urgency)] Alarm(Counted);
}

impl Alarm {
    fn urgency(&self) -> Priority {
        self.origin.priority
    }
}

/// How many things there are that events of coalescing types are about.
const KEYS: u32 = 24;

impl Coalesce for Change {
    type Key = u32;

    fn key(&self) -> u32 {
        self.origin.number % KEYS
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        let Counted { mark, life } = &self.body;
        let whole = older.is_intact() && self.is_intact();
        let mark = if whole { *mark } else { Mark(0) };
        Some(Self { origin: self.origin, body: Counted { mark, life: life.another() } })
    }
}

impl Coalesce for Status {
    type Key = u32;

    fn key(&self) -> u32 {
        self.origin.number % KEYS
    }
}

/// A number that only the right number leads to.
#[derive(Debug, Clone, Copy)]
struct Mark(u32);

impl Mark {
    fn make(number: u32, _census: &'static Census) -> Self {
        Self(number.wrapping_mul(0x9e37_79b1) ^ 0x5eed_1e55)
    }

    fn says(&self, number: u32) -> bool {
        self.0 == number.wrapping_mul(0x9e37_79b1) ^ 0x5eed_1e55
    }
}

#[derive(Debug)]
struct Counted {
    mark: Mark,
    life: Life,
}

impl Counted {
    fn make(number: u32, census: &'static Census) -> Self {
        Self { mark: Mark::make(number, census), life: Life::new(census) }
    }

    fn says(&self, number: u32) -> bool {
        self.mark.says(number)
    }
}

/// Memory of its own: from nothing to a little more than a page.
#[derive(Debug)]
struct Owned {
    counted: Counted,
    bytes: Vec<u8>,
}

impl Owned {
    fn make(number: u32, census: &'static Census) -> Self {
        let bytes = vec![number as u8; Self::length(number)];
        Self { counted: Counted::make(number, census), bytes }
    }

    fn length(number: u32) -> usize {
        if number.is_multiple_of(64) { 5_000 } else { number as usize % 200 }
    }

    fn says(&self, number: u32) -> bool {
        let right = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == number as u8);
        let ends = right(self.bytes.first()) && right(self.bytes.last());
        ends && self.bytes.len() == Self::length(number) && self.counted.says(number)
    }
}

#[derive(Debug)]
struct Large {
    counted: Counted,
    bytes: [u8; 900],
}

impl Large {
    fn make(number: u32, census: &'static Census) -> Self {
        Self { counted: Counted::make(number, census), bytes: [number as u8; 900] }
    }

    fn says(&self, number: u32) -> bool {
        let ends = [self.bytes[0], self.bytes[899]];
        ends == [number as u8; 2] && self.counted.says(number)
    }
}

/// A request of the soak, which its asker and its number name.
pub(crate) trait Question: Request + Sent {
    /// The kind of its answers.
    const ANSWER: Kind;

    fn ask(origin: Origin, census: &'static Census) -> Self;

    /// An answer to this very question.
    fn answer(&self, origin: Origin, census: &'static Census) -> Self::Response;

    /// Which question an answer is for: its asker, and its number.
    fn asked(answer: &Self::Response) -> (u32, u32);
}

macro_rules! questions {
    ($($name:ident($type:literal) -> $answer:ident($answer_type:literal, $body:ty);)*) => {$(
        #[derive(Debug, Request)]
        #[request(type = $type, response = $answer)]
        pub(crate) struct $name {
            origin: Origin,
            body: Counted,
        }

        #[derive(Debug, Event)]
        #[event(type = $answer_type)]
        pub(crate) struct $answer {
            origin: Origin,
            asked: (u32, u32),
            body: $body,
        }

        impl Sent for $name {
            const KIND: Kind = Kind::$name;

            fn origin(&self) -> Origin {
                self.origin
            }

            fn is_intact(&self) -> bool {
                self.body.says(self.origin.number)
            }
        }

        impl Sent for $answer {
            const KIND: Kind = Kind::$answer;

            fn origin(&self) -> Origin {
                self.origin
            }

            fn is_intact(&self) -> bool {
                self.body.says(self.origin.number)
            }
        }

        impl Question for $name {
            const ANSWER: Kind = Kind::$answer;

            fn ask(origin: Origin, census: &'static Census) -> Self {
                Self { origin, body: Counted::make(origin.number, census) }
            }

            fn answer(&self, origin: Origin, census: &'static Census) -> $answer {
                let asked = (self.origin.publisher, self.origin.number);
                $answer { origin, asked, body: <$body>::make(origin.number, census) }
            }

            fn asked(answer: &$answer) -> (u32, u32) {
                answer.asked
            }
        }
    )*};
}

questions! {
    Inquiry("ask.inquiry") -> Verdict("ask.verdict", Counted);
    Detail("ask.detail") -> Fact("ask.fact", Owned);
}

/// A set that only reads.
#[derive(Debug, EventSet)]
pub(crate) enum Trio {
    Note(Delivery<Note>),
    Change(Delivery<Change>),
    Leader(Delivery<Leader>),
}

/// A set that reads requests, and answers them.
#[derive(Debug, EventSet)]
pub(crate) enum Desk {
    Tick(Delivery<Tick>),
    Alarm(Delivery<Alarm>),
    Seen(Delivery<Inquiry>),
    Call(Call<Inquiry>),
}
