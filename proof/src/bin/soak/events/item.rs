//! What a reader sees of an event, whichever way it came.

use callboard::{AnyEvent, AnyEventRef, Call, Delivery, EventRef};

use super::{
    Alarm, Blob, Change, Desk, DeskRef, Detail, Fact, Inquiry, Kind, Leader, Note, Origin,
    Question, Sent, Slab, Status, Tick, Trio, TrioRef, Verdict,
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

/// Looks at an event of any type, owned or lent.
macro_rules! any {
    ($event:ty) => {
        impl Item for $event {
            fn look(&self) -> Option<Look> {
                any!(self; Tick Note Blob Slab Change Status Leader Alarm Inquiry Detail Verdict Fact)
            }
        }
    };
    ($event:expr; $($kind:ident)*) => {
        match Kind::named($event.event_type())? {
            $(Kind::$kind => Some(look!($event, $event.downcast_ref::<$kind>()?, false)),)*
        }
    };
}

any!(AnyEvent);
any!(AnyEventRef<'_>);

/// Looks at an item of a set, owned or lent; one variant may hold calls.
macro_rules! set {
    ($set:ty: $($variant:ident)* $(; $call:ident)?) => {
        impl Item for $set {
            fn look(&self) -> Option<Look> {
                match self {
                    $(Self::$variant(event) => event.look(),)*
                    $(Self::$call(call) => call.look(),)?
                }
            }

            $(fn into_call(self) -> Option<Call<Inquiry>> {
                if let Self::$call(call) = self { Some(call) } else { None }
            })?
        }
    };
}

set!(Trio: Note Change Leader);
set!(TrioRef<'_>: Note Change Leader);
set!(Desk: Tick Alarm Seen; Call);
set!(DeskRef<'_>: Tick Alarm Seen; Call);
