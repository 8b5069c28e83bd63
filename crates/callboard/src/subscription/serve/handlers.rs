//! The running handlers of `serve_concurrent`, each polled only when woken.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use super::Handling;
use crate::sync::{Mutex, discard, wake};

/// The running handlers, each polled only when woken.
pub(super) struct Handlers<H> {
    slots: Vec<Option<Handler<H>>>,
    free: Vec<usize>,
    /// When each running handler began, unless the clock panicked.
    begun: BTreeSet<(Instant, usize)>,
    signal: Arc<Signal>,
}

/// If there are more slots than this, they are freed once no handler runs.
const KEPT_SLOTS: usize = 64;

struct Handler<H> {
    handling: Handling<H>,
    began: Option<Instant>,
    waker: Waker,
}

impl<H> Drop for Handlers<H> {
    fn drop(&mut self) {
        // One by one: a second panic in one frame aborts.
        self.slots.drain(..).for_each(drop);
    }
}

/// Which handlers were woken, and the task to wake for them.
#[derive(Default)]
struct Signal {
    woken: Mutex<Woken>,
    parent: Mutex<Option<Waker>>,
}

/// The slots whose handlers were woken, each once.
#[derive(Default)]
struct Woken {
    slots: VecDeque<usize>,
    /// For each slot, whether it is among them.
    among: Vec<bool>,
}

impl Woken {
    /// Adds a slot. Returns whether it was not among them.
    fn add(&mut self, slot: usize) -> bool {
        if self.among.len() <= slot {
            self.among.resize(slot + 1, false);
        }
        let new = !std::mem::replace(&mut self.among[slot], true);
        if new {
            self.slots.push_back(slot);
        }
        new
    }

    fn next(&mut self) -> Option<usize> {
        let slot = self.slots.pop_front()?;
        self.among[slot] = false;
        Some(slot)
    }
}

/// The waker of one slot.
struct SlotWaker {
    slot: usize,
    signal: Arc<Signal>,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.signal.woken.lock().add(self.slot) {
            return;
        }
        // The driver sets its waker before it checks the woken slots: either it sees this slot, or
        // its waker is here.
        let parent = self.signal.parent.lock().take();
        if let Some(parent) = parent {
            // It is not the handler's that woke.
            wake(|| parent.wake());
        }
    }
}

impl Signal {
    fn set_parent(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = self.parent.lock().replace(waker);
        discard(old);
    }
}

impl<H: Future<Output = ()>> Handlers<H> {
    pub(super) fn new() -> Self {
        let (slots, free, begun) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { slots, free, begun, signal: Arc::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// When the longest-running handler began.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.begun.first().map(|(began, _)| *began)
    }

    /// Sets the task to wake when a handler is woken.
    pub(super) fn set_parent(&self, waker: &Waker) {
        self.signal.set_parent(waker);
    }

    pub(super) fn add(&mut self, handling: Handling<H>, began: Option<Instant>) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let waker = Waker::from(Arc::new(SlotWaker { slot, signal: Arc::clone(&self.signal) }));
        self.begun.extend(began.map(|began| (began, slot)));
        self.slots[slot] = Some(Handler { handling, began, waker });
        self.signal.woken.lock().add(slot);
    }

    fn next_woken(&self) -> Option<usize> {
        self.signal.woken.lock().next()
    }

    /// Polls every woken handler once. Calls `ended` for each that finished, with its begin time
    /// and that of the longest-running handler that remains.
    pub(super) fn poll(
        &mut self,
        context: &Context<'_>,
        mut ended: impl FnMut(Option<Instant>, Option<Instant>),
    ) {
        // At most one round: a handler that always wakes itself must not starve the executor's
        // other tasks.
        for _ in 0..self.slots.len() {
            let Some(slot) = self.next_woken() else {
                return;
            };
            let Some(Some(Handler { handling, began, waker })) = self.slots.get_mut(slot) else {
                continue;
            };
            let began = *began;
            if Pin::new(handling).poll(&mut Context::from_waker(waker)).is_ready() {
                self.slots[slot] = None;
                self.free.push(slot);
                began.map(|began| self.begun.remove(&(began, slot)));
                ended(began, self.oldest());
            }
        }
        if self.len() == 0 && self.slots.len() > KEPT_SLOTS {
            (self.slots, self.free) = (Vec::new(), Vec::new());
            *self.signal.woken.lock() = Woken::default();
        }
        if !self.signal.woken.lock().slots.is_empty() {
            wake(|| context.waker().wake_by_ref());
        }
    }
}
