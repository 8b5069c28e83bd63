//! A clock that a test advances.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::sync::{Mutex, wake};
use crate::time::{Clock, Sleep};

/// A clock that stands still until a test advances it. Clones are the same clock.
///
/// # Examples
///
/// ```
/// use callboard::testing::ManualClock;
/// use callboard::{Bus, Event};
/// use std::time::Duration;
///
/// #[derive(Debug, Event)]
/// struct Tick;
///
/// let clock = ManualClock::new();
/// let bus = Bus::builder().clock(clock.clone()).timestamps(true).build()?;
/// let mut ticks = bus.subscribe::<Tick>("clock");
/// bus.start();
/// bus.publish(Tick);
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(ticks.try_recv().unwrap().queued_for(), Some(Duration::from_secs(3)));
/// # Ok::<(), callboard::BuildError>(())
/// ```
#[derive(Clone)]
pub struct ManualClock {
    shared: Arc<Mutex<State>>,
}

struct State {
    began: Instant,
    now: Instant,
    alarms: BTreeMap<(Instant, u64), Waker>,
    next_id: u64,
}

impl ManualClock {
    /// Creates a clock that shows the current time.
    #[must_use]
    pub fn new() -> Self {
        let began = Instant::now();
        let state = State { began, now: began, alarms: BTreeMap::new(), next_id: 0 };
        Self { shared: Arc::new(Mutex::new(state)) }
    }

    /// Advances the clock, and wakes elapsed sleeps in the order of their deadlines.
    ///
    /// # Panics
    ///
    /// If the new time is out of range. The clock is then unchanged.
    pub fn advance(&self, by: Duration) {
        let due = {
            let mut state = self.shared.lock();
            state.now += by;
            let later = (state.now, u64::MAX);
            let rest = state.alarms.split_off(&later);
            std::mem::replace(&mut state.alarms, rest)
        };
        for waker in due.into_values() {
            wake(|| waker.wake());
        }
    }

    /// Advances the clock to the next pending deadline, if there is one. Returns by how much.
    pub fn advance_to_next(&self) -> Option<Duration> {
        let by = {
            let state = self.shared.lock();
            let (deadline, _) = state.alarms.keys().next()?;
            deadline.saturating_duration_since(state.now)
        };
        self.advance(by);
        Some(by)
    }
}

/// Shows by how much it was advanced, and the number of pending sleeps.
impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (advanced, waiting) = {
            let state = self.shared.lock();
            (state.now.saturating_duration_since(state.began), state.alarms.len())
        };
        f.debug_struct("ManualClock")
            .field("advanced", &advanced)
            .field("waiting", &waiting)
            .finish()
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.shared.lock().now
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::from_future(ManualSleep { clock: self.clone(), deadline, id: None })
    }
}

struct ManualSleep {
    clock: ManualClock,
    deadline: Instant,
    id: Option<u64>,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let (deadline, id) = (self.deadline, self.id);
        let mut state = self.clock.shared.lock();
        if state.now >= deadline {
            return Poll::Ready(());
        }
        let id = id.unwrap_or(state.next_id);
        state.next_id = state.next_id.max(id + 1);
        let old = state.alarms.insert((deadline, id), waker);
        drop(state);
        drop(old);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let waker = self.clock.shared.lock().alarms.remove(&(self.deadline, id));
            drop(waker);
        }
    }
}
