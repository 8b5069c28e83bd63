//! Reports of subscribers that fall behind, and that have caught up.
//!
//! A subscriber falls behind when it first loses an event because it is full, and has caught up
//! when it finds nothing more to read. Each is reported once. Both are tied to rare cases, the loss
//! of an event and a reader that finds nothing, so a successful publication or receive pays
//! nothing.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{BusClock, Mailbox};
use crate::log::Moment;
use crate::sync::process::{AtomicBool, AtomicU32};
use crate::sync::{Mutex, Ordering, discard, isolate};

/// The function set by `Bus::on_slow`.
pub(crate) type SlowCallback = Arc<dyn Fn(&Slow) + Send + Sync>;

/// Where reports of slow subscribers go; shared by a bus and its mailboxes.
pub(crate) struct SlowWatch {
    clock: BusClock,
    callback: Mutex<Option<SlowCallback>>,
}

/// Whether a subscription is behind. Ordering: Relaxed throughout, since the thread that makes a
/// change reports it.
#[derive(Default)]
pub(super) struct Behind {
    now: AtomicBool,
    /// How many times it has fallen behind.
    times: AtomicU32,
}

/// The argument of the slow callback ([`Bus::on_slow`](crate::Bus::on_slow)): a subscriber that has
/// fallen behind, or has caught up.
#[derive(Debug, Clone)]
pub struct Slow {
    subscriber: Arc<str>,
    call_site: &'static Location<'static>,
    capacity: usize,
    queued: usize,
    oldest: Option<Duration>,
    handling: Option<&'static str>,
    handling_for: Option<Duration>,
    caught_up: bool,
}

impl SlowWatch {
    pub(crate) fn new(clock: BusClock) -> Self {
        Self { clock, callback: Mutex::new(None) }
    }

    /// Replaces the slow callback.
    pub(crate) fn set(&self, callback: SlowCallback) {
        let old = self.callback.lock().replace(callback);
        discard(old);
    }

    /// Logs and reports. No lock is held. `times` is how often the subscriber has fallen behind.
    fn tell(&self, slow: &Slow, times: u32) {
        // A subscriber that keeps falling behind is logged exponentially less often.
        let told = times.is_power_of_two();
        if told && slow.caught_up {
            crate::report::say!(info, "{slow}");
        }
        if told && !slow.caught_up {
            crate::report::say!(warn, "{slow}");
        }
        let callback = self.callback.lock().clone();
        if let Some(callback) = callback {
            isolate("the slow callback", "it is called again for the next", || callback(slow));
            discard(callback);
        }
    }
}

impl Drop for SlowWatch {
    fn drop(&mut self) {
        let callback = self.callback.lock().take();
        discard(callback);
    }
}

impl Mailbox {
    /// Whether the loss of an event just now is the first since it caught up, and to be reported. A
    /// lossy subscriber is meant to lose events, and one without capacity gets none.
    #[inline]
    pub(super) fn falls_behind(&self) -> bool {
        let minds = self.is_critical() && self.settings.capacity > 0;
        minds && !self.behind.now.load(Ordering::Relaxed)
    }

    /// Reports that it has lost an event, unless that was reported already. `oldest` finds when the
    /// oldest event that waits for it was published. No lock is held.
    pub(super) fn fall_behind(&self, oldest: impl FnOnce() -> Option<Instant>) {
        if !self.behind.now.swap(true, Ordering::Relaxed) {
            let times = self.behind.times.fetch_add(1, Ordering::Relaxed) + 1;
            self.settings.watch.tell(&self.slow(false, oldest()), times);
        }
    }

    /// Notes that the reader found nothing: if it was behind, it has caught up. No lock is held.
    #[inline]
    pub(crate) fn note_empty(&self) {
        if self.behind.now.load(Ordering::Relaxed) {
            self.catch_up();
        }
    }

    #[cold]
    fn catch_up(&self) {
        if self.behind.now.swap(false, Ordering::Relaxed) {
            let times = self.behind.times.load(Ordering::Relaxed);
            self.settings.watch.tell(&self.slow(true, None), times);
        }
    }

    /// The present moment, unless the clock panics.
    pub(super) fn now(&self) -> Moment {
        self.settings.watch.clock.moment()
    }

    fn slow(&self, caught_up: bool, oldest: Option<Instant>) -> Slow {
        let now = self.now().instant();
        let since = |moment| now.map(|now| now.saturating_duration_since(moment));
        let in_hand = self.in_hand();
        let inbox = self.inbox();
        let handler_stats = inbox.handler_stats();
        let only = match &inbox.accounts[..] {
            [account] if in_hand => Some(account.info.name),
            _ => None,
        };
        let began = handler_stats.began();
        // Events that wait in the log are not visible here; it was full a moment ago.
        let full = if caught_up { 0 } else { self.settings.capacity };
        Slow {
            subscriber: Arc::clone(&self.settings.name),
            call_site: self.settings.call_site,
            capacity: self.settings.capacity,
            queued: full.max(inbox.len()),
            oldest: oldest.and_then(since),
            handling: handler_stats.event_type.or(only),
            handling_for: began.and_then(since),
            caught_up,
        }
    }
}

impl Slow {
    /// The subscriber's name.
    pub fn subscriber(&self) -> &str {
        &self.subscriber
    }

    /// Where the subscription was opened.
    pub fn call_site(&self) -> &'static Location<'static> {
        self.call_site
    }

    /// How many undelivered events it may hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many it holds.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// The age of the oldest event it holds; known only if the bus keeps time.
    pub fn oldest(&self) -> Option<Duration> {
        self.oldest
    }

    /// The type of the event that it is handling, as far as the bus knows: for handlers run by
    /// [`serve`](crate::Subscription::serve) one at a time, and for hand-written loops over one type.
    pub fn handling(&self) -> Option<&'static str> {
        self.handling
    }

    /// The duration of its longest current handling; for hand-written loops, known only if the bus
    /// keeps time.
    pub fn handling_for(&self) -> Option<Duration> {
        self.handling_for
    }

    /// Whether it has caught up; otherwise it has fallen behind.
    pub fn has_caught_up(&self) -> bool {
        self.caught_up
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscriber, call_site, capacity, queued, .. } = self;
        if self.caught_up {
            return write!(f, "`{subscriber}` has caught up; it was opened at {call_site}");
        }
        write!(
            f,
            "`{subscriber}` has fallen behind: {queued} events wait, with room for {capacity}"
        )?;
        if let Some(age) = self.oldest {
            write!(f, ", the oldest for {age:.1?}")?;
        }
        match (self.handling, self.handling_for) {
            (Some(event_type), Some(time)) => {
                write!(f, ", while it has been handling `{event_type}` for {time:.1?}")?;
            }
            (Some(event_type), None) => write!(f, ", while it handles `{event_type}`")?,
            (None, Some(time)) => {
                write!(f, ", while it has been handling an event for {time:.1?}")?
            }
            (None, None) => {}
        }
        write!(f, "; it was opened at {call_site}")
    }
}
