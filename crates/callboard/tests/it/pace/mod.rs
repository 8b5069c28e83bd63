//! Debouncing and throttling.

mod calls;
mod changing;
mod holding;
#[cfg(feature = "tokio")]
mod tokio_time;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Burst, Bus, Delivery, Event, EventSet, Paced};

use crate::support::{Census, OnDrop, Token, publish_all};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Event)]
#[event(type = "pace.tick")]
struct Tick(u64);

#[derive(Debug, Event)]
#[event(type = "pace.tock")]
struct Tock(u64);

#[derive(Debug, EventSet)]
enum Either {
    Tick(Delivery<Tick>),
    Tock(Delivery<Tock>),
}

/// Started buses on a manual clock: with readers of a log, and with readers of queues only.
fn buses() -> [(ManualClock, Bus); 2] {
    [false, true].map(|timestamps| {
        let clock = ManualClock::new();
        let bus = Bus::builder().clock(clock.clone()).timestamps(timestamps).build().unwrap();
        bus.start();
        (clock, bus)
    })
}

fn ticks(bus: &Bus) -> callboard::Subscription<Tick> {
    bus.subscriber("clock").late().subscribe()
}

/// What is available now; `Some(None)` is the end.
fn now<S: EventSet>(paced: &mut Paced<S>) -> Option<Option<Burst<S::Item>>> {
    match pin!(paced.recv()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(burst) => Some(burst),
        Poll::Pending => None,
    }
}

/// The number of the tick that is available now, and how many were merged.
fn tick(paced: &mut Paced<Tick>) -> Option<(u64, u64)> {
    let burst = now(paced)?.expect("the bus is open");
    Some((burst.0, burst.merged()))
}

#[test]
fn debounce_hands_out_the_latest_once_it_is_quiet() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).debounce(SECOND, Duration::MAX);
        assert_eq!(tick(&mut ticks), None);
        for number in 1..=5 {
            bus.publish(Tick(number));
            assert_eq!(tick(&mut ticks), None);
            clock.advance(SECOND - Duration::from_nanos(1));
            assert_eq!(tick(&mut ticks), None);
        }
        clock.advance(Duration::from_nanos(1));
        assert_eq!(tick(&mut ticks), Some((5, 4)));
        clock.advance(10 * SECOND);
        assert_eq!(tick(&mut ticks), None, "nothing is handed out twice");
        bus.publish(Tick(6));
        assert_eq!(tick(&mut ticks), None, "each burst waits anew");
        clock.advance(SECOND);
        assert_eq!(tick(&mut ticks), Some((6, 0)));
    }
}

#[test]
fn debounce_hands_out_a_stream_that_never_is_quiet_all_the_same() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).debounce(SECOND, 3 * SECOND);
        let mut seen = Vec::new();
        for half_second in 0..20 {
            bus.publish(Tick(half_second));
            seen.extend(tick(&mut ticks).map(|(number, merged)| (half_second, number, merged)));
            clock.advance(SECOND / 2);
        }
        // The time of the burst's own first item counts.
        assert_eq!(seen, [(6, 6, 6), (13, 13, 6)]);
        clock.advance(SECOND);
        assert_eq!(tick(&mut ticks), Some((19, 5)), "and the last is not forgotten");
    }
}

#[test]
fn debounce_with_the_shorter_limit_ends_that_long_after_the_first() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).debounce(10 * SECOND, SECOND);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut ticks), None);
        clock.advance(SECOND / 2);
        bus.publish(Tick(2));
        assert_eq!(tick(&mut ticks), None);
        clock.advance(SECOND / 2);
        assert_eq!(tick(&mut ticks), Some((2, 1)));
    }
}

#[test]
fn throttle_hands_out_the_first_at_once_then_the_latest_of_each_period() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).throttle(10 * SECOND);
        assert_eq!(tick(&mut ticks), None);
        let mut seen = Vec::new();
        for second in 0..35 {
            bus.publish(Tick(second));
            seen.extend(tick(&mut ticks).map(|(number, merged)| (second, number, merged)));
            clock.advance(SECOND);
        }
        assert_eq!(seen, [(0, 0, 0), (10, 10, 9), (20, 20, 9), (30, 30, 9)]);
        clock.advance(5 * SECOND);
        assert_eq!(tick(&mut ticks), Some((34, 3)), "the last is not forgotten");
        bus.publish(Tick(100));
        assert_eq!(tick(&mut ticks), None, "that was another period's beginning");
        clock.advance(10 * SECOND);
        assert_eq!(tick(&mut ticks), Some((100, 0)));
        clock.advance(10 * SECOND);
        assert_eq!(tick(&mut ticks), None, "nothing is handed out twice");
        bus.publish(Tick(101));
        assert_eq!(tick(&mut ticks), Some((101, 0)), "at once, after an idle period");
    }
}

#[test]
fn throttle_wakes_its_task_at_the_end_of_the_period() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).throttle(SECOND);
        bus.publish(Tick(1));
        assert!(tick(&mut ticks).is_some());
        let (wakes, waker) = crate::support::Wakes::new();
        let mut recv = pin!(ticks.recv());
        let mut context = Context::from_waker(&waker);
        bus.publish(Tick(2));
        assert!(recv.as_mut().poll(&mut context).is_pending());
        assert_eq!(wakes.count(), 0);
        clock.advance(SECOND);
        assert_eq!(wakes.count(), 1);
        assert!(recv.as_mut().poll(&mut context).is_ready());
    }
}

#[test]
fn what_is_queued_when_a_slow_reader_comes_back_is_one_burst() {
    for (clock, bus) in buses() {
        let mut ticks = ticks(&bus).throttle(SECOND);
        publish_all(&bus, (1..=3).map(Tick));
        assert_eq!(tick(&mut ticks), Some((3, 2)));
        clock.advance(100 * SECOND);
        publish_all(&bus, (4..=50).map(Tick));
        assert_eq!(tick(&mut ticks), Some((50, 46)));
    }
}

#[test]
fn times_of_zero_hand_out_each_item_at_once() {
    for (_clock, bus) in buses() {
        let zero = Duration::ZERO;
        let mut all = [
            ticks(&bus).debounce(zero, SECOND),
            ticks(&bus).debounce(SECOND, zero),
            ticks(&bus).throttle(zero),
        ];
        publish_all(&bus, (1..=3).map(Tick));
        for paced in &mut all {
            for number in 1..=3 {
                assert_eq!(tick(paced), Some((number, 0)));
            }
            assert_eq!(tick(paced), None);
        }
    }
}

#[test]
fn times_beyond_all_time_hold_back_until_the_bus_closes() {
    for (clock, bus) in buses() {
        let mut debounced = ticks(&bus).debounce(Duration::MAX, Duration::MAX);
        let mut throttled = ticks(&bus).throttle(Duration::MAX);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut throttled), Some((1, 0)));
        bus.publish(Tick(2));
        for paced in [&mut debounced, &mut throttled] {
            assert_eq!(tick(paced), None);
        }
        clock.advance(1_000_000 * SECOND);
        assert_eq!(tick(&mut debounced), None);
        bus.close();
        assert_eq!(tick(&mut debounced), Some((2, 1)));
        assert_eq!(tick(&mut throttled), Some((2, 0)));
    }
}

#[test]
fn bus_that_closes_hands_out_what_is_held_back_then_the_end() {
    for (_clock, bus) in buses() {
        let mut held = ticks(&bus).debounce(SECOND, SECOND);
        let mut queued = ticks(&bus).debounce(SECOND, SECOND);
        let mut nothing = ticks(&bus).throttle(SECOND);
        bus.publish(Tick(1));
        assert_eq!(tick(&mut held), None);
        assert_eq!(tick(&mut nothing), Some((1, 0)));
        let (wakes, waker) = crate::support::Wakes::new();
        let mut recv = pin!(held.recv());
        assert!(recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        bus.close();
        assert_eq!(wakes.count(), 1);
        let Poll::Ready(Some(burst)) = recv.as_mut().poll(&mut Context::from_waker(&waker)) else {
            panic!("at once")
        };
        assert_eq!((burst.0, burst.merged()), (1, 0));
        assert_eq!(tick(&mut queued), Some((1, 0)), "what was not even read");
        for paced in [&mut queued, &mut nothing] {
            assert!((0..2).all(|_| matches!(now(paced), Some(None))));
        }
    }
}

#[test]
fn capacity_does_not_limit_what_is_merged() {
    for (clock, bus) in buses() {
        let mut ticks = bus
            .subscriber("clock")
            .late()
            .capacity(2)
            .subscribe::<Tick>()
            .debounce(SECOND, Duration::MAX);
        for round in 0..100 {
            publish_all(&bus, (2 * round..2 * round + 2).map(Tick));
            assert_eq!(tick(&mut ticks), None);
        }
        clock.advance(SECOND);
        let burst = now(&mut ticks).unwrap().unwrap();
        assert_eq!((burst.0, burst.merged(), burst.missed()), (199, 199, 0));
    }
}

#[test]
fn missed_events_before_merged_items_are_told_with_the_burst() {
    for (clock, bus) in buses() {
        let mut ticks = bus
            .subscriber("clock")
            .late()
            .capacity(1)
            .subscribe::<Tick>()
            .debounce(SECOND, Duration::MAX);
        for losses in [2, 0, 3, 0] {
            publish_all(&bus, (0..=losses).map(Tick));
            assert_eq!(tick(&mut ticks), None);
        }
        clock.advance(SECOND);
        let burst = now(&mut ticks).unwrap().unwrap();
        assert_eq!((burst.merged(), burst.missed()), (3, 5));
        assert_eq!(burst.into_item().missed(), 3, "of the last item alone");
    }
}

#[test]
fn latest_of_a_set_is_the_last_item_of_any_variant() {
    for (clock, bus) in buses() {
        let late = || bus.subscriber("either").late();
        let mut either = late().subscribe::<Either>().debounce(SECOND, SECOND);
        let mut all = late().subscribe::<AnyEvent>().debounce(SECOND, SECOND);
        let mut some = late().subscribe_matching("pace.*").throttle(SECOND);
        bus.publish(Tick(1));
        bus.publish(Tock(2));
        assert!(now(&mut either).is_none() && now(&mut all).is_none());
        clock.advance(SECOND);
        let burst = now(&mut either).unwrap().unwrap();
        assert!(matches!(&*burst, Either::Tock(tock) if tock.0 == 2));
        assert_eq!(burst.merged(), 1);
        assert_eq!(now(&mut all).unwrap().unwrap().event_type(), "pace.tock");
        assert_eq!(now(&mut some).unwrap().unwrap().merged(), 1);
        bus.publish(Tock(3));
        bus.publish(Tick(4));
        assert!(now(&mut either).is_none());
        clock.advance(SECOND);
        let burst = now(&mut either).unwrap().unwrap();
        assert!(matches!(&*burst, Either::Tick(tick) if tick.0 == 4));
    }
}

#[derive(Debug, Event)]
#[event(type = "pace.counted")]
struct Counted(#[expect(dead_code, reason = "counted")] Token);

#[test]
fn items_that_are_merged_away_are_freed_at_once() {
    for (_clock, bus) in buses() {
        let census = Census::default();
        let paced = bus.subscriber("reader").late().subscribe::<Counted>();
        let mut paced = paced.debounce(SECOND, SECOND);
        for _ in 0..10 {
            bus.publish(Counted(census.token()));
            assert!(now(&mut paced).is_none());
            assert_eq!(census.alive(), 1);
        }
        drop(paced);
        assert_eq!(census.alive(), 0);
    }
}

/// Each item that is merged away publishes another one.
#[test]
fn stream_that_never_ends_lets_the_executor_go() {
    #[derive(Debug, Event)]
    #[event(type = "pace.again")]
    struct Again(#[expect(dead_code, reason = "dropped with the event")] OnDrop);

    fn again(bus: &Bus, goes_on: &Arc<AtomicBool>) -> Again {
        let (bus, goes_on) = (bus.clone(), Arc::clone(goes_on));
        Again(OnDrop::new(move || {
            if goes_on.load(Ordering::SeqCst) {
                bus.publish(again(&bus, &goes_on));
            }
        }))
    }
    for (clock, bus) in buses() {
        let paced = bus.subscriber("reader").late().subscribe::<Again>();
        let mut paced = paced.debounce(SECOND, 2 * SECOND);
        let goes_on = Arc::new(AtomicBool::new(true));
        bus.publish(again(&bus, &goes_on));
        bus.publish(again(&bus, &goes_on));
        let (wakes, waker) = crate::support::Wakes::new();
        let mut recv = Box::pin(paced.recv());
        let mut context = Context::from_waker(&waker);
        for polls in 1..=3 {
            assert!(recv.as_mut().poll(&mut context).is_pending());
            assert_eq!(wakes.count(), polls, "it comes back by itself");
        }
        clock.advance(2 * SECOND);
        let Poll::Ready(Some(burst)) = recv.as_mut().poll(&mut context) else {
            panic!("its time is over")
        };
        assert!(burst.merged() > 300, "{}", burst.merged());
        goes_on.store(false, Ordering::SeqCst);
    }
}
