//! Who runs a scenario, and how its parts wait for one another.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use callboard::BusBuilder;
use callboard::testing::ManualClock;

/// Runs the parts of a scenario beside each other, in an order of its own. No time passes unless
/// a part moves the clock.
pub(crate) trait Stage {
    /// A builder for a bus on the stage's clock.
    fn builder(&mut self) -> BusBuilder;

    /// The stage's clock.
    fn clock(&self) -> ManualClock;

    /// A number below `below`, by chance.
    fn choose(&mut self, below: usize) -> usize;

    /// Adds a part. It begins in [`finish`](Self::finish), or before.
    fn play(&mut self, name: &str, part: impl Future<Output = ()> + Send + 'static);

    /// Runs every part to its end.
    ///
    /// # Panics
    ///
    /// As a part does, or if one waits for ever.
    fn finish(&mut self);

    /// True once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.choose(times) == 0
    }
}

/// Parts that others wait for. Clones are the same latch.
#[derive(Debug, Clone)]
pub(crate) struct Latch(Arc<Mutex<(usize, Vec<Waker>)>>);

impl Latch {
    /// Opens when so many have arrived.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new((count, Vec::new()))))
    }

    pub(crate) fn arrive(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.saturating_sub(1);
        let woken = if state.0 == 0 { std::mem::take(&mut state.1) } else { Vec::new() };
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    pub(crate) async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.0 == 0 {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Lets others go first, once, where nothing else would interrupt this part.
pub(crate) async fn breathe() {
    // Scheduled threads are interrupted anywhere.
    if !cfg!(callboard_shuttle) {
        give_way().await;
    }
}

/// Is pending once.
pub(crate) async fn give_way() {
    let mut begun = false;
    poll_fn(|context| {
        if std::mem::replace(&mut begun, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
