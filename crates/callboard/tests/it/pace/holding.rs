//! Held-back events: kept through cancellations and panics, and waited for where that can end.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use callboard::testing::{Sim, settle_within};
use callboard::{Bus, Clock, Event, Sleep, SystemClock};
use futures_core::Stream;

use super::{SECOND, Tick, buses, now, tick, ticks};
use crate::support::{Log, OnDrop, Wakes, eventually, in_time, panics, poll, publish_all, soon};

#[test]
fn future_that_is_dropped_loses_no_item_and_no_time() {
    for (clock, bus) in buses() {
        let mut paced = ticks(&bus).debounce(SECOND, SECOND);
        bus.publish(Tick(1));
        let (wakes, waker) = Wakes::new();
        {
            let mut recv = pin!(paced.recv());
            assert!(recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1, "its task is forgotten");
        assert_eq!(clock.advance_to_next(), None, "and so is its sleep");
        assert!(paced.get_ref().is_empty(), "the adapter has the item");
        clock.advance(SECOND);
        assert_eq!(tick(&mut paced), Some((1, 0)), "due when it was before");
    }
}

#[test]
fn adapter_gives_back_the_subscription_and_what_it_held() {
    for (_clock, bus) in buses() {
        let mut paced = ticks(&bus).debounce(SECOND, SECOND);
        assert_eq!(
            (paced.name(), format!("{paced:?}")),
            ("clock", r#"Paced { name: "clock", len: 0, capacity: 100, held: 0, .. }"#.into())
        );
        publish_all(&bus, (1..=3).map(Tick));
        assert_eq!(tick(&mut paced), None);
        bus.publish(Tick(4));
        assert_eq!(paced.get_ref().len(), 1);
        let (mut ticks, held) = paced.into_inner();
        let held = held.unwrap();
        assert_eq!((held.0, held.merged()), (3, 2));
        assert_eq!(ticks.try_recv().unwrap().0, 4);
        assert!(ticks.throttle(SECOND).into_inner().1.is_none());
    }
}

#[test]
fn streams_and_threads_receive_the_same() {
    in_time("a stream and a thread", || {
        for (clock, bus) in buses() {
            let mut paced = ticks(&bus).debounce(SECOND, SECOND);
            bus.publish(Tick(1));
            let mut context = Context::from_waker(Waker::noop());
            assert!(Pin::new(&mut paced).poll_next(&mut context).is_pending());
            clock.advance(SECOND);
            let Poll::Ready(Some(burst)) = Pin::new(&mut paced).poll_next(&mut context) else {
                panic!("it is due")
            };
            assert_eq!(burst.0, 1);
            // Started by a stream, and ended by a thread.
            bus.publish(Tick(2));
            assert!(Pin::new(&mut paced).poll_next(&mut context).is_pending());
            let reader = thread::spawn(move || {
                let burst = paced.blocking_recv().unwrap();
                (burst.0, paced.blocking_recv().is_none())
            });
            clock.advance(SECOND);
            bus.close();
            assert_eq!(reader.join().unwrap(), (2, true));
        }
    });
}

#[test]
fn settle_waits_for_what_is_held_back_once_its_time_has_come() {
    for (clock, bus) in buses() {
        let settled = || soon("settling", settle_within(&bus, Duration::ZERO));
        let mut paced = ticks(&bus).debounce(SECOND, SECOND);
        bus.publish(Tick(1));
        assert!(settled().is_err(), "it is queued");
        assert_eq!(tick(&mut paced), None);
        settled().expect("it would wait for ever for a clock that is moved by hand");
        clock.advance(SECOND);
        let busy = settled().unwrap_err();
        let due = ["`clock` has not asked for the event that was held back for it"];
        assert_eq!(busy.busy(), due);
        assert_eq!(tick(&mut paced), Some((1, 0)));
        let busy = settled().unwrap_err();
        assert_eq!(busy.busy(), ["`clock` took an event and has not asked for the next"]);
        assert_eq!(tick(&mut paced), None);
        settled().unwrap();
        // Once the bus is closed there is nothing to wait for.
        bus.publish(Tick(2));
        assert_eq!(tick(&mut paced), None);
        bus.close();
        assert_eq!(settled().unwrap_err().busy(), due);
        assert_eq!(tick(&mut paced), Some((2, 0)));
        assert!(matches!(now(&mut paced), Some(None)));
        settled().unwrap();
    }
}

/// The component's task is woken by the clock, and has not run when the test checks.
#[test]
fn settle_after_the_clock_was_moved_sees_what_that_brings_about() {
    #[derive(Debug, Event)]
    #[event(type = "pace.rebuilt")]
    struct Rebuilt;

    Sim::for_each_seed(0..50, |sim| {
        let bus = sim.bus();
        let mut rebuilt = bus.subscriber("test").lossy().subscribe::<Rebuilt>();
        sim.spawn("builder", {
            let (bus, mut ticks) =
                (bus.clone(), bus.subscribe::<Tick>("builder").debounce(SECOND, SECOND));
            async move {
                while let Some(tick) = ticks.recv().await {
                    bus.publish_caused_by(Rebuilt, tick.sequence());
                }
            }
        });
        bus.start();
        bus.publish(Tick(1));
        sim.run_ready();
        sim.clock().advance(SECOND);
        let seen = Log::new();
        sim.spawn("test", {
            let (bus, seen) = (bus.clone(), seen.clone());
            async move {
                let ended = settle_within(&bus, 60 * SECOND);
                let mut ended = pin!(ended);
                let polled =
                    std::future::poll_fn(|context| Poll::Ready(ended.as_mut().poll(context)));
                seen.push(polled.await.is_ready());
            }
        });
        sim.run_ready();
        assert!(rebuilt.try_recv().is_ok());
        assert_eq!(seen.take(), [false], "`rebuilt` waits in the test's own queue");
    });
}

#[test]
fn drain_waits_until_what_was_held_back_is_handed_out() {
    for (_clock, bus) in buses() {
        let mut paced = ticks(&bus).debounce(SECOND, SECOND);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut paced), None);
        let mut drain = Box::pin(bus.close_and_drain(SECOND));
        assert!(poll(&mut drain).is_pending());
        assert_eq!(tick(&mut paced), Some((1, 0)));
        assert!(matches!(poll(&mut drain), Poll::Ready(Ok(()))));
    }
    let (clock, bus) = buses().into_iter().next().unwrap();
    let mut paced = ticks(&bus).throttle(SECOND);
    bus.publish(Tick(1));
    assert_eq!(tick(&mut paced), Some((1, 0)));
    bus.publish(Tick(2));
    assert_eq!(tick(&mut paced), None);
    let mut drain = Box::pin(bus.close_and_drain(SECOND));
    assert!(poll(&mut drain).is_pending());
    clock.advance(SECOND);
    let Poll::Ready(Err(error)) = poll(&mut drain) else { panic!("its time is over") };
    assert_eq!(error.unfinished()[0].to_string(), "`clock` (0 queued, 1 in hand)");
    // A dropped one has drained.
    drop(paced);
    assert!(soon("the drain", bus.close_and_drain(SECOND)).is_ok());
}

/// A clock that panics on request.
#[derive(Debug, Clone)]
struct Moody {
    in_now: Arc<AtomicBool>,
    in_sleep: Arc<AtomicBool>,
    in_drop: Arc<AtomicBool>,
}

struct MoodySleep(Moody, Sleep);

impl Clock for Moody {
    fn now(&self) -> Instant {
        assert!(!self.in_now.load(Ordering::SeqCst), "expected: no time");
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::from_future(MoodySleep(self.clone(), SystemClock.sleep_until(deadline)))
    }
}

impl Future for MoodySleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(!self.0.in_sleep.load(Ordering::SeqCst), "expected: no sleep");
        Pin::new(&mut self.1).poll(context)
    }
}

impl Drop for MoodySleep {
    fn drop(&mut self) {
        assert!(!self.0.in_drop.load(Ordering::SeqCst), "expected: no waking up");
    }
}

#[test]
fn clock_that_panics_reaches_the_reader_and_loses_nothing() {
    let moody = || Arc::new(AtomicBool::new(false));
    let clock = Moody { in_now: moody(), in_sleep: moody(), in_drop: moody() };
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    bus.start();
    for mood in [&clock.in_now, &clock.in_sleep] {
        let mut paced = ticks(&bus).debounce(Duration::from_millis(1), SECOND);
        bus.publish(Tick(1));
        mood.store(true, Ordering::SeqCst);
        panics(|| drop(now(&mut paced)));
        mood.store(false, Ordering::SeqCst);
        bus.publish(Tick(2));
        let burst = in_time("the burst", move || soon("it", paced.recv()));
        let burst = burst.unwrap();
        assert_eq!((burst.0, burst.merged()), (2, 1));
    }
    // A sleep that is abandoned for a later one, or by the end, is isolated.
    let mut paced = ticks(&bus).debounce(60 * SECOND, 60 * SECOND);
    bus.publish(Tick(1));
    let mut context = Context::from_waker(Waker::noop());
    let mut next = || Pin::new(&mut paced).poll_next(&mut context);
    assert!(next().is_pending());
    clock.in_drop.store(true, Ordering::SeqCst);
    bus.publish(Tick(2));
    assert!(next().is_pending());
    bus.close();
    let Poll::Ready(Some(burst)) = next() else { panic!("the bus is closed") };
    clock.in_drop.store(false, Ordering::SeqCst);
    assert_eq!((burst.0, burst.merged()), (2, 1));
}

#[test]
fn destructor_of_a_merged_item_that_panics_reaches_nobody() {
    #[derive(Debug, Event)]
    #[event(type = "pace.bomb")]
    struct Bomb(OnDrop);

    for (clock, bus) in buses() {
        let paced = bus.subscriber("reader").late().subscribe::<Bomb>();
        let mut paced = paced.debounce(SECOND, SECOND);
        for _ in 0..3 {
            bus.publish(Bomb(OnDrop::new(|| panic!("expected: a destructor panics"))));
        }
        bus.publish(Bomb(OnDrop::nothing()));
        assert!(now(&mut paced).is_none());
        clock.advance(SECOND);
        let burst = now(&mut paced).unwrap().unwrap();
        assert_eq!(burst.merged(), 3);
        assert_eq!(format!("{:?}", burst.0), "OnDrop");
    }
}

#[test]
fn system_clock_paces_threads() {
    in_time("pacing by the system's clock", || {
        let bus = Bus::builder().clock(SystemClock).build().unwrap();
        let quiet = Duration::from_millis(5);
        let mut paced = bus.subscribe::<Tick>("clock").debounce(quiet, SECOND);
        bus.start();
        let begun = Instant::now();
        publish_all(&bus, (1..=3).map(Tick));
        let burst = paced.blocking_recv().unwrap();
        assert!((burst.0, burst.merged()) == (3, 2) && begun.elapsed() >= quiet);
        let reader = thread::spawn(move || paced.blocking_recv().map(|burst| burst.0));
        bus.publish(Tick(4));
        eventually("it is handed out", || reader.is_finished());
        assert_eq!(reader.join().unwrap(), Some(4));
    });
}
