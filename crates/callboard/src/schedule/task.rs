//! One schedule: a sleep, and the event to publish when it ends.
//!
//! A task is its own waker. The thread that wakes it polls its sleep, and publishes if that has
//! ended, so it needs neither a runtime nor a thread.
//!
//! ```text
//!              ┌────── still asleep ──────┐
//!              ▼                          │
//!   start ► Waiting ──── wake ────► Polling ── asleep no more ──► Publishing ──► Ended
//!                                         ▲                          │
//!                                         └──────── next tick ───────┘
//!
//!   cancelled, or the bus closes: from every state to Ended
//! ```
//!
//! # Invariants
//!
//! 1. Polling the sleep, making and publishing the event, and dropping both happen with no lock
//!    held.
//! 2. The thread that is in `Polling` or `Publishing` owns the [`Run`]. After each step it checks
//!    whether the task has ended, and then drops it.
//! 3. A wake during `Polling` is recorded, and the sleep polled once more. A wake during
//!    `Publishing` belongs to a sleep that has ended.

use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::engine::{Origin, Scope};
use crate::registry::{Core, OnClose};
use crate::report::say;
use crate::sync::{Mutex, discard, isolate};
use crate::time::{Deadline, SystemClock, unattended};

/// Publishes the next event. It does not panic.
pub(super) type Publish = Box<dyn FnMut(&Arc<Core>) + Send>;

/// How often in a row a sleep is polled, or ends, before the task releases the thread, which may be
/// a timer's or the caller's.
const TURNS: u32 = 4;

/// How long a task then rests. A clock whose sleeps take any time never makes it rest.
const REST: Duration = Duration::from_millis(1);

/// What log messages say about a schedule.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub(super) event: &'static str,
    pub(super) call_site: &'static Location<'static>,
    /// The sequence number of the event that led to the schedule; 0 for none.
    pub(super) origin: Origin,
}

pub(super) struct Task {
    core: Weak<Core>,
    /// Its number in the bus's close list.
    id: u64,
    pub(super) about: About,
    period: Option<Duration>,
    state: Mutex<State>,
}

enum State {
    /// Its sleep, or its rest, wakes it.
    Waiting(Run),
    /// A thread polls the sleep.
    Polling {
        /// Whether it was woken while polling.
        woken: bool,
    },
    /// A thread makes and publishes the event.
    Publishing,
    Ended,
}

/// What the task owns until it ends.
struct Run {
    deadline: Deadline,
    publish: Publish,
    rest: Option<Deadline>,
}

/// The result of one poll of the sleep.
enum Turn {
    Asleep,
    Published,
    Ended,
}

impl Task {
    /// Starts a task that publishes after `delay` and then, if there is a period, once per period.
    pub(super) fn start(
        core: &Arc<Core>,
        about: About,
        delay: Duration,
        period: Option<Duration>,
        publish: Publish,
    ) -> Arc<Self> {
        let Some(now) = core.now() else {
            about.report_end();
            discard(publish);
            return Self::finished(about);
        };
        let run = Run { deadline: Deadline::from(now, delay), publish, rest: None };
        let id = core.close_list.reserve();
        let state = Mutex::new(State::Waiting(run));
        let task = Arc::new(Self { core: Arc::downgrade(core), id, about, period, state });
        if core.close_list.add(id, Arc::<Self>::clone(&task)) {
            task.drive();
        } else {
            task.cancel();
        }
        task
    }

    /// A task that publishes nothing.
    pub(super) fn finished(about: About) -> Arc<Self> {
        let state = Mutex::new(State::Ended);
        Arc::new(Self { core: Weak::new(), id: 0, about, period: None, state })
    }

    /// Whether there is nothing left to prevent.
    pub(super) fn is_finished(&self) -> bool {
        !self.may_end(&self.state.lock())
    }

    fn may_end(&self, state: &State) -> bool {
        match state {
            State::Waiting(_) | State::Polling { .. } => true,
            State::Publishing => self.period.is_some(),
            State::Ended => false,
        }
    }

    /// Ends the task. Returns whether that prevented an event.
    pub(super) fn cancel(&self) -> bool {
        let ended = self.end();
        self.leave_list();
        ended
    }

    /// Ends the task, unless it is publishing its only event or has already ended. Returns whether
    /// it did.
    fn end(&self) -> bool {
        let mut state = self.state.lock();
        if !self.may_end(&state) {
            return false;
        }
        let old = std::mem::replace(&mut *state, State::Ended);
        drop(state);
        if let State::Waiting(run) = old {
            run.discard();
        }
        true
    }

    fn leave_list(&self) {
        if let Some(core) = self.core.upgrade() {
            core.close_list.remove(self.id);
            // It may be the last handle, which owns the user's clock and callbacks.
            discard(core);
        }
    }

    /// Polls the sleep, and publishes if it has ended.
    fn drive(self: &Arc<Self>) {
        let Some(mut run) = self.take() else { return };
        let Some(core) = self.core.upgrade() else {
            self.end();
            return run.discard();
        };
        run.rest = None;
        for turn in (0..=TURNS).cycle() {
            let turn = if turn < TURNS { self.turn(&mut run, &core) } else { self.rest(&mut run) };
            match turn {
                Turn::Published => {}
                Turn::Asleep => match self.put_back(run) {
                    Some(woken) => run = woken,
                    None => break,
                },
                Turn::Ended => {
                    run.discard();
                    core.close_list.remove(self.id);
                    break;
                }
            }
        }
        discard(core);
    }

    /// Polls the sleep once.
    fn turn(self: &Arc<Self>, run: &mut Run, core: &Arc<Core>) -> Turn {
        let waker = Waker::from(Arc::clone(self));
        let clock = &*core.settings.clock;
        let deadline = &mut run.deadline;
        let polled = isolate("the clock", "the schedule that waited by it ends", || {
            unattended(|| deadline.poll(clock, &mut Context::from_waker(&waker)))
        });
        match polled {
            Some(Poll::Pending) => Turn::Asleep,
            Some(Poll::Ready(())) => self.publish(run, core),
            None => self.fail(),
        }
    }

    fn publish(&self, run: &mut Run, core: &Arc<Core>) -> Turn {
        if !self.step(State::Publishing) {
            return Turn::Ended;
        }
        // The event is unrelated to the event that the waking thread is handling.
        let mut scope = Scope::scheduled(core.identity(), self.about.origin);
        isolate("a schedule", "its event is not published", || scope.enter(|| (run.publish)(core)));
        let Some(period) = self.period else {
            *self.state.lock() = State::Ended;
            return Turn::Ended;
        };
        let Some(now) = core.now() else {
            return self.fail();
        };
        let next = Deadline::from(now, until_next(run.deadline.at(), now, period));
        discard(std::mem::replace(&mut run.deadline, next));
        if self.step(State::Polling { woken: false }) { Turn::Published } else { Turn::Ended }
    }

    /// Releases the thread; the system's timer wakes the task soon.
    fn rest(self: &Arc<Self>, run: &mut Run) -> Turn {
        if !self.step(State::Polling { woken: false }) {
            return Turn::Ended;
        }
        let waker = Waker::from(Arc::clone(self));
        let mut rest = Deadline::from(Instant::now(), REST);
        let _ = rest.poll(&SystemClock, &mut Context::from_waker(&waker));
        run.rest = Some(rest);
        Turn::Asleep
    }

    /// Ends the task after the clock panicked.
    fn fail(&self) -> Turn {
        *self.state.lock() = State::Ended;
        self.about.report_end();
        Turn::Ended
    }

    fn take(&self) -> Option<Run> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Polling { woken: false }) {
            State::Waiting(run) => Some(run),
            State::Polling { .. } => {
                *state = State::Polling { woken: true };
                None
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Moves to another state, unless the task has ended.
    fn step(&self, next: State) -> bool {
        let mut state = self.state.lock();
        let goes_on = !matches!(*state, State::Ended);
        if goes_on {
            *state = next;
        }
        goes_on
    }

    /// Puts the task back to wait for the next wake. Returns its contents if it was woken already.
    fn put_back(&self, run: Run) -> Option<Run> {
        let mut state = self.state.lock();
        match *state {
            State::Polling { woken: false } => {
                *state = State::Waiting(run);
                None
            }
            State::Polling { woken: true } => {
                *state = State::Polling { woken: false };
                Some(run)
            }
            State::Waiting(_) | State::Publishing | State::Ended => {
                drop(state);
                run.discard();
                None
            }
        }
    }
}

impl Run {
    /// Drops the user's values one by one: a second panic in one frame aborts.
    fn discard(self) {
        let Self { deadline, publish, rest } = self;
        discard(deadline);
        discard(publish);
        discard(rest);
    }
}

impl About {
    fn report_end(&self) {
        say!(
            error,
            "the schedule of `{}` made at {} ends: the clock panicked",
            self.event,
            self.call_site
        );
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.drive();
    }
}

impl OnClose for Task {
    fn on_close(&self) {
        self.end();
    }
}

/// The time until the next tick: the first multiple of `period` after `at` that is in the future.
pub(super) fn until_next(at: Option<Instant>, now: Instant, period: Duration) -> Duration {
    let Some(at) = at else {
        return Duration::MAX;
    };
    if let Some(early) = at.checked_duration_since(now).filter(|early| !early.is_zero()) {
        // Either the sleep ended slightly early, and the next tick is still one period after this
        // one; or the clock went back, and ticks are counted from now.
        return if early < period { early.saturating_add(period) } else { period };
    }
    let over = now.saturating_duration_since(at).as_nanos() % period.as_nanos();
    period.saturating_sub(from_nanos(over))
}

/// Converts nanoseconds that fit a `Duration`.
fn from_nanos(nanos: u128) -> Duration {
    const A_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / A_SECOND).unwrap_or(u64::MAX);
    let rest = u32::try_from(nanos % A_SECOND).unwrap_or(0);
    Duration::new(seconds, rest)
}
