//! The tail: a sample of the events, read by a subscription that is open for as short as possible.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::AnyEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::{Watch, lock, own};

/// The length of a window.
const WINDOW: Duration = Duration::from_millis(250);
/// The time between two reads. The console does not wait in `recv`: publishers would pay for waking
/// it.
const TICK: Duration = Duration::from_millis(5);
/// The time from subscribing to the first read. At a high rate it is the time for which the console
/// is subscribed.
const FIRST_TICK: Duration = Duration::from_millis(1);

/// The events of one window.
#[derive(Clone, Default)]
pub(crate) struct Window {
    /// How many events, shown or missed, there were in all windows before it.
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

/// Fills windows while a client watches the tail, until the bus is dropped.
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

/// Fills windows until no client watches; `None` if the bus was dropped.
async fn watched(watch: &Watch) -> Option<()> {
    let mut tap = None;
    let mut filling = Filling::default();
    let mut ends = Instant::now() + WINDOW;
    while watch.tail.receiver_count() > 0 {
        let left = watch.options.tail_limit - filling.events.len();
        let mut tick = TICK;
        if left > 0 {
            let open = match &mut tap {
                Some(open) => open,
                None => {
                    tick = FIRST_TICK;
                    tap.insert(own::open(&watch.bus()?))
                }
            };
            let taken: Vec<_> = open.try_iter().take(left).collect();
            // Unsubscribe before formatting the events, which takes longer than receiving them.
            if taken.len() == left {
                tap = None;
            }
            let mut own = lock(&watch.own);
            taken.iter().for_each(|event| own.count(event.event_type()));
            drop(own);
            taken.into_iter().for_each(|event| filling.take(event, watch));
        }
        sleep(tick).await;
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

/// The window that is being filled.
#[derive(Default)]
struct Filling {
    events: Vec<Shown>,
    /// The greatest sequence of the events shown.
    last: u64,
    /// The greatest sequence of the previous windows; for the first window, the sequence before its
    /// first event.
    shown_until: Option<u64>,
    before: u64,
}

impl Filling {
    fn take(&mut self, event: AnyEvent, watch: &Watch) {
        let now = watch.now();
        let at = event.published_at().map_or(now, |at| at.saturating_duration_since(watch.began));
        let (sequence, event_type, cause) = (event.sequence(), event.event_type(), event.cause());
        let (payload, cut) = describe(&event, watch.options.payload_limit);
        // Dropping an event may run the program's `Drop`.
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

    /// Ends the window; `None` if it is empty.
    fn window(&mut self) -> Option<Window> {
        if self.events.is_empty() {
            return None;
        }
        let events = std::mem::take(&mut self.events);
        let shown = events.len() as u64;
        // The bus numbers all accepted events, so the numbers in between belong to events that were
        // not shown.
        let until = self.shown_until.replace(self.last).unwrap_or_default();
        let missed = self.last.saturating_sub(until).saturating_sub(shown);
        let before = self.before;
        self.before += missed + shown;
        let events = serde_json::value::to_raw_value(&events).ok()?;
        Some(Window { before, missed, shown, events: Some(events.into()) })
    }
}

/// The `Debug` of an event, cut after `limit` characters, and whether it was cut.
fn describe(event: &impl fmt::Debug, limit: usize) -> (String, bool) {
    let mut text = Cut { text: String::new(), left: limit, cut: false };
    // What was written before a panic is kept.
    let panicked = catch_unwind(AssertUnwindSafe(|| write!(text, "{event:?}"))).is_err();
    if panicked && !text.cut {
        text.text += "(its `Debug` panicked)";
    }
    (text.text, text.cut)
}

/// A writer that takes some characters and then fails, which ends the formatting.
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
