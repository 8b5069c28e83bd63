//! The running handlers of `serve_concurrent`, each polled only when woken.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use super::Handling;
use crate::sync::{Mutex, discard, wake};

/// The running handlers, each polled only when woken.
pub(super) struct Handlers<H> {
    /// By their numbers, which are in the order in which they began.
    running: BTreeMap<u64, Handler<H>>,
    /// How many have begun.
    begun: u64,
    signal: Arc<Signal>,
}

struct Handler<H> {
    handling: Handling<H>,
    /// When it began, unless the clock panicked.
    began: Option<Instant>,
    waker: Waker,
}

impl<H> Drop for Handlers<H> {
    fn drop(&mut self) {
        // One by one: a second panic in one frame aborts.
        mem::take(&mut self.running).into_values().for_each(drop);
        // The wakers of its handlers may live on.
        let parent = self.signal.parent.lock().take();
        discard(parent);
    }
}

/// Which handlers were woken, and the task to wake for them.
#[derive(Default)]
struct Signal {
    woken: Mutex<BTreeSet<u64>>,
    parent: Mutex<Option<Waker>>,
}

/// The waker of one handler.
struct HandlerWaker {
    number: u64,
    signal: Arc<Signal>,
}

impl Wake for HandlerWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.signal.woken.lock().insert(self.number) {
            return;
        }
        // The driver sets its waker before it checks the woken handlers: either it sees this one, or
        // its waker is here.
        let parent = self.signal.parent.lock().take();
        if let Some(parent) = parent {
            // It is not the handler's that woke.
            wake(|| parent.wake());
        }
    }
}

impl<H: Future<Output = ()>> Handlers<H> {
    pub(super) fn new() -> Self {
        Self { running: BTreeMap::new(), begun: 0, signal: Arc::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// When the longest-running handler began.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.running.values().find_map(|handler| handler.began)
    }

    /// Sets the task to wake when a handler is woken.
    pub(super) fn set_parent(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = self.signal.parent.lock().replace(waker);
        discard(old);
    }

    pub(super) fn add(&mut self, handling: Handling<H>, began: Option<Instant>) {
        let number = self.begun;
        self.begun += 1;
        let waker = HandlerWaker { number, signal: Arc::clone(&self.signal) };
        let handler = Handler { handling, began, waker: Waker::from(Arc::new(waker)) };
        self.running.insert(number, handler);
        self.signal.woken.lock().insert(number);
    }

    /// Polls every woken handler once. Calls `ended` for each that finished, with its begin time
    /// and that of the longest-running handler that remains.
    pub(super) fn poll(
        &mut self,
        context: &Context<'_>,
        mut ended: impl FnMut(Option<Instant>, Option<Instant>),
    ) {
        // One round: a handler that always wakes itself must not starve the executor's other tasks.
        let woken = mem::take(&mut *self.signal.woken.lock());
        for number in woken {
            // A waker may outlive its handler.
            let Some(Handler { handling, began, waker }) = self.running.get_mut(&number) else {
                continue;
            };
            let began = *began;
            if Pin::new(handling).poll(&mut Context::from_waker(waker)).is_ready() {
                self.running.remove(&number);
                ended(began, self.oldest());
            }
        }
        let mut woken = self.signal.woken.lock();
        if self.running.is_empty() {
            // A handler may wake itself and end.
            woken.clear();
        }
        let again = !woken.is_empty();
        drop(woken);
        if again {
            wake(|| context.waker().wake_by_ref());
        }
    }
}
