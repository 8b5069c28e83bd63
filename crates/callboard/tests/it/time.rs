//! Clocks: the times that they return, and their sleeps. Each sleep ends at its moment, and keeps
//! nothing of a task that has abandoned it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Clock, Event, Sleep, SystemClock};

use crate::support::{Wakes, eventually, lock, poll, poll_with, soon};

/// So far away that it is not reached during a test.
const FAR: Duration = Duration::from_secs(1_000_000);

const SHORT: Duration = Duration::from_millis(5);

/// A sleep that a task waits for, and that task's wakes.
fn asleep(clock: &impl Clock, time: Duration) -> (Sleep, Arc<Wakes>) {
    let mut sleep = clock.sleep_until(clock.now() + time);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut sleep, &waker).is_pending());
    (sleep, wakes)
}

/// Whether the test is the only owner of the task.
fn is_forgotten(wakes: &Arc<Wakes>) -> bool {
    Arc::strong_count(wakes) == 1
}

/// A clock that is set by hand, backwards as well.
#[derive(Debug, Clone)]
struct SetClock(Arc<Mutex<Instant>>);

impl Clock for SetClock {
    fn now(&self) -> Instant {
        *lock(&self.0)
    }

    fn sleep_until(&self, _deadline: Instant) -> Sleep {
        Sleep::from_future(std::future::pending())
    }
}

/// Of two publishers, the one that reads the clock first may get its number last. A clock that is
/// set back shows the same without a race.
#[test]
fn times_ascend_with_the_numbers_of_events() {
    #[derive(Debug, Event)]
    struct Tick;

    let begin = Instant::now();
    let clock = SetClock(Arc::new(Mutex::new(begin)));
    let bus = Bus::builder().clock(clock.clone()).timestamps(true).build().unwrap();
    let mut all = bus.subscribe::<AnyEvent>("all");
    let publish = |after: u64| {
        *lock(&clock.0) = begin + Duration::from_secs(after);
        bus.publish(Tick);
    };
    [3, 1].into_iter().for_each(publish);
    bus.start();
    [2, 4, 3, 5].into_iter().for_each(publish);
    let after = |event: AnyEvent| event.published_at().unwrap().duration_since(begin).as_secs();
    assert!(all.try_iter().map(after).eq([3, 3, 3, 4, 4, 5]));
}

#[test]
fn sleeps_of_one_moment_all_end() {
    let deadline = SystemClock.now() + 4 * SHORT;
    let mut tasks = Vec::new();
    for _ in 0..5 {
        let mut sleep = SystemClock.sleep_until(deadline);
        let (wakes, waker) = Wakes::new();
        let waits = poll_with(&mut sleep, &waker).is_pending();
        tasks.push((sleep, wakes, waits));
    }
    eventually("all are woken", || {
        tasks.iter().all(|(_, wakes, waits)| !waits || wakes.count() > 0)
    });
    assert!(SystemClock.now() >= deadline);
    assert!(tasks.iter_mut().all(|(sleep, _, _)| poll(sleep).is_ready()));

    let clock = ManualClock::new();
    let mut tasks: Vec<_> = (0..5).map(|_| asleep(&clock, FAR)).collect();
    clock.advance(FAR);
    assert!(tasks.iter().all(|(_, wakes)| wakes.count() == 1));
    assert!(tasks.iter_mut().all(|(sleep, _)| poll(sleep).is_ready()));
}

#[test]
fn sleep_that_is_dropped_forgets_its_task_at_once() {
    let (recent, task_of_recent) = asleep(&SystemClock, FAR);
    drop(recent);
    assert!(is_forgotten(&task_of_recent));

    let (earlier, task_of_earlier) = asleep(&SystemClock, FAR);
    soon("the timer's thread looks", SystemClock.sleep_until(SystemClock.now() + SHORT));
    drop(earlier);
    assert!(is_forgotten(&task_of_earlier));

    let clock = ManualClock::new();
    let (held_by_hand, task) = asleep(&clock, FAR);
    drop(held_by_hand);
    assert!(is_forgotten(&task));
    assert_eq!(clock.advance_to_next(), None);
}

#[test]
fn sleep_that_moves_to_another_task_forgets_the_first() {
    let manual = ManualClock::new();
    for mut task in [asleep(&SystemClock, FAR), asleep(&manual, FAR)] {
        let (others, other) = Wakes::new();
        assert!(poll_with(&mut task.0, &other).is_pending());
        assert!(is_forgotten(&task.1));
        drop(other);
        assert!(!is_forgotten(&others));
    }
}

#[test]
fn timeout_of_no_time_is_over_at_once() {
    let bus = Bus::builder().clock(SystemClock).expect_subscribers(["absent"]).build().unwrap();
    let mut ready = Box::pin(bus.start_when_ready(Duration::ZERO));
    assert!(poll(&mut ready).is_ready());
}

#[derive(Debug, Event)]
struct Tick;

/// The times of an event published now, as read on a bus that keeps time by this clock.
fn published(clock: impl Clock) -> (Instant, SystemTime) {
    let bus = Bus::builder().clock(clock).timestamps(true).build().unwrap();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    bus.publish(Tick);
    let tick = ticks.try_recv().unwrap();
    (tick.published_at().unwrap(), tick.published_at_system_time().unwrap())
}

#[test]
fn time_of_publication_can_be_told_by_the_system_clock() {
    let before = SystemTime::now();
    let (first, shown) = published(SystemClock);
    let after = SystemTime::now();
    // The two clocks are not read at the same moment.
    let tolerance = Duration::from_secs(1);
    assert!((before - tolerance..=after + tolerance).contains(&shown), "{shown:?}");
    let (second, later) = published(SystemClock);
    assert_eq!(later, shown + (second - first), "they are as far apart");
}

#[test]
fn clock_that_is_moved_by_hand_shows_when_it_was_made_and_what_it_was_moved_by() {
    let before = SystemTime::now();
    let clock = ManualClock::new();
    let (_, made) = published(clock.clone());
    assert!(made + Duration::from_secs(1) >= before);
    clock.advance(FAR);
    let (_, moved) = published(clock);
    assert_eq!(moved, made + FAR);
}

#[test]
fn bus_that_keeps_no_time_tells_none() {
    let bus = Bus::builder().clock(SystemClock).build().unwrap();
    let (mut ticks, mut all) = (bus.subscribe::<Tick>("one"), bus.subscribe::<AnyEvent>("all"));
    bus.start();
    bus.publish(Tick);
    assert_eq!(ticks.try_recv().unwrap().published_at_system_time(), None);
    assert_eq!(all.try_recv().unwrap().published_at_system_time(), None);
}

#[cfg(feature = "tokio")]
mod tokio_clock {
    use std::time::Duration;

    use callboard::{Clock, TokioClock};

    use super::SHORT;
    use crate::listening::said;
    use crate::support::soon;

    /// Sleeps a few times, and returns what was logged.
    fn sleep(block_on: impl Fn(callboard::Sleep)) -> Vec<String> {
        said(|| {
            for _ in 0..3 {
                let deadline = TokioClock.now() + SHORT;
                block_on(TokioClock.sleep_until(deadline));
                assert!(TokioClock.now() >= deadline);
            }
        })
    }

    #[test]
    fn sleeps_where_there_is_no_runtime() {
        assert_eq!(sleep(|sleep| soon("a sleep", sleep)), Vec::<String>::new());
    }

    #[test]
    fn sleeps_in_a_runtime_without_a_timer_and_says_so_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _inside = runtime.enter();
        let said = sleep(|sleep| soon("a sleep", sleep));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("tokio's timer"), "{said:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn sleeps_in_tokios_time() {
        let began = TokioClock.now();
        TokioClock.sleep_until(began + Duration::from_secs(3_600)).await;
        assert_eq!(TokioClock.now() - began, Duration::from_secs(3_600));
    }
}
