//! Futures that are dropped or leaked after any number of polls, whatever happens in between.

use std::future::Future;
use std::iter::Take;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use callboard::testing::{ManualClock, settle, settle_within};
use callboard::{
    AnyEvent, Batch, Bus, Call, Clock, EventSet, Phase, Responder, Subscription, SystemClock,
};
use futures_lite::StreamExt;

use super::{Answer, Ask, Tick};
use crate::support::{Log, PATIENCE, Wakes, forget, in_time, poll, poll_with, publish_all, soon};

/// How a future is abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Dropped,
    Forgotten,
}

/// More polls than any of these futures takes.
const POLLS: usize = 5;

/// Every way to abandon a future.
fn cuts() -> impl Iterator<Item = (usize, End)> {
    (0..=POLLS).flat_map(|polls| [(polls, End::Dropped), (polls, End::Forgotten)])
}

/// Polls a future up to `polls` times, with `before` called before each poll and before the end,
/// and abandons it. Returns its output, if it was ready.
fn cut<F: Future>(
    future: F,
    (polls, end): (usize, End),
    mut before: impl FnMut(usize),
) -> Option<F::Output> {
    let (_, waker) = Wakes::new();
    let mut future = Box::pin(future);
    let mut output = None;
    for number in 0..polls {
        before(number);
        if let Poll::Ready(ready) = poll_with(&mut future, &waker) {
            output = Some(ready);
            break;
        }
    }
    if output.is_none() {
        // The future may be woken by this, but is never polled again.
        before(polls);
    }
    match end {
        End::Dropped => drop(future),
        End::Forgotten => forget(future),
    }
    output
}

/// Receives, perhaps into the list.
type Receive<S> = for<'a> fn(
    &'a mut Subscription<S>,
    &'a mut Vec<<S as EventSet>::Item>,
) -> Pin<Box<dyn Future<Output = Vec<<S as EventSet>::Item>> + 'a>>;

/// Receives one event after the other by futures that are mostly abandoned.
fn receive<S: EventSet>(number: fn(S::Item) -> u64, receive: Receive<S>) {
    for (queued, at) in [(0, 0), (0, 1), (0, 2), (3, 0)] {
        for way in cuts() {
            in_time(&format!("receiving, {way:?}"), move || {
                let bus = Bus::new();
                let mut subscription = bus.subscribe::<S>("reader");
                bus.start();
                publish_all(&bus, (0..queued).map(Tick));
                let mut buffer = Vec::new();
                let got = cut(receive(&mut subscription, &mut buffer), way, |poll| {
                    if poll == at {
                        publish_all(&bus, (queued..queued + 2).map(Tick));
                    }
                });
                let published = queued + if way.0 >= at { 2 } else { 0 };
                let mut got: Vec<u64> = got.into_iter().flatten().map(number).collect();
                got.extend(buffer.into_iter().map(number));
                got.extend(subscription.try_iter().map(number));
                assert!(got.into_iter().eq(0..published), "{way:?}");

                // A later receiver sleeps and is woken.
                let (wakes, waker) = Wakes::new();
                let mut recv = subscription.recv();
                assert!(poll_with(&mut recv, &waker).is_pending());
                bus.publish(Tick(9));
                assert_eq!(wakes.count(), 1, "{way:?}");
                let Poll::Ready(Some(item)) = poll(&mut recv) else { panic!("it is queued") };
                assert_eq!(number(item), 9);
                assert!(bus.snapshot().balances());
            });
        }
    }
}

#[test]
fn receiving_loses_nothing() {
    fn in_all_ways<S: EventSet>(number: fn(S::Item) -> u64) {
        receive::<S>(number, |events, _| {
            Box::pin(async { events.recv().await.into_iter().collect() })
        });
        receive::<S>(number, |events, _| {
            Box::pin(async { events.next().await.into_iter().collect() })
        });
        receive::<S>(number, |events, buffer| {
            Box::pin(async {
                events.recv_many(buffer, 2).await;
                Vec::new()
            })
        });
    }
    in_all_ways::<Tick>(|tick| tick.0);
    in_all_ways::<AnyEvent>(number);
}

#[test]
fn receiving_batches_loses_nothing() {
    batches::<Tick>(|tick| tick.0, |batch| batch.map(|tick| tick.0).collect());
    batches::<AnyEvent>(number, |batch| batch.map(|event| number(event.keep())).collect());
}

fn number(event: AnyEvent) -> u64 {
    event.downcast_ref::<Tick>().map_or(0, |tick| tick.0)
}

/// Receives batches by futures that are mostly abandoned, and takes one event of each.
fn batches<S: EventSet>(number: fn(S::Item) -> u64, of: fn(Take<Batch<'_, S>>) -> Vec<u64>) {
    for way in cuts() {
        in_time(&format!("receiving a batch, {way:?}"), move || {
            let bus = Bus::new();
            let mut reader = bus.subscribe::<S>("reader");
            bus.start();
            let batch = cut(reader.recv_batch(), way, |poll| {
                if poll == 2 {
                    publish_all(&bus, (0..3).map(Tick));
                }
            });
            let mut got = batch.flatten().map_or_else(Vec::new, |batch| of(batch.take(1)));
            got.extend(reader.try_iter().map(number));
            assert!(got.into_iter().eq(0..if way.0 >= 2 { 3 } else { 0 }), "{way:?}");
            assert_still_read(&bus, reader);
        });
    }
}

#[test]
fn batch_may_be_forgotten() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("reader");
    bus.start();
    publish_all(&bus, (0..3).map(Tick));
    let mut batch = ticks.try_recv_batch().unwrap();
    assert_eq!(batch.next().map(|tick| tick.0), Some(0));
    forget(batch);
    assert!(ticks.try_iter().map(|tick| tick.0).eq(1..3));
    assert_still_read(&bus, ticks);
}

/// A later receiver sleeps and is woken.
fn assert_still_read<S: EventSet>(bus: &Bus, mut ticks: Subscription<S>) {
    let (wakes, waker) = Wakes::new();
    let mut recv = ticks.recv();
    assert!(poll_with(&mut recv, &waker).is_pending());
    bus.publish(Tick(9));
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut recv).is_ready() && bus.snapshot().balances());
}

#[test]
fn asking_leaves_nothing_behind_but_what_is_forgotten() {
    for way @ (polls, end) in cuts() {
        in_time(&format!("asking, {way:?}"), move || {
            let bus = Bus::new();
            let mut cast = ["a", "b"].map(|name| bus.responder::<Ask>(name));
            bus.start();
            let mut held = None;
            let gathered = cut(bus.request(Ask).expect(["a", "b"]).gather(), way, |poll| {
                let [a, b] = &mut cast;
                match poll {
                    1 => a.try_recv().unwrap().respond(Answer(1)),
                    2 => held = Some(b.try_recv().unwrap()),
                    3 => held.take().unwrap().respond(Answer(2)),
                    _ => {}
                }
            });
            assert_eq!(gathered.is_some(), polls > 3);
            let open = bus.snapshot().requests.open.len();
            let forgotten = end == End::Forgotten && (1..=3).contains(&polls);
            assert_eq!(open, usize::from(forgotten), "{way:?}");
            if let Some(call) = held {
                assert_eq!(call.is_open(), forgotten);
                call.respond(Answer(3));
            }
            let queued: usize = cast.iter().map(Subscription::len).sum();
            assert!(forgotten || queued == 0, "{way:?}: it was taken back");
            for responder in &mut cast {
                responder.try_iter().for_each(|call| call.respond(Answer(4)));
            }
            assert_still_answered(&bus, &mut cast[0]);
            bus.close();
            assert!(bus.snapshot().balances());
        });
    }
}

#[test]
fn asking_before_the_start_leaves_nothing_in_the_buffer() {
    for way @ (polls, end) in cuts() {
        in_time(&format!("asking before the start, {way:?}"), move || {
            let clock = ManualClock::new();
            let bus = Bus::builder().clock(clock.clone()).build().unwrap();
            let mut a = bus.responder::<Ask>("a");
            let request = bus.request(Ask).expect(["a"]).timeout(Duration::from_secs(1));
            let gathered = cut(request.gather(), way, |poll| {
                if poll == 3 {
                    clock.advance(Duration::from_secs(1));
                }
            });
            assert_eq!(gathered.is_some(), polls > 3, "{way:?}: it ends with its time");
            let left = usize::from(end == End::Forgotten && (1..=3).contains(&polls));
            assert_eq!(bus.snapshot().requests.open.len(), left, "{way:?}");
            bus.start();
            assert_eq!(a.try_iter().count(), left, "{way:?}: the others were taken back");
            assert_still_answered(&bus, &mut a);
            assert!(bus.snapshot().balances());
        });
    }
}

fn assert_still_answered(bus: &Bus, a: &mut Responder<Ask>) {
    let mut gather = bus.request(Ask).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    a.try_recv().unwrap().respond(Answer(5));
    let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("it was answered") };
    assert_eq!(gathered.get("a").unwrap().0, 5);
}

#[test]
fn starting_may_be_given_up_and_tried_again() {
    for way @ (polls, _) in cuts() {
        in_time(&format!("starting, {way:?}"), move || {
            let bus = Bus::builder().expect_subscribers(["a"]).build().unwrap();
            bus.publish(Tick(0));
            let mut a = None;
            let started = cut(bus.start_when_ready(Duration::MAX), way, |poll| {
                if poll == 2 {
                    a = Some(bus.subscribe::<Tick>("a"));
                }
            });
            let phase = if polls > 2 { Phase::Running } else { Phase::Buffering };
            assert_eq!((bus.phase(), started.is_some()), (phase, polls > 2));
            let mut a = a.unwrap_or_else(|| bus.subscribe::<Tick>("a"));
            assert!(soon("the start", bus.start_when_ready(PATIENCE)).is_ok());
            assert_eq!(a.try_recv().unwrap().0, 0);
            assert_still_read(&bus, a);
        });
    }
}

#[test]
fn draining_may_be_given_up_and_tried_again() {
    for way @ (polls, _) in cuts() {
        in_time(&format!("draining, {way:?}"), move || {
            let bus = Bus::new();
            let mut ticks = bus.subscribe::<Tick>("reader");
            bus.start();
            bus.publish(Tick(0));
            let mut taken = 0;
            let drained = cut(bus.close_and_drain(Duration::MAX), way, |poll| {
                if poll == 2 {
                    taken = ticks.try_iter().count();
                }
            });
            assert_eq!(drained, (polls > 2).then_some(Ok(())));
            let phase = if polls > 0 { Phase::Closed } else { Phase::Running };
            assert_eq!(bus.phase(), phase);
            assert_eq!(taken + ticks.try_iter().count(), 1, "what is queued stays");
            assert_eq!(soon("the drain", bus.close_and_drain(PATIENCE)), Ok(()));
        });
    }
}

#[test]
fn settling_may_be_given_up_and_tried_again() {
    for way @ (polls, _) in cuts() {
        in_time(&format!("settling, {way:?}"), move || {
            let bus = Bus::new();
            let mut ticks = bus.subscribe::<Tick>("reader");
            bus.start();
            bus.publish(Tick(0));
            let settled = cut(settle_within(&bus, Duration::MAX), way, |poll| {
                if poll == 2 {
                    assert_eq!(ticks.try_iter().count(), 1);
                }
            });
            assert_eq!(settled, (polls > 2).then_some(Ok(())));
            let _ = ticks.try_iter().count();
            assert_eq!(soon("the rest", settle(&bus)), Ok(()));
            assert_still_read(&bus, ticks);
        });
    }
}

#[test]
fn sleeping_may_be_given_up() {
    const SECOND: Duration = Duration::from_secs(1);
    for way @ (polls, _) in cuts() {
        in_time(&format!("sleeping, {way:?}"), move || {
            let clock = ManualClock::new();
            let (wakes, waker) = Wakes::new();
            let mut other = clock.sleep_until(clock.now() + 2 * SECOND);
            assert!(poll_with(&mut other, &waker).is_pending());
            let slept = cut(clock.sleep_until(clock.now() + SECOND), way, |poll| {
                if poll == 2 {
                    clock.advance(SECOND);
                }
            });
            assert_eq!(slept.is_some(), polls > 2);
            clock.advance(2 * SECOND);
            assert_eq!((wakes.count(), poll(&mut other)), (1, Poll::Ready(())));

            let hour = SystemClock.now() + 3_600 * SECOND;
            assert!(cut(SystemClock.sleep_until(hour), way, |_| {}).is_none());
            let moment = SystemClock.now() + Duration::from_millis(1);
            soon("the next alarm", SystemClock.sleep_until(moment));
        });
    }
}

#[test]
fn serving_may_be_given_up() {
    for limit in [1, 3] {
        for way @ (polls, end) in cuts() {
            in_time(&format!("serving, {way:?}"), move || {
                let bus = Bus::new();
                let served = bus.subscriber("served").capacity(4).subscribe::<Tick>();
                let ticks = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Tick>();
                let mut a = bus.responder::<Ask>("a");
                bus.start();
                let handled = Log::new();
                let serving = served.serve_concurrent(limit, async |tick| {
                    futures_lite::future::yield_now().await;
                    handled.push(tick.0);
                });
                let ended = cut(serving, way, |poll| {
                    bus.publish(Tick(poll as u64));
                });
                assert!(
                    ended.is_none() && handled.take().into_iter().eq(0..polls.max(1) as u64 - 1)
                );
                publish_all(&bus, (0..9).map(Tick));
                let snapshot = bus.snapshot();
                let left = snapshot.subscriber("served").map(|served| served.queued);
                assert_eq!(left, (end == End::Forgotten).then_some(4), "{way:?}");
                assert_eq!(ticks.len(), polls + 10, "{way:?}: nobody else is concerned");
                assert_still_answered(&bus, &mut a);
                assert!(bus.snapshot().balances());
            });
        }
    }
}

#[test]
fn serving_calls_may_be_given_up() {
    for way @ (polls, end) in cuts() {
        in_time(&format!("serving calls, {way:?}"), move || {
            let bus = Bus::new();
            let oracle = bus.responder::<Ask>("oracle");
            bus.start();
            let mut gather = bus.request(Ask).expect(["oracle"]).gather();
            let serving = oracle.serve(async |call: Call<Ask>| {
                futures_lite::future::yield_now().await;
                futures_lite::future::yield_now().await;
                call.respond(Answer(1));
            });
            let mut asked = poll(&mut gather);
            cut(serving, way, |_| {});
            if asked.is_pending() {
                asked = poll(&mut gather);
            }
            // A leaked call is never dropped: only the timeout ends it, like a call that is being
            // handled.
            let told = polls > 2 || end == End::Dropped;
            assert_eq!(asked.is_ready(), told, "{way:?}");
            drop(gather);
            assert!(bus.snapshot().requests.open.is_empty() && bus.snapshot().balances());
        });
    }
}
