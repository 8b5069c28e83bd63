//! Scheduled publications: the function that makes events, its destructors, and the clock.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use callboard::testing::ManualClock;
use callboard::{Bus, Clock, Event, Sleep};

use super::clocks::{Function, rigged};
use super::{Company, Deed, Place, Reaches, Tick, try_everything};
use crate::listening::said;
use crate::support::{Census, Log, OnDrop, Token, eventually, in_time, lock, poll};

const SECOND: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(1);

#[derive(Debug, Event)]
#[event(type = "hostile.rigged")]
struct Rigged(#[expect(dead_code, reason = "dropped with the event")] OnDrop);

fn rig(deed: &Deed) -> OnDrop {
    let deed = deed.clone();
    OnDrop::new(move || deed.run())
}

/// A started bus on a manual clock.
fn manual(deed: &Deed) -> (ManualClock, Bus) {
    let clock = ManualClock::new();
    let bus = deed.bus_of(Bus::builder().clock(clock.clone()).build().unwrap());
    bus.start();
    (clock, bus)
}

/// Schedules an event in a second, on a clock that does the deed.
fn scheduling(deed: &Deed, function: Function) {
    let bus = rigged(deed, function);
    bus.start();
    deed.arm();
    let _scheduled = bus.publish_after(SECOND, Tick(0));
}

fn waiting(deed: &Deed, function: Function, end: fn(&Bus, callboard::Scheduled)) {
    let bus = rigged(deed, function);
    bus.start();
    let scheduled = bus.publish_after(SECOND, Tick(0));
    deed.arm();
    end(&bus, scheduled);
}

const fn fenced(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Nobody, run }
}

const PLACES: &[Place] = &[
    fenced("a clock, when an event is scheduled", |deed| scheduling(deed, Function::Now)),
    fenced("a sleep made for it", |deed| scheduling(deed, Function::SleepUntil)),
    fenced("a sleep polled for it", |deed| scheduling(deed, Function::Poll)),
    fenced("a sleep given up with the handle", |deed| {
        waiting(deed, Function::DropOfSleep, |_, scheduled| drop(scheduled));
    }),
    fenced("a sleep given up as the bus closes", |deed| {
        waiting(deed, Function::DropOfSleep, |bus, scheduled| {
            bus.close();
            drop(scheduled);
        });
    }),
    fenced("a clock, after a tick", |deed| {
        let bus = rigged(deed, Function::Now);
        bus.start();
        let arms = deed.clone();
        let _every = bus.publish_every(SHORT, move || {
            arms.arm();
            Tick(0)
        });
        eventually("it is asked for the next", || deed.has_run());
    }),
    fenced("a function that makes events", |deed| {
        let (clock, bus) = manual(deed);
        let does = deed.clone();
        let _every = bus.publish_every(SECOND, move || {
            does.run();
            Tick(0)
        });
        deed.arm();
        clock.advance(SECOND);
        clock.advance(SECOND);
    }),
    fenced("a destructor of an event that is cancelled", |deed| {
        let (_clock, bus) = manual(deed);
        let scheduled = bus.publish_after(SECOND, Rigged(rig(deed)));
        deed.arm();
        scheduled.cancel();
    }),
    fenced("a destructor of an event that the bus closes on", |deed| {
        let (_clock, bus) = manual(deed);
        bus.publish_after(SECOND, Rigged(rig(deed))).detach();
        deed.arm();
        bus.close();
    }),
    fenced("a destructor of a function that makes events", |deed| {
        let (_clock, bus) = manual(deed);
        let captured = rig(deed);
        let every = bus.publish_every(SECOND, move || {
            let _ = &captured;
            Tick(0)
        });
        deed.arm();
        drop(every);
    }),
];

/// Places where no other subscriber may get the event.
const UNHEARD: &[Place] = &[
    fenced("a destructor of an event that is published late", |deed| {
        let (clock, bus) = manual(deed);
        let _scheduled = bus.publish_after(SECOND, Rigged(rig(deed)));
        deed.arm();
        clock.advance(SECOND);
    }),
    fenced("a destructor of an item that is merged away", |deed| {
        let (_clock, bus) = manual(deed);
        let mut paced = bus.subscriber("paced").late().subscribe::<Rigged>().throttle(SECOND);
        bus.publish(Rigged(rig(deed)));
        bus.publish(Rigged(OnDrop::nothing()));
        deed.arm();
        assert!(poll(&mut pin!(paced.recv())).is_ready());
    }),
];

#[test]
fn schedules_do_as_they_like() {
    try_everything(PLACES, &[Company::Full, Company::Reader]);
    try_everything(UNHEARD, &[Company::Full]);
}

#[derive(Debug, Event)]
#[event(type = "hostile.counted")]
struct Counted(#[expect(dead_code, reason = "counted")] Token);

/// A clock whose sleeps are controlled by a test.
struct Odd<F>(F);

impl<F> std::fmt::Debug for Odd<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Odd")
    }
}

impl<F: Fn(Instant) -> Sleep + Send + Sync + 'static> Clock for Odd<F> {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        (self.0)(deadline)
    }
}

fn odd(sleep: impl Fn(Instant) -> Sleep + Send + Sync + 'static) -> Bus {
    let bus = Bus::builder().clock(Odd(sleep)).build().unwrap();
    bus.start();
    bus
}

#[test]
fn clock_that_panics_drops_the_event_and_the_log_names_the_call() {
    let bus = odd(|_| panic!("expected: no sleep"));
    let census = Census::default();
    let mut line = 0;
    let said = said(|| {
        line = line!() + 1;
        let scheduled = bus.publish_after(SECOND, Counted(census.token()));
        assert!(scheduled.is_finished() && !scheduled.cancel());
    });
    assert_eq!(census.alive(), 0);
    if cfg!(feature = "tracing") {
        let place = format!("{}:{line}", file!());
        let names = |what: &String| what.contains(&place) && what.contains("`hostile.counted`");
        assert!(said.iter().any(names), "{said:?}");
    }
}

/// A schedule's wake-up of itself must not be lost, as a task's is not.
#[test]
fn sleep_that_wakes_while_it_is_polled_is_polled_again() {
    let bus = odd(|_| {
        let mut polled = false;
        Sleep::from_future(std::future::poll_fn(move |context| {
            if std::mem::replace(&mut polled, true) {
                return Poll::Ready(());
            }
            // Woken by another thread, before the poll returns.
            let waker = context.waker().clone();
            thread::spawn(move || waker.wake()).join().unwrap();
            Poll::Pending
        }))
    });
    let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
    let scheduled = bus.publish_after(SECOND, Tick(0));
    assert!(scheduled.is_finished() && ticks.try_recv().is_ok());
}

#[test]
fn sleep_that_wakes_in_each_poll_lets_the_caller_go() {
    in_time("a sleep that wakes for ever", || {
        let polls = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&polls);
        let bus = odd(move |_| {
            let counts = Arc::clone(&counts);
            Sleep::from_future(std::future::poll_fn(move |context| {
                counts.fetch_add(1, Ordering::SeqCst);
                context.waker().wake_by_ref();
                Poll::Pending
            }))
        });
        let scheduled = bus.publish_after(SECOND, Tick(0));
        eventually("it is polled again and again", || polls.load(Ordering::SeqCst) > 20);
        assert!(scheduled.cancel());
    });
}

#[test]
fn sleeps_that_are_over_at_once_let_the_caller_go() {
    in_time("sleeps that are over at once", || {
        let bus = odd(|_| Sleep::from_future(std::future::ready(())));
        let ticks = bus.subscriber("clock").late().lossy().subscribe::<Tick>();
        let once = bus.publish_after(SECOND, Tick(0));
        assert!(once.is_finished());
        let every = bus.publish_every(SECOND, || Tick(1));
        eventually("it goes on ticking", || ticks.ledger().offered > 20);
        assert!(every.cancel());
        let offered = ticks.ledger().offered;
        drop(bus);
        assert!(ticks.ledger().offered <= offered + 1, "one may have been on its way");
    });
}

#[test]
fn sleeps_that_end_early_keep_the_phase() {
    let (asked, wakers) = (Log::new(), Log::new());
    let bus = {
        let (asked, wakers) = (asked.clone(), wakers.clone());
        odd(move |deadline| {
            asked.push(deadline);
            let (mut polled, wakers): (bool, Log<Waker>) = (false, wakers.clone());
            Sleep::from_future(std::future::poll_fn(move |context| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                wakers.push(context.waker().clone());
                Poll::Pending
            }))
        })
    };
    let hour = 3_600 * SECOND;
    let every = bus.publish_every(hour, || Tick(0));
    // Each ends an hour early, or nearly two: the second counts as a clock that went back.
    (0..2).for_each(|_| wakers.take().into_iter().for_each(Waker::wake));
    let [first, second, third] = asked.take().try_into().unwrap();
    assert_eq!(second - first, hour);
    assert!(third < second + hour, "counted anew");
    drop(every);
}

#[test]
fn waker_that_is_kept_for_ever_keeps_no_event() {
    let kept = Log::new();
    let bus = {
        let kept = kept.clone();
        odd(move |_| {
            let kept: Log<Waker> = kept.clone();
            Sleep::from_future(std::future::poll_fn(move |context| {
                kept.push(context.waker().clone());
                Poll::<()>::Pending
            }))
        })
    };
    let census = Census::default();
    let scheduled = bus.publish_after(SECOND, Counted(census.token()));
    drop(scheduled);
    assert_eq!(census.alive(), 0);
    drop(bus);
    kept.take().into_iter().for_each(Waker::wake);
}

#[test]
fn handle_that_is_forgotten_stands_in_nobodys_way() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let census = Census::default();
    let handles: Arc<Mutex<Vec<_>>> = Arc::default();
    lock(&handles).push(bus.publish_after(SECOND, Counted(census.token())));
    crate::support::forget(handles);
    bus.close();
    assert_eq!(census.alive(), 0);
    assert_eq!(clock.advance_to_next(), None);
}
