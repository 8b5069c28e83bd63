//! Schedules in tokio runtimes, and after them.

use std::time::Duration;

use callboard::Bus;
use tokio::runtime::Builder;
use tokio::time::{Instant, timeout};

use super::{Counted, Done, SECOND, Tick, counting, late_ticks, manual};
use crate::listening::said_as;
use crate::support::{Census, in_time};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn schedules_follow_paused_time() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    let began = Instant::now();
    let _once = bus.publish_after(HOUR, Tick(0));
    assert_eq!(ticks.recv().await.unwrap().0, 0);
    assert_eq!(began.elapsed(), HOUR);
    let every = bus.publish_every(HOUR, counting());
    for number in 1..=3 {
        assert_eq!(ticks.recv().await.unwrap().0, number);
        assert_eq!(began.elapsed(), HOUR * u32::try_from(number + 1).unwrap());
    }
    assert!(every.cancel());
    assert!(timeout(10 * HOUR, ticks.recv()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn clock_held_by_hand_fires_in_its_advance_in_a_runtime_too() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let _once = bus.publish_after(SECOND, Tick(0));
    clock.advance(SECOND);
    assert!(ticks.try_recv().is_ok());
}

/// tokio's sleeps panic if polled after the end of their runtime.
#[test]
fn schedule_outlives_its_runtime_by_the_systems_timer() {
    in_time("a schedule without its runtime", || {
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let runtime = builder.worker_threads(1).enable_time().build().unwrap();
            let bus = Bus::new();
            let mut ticks = bus.subscribe::<Tick>("clock");
            let mut done = bus.subscribe::<Done>("reader");
            bus.start();
            let period = Duration::from_millis(20);
            let said = said_as(|| {
                let _scheduled = runtime.block_on(async {
                    let every = bus.publish_every(period, counting());
                    ticks.recv().await.unwrap();
                    (every, bus.publish_after(2 * period, Done))
                });
                drop(runtime);
                assert!(done.blocking_recv().is_some());
                assert_eq!(ticks.iter().take(3).count(), 3);
            });
            assert!(said.is_empty(), "{said:?}");
        }
    });
}

#[test]
fn bus_may_close_before_or_after_its_runtime_ends() {
    in_time("the ends of buses and runtimes", || {
        for close_first in [true, false] {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            let (bus, census) = (Bus::new(), Census::default());
            runtime.block_on(async {
                bus.publish_after(HOUR, Counted { _token: census.token() }).detach();
            });
            let mut ends: [Box<dyn FnOnce()>; 2] =
                [Box::new(move || drop(bus)), Box::new(move || drop(runtime))];
            if !close_first {
                ends.reverse();
            }
            ends.into_iter().for_each(|end| end());
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn runtime_without_a_timer_leaves_it_to_the_systems() {
    in_time("a runtime without a timer", || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bus = Bus::new();
            let mut ticks = bus.subscribe::<Tick>("clock");
            bus.start();
            let _once = bus.publish_after(Duration::from_millis(1), Tick(0));
            assert!(ticks.recv().await.is_some());
        });
    });
}
