//! The findings, and how they read.

use std::fmt;
use std::time::Duration;

use crate::outcome::{End, Outcome};

/// Something that users of a bus get wrong, with the culprit; its `Display` says what would cure
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Finding {
    /// Events wait, and the bus has never been started.
    NotStarted {
        /// How many events wait.
        waiting: usize,
        /// How many were dropped for want of room.
        dropped: usize,
        /// The expected components that have not signed in.
        missing: Vec<String>,
    },
    /// Events wait, and the bus was paused.
    Paused {
        /// How many events wait.
        waiting: usize,
    },
    /// The buffer had to drop events before the start.
    BufferTooSmall {
        /// How many events were dropped.
        dropped: u64,
        /// Its capacity.
        capacity: usize,
    },
    /// A subscriber came after the start.
    SubscribedLate {
        /// The subscriber.
        subscriber: String,
        /// Where it subscribed.
        call_site: String,
    },
    /// A subscriber took an event, has more waiting, and does not come back.
    HandlerBlocks {
        /// The subscriber.
        subscriber: String,
        /// For how long it has been handling; `None` if the bus does not keep time.
        handling_for: Option<Duration>,
        /// How many events wait for it.
        queued: usize,
    },
    /// A subscriber is full and does not read at all.
    NotReading {
        /// The subscriber.
        subscriber: String,
        /// Where it subscribed.
        call_site: String,
        /// How many events wait for it.
        queued: usize,
    },
    /// A subscriber lost events that a larger capacity would have held.
    CapacityTooSmall {
        /// The subscriber.
        subscriber: String,
        /// Its capacity.
        capacity: usize,
        /// How many events it lost.
        lost: u64,
        /// The capacity that would have sufficed so far.
        advice: usize,
    },
    /// A subscriber has never used more than a small part of a large capacity.
    CapacityTooLarge {
        /// The subscriber.
        subscriber: String,
        /// Its capacity.
        capacity: usize,
        /// The most it has held.
        high_water: usize,
        /// A capacity with room to spare.
        advice: usize,
    },
    /// A request could only have been answered by somebody who waits for it.
    RequestCycle {
        /// The request's type.
        event_type: String,
        /// The responders' names.
        chain: Vec<String>,
    },
    /// A request ended without its rule being met.
    RequestFailed {
        /// The request's type.
        event_type: String,
        /// Why it ended.
        end: End,
        /// The responders that did not answer, and why.
        missing: Vec<(String, Outcome)>,
    },
    /// Requests of this type are made, or observed, but nobody answers them.
    NoResponder {
        /// The request's type.
        event_type: String,
    },
    /// Events of this type are published, but nobody has listened to any of them.
    Unheard {
        /// The type's name.
        event_type: String,
        /// How many were published.
        published: u64,
    },
    /// This type is listened to, but was never published.
    NeverPublished {
        /// The type's name.
        event_type: String,
    },
    /// Two event types share a name.
    NameClash {
        /// The name.
        event_type: String,
        /// The one that the bus met first, as Rust names it.
        first: String,
        /// The other.
        second: String,
    },
    /// A subscriber was given a pattern that is none.
    BadPattern {
        /// The subscriber.
        subscriber: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A queue, or the buffer, holds much memory.
    MemoryHeld {
        /// Who holds it: a subscriber's name, or [`Dropped::BUFFER`](crate::Dropped::BUFFER).
        holder: String,
        /// How many events it holds.
        events: usize,
        /// Bytes, without what the events own elsewhere.
        bytes: usize,
        /// What the whole bus holds.
        total: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { waiting, dropped, missing } => {
                write!(f, "not started: {waiting} events wait")?;
                if *dropped > 0 {
                    write!(f, " and {dropped} were dropped")?;
                }
                f.write_str("; call `start` once every component has subscribed")?;
                if !missing.is_empty() {
                    write!(f, " (missing: `{}`)", missing.join("`, `"))?;
                }
                Ok(())
            }
            Self::Paused { waiting } => {
                write!(f, "paused: {waiting} events wait; call `start` to resume")
            }
            Self::BufferTooSmall { dropped, capacity } => write!(
                f,
                "start buffer too small: {dropped} events did not fit in {capacity}; raise \
                 `pre_start_capacity`, start earlier, or implement `Coalesce` for what comes in \
                 bursts"
            ),
            Self::SubscribedLate { subscriber, call_site } => write!(
                f,
                "`{subscriber}` subscribed after the start, at {call_site}, and may have missed \
                 events; subscribe before `start`, or say `.late()`"
            ),
            Self::HandlerBlocks { subscriber, handling_for, queued } => {
                write!(f, "`{subscriber}` blocks: it has been handling one event")?;
                if let Some(time) = handling_for {
                    write!(f, " for {time:.1?}")?;
                }
                write!(
                    f,
                    " while {queued} wait; hand long work to a task of its own, or use \
                     `serve_concurrent`"
                )
            }
            Self::NotReading { subscriber, call_site, queued } => write!(
                f,
                "`{subscriber}`, subscribed at {call_site}, is full with {queued} events and does \
                 not receive; drop the subscription if nobody needs it"
            ),
            Self::CapacityTooSmall { subscriber, capacity, lost, advice } => write!(
                f,
                "`{subscriber}` lost {lost} events with capacity {capacity}; {advice} would have \
                 held them: `.capacity({advice})`"
            ),
            Self::CapacityTooLarge { subscriber, capacity, high_water, advice } => write!(
                f,
                "`{subscriber}` has used {high_water} of its capacity of {capacity} at most; a \
                 smaller one shows a stall sooner: `.capacity({advice})`"
            ),
            Self::RequestCycle { event_type, chain } => write!(
                f,
                "request `{event_type}` could never be answered: {}; answer before asking, or \
                 serve concurrently",
                chain.join(" → ")
            ),
            Self::RequestFailed { event_type, end, missing } => {
                write!(f, "request `{event_type}` {end}:")?;
                for (number, (name, outcome)) in missing.iter().enumerate() {
                    let comma = if number > 0 { "," } else { "" };
                    write!(f, "{comma} `{name}` {outcome}")?;
                }
                Ok(())
            }
            Self::NoResponder { event_type } => write!(
                f,
                "request `{event_type}` has no responder; sign one in with \
                 `bus.responder::<…>(\"…\")`"
            ),
            Self::Unheard { event_type, published } => write!(
                f,
                "`{event_type}` was published {published} times and nobody listens; subscribe to \
                 it, or stop publishing it"
            ),
            Self::NeverPublished { event_type } => {
                write!(f, "`{event_type}` is listened to and was never published")
            }
            Self::NameClash { event_type, first, second } => write!(
                f,
                "two event types are called `{event_type}`: `{first}` and `{second}`; give one of \
                 them another name with `#[event(type = \"…\")]`"
            ),
            Self::BadPattern { subscriber, problem } => {
                write!(f, "`{subscriber}` receives nothing: {problem}")
            }
            Self::MemoryHeld { holder, events, bytes, total } => write!(
                f,
                "`{holder}` holds {events} events, {bytes} of the bus's {total} bytes; read them, \
                 or lower its capacity"
            ),
        }
    }
}
