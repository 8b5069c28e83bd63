//! Changing the times while the adapter runs.

use super::{SECOND, Tick, buses, tick, ticks};

#[test]
fn debounce_takes_other_times_and_keeps_what_it_holds() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).debounce(10 * SECOND, 15 * SECOND);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut ticks), None);
        clock.advance(5 * SECOND);
        ticks.set_debounce(2 * SECOND, 15 * SECOND);
        assert_eq!(tick(&mut ticks), None, "as if it had come now");
        clock.advance(SECOND);
        bus.publish(Tick(2));
        assert_eq!(tick(&mut ticks), None);
        clock.advance(2 * SECOND);
        assert_eq!(tick(&mut ticks), Some((2, 1)));

        bus.publish(Tick(3));
        assert_eq!(tick(&mut ticks), None);
        clock.advance(SECOND);
        ticks.set_debounce(10 * SECOND, SECOND);
        assert_eq!(tick(&mut ticks), Some((3, 0)), "the burst began before it was changed");
    }
}

#[test]
fn throttle_takes_another_period_and_keeps_the_one_that_runs() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).throttle(10 * SECOND);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut ticks), Some((1, 0)));
        bus.publish(Tick(2));
        assert_eq!(tick(&mut ticks), None);
        clock.advance(2 * SECOND);
        ticks.set_throttle(3 * SECOND);
        assert_eq!(tick(&mut ticks), None, "since the last burst");
        clock.advance(SECOND);
        assert_eq!(tick(&mut ticks), Some((2, 0)));
    }
}

#[test]
fn one_adapter_becomes_the_other() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).debounce(10 * SECOND, 10 * SECOND);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut ticks), None);
        ticks.set_throttle(SECOND);
        assert_eq!(tick(&mut ticks), Some((1, 0)), "no period runs");
        bus.publish(Tick(2));
        assert_eq!(tick(&mut ticks), None);
        ticks.set_debounce(SECOND, SECOND);
        clock.advance(SECOND / 2);
        assert_eq!(tick(&mut ticks), None);
        clock.advance(SECOND / 2);
        assert_eq!(tick(&mut ticks), None, "its second began when it was looked at");
        clock.advance(SECOND / 2);
        assert_eq!(tick(&mut ticks), Some((2, 0)));
    }
}
