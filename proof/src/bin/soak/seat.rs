//! Seats: what a subscription asks for, and how its reader reads it.

use std::time::Duration;

use callboard::{AnyEvent, Bus, Call, Overflow, SubscriberBuilder};

use crate::events::{Desk, Inquiry, Kind, Trio, with_type};
use crate::random::Random;
use crate::reader::Readable;

/// What a subscription asks for, and how its reader reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seat {
    pub(crate) wants: Wants,
    pub(crate) manner: Manner,
    capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) lossy: bool,
    retained: bool,
    /// After about how many events the reader rests, and for how long.
    pub(crate) pace: Option<(usize, Duration)>,
    /// After how many events the reader dies.
    pub(crate) dies: Option<usize>,
    /// How many of the events that it received the reader keeps.
    pub(crate) keeps: usize,
}

/// What a subscription listens to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wants {
    One(Kind),
    Trio,
    Desk,
    /// Inquiries, to be answered.
    Calls,
    Everything,
    Matching(&'static str),
}

/// How a reader receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Recv,
    /// `recv`, dropped and begun again all the time.
    Cancel,
    Many,
    Batch,
    Serve,
    Concurrent(usize),
    /// `recv`, with a task for each call.
    Helpers,
    /// On a thread of its own: `blocking_recv`, `recv_timeout`, batches, `try_recv`.
    Block,
    Timeout,
    BlockBatch,
    Try,
}

const PATTERNS: [&str; 5] = ["soak.*", "state.>", "*.note", "ask.*", ">"];

impl Manner {
    const OF_READERS: [Self; 10] = [
        Self::Recv,
        Self::Cancel,
        Self::Many,
        Self::Batch,
        Self::Serve,
        Self::Concurrent(3),
        Self::Block,
        Self::Timeout,
        Self::BlockBatch,
        Self::Try,
    ];
    const OF_RESPONDERS: [Self; 6] =
        [Self::Serve, Self::Serve, Self::Concurrent(4), Self::Timeout, Self::Helpers, Self::Cancel];

    pub(crate) fn needs_thread(self) -> bool {
        matches!(self, Self::Block | Self::Timeout | Self::BlockBatch | Self::Try)
    }
}

impl Wants {
    /// Mostly one kind, as most subscriptions do.
    fn any(random: &mut Random) -> Self {
        match random.below(16) {
            0..=7 => Self::One(random.pick(&Kind::PUBLISHED)),
            8 => Self::One(random.pick(&Kind::ALL)),
            9 | 10 => Self::Trio,
            11 => Self::Desk,
            12 | 13 => Self::Everything,
            _ => Self::Matching(random.pick(&PATTERNS)),
        }
    }

    /// How often it gets an event of a kind: a desk observes each inquiry and also answers it.
    pub(crate) fn times(self, kind: Kind) -> u64 {
        u64::from(match self {
            Self::One(one) => one == kind,
            Self::Calls => kind == Kind::Inquiry,
            Self::Trio => matches!(kind, Kind::Note | Kind::Change | Kind::Leader),
            Self::Desk if kind == Kind::Inquiry => return 2,
            Self::Desk => matches!(kind, Kind::Tick | Kind::Alarm),
            Self::Everything => true,
            Self::Matching(pattern) => {
                callboard::Pattern::new(pattern).is_ok_and(|it| it.matches(kind.name()))
            }
        })
    }

    /// Whether it answers inquiries.
    pub(crate) fn answers(self) -> bool {
        matches!(self, Self::Calls | Self::Desk)
    }
}

impl Seat {
    /// The seat of a reader.
    pub(crate) fn any(random: &mut Random) -> Self {
        let capacity = match random.below(10) {
            0 => random.below(3),
            1..=4 => random.between(3, 100),
            5..=8 => random.between(100, 2_000),
            _ => 20_000,
        };
        let overflow = match random.below(5) {
            0 => Overflow::DropOldest,
            1 => Overflow::Coalesce,
            _ => Overflow::DropNewest,
        };
        let pace = match random.below(6) {
            0 => Some((random.between(1, 20), Duration::from_millis(1))),
            1 => Some((random.between(20, 400), Duration::from_millis(2))),
            2 => Some((random.between(1, 50), Duration::ZERO)),
            _ => None,
        };
        Self {
            wants: Wants::any(random),
            manner: random.pick(&Manner::OF_READERS),
            capacity,
            overflow,
            lossy: random.one_in(3),
            retained: random.one_in(3),
            pace,
            dies: random.one_in(12).then(|| random.between(1, 20_000)),
            keeps: if random.one_in(4) { random.between(1, 40) } else { 0 },
        }
    }

    /// The seat of a responder, whose queue is rarely full.
    pub(crate) fn of_responder(random: &mut Random) -> Self {
        Self {
            wants: Wants::Calls,
            manner: random.pick(&Manner::OF_RESPONDERS),
            capacity: random.pick(&[1, 8, 100, 100]),
            overflow: Overflow::DropNewest,
            retained: false,
            ..Self::any(random)
        }
    }

    /// Whether an event of each published kind tells the reader of everything that it missed
    /// before: it does unless the subscription gets none, or may have a call in between.
    pub(crate) fn is_told_by_volley(&self) -> bool {
        let hears = Kind::PUBLISHED.into_iter().any(|kind| self.wants.times(kind) > 0);
        hears && !self.wants.answers() && self.capacity > 0
    }

    fn builder(&self, bus: &Bus, name: &str) -> SubscriberBuilder {
        let mut builder =
            bus.subscriber(name).capacity(self.capacity).overflow(self.overflow).late();
        if self.lossy {
            builder = builder.lossy();
        }
        if self.retained {
            builder = builder.with_retained();
        }
        if self.manner == Manner::Helpers { builder.concurrent() } else { builder }
    }

    /// Opens the subscription.
    pub(crate) fn open(&self, bus: &Bus, name: &str) -> Box<dyn Readable> {
        let builder = self.builder(bus, name);
        match self.wants {
            Wants::One(kind) => with_type!(kind, E => Box::new(builder.subscribe::<E>())),
            Wants::Trio => Box::new(builder.subscribe::<Trio>()),
            Wants::Desk => Box::new(builder.subscribe::<Desk>()),
            Wants::Everything => Box::new(builder.subscribe::<AnyEvent>()),
            Wants::Matching(pattern) => Box::new(builder.subscribe_matching(pattern)),
            Wants::Calls => Box::new(builder.subscribe::<Call<Inquiry>>()),
        }
    }
}
