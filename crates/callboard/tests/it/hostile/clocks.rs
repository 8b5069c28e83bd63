//! Clocks: implemented by users, and jumping.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use callboard::{Bus, BusBuilder, Clock, End, Phase, Sleep, SystemClock};

use super::{Ask, Company, Deed, Place, Reaches, Tick, try_everything};
use crate::support::{Log, in_time, lock, poll, poll_with, soon};

/// Which of the functions of a clock does the deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Now,
    SleepUntil,
    Poll,
    DropOfSleep,
}

#[derive(Debug, Clone)]
struct RiggedClock(Function, Deed);

impl RiggedClock {
    fn at(&self, function: Function) {
        if self.0 == function {
            self.1.run();
        }
    }
}

impl Clock for RiggedClock {
    fn now(&self) -> Instant {
        self.at(Function::Now);
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.at(Function::SleepUntil);
        let sleep = SystemClock.sleep_until(deadline);
        Sleep::from_future(RiggedSleep { clock: self.clone(), sleep })
    }
}

struct RiggedSleep {
    clock: RiggedClock,
    sleep: Sleep,
}

impl Future for RiggedSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.clock.at(Function::Poll);
        poll_with(&mut self.sleep, context.waker())
    }
}

impl Drop for RiggedSleep {
    fn drop(&mut self) {
        self.clock.at(Function::DropOfSleep);
    }
}

fn clocked(deed: &Deed, function: Function) -> BusBuilder {
    Bus::builder().clock(RiggedClock(function, deed.clone()))
}

pub(super) fn rigged(deed: &Deed, function: Function) -> Bus {
    deed.bus_of(clocked(deed, function).build().unwrap())
}

fn buffering(deed: &Deed, function: Function) {
    let bus = rigged(deed, function);
    deed.arm();
    assert!(bus.publish(Tick(0)).buffered());
}

fn asking(deed: &Deed, function: Function) {
    let bus = rigged(deed, function);
    bus.start();
    let _oracle = bus.subscriber("oracle").late().responder::<Ask>();
    let mut gather = bus.request(Ask).expect(["oracle"]).gather();
    if function == Function::DropOfSleep {
        assert!(poll(&mut gather).is_pending());
    }
    deed.arm();
    let _ = poll(&mut gather);
    drop(gather);
}

const fn fenced(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Nobody, run }
}

/// A place where the caller itself asks for the time.
const fn own(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Caller, run }
}

const PLACES: &[Place] = &[
    fenced("a clock, when an event is stamped", |deed| {
        let clocked = clocked(deed, Function::Now).timestamps(true);
        let bus = deed.bus_of(clocked.build().unwrap());
        bus.start();
        let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        deed.arm();
        bus.publish(Tick(0));
        assert!(ticks.try_recv().is_ok() || bus.phase() != Phase::Running);
    }),
    fenced("a clock, when an event is taken", |deed| {
        let clocked = clocked(deed, Function::Now).timestamps(true);
        let bus = deed.bus_of(clocked.build().unwrap());
        bus.start();
        let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        bus.publish(Tick(0));
        deed.arm();
        assert!(ticks.try_recv().is_ok());
    }),
    fenced("a clock, by the first that waits for the start", |deed| buffering(deed, Function::Now)),
    fenced("a sleep made for it", |deed| buffering(deed, Function::SleepUntil)),
    fenced("a sleep polled for it", |deed| buffering(deed, Function::Poll)),
    fenced("a sleep given up by the start", |deed| {
        let bus = rigged(deed, Function::DropOfSleep);
        bus.publish(Tick(0));
        deed.arm();
        bus.start();
    }),
    fenced("a sleep given up for another", |deed| {
        let bus = rigged(deed, Function::DropOfSleep);
        let mut gather = bus.request(Ask).expect(["oracle"]).timeout(Duration::MAX).gather();
        assert!(poll(&mut gather).is_pending());
        drop(gather);
        assert_eq!(bus.snapshot().buffer.queued, 0, "it was taken back");
        deed.arm();
        assert!(bus.publish(Tick(0)).buffered());
    }),
    fenced("a clock, when a handler begins", |deed| {
        let bus = rigged(deed, Function::Now);
        bus.start();
        let ticks = bus.subscriber("served").late().subscribe::<Tick>();
        let handled = Log::new();
        let mut serving = pin!(ticks.serve(async |tick| handled.push(tick.0)));
        bus.publish(Tick(0));
        deed.arm();
        let _ = poll(&mut serving);
        assert_eq!(handled.take(), [0]);
    }),
    fenced("a clock, when a handler ends", |deed| {
        let bus = rigged(deed, Function::Now);
        bus.start();
        let ticks = bus.subscriber("served").late().subscribe::<Tick>();
        let handled = Log::new();
        let mut serving = pin!(ticks.serve(async |tick| {
            deed.arm();
            handled.push(tick.0);
        }));
        bus.publish(Tick(0));
        bus.publish(Tick(1));
        let _ = poll(&mut serving);
        assert_eq!(handled.take(), [0, 1]);
        let snapshot = bus.snapshot();
        assert!(snapshot.subscriber("served").is_none_or(|served| served.handling == 0));
    }),
    own("a clock, when one asks", |deed| asking(deed, Function::Now)),
    own("a sleep made for one who asks", |deed| asking(deed, Function::SleepUntil)),
    own("a sleep polled for one who asks", |deed| asking(deed, Function::Poll)),
    own("a sleep given up by one who asks", |deed| asking(deed, Function::DropOfSleep)),
    own("a clock, for a picture", |deed| {
        let bus = rigged(deed, Function::Now);
        deed.arm();
        let _ = bus.snapshot();
    }),
    own("a clock, for one who receives with a timeout", |deed| {
        let bus = rigged(deed, Function::Now);
        bus.start();
        let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        bus.publish(Tick(0));
        deed.arm();
        assert!(ticks.recv_timeout(Duration::MAX).is_ok());
    }),
];

#[test]
fn clocks_do_as_they_like() {
    try_everything(PLACES, &[Company::Full, Company::Reader]);
}

/// A clock that can be set to any time, against the contract of clocks.
#[derive(Debug, Clone)]
struct Jumping(Arc<Mutex<(Instant, Vec<Waker>)>>);

impl Jumping {
    fn new() -> Self {
        // Far enough from the origin of time to go back.
        Self(Arc::new(Mutex::new((Instant::now() + YEAR, Vec::new()))))
    }

    fn jump(&self, to: impl FnOnce(Instant) -> Instant) {
        let wakers = {
            let mut state = lock(&self.0);
            state.0 = to(state.0);
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Clock for Jumping {
    fn now(&self) -> Instant {
        lock(&self.0).0
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let clock = self.clone();
        Sleep::from_future(std::future::poll_fn(move |context| {
            let mut state = lock(&clock.0);
            if state.0 >= deadline {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        }))
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

fn jumping() -> (Jumping, Bus) {
    let clock = Jumping::new();
    let bus = Bus::builder().clock(clock.clone()).timestamps(true).build().unwrap();
    (clock, bus)
}

/// A handler was busy for longer than can be represented.
#[test]
fn clock_that_leaps_to_and_fro_breaks_no_sum() {
    let (clock, bus) = jumping();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    let far = Duration::from_secs(1 << 62);
    for number in 0..6 {
        bus.publish(Tick(number));
        assert!(ticks.try_recv().is_ok());
        clock.jump(|now| now + far);
        assert!(ticks.try_recv().is_err(), "done with it");
        clock.jump(|now| now - far);
    }
    // A moment is at most 292 years away.
    let busy = bus.snapshot().subscriber("clock").unwrap().busy;
    assert!((6 * 291 * YEAR..6 * 293 * YEAR).contains(&busy), "{busy:?}");
}

/// The watch over an unstarted bus polls its sleep wherever it is woken.
#[test]
fn sleep_that_panics_when_it_is_polled_again_reaches_nobody_who_wakes_it() {
    #[derive(Debug)]
    struct Brittle(Log<Waker>);
    impl Clock for Brittle {
        fn now(&self) -> Instant {
            Instant::now()
        }

        fn sleep_until(&self, _: Instant) -> Sleep {
            let (wakers, mut polled) = (self.0.clone(), false);
            Sleep::from_future(std::future::poll_fn(move |context| {
                assert!(!std::mem::replace(&mut polled, true), "expected: a sleep panics");
                wakers.push(context.waker().clone());
                Poll::Pending
            }))
        }
    }
    let wakers = Log::new();
    let bus = Bus::builder().clock(Brittle(wakers.clone())).build().unwrap();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.publish(Tick(0));
    let [waker] = wakers.take().try_into().unwrap();
    waker.wake();
    bus.start();
    assert!(ticks.try_recv().is_ok());
}

#[test]
fn clock_that_goes_back_makes_durations_zero_and_waits_longer() {
    in_time("a clock that goes back", || {
        let (clock, bus) = jumping();
        let mut ticks = bus.subscribe::<Tick>("clock");
        let served = bus.subscribe::<Tick>("served");
        let mut oracle = bus.responder::<Ask>("oracle");
        bus.start();
        bus.publish(Tick(0));
        let mut serving = pin!(served.serve(async |_| clock.jump(|now| now - SECOND)));
        assert!(poll(&mut serving).is_pending());
        let tick = ticks.try_recv().unwrap();
        assert_eq!(tick.queued_for(), Some(Duration::ZERO));
        let mut gather = bus.request(Ask).expect(["oracle"]).timeout(2 * SECOND).gather();
        assert!(poll(&mut gather).is_pending());
        clock.jump(|now| now - 3 * SECOND);
        let snapshot = bus.snapshot();
        assert_eq!(snapshot.age, Duration::ZERO);
        assert_eq!(snapshot.subscriber("served").unwrap().busy, Duration::ZERO);
        let open = &snapshot.requests.open[0];
        assert_eq!((open.age, open.remaining), (Duration::ZERO, Some(5 * SECOND)));
        assert!(snapshot.balances() && bus.diagnose().to_string().len() > 1);
        assert!(poll(&mut gather).is_pending());
        clock.jump(|now| now + 5 * SECOND);
        assert_eq!(soon("the timeout", gather).unwrap().end(), End::TimedOut);
        assert_eq!(oracle.try_iter().count(), 0, "it was taken back");
    });
}

#[test]
fn clock_that_leaps_ends_what_is_over_and_nothing_else() {
    in_time("a clock that leaps", || {
        let (clock, bus) = jumping();
        let mut ticks = bus.subscribe::<Tick>("clock");
        let mut oracle = bus.responder::<Ask>("oracle");
        bus.publish(Tick(0));
        clock.jump(|now| now + 100 * YEAR);
        bus.start();
        let tick = ticks.try_recv().unwrap();
        assert!(tick.queued_for() >= Some(100 * YEAR) && tick.missed() == 0);
        let ask = |timeout| bus.request(Ask).expect(["oracle"]).timeout(timeout).gather();
        let (mut over, mut endless) = (ask(YEAR), ask(Duration::MAX));
        assert!(poll(&mut over).is_pending() && poll(&mut endless).is_pending());
        let mut recv = ticks.recv();
        assert!(poll(&mut recv).is_pending());
        clock.jump(|now| now + 2 * YEAR);
        assert_eq!(soon("the timeout", over).unwrap().end(), End::TimedOut);
        assert!(poll(&mut endless).is_pending() && poll(&mut recv).is_pending());
        assert_eq!(bus.phase(), Phase::Running);
        assert_eq!(oracle.len(), 1, "the other one is still asked");
        oracle.try_recv().unwrap().decline("late");
        assert_eq!(soon("the end", endless).unwrap().end(), End::Unreachable);
    });
}

/// Ready events are delivered, whatever the time is.
#[test]
fn clock_that_stands_still_makes_nobody_wait_who_need_not() {
    in_time("a clock that stands still", || {
        let (clock, bus) = jumping();
        let mut ticks = bus.subscribe::<Tick>("clock");
        bus.start();
        bus.publish(Tick(0));
        assert!(ticks.recv_timeout(SECOND).is_ok());
        assert!(ticks.recv_timeout(Duration::ZERO).is_err());
        assert!(bus.start_when_ready_blocking(Duration::ZERO).is_ok());
        let (wakes, waker) = crate::support::Wakes::new();
        bus.publish(Tick(1));
        let mut drain = pin!(bus.close_and_drain(SECOND));
        assert!(poll_with(&mut drain, &waker).is_pending());
        clock.jump(|now| now + SECOND);
        assert_eq!(wakes.count(), 1);
        let Poll::Ready(Err(error)) = poll(&mut drain) else { panic!("its time is over") };
        assert_eq!(error.unfinished()[0].subscriber, "clock");
    });
}

#[test]
fn clock_held_by_hand_stays_where_it_was_if_it_is_moved_too_far() {
    let clock = callboard::testing::ManualClock::new();
    let (begun, too_far) = (clock.now(), clock.clone());
    let moved = std::panic::catch_unwind(move || too_far.advance(Duration::MAX));
    assert!(moved.is_err());
    assert_eq!(clock.now(), begun);
    clock.advance(SECOND);
    assert_eq!(clock.now(), begun + SECOND);
}
