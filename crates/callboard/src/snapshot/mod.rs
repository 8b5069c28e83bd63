//! Snapshots of a bus's state, which the console, metrics, diagnosis and tests read.

mod endings;
mod links;
mod take;
mod times;

use std::time::Duration;

use crate::link::LinkStatus;
use crate::outcome::{RequestTrace, TroubledRequest};
use crate::overflow::{Importance, Ledger, Overflow};
use crate::registry::Phase;

pub use crate::outcome::{OpenRequest, PanicSnapshot, PanickedSubscriber};
pub use endings::EndingsSnapshot;
pub use links::AttachedLink;
pub use times::HandlerTimes;

/// The state of a bus at one moment. Returned by [`Bus::snapshot`](crate::Bus::snapshot).
///
/// With the feature `serde` it implements `Serialize`; durations use serde's format of seconds and
/// nanoseconds.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The phase the bus is in.
    pub phase: Phase,
    /// Whether the bus has ever been started.
    pub started: bool,
    /// Whether [`drain`](crate::Bus::drain) was called: the bus refuses publications from outside
    /// handlers.
    pub draining: bool,
    /// How long after it was built the bus was first started; `None` if it never was, or if the
    /// clock panicked at that moment.
    pub started_after: Option<Duration>,
    /// How long ago the bus was built.
    pub age: Duration,
    /// Whether the bus keeps time; without, ages and the times of hand-written loops are unknown.
    pub timestamps: bool,
    /// The sequence number of the last accepted event.
    pub sequence: u64,
    /// Events refused because the bus was closed or being drained.
    pub refused: u64,
    /// How many of those were published or requested by a handler, while it handled an event.
    pub cut_off: u64,
    /// The expected subscribers and responders that have not signed in.
    pub missing: Vec<String>,
    /// The events that wait for the start.
    pub buffer: BufferSnapshot,
    /// One entry per event type, in the order in which the bus first saw them.
    pub types: Vec<TypeSnapshot>,
    /// One entry per subscription, in the order in which they were opened.
    pub subscribers: Vec<SubscriberSnapshot>,
    /// The requests.
    pub requests: RequestsSnapshot,
    /// The last ended subscriptions, at most 16, whose handlers had panicked.
    pub panicked: Vec<PanickedSubscriber>,
    /// Blocking calls made on the only thread of a runtime, by call site. Known only with the
    /// feature `tokio`.
    pub blocking_calls: Vec<BlockingCall>,
    /// The links to other processes.
    pub links: Vec<LinkStatus>,
    /// Schedules of [`publish_every`](crate::Bus::publish_every) whose function panicked, by event
    /// type and call site.
    pub failed_ticks: Vec<FailedTicks>,
    /// Pairs of event types that share a name, with their Rust names.
    pub name_clashes: Vec<NameClash>,
    /// Total bytes held by the buffer, the queues and the retained events. This counts the events'
    /// own size, without their heap data, and an event once per queue. ([`TypeSnapshot::memory`] is
    /// the memory of the blocks that hold them.)
    pub bytes: usize,
}

/// The events that wait for the start.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BufferSnapshot {
    /// How many events are buffered.
    pub queued: usize,
    /// How many events may be buffered.
    pub capacity: usize,
    /// The most events that were buffered at once.
    pub high_water: usize,
    /// How many events were dropped since the last start because the buffer was full.
    pub overflowed: usize,
    /// How many events of each type the first start replayed, for types that had any, in the order
    /// in which the bus first saw them. [`SubscriberSnapshot::replayed`] counts them by subscriber.
    pub held: Vec<(String, u64)>,
    /// Bytes held.
    pub bytes: usize,
}

/// One event type.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TypeSnapshot {
    /// The type's name.
    pub event_type: String,
    /// The type's Rust name.
    pub rust_type: String,
    /// Whether the type is a request.
    pub request: bool,
    /// Whether its events have keys, by which they [coalesce](crate::Coalesce).
    pub coalesces: bool,
    /// How many subscriptions read the type.
    pub subscribers: usize,
    /// How many subscriptions answer the type.
    pub responders: usize,
    /// The components that publish the type under a name, in the order of their first publication
    /// or handle. Unnamed publications are the rest of [`published`](Self::published).
    pub publishers: Vec<PublisherSnapshot>,
    /// How many of its events were accepted or dropped by the buffer: each was unheard, was routed,
    /// or is in the buffer's account.
    pub published: u64,
    /// How many of them had no subscriber when they were published or replayed. A request's
    /// responders count as subscribers, and so does an answer's asker.
    pub unheard: u64,
    /// The sequence number of the retained event, if there is one.
    pub retained: Option<u64>,
    /// Whether this is a type of the bus itself, whose events the bus publishes, such as
    /// [`DeadLetter`](crate::DeadLetter).
    pub of_the_bus: bool,
    /// Bytes of the blocks that hold its events, including blocks kept for reuse. A block holds up
    /// to 64 events: keeping one of them, as a [`Delivery`](crate::Delivery), keeps the block.
    pub memory: usize,
    /// The account of the start buffer; delivered means replayed.
    pub buffered: Ledger,
    /// The account of all subscriptions, past and present.
    pub ledger: Ledger,
}

/// One component as a publisher of one event type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PublisherSnapshot {
    /// The component's name: that of its [`Publisher`](crate::Publisher), or of the subscriber
    /// whose served handler published, or which asked in order to answer a call.
    pub name: String,
    /// How many events of the type the component has published.
    pub published: u64,
    /// How many of these its served handlers published, by the type of the event being handled.
    pub handling: Vec<(String, u64)>,
}

/// One subscription.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SubscriberSnapshot {
    /// The subscriber's name.
    pub name: String,
    /// The file, line and column that opened the subscription.
    pub call_site: String,
    /// What the subscription receives.
    pub interest: InterestSnapshot,
    /// Whether the subscription answers requests.
    pub responder: bool,
    /// The types of the requests that the subscription answers.
    pub answers: Vec<String>,
    /// Whether it was opened after the start without being declared late.
    pub late: bool,
    /// How long after the bus was built the subscription was opened; 0 if the clock panicked at
    /// that moment.
    pub signed_in: Duration,
    /// How many events the first start replayed to it. Later replays, after a
    /// [`pause`](crate::Bus::pause), do not count.
    pub replayed: u64,
    /// How many undelivered events the subscription may hold.
    pub capacity: usize,
    /// What happens to events beyond the capacity.
    pub overflow: Overflow,
    /// Whether drops are reported.
    pub importance: Importance,
    /// How many undelivered events the subscription holds.
    pub queued: usize,
    /// The most undelivered events it has held.
    pub high_water: usize,
    /// The capacity that would have sufficed: the most events held or lost between two receives.
    pub demand: usize,
    /// The age of the oldest undelivered event; known only if the bus keeps time.
    pub oldest: Option<Duration>,
    /// Whether the reader is waiting for the next event.
    pub waiting: bool,
    /// How many of its served handlers are running.
    pub handling: u64,
    /// Whether a hand-written loop took an event, or a batch, and has not asked for the next. A
    /// batch that returned `None` counts as having asked.
    pub in_hand: bool,
    /// For how long the longest-running handling has been going on; for hand-written loops known
    /// only if the bus keeps time.
    pub handling_for: Option<Duration>,
    /// How many handlings have ended; for hand-written loops known only if the bus keeps time.
    pub handled: u64,
    /// The time of all handlings that have ended.
    pub busy: Duration,
    /// The longest of them.
    pub longest: Duration,
    /// The percentiles of these times; `None` before the first.
    pub handler_times: Option<HandlerTimes>,
    /// How many of its served handlers panicked. Panics of hand-written loops are not known.
    pub panics: u64,
    /// The last of these panics.
    pub last_panic: Option<PanicSnapshot>,
    /// Bytes held by its queue.
    pub bytes: usize,
    /// Its account.
    pub ledger: Ledger,
    /// Its account per event type.
    pub accounts: Vec<AccountSnapshot>,
}

/// What a subscription receives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum InterestSnapshot {
    /// All events.
    Everything,
    /// Events that match this pattern.
    Matching(String),
    /// Events of these types.
    Types(Vec<String>),
    /// Nothing: its pattern is invalid, with this problem.
    BadPattern(String),
}

/// One subscription's account of one event type.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AccountSnapshot {
    /// The type's name.
    pub event_type: String,
    /// The account.
    pub ledger: Ledger,
}

/// The requests.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RequestsSnapshot {
    /// The open requests, oldest first.
    pub open: Vec<OpenRequest>,
    /// How many have ended in any way: with a result, given up, or with a
    /// [`RequestError`](crate::RequestError). Each one whose gather was polled ends once.
    pub ended: u64,
    /// How they ended, and how long they took.
    pub endings: EndingsSnapshot,
    /// How many answers arrived after their request had ended.
    pub late: u64,
    /// How many answers arrived under a name that had already answered.
    pub duplicate: u64,
    /// The last requests that failed or were incomplete, newest last.
    pub troubled: Vec<TroubledRequest>,
    /// Whether requests are traced; see [`Bus::trace_requests`](crate::Bus::trace_requests).
    pub traced: bool,
    /// The last requests, at most 64, newest last: the open ones and, if requests are traced, those
    /// that ended last.
    pub recent: Vec<RequestTrace>,
}

/// A call that blocked the only thread of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BlockingCall {
    /// What was called.
    pub call: String,
    /// The file, line and column of the call.
    pub call_site: String,
    /// How many times it was called.
    pub times: u64,
}

/// Ticks of a schedule that were skipped, since the function that makes the event panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailedTicks {
    /// The type of the event.
    pub event_type: String,
    /// The file, line and column of the call of [`publish_every`](crate::Bus::publish_every).
    pub call_site: String,
    /// How many ticks failed.
    pub times: u64,
    /// The last panic's message, truncated if long.
    pub message: String,
}

/// Two event types that share a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NameClash {
    /// The name.
    pub event_type: String,
    /// The Rust name of the type that the bus saw first.
    pub first: String,
    /// The Rust name of the other type.
    pub second: String,
}

impl Snapshot {
    /// The first subscription with this name.
    pub fn subscriber(&self, name: &str) -> Option<&SubscriberSnapshot> {
        self.subscribers.iter().find(|subscriber| subscriber.name == name)
    }

    /// The event type with this name.
    pub fn event_type(&self, name: &str) -> Option<&TypeSnapshot> {
        self.types.iter().find(|event_type| event_type.event_type == name)
    }

    /// Whether every event offered to any subscription is accounted for.
    pub fn balances(&self) -> bool {
        let of_subscribers = self.subscribers.iter().all(|subscriber| {
            subscriber.ledger.balances()
                && subscriber.ledger.queued == subscriber.queued as u64
                && subscriber.accounts.iter().all(|account| account.ledger.balances())
        });
        of_subscribers
            && self
                .types
                .iter()
                .all(|event_type| event_type.ledger.balances() && event_type.buffered.balances())
    }
}
