//! What subscribers want, and on which terms.

use callboard::{AnyEvent, Bus, Overflow, SubscriberBuilder};

use super::part::Seat;
use super::reading::Readable;
use crate::events::{
    Alarm, Blob, Change, Desk, Detail, Fact, Inquiry, Kind, Leader, Note, Slab, Status, Tick, Trio,
    Verdict,
};
use crate::random::Random;

/// What a subscription listens to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wants {
    One(Kind),
    Trio,
    Desk,
    Calls(Kind),
    Everything,
    Matching(&'static str),
}

const PATTERNS: [&str; 5] = ["soak.*", "state.>", "*.note", "ask.*", ">"];

impl Wants {
    /// What a reader wants: mostly one kind, as the bus's users do.
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

    /// How often it hears an event of a kind: one that observes requests and answers them hears
    /// each twice.
    pub(crate) fn times(self, kind: Kind) -> u64 {
        let hears = match self {
            Self::One(one) | Self::Calls(one) => one == kind,
            Self::Trio => matches!(kind, Kind::Note | Kind::Change | Kind::Leader),
            Self::Desk if kind == Kind::Inquiry => return 2,
            Self::Desk => matches!(kind, Kind::Tick | Kind::Alarm),
            Self::Everything | Self::Matching(">") => true,
            Self::Matching("*.note") => kind == Kind::Note,
            Self::Matching(pattern) => {
                kind.name().starts_with(pattern.trim_end_matches(['*', '>']))
            }
        };
        u64::from(hears)
    }

    pub(crate) fn answers(self) -> bool {
        matches!(self, Self::Desk | Self::Calls(_))
    }

    /// Whether it hears anything that a publisher publishes.
    pub(crate) fn hears_publishers(self) -> bool {
        Kind::PUBLISHED.into_iter().any(|kind| self.times(kind) > 0)
    }
}

impl Seat {
    /// A reader's: any.
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
        let (lossy, retained) = (random.one_in(3), random.one_in(3));
        Self { wants: Wants::any(random), capacity, overflow, lossy, retained }
    }

    /// A responder's: the queue may be full, but rarely is.
    pub(crate) fn of_responder(to: Kind, random: &mut Random) -> Self {
        let capacity = random.pick(&[1, 8, 100, 100]);
        let (overflow, lossy) = (Overflow::DropNewest, random.one_in(3));
        Self { wants: Wants::Calls(to), capacity, overflow, lossy, retained: false }
    }

    pub(crate) fn builder(&self, bus: &Bus, name: &str) -> SubscriberBuilder {
        let mut builder =
            bus.subscriber(name).capacity(self.capacity).overflow(self.overflow).late();
        if self.lossy {
            builder = builder.lossy();
        }
        if self.retained { builder.with_retained() } else { builder }
    }

    /// Opens a subscription that a reader reads.
    pub(crate) fn open(&self, bus: &Bus, name: &str) -> Box<dyn Readable> {
        let builder = self.builder(bus, name);
        match self.wants {
            Wants::One(Kind::Tick) => Box::new(builder.subscribe::<Tick>()),
            Wants::One(Kind::Note) => Box::new(builder.subscribe::<Note>()),
            Wants::One(Kind::Blob) => Box::new(builder.subscribe::<Blob>()),
            Wants::One(Kind::Slab) => Box::new(builder.subscribe::<Slab>()),
            Wants::One(Kind::Change) => Box::new(builder.subscribe::<Change>()),
            Wants::One(Kind::Status) => Box::new(builder.subscribe::<Status>()),
            Wants::One(Kind::Leader) => Box::new(builder.subscribe::<Leader>()),
            Wants::One(Kind::Alarm) => Box::new(builder.subscribe::<Alarm>()),
            Wants::One(Kind::Inquiry) => Box::new(builder.subscribe::<Inquiry>()),
            Wants::One(Kind::Detail) => Box::new(builder.subscribe::<Detail>()),
            Wants::One(Kind::Verdict) => Box::new(builder.subscribe::<Verdict>()),
            Wants::One(Kind::Fact) => Box::new(builder.subscribe::<Fact>()),
            Wants::Trio => Box::new(builder.subscribe::<Trio>()),
            Wants::Desk => Box::new(builder.subscribe::<Desk>()),
            Wants::Everything => Box::new(builder.subscribe::<AnyEvent>()),
            Wants::Matching(pattern) => Box::new(builder.subscribe_matching(pattern)),
            Wants::Calls(_) => unreachable!("a responder opens its own"),
        }
    }
}

#[cfg(test)]
mod tests {
    use callboard::Pattern;

    use super::{PATTERNS, Wants};
    use crate::events::Kind;

    #[test]
    fn a_pattern_hears_what_it_matches() {
        for pattern in PATTERNS {
            for kind in Kind::ALL {
                let matches = Pattern::new(pattern).unwrap().matches(kind.name());
                let times = Wants::Matching(pattern).times(kind);
                assert_eq!(times, u64::from(matches), "{pattern} on {kind:?}");
            }
        }
    }
}
