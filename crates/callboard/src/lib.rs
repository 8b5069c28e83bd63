//! The event bus for programs made of many components: typed publish/subscribe that never blocks,
//! a start barrier so that nothing is lost while components come up, and scatter-gather requests
//! that say who answered and why the others did not.
//!
//! ```
//! use callboard::{Bus, Event};
//!
//! #[derive(Debug, Event)]
//! struct ConfigParsed { version: u64 }
//!
//! let bus = Bus::new();
//! let mut configs = bus.subscribe::<ConfigParsed>("reconciler");
//! bus.publish(ConfigParsed { version: 1 });      // kept: the bus has not started
//! bus.start();                                   // replayed, in order, to everyone
//! assert_eq!(configs.try_recv().unwrap().version, 1);
//! ```
//!
//! # Concepts
//!
//! - An [`Event`] is an immutable value that says something happened; `#[derive(Event)]` names it.
//! - A [`Bus`] coordinates. It is cheap to clone, and every clone is the same bus.
//! - A [`Subscription`] is one component's receiving end: of one event type, of
//!   [everything](AnyEvent), of a [pattern](SubscriberBuilder::subscribe_matching), or of an
//!   [`EventSet`]: a component's whole inbox as one enum.
//! - A [`Delivery`] is an event in its reader's hands, with what the bus knows of it; a [`Batch`]
//!   lends several, which is the cheapest way of receiving.
//! - A [`Request`] is an event that asks; a [`Call`] is a request in a responder's hands, and
//!   [`Gathered`] is what the asker gets.
//! - A [`Snapshot`] is one picture of everything; a [`Diagnosis`] says what is wrong with it.
//! - The [catalogue](Bus::catalogue) lists the event types with their documentation, and the
//!   [`Wiring`] shows which component publishes, hears, asks and answers what.
//!
//! # Delivery and loss
//!
//! Publishing never waits for a subscriber. A subscription of capacity *n* holds *n* events; what
//! happens to the next is its [`Overflow`] policy. No loss is silent: the next event
//! [says](Delivery::missed) how many are missing before it, the [`Ledger`] counts them by
//! [reason](DropReason), and the [drop callback](Bus::on_drop) names each. Two subscriptions that
//! both receive two events of one [`Priority`] receive them in the same order, whoever published
//! them.
//!
//! # Starting
//!
//! A bus begins by buffering. [`start`](Bus::start) hands what was buffered to everybody present,
//! in order, before anything published later; [`start_when_ready`](Bus::start_when_ready) first
//! waits until everybody expected has signed in, and says who is missing.
//!
//! # Asking
//!
//! [`Bus::request`] asks every responder of a type, awaits those it
//! [expects](RequestBuilder::expect), and ends as soon as its outcome is certain. Each expected
//! responder has an [`Outcome`].
//!
//! # Ending
//!
//! After [`close`](Bus::close) subscribers receive what they hold, then `None`;
//! [`close_and_drain`](Bus::close_and_drain) waits for that, and says who did not finish.
//!
//! # Your code in the bus
//!
//! Wakers, destructors of events, callbacks, handlers, clocks, the functions of a type and the
//! `tracing` subscriber run on the thread whose operation needs them, with no lock held: they may
//! use the bus, and they may take their time, at that thread's expense. One that panics is fenced
//! in: the operation goes on, nobody else is skipped, and the log says which code it was. A panic
//! gets out only where the code is the caller's own: a destructor of what it holds, a predicate or a
//! clock that its waiting asks, the clone of the waker that it is polled with.
//!
//! What is forgotten ([`mem::forget`](std::mem::forget)) keeps what it holds, and stands in nobody's way:
//! a subscription is one that never reads, so it fills and drops; a delivery or a batch keeps the memory
//! of its events; a future of receiving has taken nothing, and its waker stays until the next one comes; a
//! request stays open until the bus closes, and a call costs its asker the timeout.
//!
//! # In real time
//!
//! On a started bus without timestamps, events that hold nothing on the heap and whose readers, of that one
//! type, are awake (none sleeps in `recv`) cost nothing of unknown length, once warm:
//!
//! - [`publish`](Bus::publish) allocates nothing, as long as what waits for the readers fits into the
//!   few blocks that a type keeps to use again. It takes the bus's lock: if that is free, by one atomic
//!   operation and without the kernel; if another thread is publishing, it may wait for that in the kernel.
//! - `try_recv`, `recv` of an event that is there, `try_recv_batch`, and letting an event go allocate
//!   nothing and take no lock at all, whoever publishes meanwhile; but a reader that was full and lost
//!   events takes one for a moment when it comes to where they are missing.
//!
//! # Trade-offs
//!
//! - A slow subscriber loses events rather than slowing its publisher. Where back-pressure is
//!   wanted, a channel is the better tool.
//! - Events are shared, so they are immutable: a reader that wants to change one clones it.
//! - One lock orders a bus. It is held only to append to queues, never while a user's code runs;
//!   programs that need more than one core's worth of publishing want several buses.
//! - Delivery is within one process, and nothing is stored.
//!
//! # Not supported
//!
//! `no_std`; persistence and replay of history; back-pressure; remote subscribers (that is the
//! business of crates built on this one).
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `derive` | yes | `#[derive(Event)]`, `#[derive(EventSet)]`, `#[derive(Request)]` |
//! | `tracing` | yes | warnings as `tracing` events, under the target `callboard`; spans, by choice: `BusBuilder::trace` |
//! | `asyncapi` | no | `Bus::asyncapi`, which describes the program as an AsyncAPI document |
//! | `metrics` | no | `Snapshot::record`, for the `metrics` facade: see [`guide::watching`] |
//! | `schemars` | no | JSON Schemas of event types, by `#[event(schema)]`, in the catalogue and the document |
//! | `serde` | no | `Serialize` for [`Snapshot`], [`Diagnosis`], [`Wiring`] and the [catalogue](CatalogueEntry) |
//! | `tokio` | no | tokio's timer inside a tokio runtime, so that paused time works in tests; [`Bus::on`](crate::Bus) |
//!
//! No async runtime is required: a subscription can be read under tokio, smol, or from a plain
//! thread, and all of them on one bus. The [guide] tells how to build with it.

mod builder;
mod bus;
mod catalogue;
mod diagnose;
mod engine;
mod error;
mod event;
pub mod guide;
mod link;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(all(test, callboard_loom))]
mod models;
#[cfg(feature = "tokio")]
mod on;
mod outcome;
mod overflow;
mod published;
mod publisher;
mod registry;
mod report;
mod request;
mod room;
mod schedule;
#[cfg(feature = "serde")]
mod serialize;
mod shutdown;
mod snapshot;
mod startup;
mod subscription;
mod sync;
pub mod testing;
mod time;
mod trace;
mod wiring;

pub use builder::BusBuilder;
pub use bus::{Bus, WeakBus};
pub use catalogue::{CatalogueEntry, EventRole};
pub use diagnose::{Arrival, Diagnosis, Finding, FindingKind};
pub use engine::{DeadLetter, Slow};
pub use error::{
    AskError, BuildError, DrainError, Incomplete, RecvTimeoutError, RequestError, StartError,
    TryRecvError, Unfinished,
};
pub use event::{
    Abilities, AnyEvent, Cause, Coalesce, Contract, Delivery, Event, EventRef, FieldContract,
    Metadata, Pattern, PatternError, Priority, Received, VariantContract,
};
pub use link::{LinkPeer, LinkStatus};
#[cfg(feature = "tokio")]
pub use on::{Registration, SendHandler};
pub use outcome::{End, Outcome, RequestTrace, ResponderTrace, Troubled, TroubledRequest};
pub use overflow::{DropReason, Dropped, Importance, Ledger, Overflow};
pub use published::Published;
pub use publisher::{PublishedAll, Publisher};
pub use registry::Phase;
pub use request::{
    Answer, Ask, AskOf, Asker, Call, CallContext, Gather, Gathered, Request, RequestBuilder,
    Responder,
};
pub use schedule::Scheduled;
pub use snapshot::{
    AccountSnapshot, AttachedLink, BlockingCall, BufferSnapshot, EndingsSnapshot, FailedTicks,
    HandlerTimes, InterestSnapshot, NameClash, OpenRequest, PanicSnapshot, PublisherSnapshot,
    RequestsSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot,
};
pub use startup::Started;
pub use subscription::{
    Batch, Burst, EventSet, Member, Paced, Recv, SubscriberBuilder, Subscription,
};
#[cfg(feature = "tokio")]
pub use time::TokioClock;
pub use time::{Clock, Sleep, SystemClock};
pub use wiring::{Relation, WiredComponent, WiredEdge, WiredType, Wiring};

#[cfg(feature = "derive")]
pub use callboard_derive::{Event, EventSet, Request};

/// What the derives write; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::engine::{LentEvents, Reader, Scope, Taken};
    pub use crate::event::{NotCoalescing, Probe, Receipt};
    pub use crate::registry::{Interest, MemberInterest};
}
