//! The tail: some of the events that pass, taken by a tap that is open no longer than it must be.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::AnyEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::{MissedTickBehavior, interval};

use super::{Watch, lock, own};

/// How long a window is.
const WINDOW: Duration = Duration::from_millis(250);
/// How often the tap is looked at. It is not waited for: a reader that sleeps must be woken, and its
/// publishers would pay for that.
const TICK: Duration = Duration::from_millis(5);

/// The events of the last window.
#[derive(Clone, Default)]
pub(crate) struct Window {
    /// Which window it is, and the events of all windows before it, shown or missed.
    pub(crate) before: u64,
    pub(crate) missed: u64,
    pub(crate) shown: u64,
    pub(crate) events: Option<Arc<RawValue>>,
}

#[derive(Serialize)]
struct Shown {
    sequence: u64,
    event_type: &'static str,
    cause: Option<u64>,
    at_ms: u64,
    payload: String,
    cut: bool,
    queued_us: Option<u64>,
}

/// Fills windows while somebody watches the tail, until the bus is gone.
pub(crate) async fn tap(watch: Arc<Watch>) {
    loop {
        while watch.tail.receiver_count() == 0 {
            watch.tail_watched.notified().await;
        }
        if watched(&watch).await.is_none() {
            return;
        }
    }
}

/// Fills windows until nobody watches; `None` if the bus is gone.
async fn watched(watch: &Watch) -> Option<()> {
    let mut tap = None;
    let mut filling = Filling::default();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ends = Instant::now() + WINDOW;
    while watch.tail.receiver_count() > 0 {
        ticks.tick().await;
        let limit = watch.options.tail_limit;
        if filling.events.len() < limit {
            let open = match &mut tap {
                Some(open) => open,
                None => tap.insert(own::open(&watch.bus()?)),
            };
            // Closed before anything is formatted: that takes longer than taking.
            let left = limit - filling.events.len();
            let taken: Vec<_> = open.try_iter().take(left).collect();
            if taken.len() == left {
                tap = None;
            }
            let mut own = lock(&watch.own);
            taken.iter().for_each(|event| own.count(event.event_type()));
            drop(own);
            taken.into_iter().for_each(|event| filling.take(event, watch));
        }
        if ends <= Instant::now() {
            ends = Instant::now() + WINDOW;
            watch.bus()?;
            if let Some(window) = filling.window() {
                watch.tail.send_replace(window);
            }
        }
    }
    Some(())
}

/// A window that is being filled.
#[derive(Default)]
struct Filling {
    events: Vec<Shown>,
    /// The greatest number that was shown.
    last: u64,
    /// The greatest number of the windows before, if there were any.
    shown_until: Option<u64>,
    before: u64,
}

impl Filling {
    fn take(&mut self, event: AnyEvent, watch: &Watch) {
        let now = watch.now();
        let at = event.published_at().map_or(now, |at| at.saturating_duration_since(watch.began));
        let (sequence, event_type, cause) = (event.sequence(), event.event_type(), event.cause());
        let (payload, cut) = describe(&event, watch.options.payload_limit);
        // An event that is dropped may run its user's code.
        let _panicked = catch_unwind(AssertUnwindSafe(|| drop(event)));
        self.last = self.last.max(sequence);
        self.shown_until.get_or_insert(sequence.saturating_sub(1));
        self.events.push(Shown {
            sequence,
            event_type,
            cause,
            at_ms: at.as_millis() as u64,
            payload,
            cut,
            queued_us: None,
        });
    }

    /// The window, if it has anything.
    fn window(&mut self) -> Option<Window> {
        if self.events.is_empty() {
            return None;
        }
        let events = std::mem::take(&mut self.events);
        let shown = events.len() as u64;
        // Numbers are given to events in the order in which they are accepted, so those in between
        // are what was not shown.
        let until = self.shown_until.replace(self.last).unwrap_or_default();
        let missed = self.last.saturating_sub(until).saturating_sub(shown);
        let before = self.before;
        self.before += missed + shown;
        let events = serde_json::value::to_raw_value(&events).ok()?;
        Some(Window { before, missed, shown, events: Some(events.into()) })
    }
}

/// The `Debug` of an event, up to a number of characters, and whether it goes on.
fn describe(event: &impl fmt::Debug, limit: usize) -> (String, bool) {
    let mut text = Cut { text: String::new(), left: limit, cut: false };
    // A `Debug` that panics has said something before, perhaps.
    let panicked = catch_unwind(AssertUnwindSafe(|| write!(text, "{event:?}"))).is_err();
    if panicked && !text.cut {
        text.text += "(its `Debug` panicked)";
    }
    (text.text, text.cut)
}

/// A text that ends after some characters, and the formatting with it.
struct Cut {
    text: String,
    left: usize,
    cut: bool,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.cut {
            return Err(fmt::Error);
        }
        let mut letters = more.char_indices();
        match letters.nth(self.left) {
            None => {
                self.left -= more.chars().count();
                self.text += more;
                Ok(())
            }
            Some((end, _)) => {
                self.text += &more[..end];
                self.cut = true;
                Err(fmt::Error)
            }
        }
    }
}
