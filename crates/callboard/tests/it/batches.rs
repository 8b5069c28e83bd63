//! Lent batches: their events may be kept or dropped in any order and on any thread, and tasks that
//! wait for their reader are notified when it is done.

use std::pin::pin;
use std::thread;

use callboard::testing::settle_within;
use callboard::{AnyEvent, Bus, Event, EventRef, EventSet, Priority, Subscription};

use crate::support::{Census, PATIENCE, Token, Wakes, in_time, poll, poll_with, publish_all, soon};

#[derive(Debug, Event)]
struct Number(u64);

#[derive(Debug, Event)]
struct Counted(u64, #[expect(dead_code, reason = "only counted")] Token);

#[test]
fn batch_keeps_the_order_of_what_comes_from_elsewhere() {
    let bus = Bus::new();
    let mut numbers = bus.subscribe::<Number>("reader");
    bus.start();
    bus.publish(Number(1));
    bus.pause();
    bus.publish(Number(2));
    bus.start();
    publish_all(&bus, (3..=5).map(Number));
    bus.publish_with(Number(0), Priority::High);
    let mut seen = Vec::new();
    while let Ok(batch) = numbers.try_recv_batch() {
        seen.extend(batch.map(|number| number.0));
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn last_event_of_a_batch_ends_the_wait_for_the_drain() {
    let bus = Bus::new();
    let mut numbers = bus.subscribe::<Number>("reader");
    bus.start();
    publish_all(&bus, (0..3).map(Number));
    let (wakes, waker) = Wakes::new();
    let mut drain = pin!(bus.close_and_drain(PATIENCE));
    assert!(poll_with(&mut drain, &waker).is_pending());
    let mut batch = numbers.try_recv_batch().unwrap();
    let told = [(); 3].map(|()| {
        assert!(batch.next().is_some());
        wakes.count() > 0
    });
    assert_eq!(told, [false, false, true]);
    assert!(poll(&mut drain).is_ready());
}

#[test]
fn lent_events_outlive_their_batch_in_any_order_and_on_any_thread() {
    /// More than a few blocks of the log.
    const MANY: u64 = 1_000;
    let (bus, census) = (Bus::new(), Census::default());
    let mut reader = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Counted>();
    let mut other = bus.subscriber("other").capacity(usize::MAX).subscribe::<Counted>();
    bus.start();
    publish_all(&bus, (0..MANY).map(|number| Counted(number, census.token())));
    let (mut kept, mut next) = (Vec::new(), 0);
    while let Ok(batch) = reader.try_recv_batch() {
        let lent: Vec<EventRef<'_, Counted>> = batch.collect();
        thread::scope(|scope| {
            for (place, event) in lent.into_iter().enumerate().rev() {
                assert_eq!(event.0, next + place as u64);
                match place % 3 {
                    0 => kept.push(event.keep()),
                    1 => drop(event),
                    _ => drop(scope.spawn(move || drop(event))),
                }
            }
            other.try_iter().take(7).for_each(drop);
        });
        next = reader.ledger().delivered;
    }
    assert_eq!(next, MANY);
    drop((reader, other, bus));
    assert_eq!(census.alive(), kept.len());
    drop(kept);
    assert_eq!(census.alive(), 0);
}

#[test]
fn closed_reader_of_batches_is_not_waited_for() {
    in_time("whoever waits for a reader of batches", || {
        for park in [false, true] {
            let bus = Bus::new();
            let mut numbers = bus.subscribe::<Number>("reader");
            bus.start();
            bus.publish(Number(1));
            bus.close();
            assert!(numbers.try_recv_batch().unwrap().next().is_some());
            let mut settled = pin!(settle_within(&bus, 10 * PATIENCE));
            let (wakes, waker) = Wakes::new();
            let pending = poll_with(&mut settled, &waker).is_pending();
            assert!(pending, "the reader has an event in hand");
            let end = if park {
                numbers.blocking_recv_batch().is_none()
            } else {
                soon("the end", numbers.recv_batch()).is_none()
            };
            assert!(end);
            assert_eq!(wakes.count(), 1, "nobody says that the reader is done");
            assert!(poll(&mut settled).is_ready());
        }
    });
}

#[test]
fn reader_at_the_end_of_a_batch_is_not_waited_for() {
    fn check<S: EventSet>(bus: &Bus, mut reader: Subscription<S>) {
        bus.start();
        bus.publish(Number(1));
        let mut batch = reader.try_recv_batch().unwrap();
        assert!(batch.next().is_some());
        let mut settled = pin!(settle_within(bus, 10 * PATIENCE));
        let (wakes, waker) = Wakes::new();
        assert!(poll_with(&mut settled, &waker).is_pending());
        assert!(batch.next().is_none());
        assert!(wakes.count() > 0, "nobody says that the reader has asked for the next");
        assert!(poll(&mut settled).is_ready());
    }
    let bus = Bus::new();
    check(&bus, bus.subscribe::<Number>("log"));
    check(&bus, bus.subscribe::<AnyEvent>("queue"));
}

#[test]
fn drain_does_not_wait_for_a_reader_with_its_last_event_in_hand() {
    let bus = Bus::new();
    let mut numbers = bus.subscribe::<Number>("reader");
    bus.start();
    publish_all(&bus, (0..2).map(Number));
    let mut drain = pin!(bus.close_and_drain(10 * PATIENCE));
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut drain, &waker).is_pending());
    let mut batch = numbers.try_recv_batch().unwrap();
    let (first, last) = (batch.next(), batch.next());
    assert!(wakes.count() > 0, "nobody says that the log has been drained");
    assert!(poll(&mut drain).is_ready());
    drop((first, last));
}

#[test]
fn batch_of_a_queue_ends_so_that_its_reader_sees_to_others() {
    let bus = Bus::new();
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.start();
    publish_all(&bus, (0..100).map(Number));
    let lengths = std::iter::from_fn(|| Some(all.try_recv_batch().ok()?.count()));
    assert!(lengths.eq([32, 32, 32, 4]));
}

#[test]
fn batch_is_in_hand_until_it_has_no_next() {
    /// More events than a batch of either kind has.
    const MANY: u64 = 100;
    let bus = Bus::new();
    let mut log = bus.subscribe::<Number>("log");
    let mut queue = bus.subscribe::<AnyEvent>("queue");
    bus.start();
    publish_all(&bus, (0..MANY).map(Number));
    let in_hand = |name| bus.snapshot().subscriber(name).unwrap().in_hand;
    assert_eq!((in_hand("log"), in_hand("queue")), (false, false));
    for _ in 0..5 {
        let batches = (log.try_recv_batch(), queue.try_recv_batch());
        let (Ok(mut lent), Ok(mut owned)) = batches else { break };
        assert_eq!((in_hand("log"), in_hand("queue")), (true, true));
        while lent.next().is_some() {
            assert!(in_hand("log"));
        }
        while owned.next().is_some() {
            assert!(in_hand("queue"));
        }
        assert_eq!((in_hand("log"), in_hand("queue")), (false, false));
    }
}
