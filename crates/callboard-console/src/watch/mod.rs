//! What is known of the bus: sampled, smoothed, remembered, and handed to those who watch.

mod beat;
mod graph;
mod history;
mod keys;
mod own;
mod rates;
mod state;
mod tail;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callboard::{Bus, Diagnosis, WeakBus};
use hyper::body::Bytes;
use tokio::sync::{Notify, watch};

pub(crate) use beat::beat;
pub(crate) use graph::Graph;
pub(crate) use tail::{Window, tap};

use crate::builder::Options;
use history::History;
use own::Own;
use rates::Rates;

/// A snapshot is used again for this many times the time that it took, so that however many ask,
/// taking them costs the bus a twentieth of its time at most.
const REST: u32 = 20;

/// Everything that the parts of the console share. All of them run on one thread, so no lock is ever
/// waited for.
pub(crate) struct Watch {
    pub(crate) options: Options,
    bus: WeakBus,
    began: Instant,
    history: Mutex<History>,
    rates: Mutex<Rates>,
    last: Mutex<Option<Look>>,
    own: Mutex<Own>,
    /// The latest state, history point and window of the tail, for those who watch; the first two as
    /// they are sent. Each is a place for one value: a client that is slow misses some, and never has
    /// a queue.
    state: watch::Sender<Bytes>,
    point: watch::Sender<Bytes>,
    tail: watch::Sender<Window>,
    gone: watch::Sender<Option<&'static str>>,
    /// Somebody has begun to watch.
    watched: Notify,
    /// Somebody has begun to watch the tail.
    tail_watched: Notify,
}

/// A look at the bus.
#[derive(Clone)]
pub(crate) struct Look {
    /// When, since the console began.
    pub(crate) at: Duration,
    pub(crate) diagnosis: Arc<Diagnosis>,
    taken: Instant,
    cost: Duration,
}

/// What one client of the event stream listens to.
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

    /// How long the console has been there.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn bus(&self) -> Option<Bus> {
        self.bus.upgrade()
    }

    /// A look at the bus, unless it is gone. One that is still fresh is used again.
    pub(crate) fn look(&self) -> Option<Look> {
        let bus = self.bus()?;
        let mut last = lock(&self.last);
        if let Some(look) = last.as_ref().filter(|look| look.taken.elapsed() < look.cost * REST) {
            return Some(look.clone());
        }
        let taken = Instant::now();
        // The clock of a bus is its user's, and may panic.
        let mut snapshot = catch_unwind(AssertUnwindSafe(|| bus.snapshot())).ok()?;
        // It may be the last, and is not to be open for longer than it must.
        drop(bus);
        lock(&self.own).leave_out(&mut snapshot);
        let diagnosis = Diagnosis::of(snapshot);
        let cost = taken.elapsed();
        let look = Look { at: self.now(), diagnosis: Arc::new(diagnosis), taken, cost };
        *last = Some(look.clone());
        Some(look)
    }

    /// The graph of what has flowed, unless the bus is gone.
    pub(crate) fn graph(&self) -> Option<Graph> {
        let look = self.look()?;
        Some(Graph::of(&look.diagnosis.snapshot, &lock(&self.rates)))
    }

    /// The history as JSON.
    pub(crate) fn history_json(&self) -> Bytes {
        lock(&self.history).json()
    }

    /// Begins to watch, until the feed is dropped.
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

/// The value, whoever panicked with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server-sent event. JSON is one line, so the data is too.
pub(crate) fn event<T: serde::Serialize>(name: &str, value: &T) -> Bytes {
    let mut event = format!("event: {name}\ndata: ").into_bytes();
    write(&mut event, value);
    event.extend_from_slice(b"\n\n");
    event.into()
}

/// The JSON of a value.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Bytes {
    let mut json = Vec::new();
    write(&mut json, value);
    json.into()
}

/// Appends the JSON of a value. What the console writes has nothing that JSON has no form for.
fn write<T: serde::Serialize>(to: &mut Vec<u8>, value: &T) {
    let before = to.len();
    if serde_json::to_writer(&mut *to, value).is_err() {
        to.truncate(before);
        to.extend_from_slice(b"null");
    }
}
