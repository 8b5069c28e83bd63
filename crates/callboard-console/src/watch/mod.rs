//! Sampling the bus: snapshots, rates, the history and the tail, and passing them to clients.

mod beat;
mod graph;
mod history;
mod keys;
mod own;
mod rates;
mod recent;
mod state;
mod tail;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callboard::{Bus, CatalogueEntry, Diagnosis, WeakBus, Wiring};
use hyper::body::Bytes;
use tokio::sync::{Notify, watch};

pub(crate) use beat::beat;
pub(crate) use tail::{Window, tap};

use crate::builder::Options;
use history::History;
use own::Own;
use rates::Rates;
use recent::Recent;

/// A snapshot is reused for this many times the time that taking it took. So snapshots take at most
/// a twentieth of the time, however many clients ask.
const REST: u32 = 20;

/// The state that the console's tasks share. All of them run on one thread, so the locks are never
/// contended.
pub(crate) struct Watch {
    pub(crate) options: Options,
    bus: WeakBus,
    began: Instant,
    history: Mutex<History>,
    rates: Mutex<Rates>,
    recent: Mutex<Recent>,
    last: Mutex<Option<Look>>,
    own: Mutex<Own>,
    /// The latest state, history point and tail window; the first two in the form in which they are
    /// sent. Each channel holds one value: a slow client misses values, and has no queue.
    state: watch::Sender<Bytes>,
    point: watch::Sender<Bytes>,
    tail: watch::Sender<Window>,
    gone: watch::Sender<Option<&'static str>>,
    /// Notified when the first client begins to watch.
    watched: Notify,
    /// Notified when a client begins to watch the tail.
    tail_watched: Notify,
}

/// A snapshot with its findings.
#[derive(Clone)]
pub(crate) struct Look {
    /// When it was taken, since the console began.
    pub(crate) at: Duration,
    pub(crate) diagnosis: Arc<Diagnosis>,
    taken: Instant,
    cost: Duration,
}

/// The channels that one client of the event stream receives from.
pub(crate) struct Feed {
    pub(crate) state: watch::Receiver<Bytes>,
    pub(crate) point: watch::Receiver<Bytes>,
    pub(crate) tail: Option<watch::Receiver<Window>>,
    pub(crate) gone: watch::Receiver<Option<&'static str>>,
}

impl Watch {
    pub(crate) fn new(bus: WeakBus, options: Options) -> Self {
        Self {
            bus,
            began: Instant::now(),
            history: Mutex::new(History::new(options.history)),
            rates: Mutex::default(),
            recent: Mutex::default(),
            last: Mutex::default(),
            own: Mutex::default(),
            state: watch::Sender::default(),
            point: watch::Sender::default(),
            tail: watch::Sender::default(),
            gone: watch::Sender::default(),
            watched: Notify::new(),
            tail_watched: Notify::new(),
            options,
        }
    }

    /// The time since the console began.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn bus(&self) -> Option<Bus> {
        self.bus.upgrade()
    }

    /// A snapshot with its findings; `None` if the bus was dropped. A recent one is reused.
    pub(crate) fn look(&self) -> Option<Look> {
        let bus = self.bus()?;
        let mut last = lock(&self.last);
        if let Some(look) = last.as_ref().filter(|look| look.taken.elapsed() < look.cost * REST) {
            return Some(look.clone());
        }
        let taken = Instant::now();
        // The bus calls the program's clock, which may panic.
        let mut snapshot = catch_unwind(AssertUnwindSafe(|| bus.snapshot())).ok()?;
        // It may be the last handle, which must not keep the bus open during the rest of this
        // function.
        drop(bus);
        lock(&self.own).leave_out(&mut snapshot);
        let diagnosis = Diagnosis::of(snapshot);
        let cost = taken.elapsed();
        let look = Look { at: self.now(), diagnosis: Arc::new(diagnosis), taken, cost };
        *last = Some(look.clone());
        Some(look)
    }

    /// The wiring and the catalogue; `None` if the bus was dropped.
    pub(crate) fn wiring(&self) -> Option<(Wiring, Vec<CatalogueEntry>)> {
        let catalogue = self.bus()?.catalogue();
        let look = self.look()?;
        Some((Wiring::of(&look.diagnosis.snapshot, &catalogue), catalogue))
    }

    /// The history as JSON.
    pub(crate) fn history_json(&self) -> Bytes {
        lock(&self.history).json()
    }

    /// Starts to watch. Dropping the feed ends it.
    pub(crate) fn feed(&self, tail: bool) -> Feed {
        let others = self.state.receiver_count() > 0;
        let mut state = self.state.subscribe();
        if others || self.gone.borrow().is_some() {
            state.mark_changed();
        }
        if !others {
            self.watched.notify_one();
        }
        let tail = tail.then(|| {
            let tail = self.tail.subscribe();
            self.tail_watched.notify_one();
            tail
        });
        let mut gone = self.gone.subscribe();
        gone.mark_changed();
        Feed { state, point: self.point.subscribe(), tail, gone }
    }
}

/// Locks, ignoring that a panic may have poisoned the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a server-sent event. JSON has no line breaks, so its data is one line.
pub(crate) fn event<T: serde::Serialize>(name: &str, value: &T) -> Bytes {
    let mut event = format!("event: {name}\ndata: ").into_bytes();
    write(&mut event, value);
    event.extend_from_slice(b"\n\n");
    event.into()
}

/// Writes a value as JSON.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Bytes {
    let mut json = Vec::new();
    write(&mut json, value);
    json.into()
}

/// Appends a value as JSON; `null` if it cannot be written, which no value of the console is.
fn write<T: serde::Serialize>(to: &mut Vec<u8>, value: &T) {
    let before = to.len();
    if serde_json::to_writer(&mut *to, value).is_err() {
        to.truncate(before);
        to.extend_from_slice(b"null");
    }
}
