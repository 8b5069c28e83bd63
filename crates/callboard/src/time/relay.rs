//! A sleep on tokio's timer that outlives the runtime.
//!
//! tokio's sleep panics when it is polled after its runtime has ended. A task of the runtime ends
//! with it, so it is not affected. A sleep that is polled on other threads needs a relay: a task of
//! the runtime sleeps, and signals that the sleep has ended, or never will.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::task::JoinHandle;

use super::{Clock, Sleep, SystemClock, TokioClock};
use crate::sync::process::Mutex;
use crate::sync::{discard_any, wake};

thread_local! {
    static UNATTENDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs code whose sleeps belong to no task, so they may be polled after the runtime has ended.
pub(crate) fn unattended<R>(code: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNATTENDED.set(self.0);
        }
    }
    let _restore = Restore(UNATTENDED.replace(true));
    code()
}

/// Whether the caller is within [`unattended`] code.
pub(super) fn is_unattended() -> bool {
    UNATTENDED.get()
}

/// The waiting side.
pub(super) struct Relay {
    deadline: Instant,
    signal: Arc<Signal>,
    task: JoinHandle<()>,
    /// The replacement sleep on the system's timer, once the runtime has ended.
    instead: Option<Sleep>,
}

/// The state shared by the two sides.
struct Signal(Mutex<State>);

enum State {
    Asleep(Option<Waker>),
    Over,
    /// The runtime has ended.
    Lost,
}

/// The sleeping side, dropped with its task if the runtime ends.
struct Sleeper(Arc<Signal>);

impl Relay {
    /// Spawns the sleep on the current runtime.
    ///
    /// # Panics
    ///
    /// If there is no runtime.
    pub(super) fn spawn(sleep: tokio::time::Sleep, deadline: Instant) -> Self {
        let signal = Arc::new(Signal(Mutex::new(State::Asleep(None))));
        let sleeper = Sleeper(Arc::clone(&signal));
        let task = tokio::spawn(async move {
            sleep.await;
            sleeper.0.end(State::Over);
        });
        Self { deadline, signal, task, instead: None }
    }
}

impl Signal {
    /// Ends the sleep, unless it has already ended.
    fn end(&self, how: State) {
        let mut state = self.0.lock();
        let State::Asleep(waker) = &mut *state else { return };
        let waker = waker.take();
        *state = how;
        drop(state);
        if let Some(waker) = waker {
            wake(|| waker.wake());
        }
    }

    /// Returns how the sleep ended; otherwise stores the waker until it ends.
    fn poll(&self, waker: Waker) -> Option<State> {
        let mut state = self.0.lock();
        let (old, ended) = match &mut *state {
            State::Asleep(old) => (old.replace(waker), None),
            State::Over => (Some(waker), Some(State::Over)),
            State::Lost => (Some(waker), Some(State::Lost)),
        };
        drop(state);
        discard_any(old);
        ended
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.end(State::Lost);
    }
}

impl Future for Relay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.instead.is_none() {
            match self.signal.poll(context.waker().clone()) {
                None => return Poll::Pending,
                Some(State::Lost) => {}
                Some(State::Over | State::Asleep(_)) => return Poll::Ready(()),
            }
        }
        let deadline = self.deadline;
        let instead = self.instead.get_or_insert_with(|| sleep_of_system(deadline));
        Pin::new(instead).poll(context)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let waker = match &mut *self.signal.0.lock() {
            State::Asleep(waker) => waker.take(),
            State::Over | State::Lost => None,
        };
        discard_any(waker);
        self.task.abort();
    }
}

/// A sleep on the system's timer until an instant of tokio's time.
pub(super) fn sleep_of_system(deadline: Instant) -> Sleep {
    // Paused time differs from the system's, so wait for the remaining duration.
    let left = deadline.saturating_duration_since(TokioClock.now());
    let at = Instant::now().checked_add(left);
    SystemClock.sleep_until(at.unwrap_or(deadline))
}
