//! How long handlers take, as percentiles of a histogram.

use std::pin::pin;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{Bus, Event, HandlerTimes};

use crate::support::{poll, publish_all};

#[derive(Debug, Event)]
struct Job(Duration);

/// The stats of handlers that took these times, one after the other.
fn times_of(times: impl IntoIterator<Item = Duration>) -> HandlerTimes {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let jobs = bus.subscriber("worker").capacity(usize::MAX).subscribe::<Job>();
    bus.start();
    publish_all(&bus, times.into_iter().map(Job));
    assert!(bus.snapshot().subscribers[0].handler_times.is_none(), "none was handled");
    let mut serving = pin!(jobs.serve_async(async |job| clock.advance(job.0)));
    while bus.snapshot().subscribers[0].queued > 0 {
        assert!(poll(&mut serving).is_pending());
    }
    let subscriber = bus.snapshot().subscribers.remove(0);
    let times = subscriber.handler_times.unwrap();
    assert_eq!((times.count, times.max), (subscriber.handled, subscriber.longest));
    times
}

/// Whether `shown` is the time, or at most an eighth above it.
fn is_near(shown: Duration, time: Duration) -> bool {
    shown >= time && shown - time <= time / 8
}

#[test]
fn percentiles_are_those_of_all_handlings() {
    // 1 ms to 1,000 ms, shuffled.
    let times = times_of((0..1_000).map(|n| Duration::from_millis(n * 387 % 1_000 + 1)));
    let expected = [(times.p50, 500), (times.p90, 900), (times.p99, 990)];
    for (shown, milliseconds) in expected {
        let time = Duration::from_millis(milliseconds);
        assert!(is_near(shown, time), "{shown:?} for {time:?}");
    }
    assert_eq!((times.count, times.max), (1_000, Duration::from_secs(1)));
}

#[test]
fn percentile_is_the_time_that_so_many_took_at_most() {
    let (short, long) = (Duration::from_micros(10), Duration::from_secs(7));
    let of = |shorts, longs| {
        let shorts = std::iter::repeat_n(short, shorts);
        times_of(shorts.chain(std::iter::repeat_n(long, longs)))
    };
    let one = of(0, 1);
    assert_eq!((one.p50, one.p90, one.p99, one.max), (long, long, long, long), "exactly");
    let half = of(1, 1);
    assert!(is_near(half.p50, short), "half of them took no longer: {:?}", half.p50);
    assert_eq!(half.p90, long);
    let ninety = of(90, 10);
    assert!(is_near(ninety.p90, short), "90 % of them took no longer: {:?}", ninety.p90);
    assert_eq!(of(89, 11).p90, long);
}

#[test]
fn buckets_hold_every_handling_once() {
    let times = times_of([Duration::ZERO, Duration::from_nanos(900), Duration::from_millis(3)]);
    let [first, last] = times.buckets[..] else { panic!("{:?}", times.buckets) };
    assert_eq!(first, (Duration::from_nanos(1_024), 2));
    assert!(is_near(last.0, Duration::from_millis(3)));
    assert_eq!(last.1, 1);
    // No percentile is above the longest time.
    assert_eq!(times_of([Duration::from_nanos(900)]).p50, Duration::from_nanos(900));
}

#[test]
fn display_is_one_line() {
    let times = times_of([Duration::from_millis(2)]);
    assert_eq!(times.to_string(), "1 handled: p50 2.0ms, p90 2.0ms, p99 2.0ms, max 2.0ms");
}

#[test]
fn times_of_hand_written_loops_are_known_if_the_bus_keeps_time() {
    let clock = ManualClock::new();
    for keeps in [false, true] {
        let bus = Bus::builder().timestamps(keeps).clock(clock.clone()).build().unwrap();
        let mut jobs = bus.subscribe::<Job>("worker");
        bus.start();
        bus.publish(Job(Duration::ZERO));
        let job = jobs.try_recv().unwrap();
        clock.advance(Duration::from_secs(1));
        assert!(jobs.try_recv().is_err(), "it is done with {job:?}");
        let times = bus.snapshot().subscribers[0].handler_times.clone();
        let counted = times.map(|times| (times.count, times.p50));
        assert_eq!(counted, keeps.then_some((1, Duration::from_secs(1))));
    }
}
