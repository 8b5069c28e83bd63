//! How a reader handles the events that it takes.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::{Deferred, Mailbox, Times};
use crate::log::Moment;
use crate::outcome::PanicSnapshot;
use crate::sync::Ordering;

/// How a reader handles the events that it takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct HandlerStats {
    /// A handler run by `serve` handles the events.
    pub(crate) served: bool,
    /// When the reader took its last event; known only if the bus keeps time.
    pub(crate) in_hand_since: Moment,
    /// How many served handlers are running.
    pub(crate) handling: u64,
    /// When the longest-running of them started.
    pub(crate) handling_since: Option<Instant>,
    /// The type of the event being handled, if a single handler is running.
    pub(super) event_type: Option<&'static str>,
    /// How many handlings have ended, and their total and longest time in nanoseconds: a `Duration` is
    /// slower to add to.
    pub(crate) handled: u64,
    busy: u128,
    longest: u64,
    pub(crate) times: Times,
    /// How many served handlers panicked, and the last of these panics.
    pub(crate) panics: u64,
    pub(crate) last_panic: Option<PanicSnapshot>,
    pub(crate) holds: Holds,
}

/// The stats of a reader without any.
pub(super) static NO_STATS: LazyLock<HandlerStats> = LazyLock::new(HandlerStats::default);

/// The events that a reader that paces itself (see `subscription::pace`) has taken but not handed
/// out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Holds {
    #[default]
    Nothing,
    /// It hands out an event the next time it is asked.
    Due,
    /// It hands out an event at this moment, or when the bus closes.
    Until(Instant),
    /// It hands out an event when the bus closes.
    UntilClosed,
}

impl HandlerStats {
    /// A served handler begins.
    pub(crate) fn begin(&mut self, event_type: &'static str, now: Instant) {
        self.event_type = (self.handling == 0).then_some(event_type);
        self.handling += 1;
        self.handling_since.get_or_insert(now);
    }

    /// A served handler has ended after `time`; `oldest` is when the first handler still running
    /// began.
    pub(crate) fn end(&mut self, time: Duration, oldest: Option<Instant>) {
        self.handling = self.handling.saturating_sub(1);
        self.handling_since = oldest;
        self.event_type = None;
        self.count(1, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// A served handler has panicked.
    pub(crate) fn panicked(&mut self, panic: PanicSnapshot) {
        self.panics += 1;
        self.last_panic = Some(panic);
    }

    /// When the longest current handling began, as far as known.
    pub(crate) fn began(&self) -> Option<Instant> {
        self.handling_since.or_else(|| self.in_hand_since.instant())
    }

    /// The reader asks for the next event: it has finished the last ones that it took, unless it
    /// handed them to a handler. The time is divided evenly among them.
    pub(super) fn finish_current(&mut self, events: u32, now: Moment) {
        let since = std::mem::replace(&mut self.in_hand_since, Moment::NONE);
        if let (1.., Some(time)) = (events, now.nanoseconds_since(since)) {
            self.count(events.into(), time);
        }
    }

    /// Counts the handlings of some events that took `time` nanoseconds together.
    fn count(&mut self, events: u64, time: u64) {
        // A division takes longer than all the rest.
        let each = if events == 1 { time } else { time / events };
        self.handled += events;
        self.busy += u128::from(time);
        self.longest = self.longest.max(each);
        self.times.add(each, events);
    }

    /// The total time of all handlings.
    pub(crate) fn busy(&self) -> Duration {
        const SECOND: u128 = 1_000_000_000;
        // The remainder is less than a second.
        let nanoseconds = (self.busy % SECOND) as u32;
        u64::try_from(self.busy / SECOND).map_or(Duration::MAX, |it| Duration::new(it, nanoseconds))
    }

    /// The longest time of a handling.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest)
    }
}

impl Mailbox {
    /// How the reader handles its events, and whether it has one in hand.
    pub(crate) fn handler_stats(&self) -> (HandlerStats, bool) {
        let inbox = self.inbox();
        (inbox.handler_stats().clone(), self.in_hand())
    }

    /// Notes which events the reader holds back.
    pub(crate) fn hold(&self, holds: Holds) {
        self.inbox().handler_stats_mut().holds = holds;
    }

    /// The reader hands out an event that it held back; `holds` says what it keeps.
    pub(crate) fn release(&self, holds: Holds, now: Moment) {
        let mut inbox = self.inbox();
        inbox.handler_stats_mut().holds = holds;
        self.hand();
        if now.is_known() {
            inbox.handler_stats_mut().in_hand_since = now;
        }
    }

    /// A served handler begins with the event that was taken last.
    pub(crate) fn begin_handling(&self, event_type: &'static str, now: Instant) {
        let mut inbox = self.inbox();
        inbox.handler_stats_mut().begin(event_type, now);
        self.in_hand.store(false, Ordering::Relaxed);
    }

    /// The bus is draining: wakes a reader that holds an event back, to hand it out.
    pub(crate) fn hurry(&self, deferred: &mut Deferred<'_>) {
        let mut inbox = self.inbox();
        if inbox.handler_stats().holds != Holds::Nothing {
            deferred.wake(inbox.waker.take());
        }
    }
}
