//! The process's timer thread, which fires alarms in the order of their deadlines.

use std::collections::BTreeMap;
use std::sync::{OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::process::{Condvar, Mutex};
use crate::sync::{discard, wake};

/// How long the thread sleeps without alarms: a year.
const IDLE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// If there are more slots than this, the thread frees them after sorting in the alarms.
const KEPT_SLOTS: usize = 1_024;

struct Timer {
    schedule: Mutex<Schedule>,
    /// Signalled when an alarm is set for earlier than the thread's wake-up.
    earlier: Condvar,
}

struct Schedule {
    /// Alarms set since the thread last ran, in reusable slots. Most alarms are cancelled before it
    /// runs again, so setting and cancelling must take constant time.
    recent: Vec<Option<(Instant, u64, Waker)>>,
    free: Vec<usize>,
    /// The other alarms.
    alarms: BTreeMap<(Instant, u64), Waker>,
    next_id: u64,
    thread: Thread,
}

/// The state of the timer thread.
enum Thread {
    NotStarted,
    /// Processing the schedule; it will see a new alarm without a signal.
    Awake,
    /// Asleep until this instant; with `None`, until the next alarm is set.
    AsleepUntil(Option<Instant>),
}

fn timer() -> &'static Timer {
    static TIMER: OnceLock<Timer> = OnceLock::new();
    TIMER.get_or_init(|| Timer { schedule: Mutex::new(Schedule::new()), earlier: Condvar::new() })
}

impl Timer {
    fn set(&'static self, deadline: Instant, waker: Waker) -> Key {
        let mut schedule = self.schedule.lock();
        let id = schedule.next_id;
        schedule.next_id += 1;
        let slot = schedule.enter((deadline, id, waker));
        match schedule.thread {
            Thread::NotStarted => {
                let started =
                    thread::Builder::new().name("callboard-timer".into()).spawn(move || self.run());
                match started {
                    Ok(_) => schedule.thread = Thread::Awake,
                    Err(error) => {
                        drop(schedule);
                        crate::report::say!(error, "failed to start the timer thread: {error}");
                    }
                }
            }
            Thread::AsleepUntil(until) if until.is_none_or(|until| deadline < until) => {
                self.earlier.notify_one();
            }
            Thread::Awake | Thread::AsleepUntil(_) => {}
        }
        Key { deadline, id, slot }
    }

    fn cancel(&self, Key { deadline, id, slot }: Key) -> Option<Waker> {
        let mut schedule = self.schedule.lock();
        match schedule.recent.get(slot) {
            Some(Some((_, other, _))) if *other == id => {
                schedule.free.push(slot);
                schedule.recent[slot].take().map(|(_, _, waker)| waker)
            }
            _ => schedule.alarms.remove(&(deadline, id)),
        }
    }

    fn run(&self) {
        let mut schedule = self.schedule.lock();
        loop {
            schedule.thread = Thread::Awake;
            schedule.sort_in();
            let now = Instant::now();
            let due = match schedule.alarms.first_key_value() {
                Some(((deadline, _), _)) if *deadline <= now => schedule.alarms.pop_first(),
                _ => None,
            };
            if let Some((_, waker)) = due {
                drop(schedule);
                wake(|| waker.wake());
                schedule = self.schedule.lock();
                continue;
            }
            let next = schedule.alarms.keys().next().map(|(deadline, _)| *deadline);
            schedule.thread = Thread::AsleepUntil(next);
            let nap = next.map_or(IDLE, |deadline| deadline - now);
            schedule =
                self.earlier.wait_timeout(schedule, nap).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Schedule {
    fn new() -> Self {
        Self {
            recent: Vec::new(),
            free: Vec::new(),
            alarms: BTreeMap::new(),
            next_id: 0,
            thread: Thread::NotStarted,
        }
    }

    /// Adds an alarm to the recent ones. Returns its slot.
    fn enter(&mut self, alarm: (Instant, u64, Waker)) -> usize {
        match self.free.pop() {
            Some(slot) => {
                self.recent[slot] = Some(alarm);
                slot
            }
            None => {
                self.recent.push(Some(alarm));
                self.recent.len() - 1
            }
        }
    }

    /// Moves the recent alarms to the others.
    fn sort_in(&mut self) {
        let recent = self.recent.drain(..).flatten();
        self.alarms.extend(recent.map(|(deadline, id, waker)| ((deadline, id), waker)));
        self.free.clear();
        if self.recent.capacity() > KEPT_SLOTS {
            (self.recent, self.free) = (Vec::new(), Vec::new());
        }
    }
}

/// The key of an alarm that is set.
#[derive(Debug, Clone, Copy)]
struct Key {
    deadline: Instant,
    id: u64,
    /// Its slot, if it is still among the recent ones.
    slot: usize,
}

/// One wait until one deadline.
#[derive(Debug)]
pub(super) struct Alarm {
    deadline: Instant,
    /// The scheduled alarm's key, and which waker it was set for. The schedule keeps that waker
    /// until the deadline, so no other has its addresses.
    set: Option<(Key, Addresses)>,
}

/// The addresses of a waker's data and of its functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Addresses(usize, usize);

impl Addresses {
    fn of(waker: &Waker) -> Self {
        Self(waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
    }
}

impl Alarm {
    pub(super) fn new(deadline: Instant) -> Self {
        Self { deadline, set: None }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            self.cancel();
            return Poll::Ready(());
        }
        self.set(context);
        Poll::Pending
    }

    /// Sets the alarm, so that the task is woken at the deadline.
    pub(super) fn set(&mut self, context: &Context<'_>) {
        if cfg!(callboard_shuttle) {
            unreachable!("a program that is scheduled has a clock that is moved by hand");
        }
        if !matches!(self.set, Some((_, known)) if known == Addresses::of(context.waker())) {
            self.cancel();
            // Cloning a waker is user code and may panic; do it before anything is set.
            let waker = context.waker().clone();
            let addresses = Addresses::of(&waker);
            self.set = Some((timer().set(self.deadline, waker), addresses));
        }
    }

    fn cancel(&mut self) {
        if let Some((key, _)) = self.set.take() {
            discard(timer().cancel(key));
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::sync::block_on;

    async fn ring(mut alarm: Alarm) {
        std::future::poll_fn(|context| alarm.poll(context)).await;
    }

    #[test]
    fn alarms_ring_in_whatever_order_they_are_set_and_cancelled() {
        let begun = Instant::now();
        let after = |milliseconds| Alarm::new(begun + Duration::from_millis(milliseconds));
        let mut context = Context::from_waker(Waker::noop());
        for round in 0..20 {
            let mut far: Vec<_> = (0..10).map(|n| after(60_000 + n)).collect();
            far.iter_mut().for_each(|alarm| alarm.set(&context));
            block_on(ring(after(round)));
            assert!(begun.elapsed() >= Duration::from_millis(round));
            // Some have been sorted in by now, and their slots reused.
            far.truncate(5);
            block_on(ring(after(round + 1)));
            assert!(far.iter_mut().all(|alarm| alarm.poll(&mut context).is_pending()));
        }
    }

    #[test]
    fn alarm_that_is_cancelled_late_leaves_the_next_in_its_slot() {
        let timer = Timer { schedule: Mutex::new(Schedule::new()), earlier: Condvar::new() };
        let deadline = Instant::now();
        let enter = |id| timer.schedule.lock().enter((deadline, id, Waker::noop().clone()));
        let first = Key { deadline, id: 0, slot: enter(0) };
        timer.schedule.lock().sort_in();
        let second = Key { deadline, id: 1, slot: enter(1) };
        assert_eq!(first.slot, second.slot);
        assert!(timer.cancel(first).is_some());
        assert!(timer.schedule.lock().alarms.is_empty());
        assert!(timer.cancel(second).is_some());
    }

    #[test]
    fn alarm_does_not_wait_for_a_later_one_that_was_set_before() {
        const LATER: Duration = Duration::from_secs(60);
        let begun = Instant::now();
        let mut later = Alarm::new(begun + LATER);
        later.set(&Context::from_waker(Waker::noop()));
        // In some rounds the thread sleeps until the later alarm.
        for _ in 0..50 {
            block_on(ring(Alarm::new(Instant::now() + Duration::from_millis(1))));
        }
        assert!(begun.elapsed() < LATER);
    }

    #[test]
    fn slots_serve_again_unless_a_rush_left_many() {
        let slots_after = |alarms: usize| {
            let recent = Vec::with_capacity(KEPT_SLOTS);
            let mut schedule = Schedule { recent, ..Schedule::new() };
            let now = Instant::now();
            for id in (0..).take(alarms) {
                schedule.enter((now, id, Waker::noop().clone()));
            }
            schedule.sort_in();
            assert_eq!(schedule.alarms.len(), alarms);
            schedule.recent.capacity()
        };
        assert_eq!(slots_after(1), KEPT_SLOTS);
        assert_eq!(slots_after(KEPT_SLOTS), KEPT_SLOTS);
        assert_eq!(slots_after(KEPT_SLOTS + 1), 0);
    }
}
