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
//! - A [`Bus`] connects publishers and subscribers. It is cheap to clone; all clones are the same
//!   bus.
//! - A [`Subscription`] is one component's receiving end: of one event type, of
//!   [everything](AnyEvent), of a [pattern](SubscriberBuilder::subscribe_matching), or of an
//!   [`EventSet`]: a component's whole inbox as one enum.
//! - A [`Delivery`] is a received event with its metadata; a [`Batch`] lends several events at
//!   once, which is the cheapest way to receive several queued events.
//! - A [`Request`] is an event that asks; a [`Call`] is a received request, and [`Gathered`] is the
//!   asker's result.
//! - A [`Snapshot`] is the state of the whole bus as data; a [`Diagnosis`] says what is wrong with
//!   it.
//! - The [catalogue](Bus::catalogue) lists the event types with their documentation, and the
//!   [`Wiring`] shows which component publishes, receives, asks and answers which types.
//!
//! # Delivery and loss
//!
//! Publishing never waits for a subscriber. A subscription of capacity *n* holds *n* events; its
//! [`Overflow`] policy decides what happens to the next. No loss is silent: the first event behind
//! it [reports](Delivery::missed) how many events the subscription missed, the [`Ledger`] counts
//! them by [reason](DropReason), and if the subscription is critical, the
//! [drop callback](Bus::on_drop) is called for each. Two subscriptions that both receive two events of one [`Priority`] receive them in the same order,
//! whichever threads published them.
//!
//! # Starting
//!
//! A new bus buffers events. [`start`](Bus::start) replays the buffered events to every open
//! subscription, in order, before any event of the same priority that is published later;
//! [`start_when_ready`](Bus::start_when_ready) first waits until all expected components have
//! subscribed, and names those missing.
//!
//! # Asking
//!
//! [`Bus::request`] asks every responder of a type, waits for the
//! [expected](RequestBuilder::expect) ones, and ends as soon as its outcome is certain. Each
//! expected responder has an [`Outcome`].
//!
//! # Ending
//!
//! After [`close`](Bus::close), subscribers receive their queued events, then `None`;
//! [`close_and_drain`](Bus::close_and_drain) waits for that and names those that did not finish.
//! [`drain`](Bus::drain) lets handlers publish and make requests until the bus is idle, then
//! closes.
//!
//! # Your code in the bus
//!
//! Wakers, destructors of events, callbacks, handlers, clocks, the functions of a type and the
//! `tracing` subscriber run on the thread whose operation needs them, with no lock held: they may
//! use the bus, and if they take long, they only delay that thread. A panic in them is caught and
//! logged, and the operation continues. A panic reaches the caller only from the caller's own code:
//! the destructor of a value it holds, a predicate, a clock that it waits on or takes a snapshot by,
//! or the clone of the waker that it is polled with.
//!
//! Leaking a handle ([`mem::forget`](std::mem::forget)) leaks its memory but does not block others:
//! a leaked subscription never reads, so it fills and drops; a leaked delivery or batch keeps the
//! memory of its events; a leaked receive future has taken nothing; a leaked request stays open
//! until the bus closes; and the asker of a leaked call waits for its timeout.
//!
//! # In real time
//!
//! The following holds once warm, on a started bus without timestamps, for events that own no heap
//! memory, and while every reader of the type is awake (none sleeps in `recv`) and subscribes to
//! this type alone:
//!
//! - [`publish`](Bus::publish) does not allocate, as long as the queued events fit into the few
//!   blocks that a type keeps for reuse. It takes the bus's lock: one atomic operation if the lock
//!   is free; if another thread is publishing, it may wait for it in the kernel.
//! - `try_recv`, `recv` of a queued event, `try_recv_batch`, and dropping an event neither allocate
//!   nor lock. A reader that lost events takes a lock briefly when it reaches the gap.
//!
//! # Trade-offs
//!
//! - A slow subscriber loses events instead of slowing down its publisher. For back-pressure, use a
//!   channel.
//! - Events are shared, so they are immutable: a reader clones an event to change it.
//! - One lock orders a bus. It is held only to append, never while user code runs; a program that
//!   needs more than one core's worth of publishing uses several buses.
//! - This crate delivers within one process and stores nothing. `callboard-nats` links buses of
//!   several processes, and can store events.
//!
//! # Not supported
//!
//! `no_std`; persistence and replay of history; back-pressure.
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
//! thread, and all of them on one bus. The [guide] explains how to build with it.

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
    Abilities, AnyEvent, AnyEventRef, Cause, Coalesce, Contract, Delivery, Event, EventRef,
    FieldContract, Metadata, Pattern, PatternError, Priority, Received, VariantContract,
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
    HandlerTimes, InterestSnapshot, NameClash, OpenRequest, PanicSnapshot, PanickedSubscriber,
    PublisherSnapshot, RequestsSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot,
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

/// Used by the derives; not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::engine::{LentEvents, LentTaken, Reader, Scope, Taken};
    pub use crate::event::{NotCoalescing, Probe, Receipt};
    pub use crate::registry::{Interest, MemberInterest};
}
