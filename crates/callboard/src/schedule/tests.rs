//! Tests of behaviour that is not visible from outside.

use std::time::{Duration, Instant};

use super::task::until_next;
use crate::testing::ManualClock;
use crate::{Bus, Event};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Tick;

impl Event for Tick {
    const TYPE: &'static str = "tick";
}

#[test]
fn bus_forgets_schedules_that_have_ended() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().expect("the settings are right");
    let remembered = || bus.core().close_list.len();
    let once = bus.publish_after(SECOND, Tick);
    let every = bus.publish_every(SECOND, || Tick);
    drop(bus.publish_after(SECOND, Tick));
    bus.publish_after(Duration::ZERO, Tick).detach();
    assert_eq!(remembered(), 2);
    clock.advance(SECOND);
    assert_eq!((remembered(), once.is_finished()), (1, true));
    every.cancel();
    assert_eq!(remembered(), 0);
    bus.close();
    drop(bus.publish_after(SECOND, Tick));
    assert_eq!(remembered(), 0);
}

#[test]
fn next_tick_is_the_first_multiple_that_is_still_to_come() {
    let at = Instant::now() + 1_000 * SECOND;
    let period = 10 * SECOND;
    let wait = |now| until_next(Some(at), now, period);
    assert_eq!(wait(at), period);
    assert_eq!(wait(at + SECOND), 9 * SECOND);
    assert_eq!(wait(at + 10 * SECOND), period);
    assert_eq!(wait(at + 29 * SECOND), SECOND);
    assert_eq!(wait(at - SECOND), 11 * SECOND, "it ended early");
    assert_eq!(wait(at - 10 * SECOND), period, "the clock went back");
    assert_eq!(until_next(Some(at), at + SECOND, Duration::MAX), Duration::MAX - SECOND);
    assert_eq!(until_next(None, at, period), Duration::MAX);
    let far = Duration::new(u64::from(u32::MAX), 999_999_999);
    assert_eq!(until_next(Some(at), at + far / 2, far), far - far / 2);
}
