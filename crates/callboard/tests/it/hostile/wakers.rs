//! Wakers: a thread that causes a change runs the wakers of the tasks that wait for it.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Clock, End};
use futures_lite::StreamExt;

use super::{Answer, Ask, Company, Deed, Place, Reaches, Tick, try_everything};
use crate::support::{PATIENCE, Wakes, eventually, poll, poll_with, publish_all, soon, waker_fn};

fn waker(deed: &Deed) -> Waker {
    let deed = deed.clone();
    waker_fn(move || deed.run())
}

/// A waker whose last clone does the deed when it is dropped.
fn last_waker(deed: &Deed) -> Waker {
    struct Last(Deed);
    impl Wake for Last {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.run();
        }
    }
    Waker::from(Arc::new(Last(deed.clone())))
}

const WOKEN: &[Place] = &[
    Place {
        name: "a waker of a reader of a log",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            let mut recv = ticks.recv();
            assert!(poll_with(&mut recv, &waker(deed)).is_pending());
            deed.arm();
            assert!(bus.publish(Tick(0)).delivered() > 0);
            assert!(poll(&mut recv).is_ready());
        },
    },
    Place {
        name: "a waker of a reader of a queue",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut all = bus.subscriber("all").late().subscribe::<AnyEvent>();
            assert!(poll_with(&mut all.next(), &waker(deed)).is_pending());
            deed.arm();
            assert!(bus.publish(Tick(0)).delivered() > 0);
            assert!(poll(&mut all.next()).is_ready());
        },
    },
    Place {
        name: "a waker, by the replay",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.bus();
            let mut ticks = bus.subscribe::<Tick>("clock");
            let mut recv = ticks.recv();
            assert!(poll_with(&mut recv, &waker(deed)).is_pending());
            bus.publish(Tick(0));
            deed.arm();
            bus.start();
            assert!(poll(&mut recv).is_ready());
        },
    },
    Place {
        name: "a waker, by the end of the bus",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            let mut other = bus.subscriber("other").late().subscribe::<Tick>();
            let (mut recv, mut recv_too) = (ticks.recv(), other.recv());
            assert!(poll_with(&mut recv, &waker(deed)).is_pending());
            let (wakes, good) = Wakes::new();
            assert!(poll_with(&mut recv_too, &good).is_pending());
            deed.arm();
            bus.close();
            assert!(wakes.count() > 0);
            assert!(matches!(poll(&mut recv), Poll::Ready(None)));
        },
    },
    Place {
        name: "a waker left by a stream, when it unsubscribes",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            assert!(poll_with(&mut ticks.next(), &waker(deed)).is_pending());
            deed.arm();
            drop(ticks);
        },
    },
    Place {
        name: "the waker of a reader that lets others go first",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let unbounded = bus.subscriber("clock").late().capacity(usize::MAX);
            let mut ticks = unbounded.subscribe::<Tick>();
            publish_all(&bus, (0..200).map(Tick));
            deed.arm();
            let waker = waker(deed);
            let polls = (0..200).map(|_| poll_with(&mut ticks.recv(), &waker));
            assert_eq!(polls.filter(Poll::is_pending).count(), 1);
        },
    },
    Place {
        name: "the waker of an asker, by the answer",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut oracle = bus.subscriber("oracle").late().responder::<Ask>();
            let mut gather = bus.request(Ask).expect(["oracle"]).gather();
            assert!(poll_with(&mut gather, &waker(deed)).is_pending());
            deed.arm();
            oracle.try_recv().unwrap().respond(Answer(1));
            let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("it was answered") };
            assert_eq!(gathered.end(), End::Met);
        },
    },
    Place {
        name: "the waker of an asker, by the system's timer",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let _oracle = bus.subscriber("oracle").late().responder::<Ask>();
            let timeout = Duration::from_millis(1);
            let ask = || bus.request(Ask).expect(["oracle"]).timeout(timeout).gather();
            let mut gather = ask();
            deed.arm();
            // The thread may be suspended for longer than that.
            while poll_with(&mut gather, &waker(deed)).is_ready() {
                gather = ask();
            }
            eventually("the timeout", || deed.has_run());
            let end = soon("the end of the request", gather).unwrap().end();
            assert!(matches!(end, End::TimedOut | End::Closed | End::Met), "{end:?}");
        },
    },
    Place {
        name: "the waker of a sleeper, by a clock held by hand",
        panic: Reaches::Nobody,
        run: |deed| {
            let clock = ManualClock::new();
            let _bus = deed.bus_of(Bus::builder().clock(clock.clone()).build().unwrap());
            let mut sleeps =
                [1, 2].map(|n| clock.sleep_until(clock.now() + Duration::from_secs(n)));
            let (wakes, good) = Wakes::new();
            assert!(poll_with(&mut sleeps[0], &waker(deed)).is_pending());
            assert!(poll_with(&mut sleeps[1], &good).is_pending());
            deed.arm();
            clock.advance(Duration::from_secs(2));
            assert_eq!(wakes.count(), 1);
        },
    },
    Place {
        name: "the waker of one who waits for everybody to sign in",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.bus_of(Bus::builder().expect_subscribers(["a", "b"]).build().unwrap());
            let mut starting = pin!(bus.start_when_ready(PATIENCE));
            assert!(poll_with(&mut starting, &waker(deed)).is_pending());
            deed.arm();
            let _a = bus.subscribe::<Tick>("a");
            let _b = bus.subscribe::<Tick>("b");
            assert!(poll(&mut starting).is_ready());
        },
    },
    Place {
        name: "the waker of one who waits for the drain",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            bus.publish(Tick(0));
            let mut drain = pin!(bus.close_and_drain(PATIENCE));
            assert!(poll_with(&mut drain, &waker(deed)).is_pending());
            deed.arm();
            assert!(ticks.try_recv().is_ok());
        },
    },
    Place {
        name: "the waker of a service",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            let handled = crate::support::Log::new();
            let log = handled.clone();
            let mut serving = pin!(ticks.serve(move |tick| {
                log.push(tick.0);
                std::future::ready(())
            }));
            assert!(poll_with(&mut serving, &waker(deed)).is_pending());
            deed.arm();
            bus.publish(Tick(3));
            let _ = poll(&mut serving);
            assert!(handled.take().contains(&3));
        },
    },
    Place {
        name: "the waker of a service with more to do than it may at once",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            // It wakes itself while it is polled, forever.
            let mut serving = pin!(ticks.serve(|_| {
                std::future::poll_fn::<(), _>(|context| {
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
            }));
            let waker = waker(deed);
            assert!(poll_with(&mut serving, &waker).is_pending());
            bus.publish(Tick(0));
            assert!(poll_with(&mut serving, &waker).is_pending());
            deed.arm();
            assert!(poll_with(&mut serving, &waker).is_pending());
        },
    },
];

/// The last clone of a waker is dropped by the thread that releases it.
const DROPPED: &[Place] = &[
    Place {
        name: "the destructor of a waker, when another is given",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            assert!(poll_with(&mut ticks.next(), &last_waker(deed)).is_pending());
            deed.arm();
            let _ = poll(&mut ticks.next());
        },
    },
    Place {
        name: "the destructor of a waker, when its future is dropped",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            let mut recv = ticks.recv();
            assert!(poll_with(&mut recv, &last_waker(deed)).is_pending());
            deed.arm();
            drop(recv);
        },
    },
    Place {
        name: "the destructor of a waker, when it was woken",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            let mut recv = ticks.recv();
            assert!(poll_with(&mut recv, &last_waker(deed)).is_pending());
            deed.arm();
            bus.publish(Tick(0));
        },
    },
    Place {
        name: "the destructor of an asker's waker",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let _oracle = bus.subscriber("oracle").late().responder::<Ask>();
            let request = bus.request(Ask).expect(["oracle"]).timeout(Duration::MAX);
            let mut gather = request.gather();
            assert!(poll_with(&mut gather, &last_waker(deed)).is_pending());
            deed.arm();
            drop(gather);
        },
    },
    Place {
        name: "the destructor of a waker that waits for everybody to sign in",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.bus_of(Bus::builder().expect_subscribers(["a"]).build().unwrap());
            let mut starting = Box::pin(bus.start_when_ready(Duration::MAX));
            assert!(poll_with(&mut starting, &last_waker(deed)).is_pending());
            deed.arm();
            let _ = poll(&mut starting);
        },
    },
    Place {
        name: "the destructor of a waker in the system's timer",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.bus_of(Bus::builder().expect_subscribers(["a"]).build().unwrap());
            let mut starting = Box::pin(bus.start_when_ready(PATIENCE));
            assert!(poll_with(&mut starting, &last_waker(deed)).is_pending());
            deed.arm();
            drop(starting);
        },
    },
    Place {
        name: "the destructor of a service's waker",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let ticks = bus.subscriber("clock").late().subscribe::<Tick>();
            let mut serving = Box::pin(ticks.serve(async |_| {}));
            assert!(poll_with(&mut serving, &last_waker(deed)).is_pending());
            deed.arm();
            drop(serving);
        },
    },
];

#[test]
fn wakers_do_as_they_like() {
    try_everything(WOKEN, &[Company::Full, Company::Reader]);
}

#[test]
fn wakers_do_as_they_like_when_they_are_dropped() {
    try_everything(DROPPED, &[Company::Full, Company::Reader]);
}
