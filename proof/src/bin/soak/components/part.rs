//! What others may know of a component, and how they direct it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use callboard::Overflow;

use super::Wants;
use crate::events::Kind;

/// A component as others see it: what it is, what it does just now, and what it has counted.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its name on the bus, which no other component of the bus ever has.
    pub(crate) name: String,
    /// Its number, by which its events name it; from 1.
    pub(crate) number: u32,
    pub(crate) role: Role,
    /// How it works, for people.
    pub(crate) about: String,
    doing: AtomicU8,
    /// The last time it was told to hold and did.
    held: AtomicU64,
    /// When it last got on with its work, in nanoseconds of the run.
    beat: AtomicU64,
    /// It is to stop for a while.
    pub(crate) stalled: AtomicBool,
    /// It is to go.
    pub(crate) dismissed: AtomicBool,
    /// The number of its last event or question.
    numbers: AtomicU32,
    /// Each kind: how many it received; how many it published and the bus took.
    pub(crate) received: PerKind,
    pub(crate) published: PerKind,
    /// Those of them that it can't know the bus took: requests that failed as a circle.
    pub(crate) unsure: PerKind,
    /// How many events it was told that it missed.
    pub(crate) missed: AtomicU64,
    /// How many requests it made.
    pub(crate) asked: AtomicU64,
    /// How many calls its helpers have in hand.
    pub(crate) in_hand: AtomicU64,
}

/// What a component is on the bus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Role {
    Publisher,
    Asker,
    Subscriber(Seat),
}

/// How a subscriber sits: what it wants, and on which terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seat {
    pub(crate) wants: Wants,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) lossy: bool,
    pub(crate) retained: bool,
}

/// What a component does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// What it is there for. A reader that waits for events does so too.
    Work,
    /// Nothing, since it was told to hold.
    Hold,
    /// Nothing, since it was told to stop.
    Stall,
    /// It is gone.
    Gone,
}

impl Doing {
    const ALL: [Self; 4] = [Self::Work, Self::Hold, Self::Stall, Self::Gone];
}

impl Part {
    pub(crate) fn new(name: String, number: u32, role: Role, about: String) -> Self {
        Self {
            name,
            number,
            role,
            about,
            doing: AtomicU8::new(Doing::Work as u8),
            held: AtomicU64::new(0),
            beat: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            numbers: AtomicU32::new(0),
            received: PerKind::default(),
            published: PerKind::default(),
            unsure: PerKind::default(),
            missed: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            in_hand: AtomicU64::new(0),
        }
    }

    /// It gets on with its work.
    pub(crate) fn beat(&self, now: u64) {
        self.beat.store(now, Ordering::Relaxed);
    }

    pub(crate) fn last_beat(&self) -> u64 {
        self.beat.load(Ordering::Relaxed)
    }

    pub(crate) fn set_doing(&self, doing: Doing) {
        self.doing.store(doing as u8, Ordering::SeqCst);
    }

    pub(crate) fn doing(&self) -> Doing {
        Doing::ALL[usize::from(self.doing.load(Ordering::SeqCst))]
    }

    /// It was told to hold, for the so-manyth time, and does nothing until it is told otherwise.
    pub(crate) fn hold(&self, time: u64) {
        self.set_doing(Doing::Hold);
        self.held.store(time, Ordering::SeqCst);
    }

    /// Whether it does nothing, having been told to hold for the so-manyth time.
    pub(crate) fn holds(&self, time: u64) -> bool {
        self.doing() == Doing::Gone || self.held.load(Ordering::SeqCst) == time
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst)
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::SeqCst)
    }

    /// The number of its next event or question; from 1.
    pub(crate) fn next_number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn seat(&self) -> Option<Seat> {
        if let Role::Subscriber(seat) = self.role { Some(seat) } else { None }
    }
}

/// A count for each kind of event. Whoever reads them does so when nobody counts.
#[derive(Debug, Default)]
pub(crate) struct PerKind([AtomicU64; Kind::COUNT]);

impl PerKind {
    pub(crate) fn count(&self, kind: Kind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// It did not count after all.
    pub(crate) fn uncount(&self, kind: Kind) {
        self.0[kind as usize].fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize].load(Ordering::SeqCst)
    }

    pub(crate) fn all(&self) -> u64 {
        Kind::ALL.into_iter().map(|kind| self.of(kind)).sum()
    }
}
