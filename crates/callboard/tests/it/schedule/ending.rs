//! Cancelling schedules, and closing the bus under them.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use callboard::testing::Recorder;
use callboard::{Bus, Event, Scheduled, SystemClock};

use super::{Counted, Done, SECOND, Tick, counting, manual};
use crate::support::{Census, Log, OnDrop, in_time, lock};

#[test]
fn cancelled_or_dropped_handle_prevents_the_event_and_frees_it_at_once() {
    let (clock, bus) = manual();
    let census = Census::default();
    let mut recorder = Recorder::attach(&bus);
    let schedule = || bus.publish_after(SECOND, Counted { _token: census.token() });
    let (cancelled, dropped) = (schedule(), schedule());
    let token = census.token();
    let every = bus.publish_every(SECOND, move || Counted { _token: token.clone() });
    assert_eq!(census.alive(), 3);
    assert!(cancelled.cancel() && cancelled.is_finished());
    assert_eq!(census.alive(), 2);
    assert!(!cancelled.cancel(), "it was prevented before");
    drop(dropped);
    assert_eq!(census.alive(), 1);
    drop(every);
    assert_eq!(census.alive(), 0);
    assert_eq!(clock.advance_to_next(), None, "the sleeps are gone too");
    assert!(recorder.events().is_empty());
}

#[test]
fn detached_schedule_goes_on_until_the_bus_closes() {
    let (clock, bus) = manual();
    let census = Census::default();
    let mut ticks = bus.subscriber("reader").late().subscribe::<Counted>();
    let token = census.token();
    bus.publish_every(SECOND, move || Counted { _token: token.clone() }).detach();
    for _ in 0..3 {
        clock.advance(SECOND);
        assert!(ticks.try_recv().is_ok());
    }
    assert_eq!(census.alive(), 1);
    bus.close();
    assert_eq!(census.alive(), 0);
    assert_eq!(clock.advance_to_next(), None);
}

#[test]
fn bus_that_closes_ends_its_schedules_at_once() {
    for close in [Bus::close as fn(&Bus), |_| {}] {
        let (clock, bus) = manual();
        let census = Census::default();
        let once = bus.publish_after(SECOND, Counted { _token: census.token() });
        let token = census.token();
        let every = bus.publish_every(SECOND, move || Counted { _token: token.clone() });
        close(&bus);
        // A handle does not keep the bus open.
        drop(bus);
        assert!(once.is_finished() && every.is_finished());
        assert_eq!(census.alive(), 0);
        assert!(!once.cancel() && !every.cancel());
        assert_eq!(clock.advance_to_next(), None);
    }
}

#[test]
fn closed_bus_schedules_nothing_and_frees_the_event() {
    let (clock, bus) = manual();
    bus.close();
    let census = Census::default();
    let once = bus.publish_after(SECOND, Counted { _token: census.token() });
    let at_once = bus.publish_after(Duration::ZERO, Counted { _token: census.token() });
    let token = census.token();
    let every = bus.publish_every(SECOND, move || Counted { _token: token.clone() });
    assert!(once.is_finished() && at_once.is_finished() && every.is_finished());
    assert_eq!(census.alive(), 0);
    assert_eq!(clock.advance_to_next(), None);
}

/// The handle is cancelled as a consequence of the event itself.
#[test]
fn event_may_cancel_its_own_schedule_as_it_is_published() {
    #[derive(Debug, Event)]
    #[event(type = "schedule.rigged")]
    struct Rigged(#[expect(dead_code, reason = "dropped with the event")] OnDrop);

    in_time("a schedule that is cancelled from within", || {
        let (clock, bus) = manual();
        let handles: Arc<Mutex<Option<Scheduled>>> = Arc::default();
        let prevented = Log::new();
        let cancels = {
            let (handles, prevented) = (Arc::clone(&handles), prevented.clone());
            move || {
                let handle = lock(&handles).take();
                let finished = handle.as_ref().map(Scheduled::is_finished);
                let prevents = handle.as_ref().map(Scheduled::cancel);
                assert_eq!(finished, prevents.map(|prevents| !prevents));
                prevented.push(prevents);
                drop(handle);
            }
        };
        // By the event's destructor: it has no subscriber.
        let event = Rigged(OnDrop::new(cancels.clone()));
        *lock(&handles) = Some(bus.publish_after(SECOND, event));
        clock.advance(SECOND);
        assert_eq!(prevented.take(), [Some(false)], "it is being published");

        // By the destructor of an event that is never published.
        let event = Rigged(OnDrop::new(cancels.clone()));
        let scheduled = bus.publish_after(SECOND, event);
        *lock(&handles) = Some(bus.publish_after(SECOND, Done));
        assert!(scheduled.cancel());
        assert_eq!(prevented.take(), [Some(true)], "that was another one");

        // By the drop callback.
        let _full = bus.subscriber("full").late().capacity(0).subscribe::<Tick>();
        let within = cancels.clone();
        bus.on_drop(move |_| within());
        *lock(&handles) = Some(bus.publish_every(SECOND, counting()));
        clock.advance(SECOND);
        assert_eq!(prevented.take(), [Some(true)], "its later ticks");
        clock.advance(SECOND);
        assert!(prevented.take().is_empty());

        // By the function that makes events, which owns the handle.
        let make = cancels.clone();
        *lock(&handles) = Some(bus.publish_every(SECOND, move || {
            make();
            Done
        }));
        let mut done = bus.subscriber("reader").late().subscribe::<Done>();
        clock.advance(SECOND);
        clock.advance(SECOND);
        assert_eq!(prevented.take(), [Some(true)]);
        assert_eq!(done.try_iter().count(), 1, "the one that was being made");
    });
}

#[test]
fn event_that_is_cancelled_as_it_fires_is_either_published_or_freed() {
    in_time("cancelling at the moment of firing", || {
        for round in 0..500 {
            let (clock, bus) = manual();
            let census = Census::default();
            let mut reader = bus.subscriber("reader").late().subscribe::<Counted>();
            let scheduled = bus.publish_after(SECOND, Counted { _token: census.token() });
            let fires = thread::spawn(move || clock.advance(SECOND));
            if round % 2 == 0 {
                thread::yield_now();
            }
            let prevented = scheduled.cancel();
            drop(scheduled);
            fires.join().unwrap();
            assert_eq!(reader.try_recv().is_err(), prevented);
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn bus_that_is_dropped_as_an_event_fires_frees_it() {
    in_time("a bus dropped at the moment of firing", || {
        for _ in 0..500 {
            let (clock, bus) = manual();
            let census = Census::default();
            bus.publish_after(SECOND, Counted { _token: census.token() }).detach();
            let token = census.token();
            bus.publish_every(SECOND, move || Counted { _token: token.clone() }).detach();
            let fires = thread::spawn(move || clock.advance(SECOND));
            drop(bus);
            fires.join().unwrap();
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn many_schedules_are_cancelled_in_little_time() {
    in_time("cancelling many", || {
        let (clock, bus) = manual();
        let census = Census::default();
        let on_timer = Bus::builder().clock(SystemClock).build().unwrap();
        let mut handles = Vec::new();
        for number in 0..10_000 {
            let event = || Counted { _token: census.token() };
            let delay = SECOND + Duration::from_millis(number * 7 % 10_000);
            handles.push(bus.publish_after(delay, event()));
            handles.push(on_timer.publish_after(1_000 * delay, event()));
        }
        assert_eq!(census.alive(), 20_000);
        handles.clear();
        assert_eq!(census.alive(), 0);
        assert_eq!(clock.advance_to_next(), None);
    });
}
