//! Callboard.

mod builder;
mod bus;
mod diagnose;
mod engine;
mod error;
mod event;
#[cfg(feature = "metrics")]
mod metrics;
mod outcome;
mod overflow;
mod registry;
mod report;
mod request;
#[cfg(feature = "serde")]
mod serialize;
mod snapshot;
mod startup;
mod subscription;
mod sync;
pub mod testing;
mod time;

pub use builder::BusBuilder;
pub use bus::{Bus, Published};
pub use diagnose::{Arrival, Diagnosis, Finding, FindingKind};
pub use error::{
    BuildError, DrainError, RecvTimeoutError, RequestError, StartError, TryRecvError, Unfinished,
};
pub use event::{Abilities, AnyEvent, Coalesce, Delivery, Event, Pattern, PatternError, Priority};
pub use outcome::{End, Outcome, Troubled, TroubledRequest};
pub use overflow::{DropReason, Dropped, Importance, Ledger, Overflow};
pub use registry::Phase;
pub use request::{Call, Gather, Gathered, Request, RequestBuilder, Responder};
pub use snapshot::{
    AccountSnapshot, BufferSnapshot, InterestSnapshot, NameClash, OpenRequest, RequestsSnapshot,
    Snapshot, SubscriberSnapshot, TypeSnapshot,
};
pub use startup::Started;
pub use subscription::{EventSet, Member, Recv, SubscriberBuilder, Subscription};
#[cfg(feature = "tokio")]
pub use time::TokioClock;
pub use time::{Clock, Sleep, SystemClock};

#[cfg(feature = "derive")]
pub use callboard_derive::{Event, EventSet, Request};

/// What the derives write; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::engine::{Scope, Taken};
    pub use crate::event::{NotCoalescing, Probe};
    pub use crate::registry::{Interest, MemberInterest};
}
