//! One picture of everything the bus knows: the console, metrics, diagnosis and tests all read it.

mod endings;
mod links;
mod take;
mod times;

use std::time::Duration;

use crate::link::LinkStatus;
use crate::outcome::{Outcome, RequestTrace, TroubledRequest};
use crate::overflow::{Importance, Ledger, Overflow};
use crate::registry::Phase;

pub use endings::EndingsSnapshot;
pub use links::AttachedLink;
pub use times::HandlerTimes;

/// A picture of a bus at one moment. Get one from [`Bus::snapshot`](crate::Bus::snapshot).
///
/// With the feature `serde` it is `Serialize`; durations are in seconds and nanoseconds, as
/// serde writes them.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The phase the bus is in.
    pub phase: Phase,
    /// Whether it has ever been started.
    pub started: bool,
    /// Whether [`drain`](crate::Bus::drain) was called: the bus refuses what comes from outside
    /// handlers.
    pub draining: bool,
    /// How long after it was built it was first started; `None` if it never was, or if the clock
    /// panicked at that moment.
    pub started_after: Option<Duration>,
    /// How long ago it was built.
    pub age: Duration,
    /// Whether it keeps time; without, ages and the times of hand-written loops are unknown.
    pub timestamps: bool,
    /// The number of the last event accepted.
    pub sequence: u64,
    /// Events refused because the bus was closed.
    pub refused: u64,
    /// How many of those a handler published, or asked, for its event.
    pub cut_off: u64,
    /// The expected subscribers and responders that have not signed in.
    pub missing: Vec<String>,
    /// What waits for the start.
    pub buffer: BufferSnapshot,
    /// Per event type, in the order in which the bus met them.
    pub types: Vec<TypeSnapshot>,
    /// Per subscription, in the order in which they were opened.
    pub subscribers: Vec<SubscriberSnapshot>,
    /// The requests.
    pub requests: RequestsSnapshot,
    /// The last subscriptions, at most 16, that ended after handlers of theirs had panicked.
    pub panicked: Vec<PanickedSubscriber>,
    /// Blocking calls that were made on the only thread of a runtime, by call site. Known only with
    /// the feature `tokio`.
    pub blocking_calls: Vec<BlockingCall>,
    /// The links to other processes.
    pub links: Vec<LinkStatus>,
    /// Schedules of [`publish_every`](crate::Bus::publish_every) whose function panicked, by event type
    /// and call site.
    pub failed_ticks: Vec<FailedTicks>,
    /// Pairs of event types that share a name, as Rust names them.
    pub name_clashes: Vec<NameClash>,
    /// Bytes held by the buffer, the queues and the retained events, in all. It counts the
    /// events' own size, without what they own elsewhere, and an event once per queue. (What they
    /// lie in is [`TypeSnapshot::memory`].)
    pub bytes: usize,
}

/// What waits for the start.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BufferSnapshot {
    /// How many events wait.
    pub queued: usize,
    /// How many may wait.
    pub capacity: usize,
    /// The most that have waited at once.
    pub high_water: usize,
    /// How many were dropped, since the last start, for want of room.
    pub overflowed: usize,
    /// What the first start replayed: how many events of each type, for the types that had any, in
    /// the order in which the bus met them. To whom is [`SubscriberSnapshot::replayed`].
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
    /// The type as Rust names it.
    pub rust_type: String,
    /// Whether it is a request.
    pub request: bool,
    /// How many subscriptions read it.
    pub subscribers: usize,
    /// How many subscriptions answer it.
    pub responders: usize,
    /// The components that publish it under a name, in the order of their first publication or
    /// handle. What others publish is the rest of [`published`](Self::published).
    pub publishers: Vec<PublisherSnapshot>,
    /// How many of its events were accepted or dropped by the buffer: unheard, or routed, or in
    /// the buffer's account.
    pub published: u64,
    /// How many of them had no subscriber when they were published or replayed. A request is heard
    /// by those it asks, and an answer by its asker.
    pub unheard: u64,
    /// The number of the retained event, if there is one.
    pub retained: Option<u64>,
    /// Whether it is one of the bus's own, whose events the bus publishes by itself, such as
    /// [`DeadLetter`](crate::DeadLetter).
    pub of_the_bus: bool,
    /// Bytes of the blocks that hold its events, including blocks that are kept for reuse. A block
    /// holds up to 64 events: keeping one of them, as a [`Delivery`](crate::Delivery), keeps the
    /// block.
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
    /// The component's name: that of its [`Publisher`](crate::Publisher), or of the subscriber whose
    /// served handler published.
    pub name: String,
    /// How many events of the type it has published.
    pub published: u64,
    /// How many of these its served handlers published while they handled an event of which type.
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
    /// What it wants.
    pub interest: InterestSnapshot,
    /// Whether it answers requests.
    pub responder: bool,
    /// The types of the requests that it answers.
    pub answers: Vec<String>,
    /// Whether it came after the start without saying that it meant to.
    pub late: bool,
    /// How long after the bus was built it signed in; 0 if the clock panicked at that moment.
    pub signed_in: Duration,
    /// How many events of the first start's replay it was given. What it was given later, after a
    /// [`pause`](crate::Bus::pause), does not count.
    pub replayed: u64,
    /// How many undelivered events it may hold.
    pub capacity: usize,
    /// What happens beyond that.
    pub overflow: Overflow,
    /// Whether a drop is an incident.
    pub importance: Importance,
    /// How many undelivered events it holds.
    pub queued: usize,
    /// The most it has held.
    pub high_water: usize,
    /// The capacity that would have sufficed: the most that it held or lost between two receives.
    pub demand: usize,
    /// The age of the oldest event it holds; known only if the bus keeps time.
    pub oldest: Option<Duration>,
    /// Whether it sleeps until something comes.
    pub waiting: bool,
    /// How many of its served handlers run.
    pub handling: u64,
    /// Whether a hand-written loop took an event, or a batch, and has not asked for the next. Who
    /// asks a batch for its next event, and gets none, has asked.
    pub in_hand: bool,
    /// For how long it has been handling what it handles longest; for hand-written loops known
    /// only if the bus keeps time.
    pub handling_for: Option<Duration>,
    /// How many handlings have ended; as above.
    pub handled: u64,
    /// The time of all handlings that have ended.
    pub busy: Duration,
    /// The longest of them.
    pub longest: Duration,
    /// The percentiles of these times; `None` before the first.
    pub handler_times: Option<HandlerTimes>,
    /// How many of its served handlers panicked. What a hand-written loop does is not known.
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

/// A panic of a handler run by [`serve`](crate::Subscription::serve).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PanicSnapshot {
    /// The type of the event that was being handled.
    pub event_type: String,
    /// What the panic said; if that is long, its beginning.
    pub message: String,
}

/// A subscription that has ended, and whose handlers panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PanickedSubscriber {
    /// The subscriber's name.
    pub name: String,
    /// How many of its handlers panicked.
    pub panics: u64,
    /// The last of these panics.
    pub last_panic: PanicSnapshot,
}

/// What a subscription wants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum InterestSnapshot {
    /// Everything.
    Everything,
    /// What matches this pattern.
    Matching(String),
    /// These event types.
    Types(Vec<String>),
    /// Nothing: it was given something that is no pattern, with this problem.
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
    /// How many have ended, whatever their end: with a result, given up, or with a
    /// [`RequestError`](crate::RequestError). Each one whose gather was polled ends once.
    pub ended: u64,
    /// How they ended, and how long they took.
    pub endings: EndingsSnapshot,
    /// How many answers came after their request had ended.
    pub late: u64,
    /// How many answers came by a name that had answered already.
    pub duplicate: u64,
    /// The last ones that did not get what they wanted, newest last.
    pub troubled: Vec<TroubledRequest>,
    /// Whether requests are remembered; see [`Bus::trace_requests`](crate::Bus::trace_requests).
    pub traced: bool,
    /// The last ones, at most 64, newest last: those that are open and, if requests are remembered,
    /// those that ended last.
    pub recent: Vec<RequestTrace>,
}

/// A request that waits for answers.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OpenRequest {
    /// The request's type.
    pub event_type: String,
    /// The responder or subscriber whose handler asks, if it is a nested request.
    pub asker: Option<String>,
    /// Its number; `None` if the start buffer had no room for it.
    pub sequence: Option<u64>,
    /// For how long it has waited.
    pub age: Duration,
    /// For how much longer it will; `None` for ever.
    pub remaining: Option<Duration>,
    /// What each expected responder's outcome would be if time were over now.
    pub outcomes: Vec<(String, Outcome)>,
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
    /// How many times.
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
    /// How many ticks.
    pub times: u64,
    /// What the last panic said; if that is long, its beginning.
    pub message: String,
}

/// Two event types that share a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NameClash {
    /// The name.
    pub event_type: String,
    /// The type that the bus met first, as Rust names it.
    pub first: String,
    /// The other.
    pub second: String,
}

impl Snapshot {
    /// The first subscription of this name.
    pub fn subscriber(&self, name: &str) -> Option<&SubscriberSnapshot> {
        self.subscribers.iter().find(|subscriber| subscriber.name == name)
    }

    /// The event type of this name.
    pub fn event_type(&self, name: &str) -> Option<&TypeSnapshot> {
        self.types.iter().find(|event_type| event_type.event_type == name)
    }

    /// Whether every event offered, to anybody, is accounted for.
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
