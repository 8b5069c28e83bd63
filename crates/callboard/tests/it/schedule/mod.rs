//! Publishing later, once or periodically.

mod ending;
#[cfg(feature = "tokio")]
mod tokio_time;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard::testing::{ManualClock, Sim};
use callboard::{Bus, Event, FindingKind, Phase, Scheduled, SystemClock};

use crate::listening::said_as;
use crate::support::{Census, Token, eventually, in_time, lock, panics};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Event)]
#[event(type = "schedule.tick")]
struct Tick(u64);

#[derive(Debug, Event)]
#[event(type = "schedule.counted")]
struct Counted {
    _token: Token,
}

#[derive(Debug, Event)]
#[event(type = "schedule.done")]
struct Done;

/// A started bus on a manual clock.
fn manual() -> (ManualClock, Bus) {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    bus.start();
    (clock, bus)
}

fn late_ticks(bus: &Bus) -> callboard::Subscription<Tick> {
    bus.subscriber("clock").late().subscribe()
}

/// Numbers from 1 on.
fn counting() -> impl FnMut() -> Tick + Send + 'static {
    let mut number = 0;
    move || {
        number += 1;
        Tick(number)
    }
}

#[test]
fn event_is_published_once_after_its_delay() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let scheduled = bus.publish_after(2 * SECOND, Tick(7));
    assert!(!scheduled.is_finished());
    clock.advance(2 * SECOND - Duration::from_nanos(1));
    assert!(ticks.is_empty() && !scheduled.is_finished());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(ticks.try_recv().unwrap().0, 7);
    assert!(scheduled.is_finished());
    assert!(!scheduled.cancel(), "there is nothing to prevent");
    clock.advance(10 * SECOND);
    assert!(ticks.is_empty());
}

#[test]
fn events_are_published_in_the_order_of_their_times() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    for seconds in [3, 1, 2] {
        bus.publish_after(seconds * SECOND, Tick(seconds.into())).detach();
    }
    clock.advance(10 * SECOND);
    assert!(ticks.try_iter().map(|tick| tick.0).eq([1, 2, 3]));
}

#[test]
fn delay_of_zero_publishes_at_once() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let scheduled = bus.publish_after(Duration::ZERO, Tick(0));
    assert!(scheduled.is_finished() && !scheduled.cancel());
    assert_eq!(ticks.try_recv().unwrap().0, 0);
    assert_eq!(clock.advance_to_next(), None);
}

#[test]
fn delay_or_period_beyond_all_time_never_ends() {
    let (clock, bus) = manual();
    let census = Census::default();
    let (event, token) = (Counted { _token: census.token() }, census.token());
    let once = bus.publish_after(Duration::MAX, event);
    let every = bus.publish_every(Duration::MAX, move || Counted { _token: token.clone() });
    assert_eq!(clock.advance_to_next(), None, "nobody waits for it");
    clock.advance(1_000_000 * SECOND);
    assert!(!once.is_finished() && !every.is_finished());
    assert_eq!(census.alive(), 2);
    assert!(once.cancel());
    bus.close();
    assert!(every.is_finished());
    assert_eq!(census.alive(), 0);
}

#[test]
fn scheduled_event_waits_for_the_start_like_any_other() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let mut ticks = bus.subscribe::<Tick>("clock");
    let _scheduled = bus.publish_after(SECOND, Tick(1));
    clock.advance(SECOND);
    assert_eq!((bus.phase(), ticks.len()), (Phase::Buffering, 0));
    assert_eq!(bus.start().replayed, 1);
    assert_eq!(ticks.try_recv().unwrap().0, 1);
}

#[test]
fn scheduled_events_have_the_cause_of_the_scope_that_made_the_schedule() {
    let mut sim = Sim::new(1);
    let bus = sim.bus();
    let ticks = bus.subscribe::<Tick>("planner");
    let mut done = bus.subscribe::<Done>("test");
    let kept: Arc<Mutex<Vec<Scheduled>>> = Arc::default();
    sim.spawn("planner", {
        let (bus, kept, clock) = (bus.clone(), Arc::clone(&kept), sim.clock().clone());
        ticks.serve(move |tick| {
            match tick.0 {
                0 => lock(&kept).push(bus.publish_after(SECOND, Done)),
                1 => lock(&kept).push(bus.publish_every(2 * SECOND, || Done)),
                // Its handler wakes the schedules, but did not cause them.
                _ => clock.advance(2 * SECOND),
            }
            std::future::ready(())
        })
    });
    bus.start();
    let causes: Vec<_> = (0..3).map(|number| bus.publish(Tick(number)).sequence()).collect();
    sim.run_ready();
    assert_eq!(done.try_recv().unwrap().cause(), causes[0]);
    assert_eq!(done.try_recv().unwrap().cause(), causes[1]);
    let _outside = bus.publish_after(SECOND, Done);
    sim.clock().advance(SECOND);
    assert_eq!(done.try_recv().unwrap().cause(), None);
}

#[test]
fn function_that_makes_events_runs_in_the_scope_that_made_the_schedule() {
    let mut sim = Sim::new(1);
    let bus = sim.bus();
    let ticks = bus.subscribe::<Tick>("planner");
    let mut done = bus.subscribe::<Done>("test");
    sim.spawn("planner", {
        let clock = sim.clock().clone();
        ticks.serve(move |tick| {
            if tick.0 == 1 {
                clock.advance(SECOND);
            }
            std::future::ready(())
        })
    });
    let inner = bus.clone();
    let _every = bus.publish_every(SECOND, move || {
        inner.publish(Done);
        Tick(0)
    });
    bus.start();
    bus.publish(Tick(1));
    sim.run_ready();
    assert_eq!(done.try_recv().unwrap().cause(), None, "not that of the handler it ran in");
}

#[test]
fn first_tick_comes_after_one_period_and_ticks_keep_their_phase() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let every = bus.publish_every(10 * SECOND, counting());
    assert!(ticks.is_empty());
    let mut seen = Vec::new();
    for second in 1..=60 {
        clock.advance(SECOND);
        seen.extend(ticks.try_iter().map(|tick| (second, tick.0)));
    }
    assert_eq!(seen, [(10, 1), (20, 2), (30, 3), (40, 4), (50, 5), (60, 6)]);
    assert!(!every.is_finished() && every.cancel());
}

#[test]
fn missed_ticks_are_skipped_and_the_phase_is_kept() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let _every = bus.publish_every(10 * SECOND, counting());
    clock.advance(47 * SECOND);
    assert_eq!(ticks.len(), 1, "one for all four");
    assert_eq!(clock.advance_to_next(), Some(3 * SECOND), "at fifty seconds");
    assert_eq!(clock.advance_to_next(), Some(10 * SECOND));
    clock.advance(1_000_000_000 * SECOND);
    assert!(ticks.try_iter().map(|tick| tick.0).eq(1..=4));
}

#[test]
fn function_that_takes_long_skips_the_ticks_in_its_time() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let (mut make, slow) = (counting(), clock.clone());
    let _every = bus.publish_every(10 * SECOND, move || {
        slow.advance(25 * SECOND);
        make()
    });
    clock.advance(10 * SECOND);
    assert_eq!(ticks.try_iter().count(), 1);
    assert_eq!(clock.advance_to_next(), Some(5 * SECOND), "from 35 to 40 seconds");
}

#[test]
fn period_of_the_smallest_size_still_lets_everybody_go() {
    in_time("a tick per nanosecond", || {
        let bus = Bus::builder().clock(SystemClock).build().unwrap();
        let ticks = bus.subscriber("clock").lossy().subscribe::<Tick>();
        bus.start();
        let every = bus.publish_every(Duration::from_nanos(1), counting());
        let scheduled = bus.publish_after(Duration::from_millis(1), Done);
        eventually("the timer gets to the others", || scheduled.is_finished());
        eventually("it ticks", || ticks.ledger().offered > 100);
        every.cancel();
    });
}

#[test]
fn function_that_panics_skips_its_tick_and_the_schedule_goes_on() {
    let (clock, bus) = manual();
    let mut ticks = late_ticks(&bus);
    let mut make = counting();
    let line = line!() + 1;
    let every = bus.publish_every(SECOND, move || {
        let tick = make();
        assert_ne!(tick.0, 2, "expected: it panics once");
        tick
    });
    let said = said_as(|| (0..3).for_each(|_| clock.advance(SECOND)));
    assert!(ticks.try_iter().map(|tick| tick.0).eq([1, 3]));
    assert!(!every.is_finished());
    let site = format!("{}:{line}", file!());
    if cfg!(feature = "tracing") {
        let [(level, what)] = &said[..] else { panic!("{said:?}") };
        assert_eq!(*level, tracing::Level::ERROR);
        assert!(what.contains(&site), "{what}");
        assert!(what.contains("`schedule.tick`") && what.contains("skipped"), "{what}");
    }
    let [failed] = &bus.snapshot().failed_ticks[..] else { panic!("one call failed") };
    assert_eq!((&*failed.event_type, failed.times), ("schedule.tick", 1));
    assert!(failed.call_site.starts_with(&site), "{failed:?}");
    let findings = bus.diagnose().findings;
    let [found] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((found.kind, &*found.culprit), (FindingKind::TickFailed, "schedule.tick"));
    assert!(found.seen.contains(&site) && found.seen.contains("panicked once"), "{found}");
    assert!(found.seen.contains("expected: it panics once"), "{found}");
}

#[test]
fn period_of_zero_is_an_error_in_the_log_that_names_the_call() {
    let (clock, bus) = manual();
    let mut line = 0;
    let said = said_as(|| {
        line = line!() + 1;
        let every = bus.publish_every(Duration::ZERO, || Tick(0));
        assert!(every.is_finished() && !every.cancel());
    });
    assert_eq!(clock.advance_to_next(), None);
    if cfg!(feature = "tracing") {
        let [(level, what)] = &said[..] else { panic!("{said:?}") };
        assert_eq!(*level, tracing::Level::ERROR);
        assert!(what.contains(&format!("{}:{line}", file!())), "{what}");
        assert!(what.contains("Duration::from_secs(1)"), "it says what is right: {what}");
    }
}

#[test]
fn schedule_is_shown_by_its_event() {
    let (clock, bus) = manual();
    let scheduled = bus.publish_after(SECOND, Tick(0));
    let shown =
        |finished| format!(r#"Scheduled {{ event: "schedule.tick", finished: {finished}, .. }}"#);
    assert_eq!(format!("{scheduled:?}"), shown(false));
    clock.advance(SECOND);
    assert_eq!(format!("{scheduled:?}"), shown(true));
}

#[test]
fn simulation_that_ticks_for_ever_says_so() {
    let mut sim = Sim::new(3);
    let bus = sim.bus();
    bus.start();
    let _every = bus.publish_every(SECOND, || Done);
    let said = panics(|| sim.run());
    assert!(said.contains("publish periodically") && said.contains("seed 3"), "{said}");
}

#[test]
fn system_clock_fires_without_a_runtime() {
    in_time("the system's timer", || {
        let bus = Bus::builder().clock(SystemClock).build().unwrap();
        let mut ticks = bus.subscribe::<Tick>("clock");
        bus.start();
        let _once = bus.publish_after(Duration::from_millis(1), Tick(0));
        assert_eq!(ticks.blocking_recv().unwrap().0, 0);
        let _every = bus.publish_every(Duration::from_millis(1), counting());
        assert!(ticks.iter().take(3).map(|tick| tick.0).eq(1..=3));
    });
}
