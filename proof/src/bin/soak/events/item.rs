//! What a reader sees of an event, whichever way it came.

use callboard::{AnyEvent, Call, Delivery, EventRef};

use super::{
    Alarm, Blob, Change, Desk, Detail, Fact, Inquiry, Kind, Leader, Note, Origin, Question, Sent,
    Slab, Status, Tick, Trio, Verdict,
};

/// What a reader sees of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
    pub(crate) sequence: u64,
    pub(crate) missed: u64,
    /// It is a request that this reader is to answer.
    pub(crate) call: bool,
    /// Whether the value is the one that was published.
    pub(crate) intact: bool,
    /// Whether it says when it was published.
    pub(crate) timed: bool,
}

/// Looks at anything that holds an event, given the value itself.
macro_rules! look {
    ($held:expr, $value:expr, $call:expr) => {{
        let (held, value) = ($held, $value);
        Look {
            kind: kind(value),
            origin: Sent::origin(value),
            sequence: held.sequence(),
            missed: held.missed(),
            call: $call,
            intact: Sent::is_intact(value),
            timed: held.published_at().is_some(),
        }
    }};
}

fn kind<E: Sent>(_event: &E) -> Kind {
    E::KIND
}

/// Anything that a subscription hands out.
pub(crate) trait Item {
    /// What a reader sees; `None` if it is none of the soak's events.
    fn look(&self) -> Option<Look>;

    /// The call, if it is one, to be answered.
    fn into_call(self) -> Option<Call<Inquiry>>
    where
        Self: Sized,
    {
        None
    }
}

impl<E: Sent> Item for Delivery<E> {
    fn look(&self) -> Option<Look> {
        Some(look!(self, &**self, false))
    }
}

impl<E: Sent> Item for EventRef<'_, E> {
    fn look(&self) -> Option<Look> {
        Some(look!(self, &**self, false))
    }
}

impl<Q: Question> Item for Call<Q> {
    fn look(&self) -> Option<Look> {
        Some(look!(self, &**self, true))
    }
}

impl Item for AnyEvent {
    fn look(&self) -> Option<Look> {
        fn of<E: Sent>(event: &AnyEvent) -> Option<Look> {
            Some(look!(event, event.downcast_ref::<E>()?, false))
        }
        match Kind::named(self.event_type())? {
            Kind::Tick => of::<Tick>(self),
            Kind::Note => of::<Note>(self),
            Kind::Blob => of::<Blob>(self),
            Kind::Slab => of::<Slab>(self),
            Kind::Change => of::<Change>(self),
            Kind::Status => of::<Status>(self),
            Kind::Leader => of::<Leader>(self),
            Kind::Alarm => of::<Alarm>(self),
            Kind::Inquiry => of::<Inquiry>(self),
            Kind::Detail => of::<Detail>(self),
            Kind::Verdict => of::<Verdict>(self),
            Kind::Fact => of::<Fact>(self),
        }
    }
}

impl Item for Trio {
    fn look(&self) -> Option<Look> {
        match self {
            Self::Note(note) => note.look(),
            Self::Change(change) => change.look(),
            Self::Leader(leader) => leader.look(),
        }
    }
}

impl Item for Desk {
    fn look(&self) -> Option<Look> {
        match self {
            Self::Tick(tick) => tick.look(),
            Self::Alarm(alarm) => alarm.look(),
            Self::Seen(seen) => seen.look(),
            Self::Call(call) => call.look(),
        }
    }

    fn into_call(self) -> Option<Call<Inquiry>> {
        if let Self::Call(call) = self { Some(call) } else { None }
    }
}
