//! Lent batches: their events may be kept or dropped in any order and on any thread, and tasks that
//! wait for their reader are notified when it is done.

mod gaps;

use std::ops::Range;
use std::pin::pin;
use std::thread;

use callboard::testing::settle_within;
use callboard::{
    AnyEvent, Bus, Call, Delivery, Event, EventRef, EventSet, Overflow, Priority, Received,
    Request, Subscription,
};

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

#[derive(Debug, Event)]
struct Text(String);

/// Two logs, whose events have destructors.
#[derive(Debug, EventSet)]
enum Inbox {
    Counted(Delivery<Counted>),
    Text(Delivery<Text>),
}

/// Publishes an event to each of the two logs in turn: the numbers of a range.
fn publish_in_turn(bus: &Bus, census: &Census, numbers: Range<u64>) {
    for number in numbers {
        let delivered = if number % 2 == 0 {
            bus.publish(Counted(number, census.token())).delivered()
        } else {
            bus.publish(Text(number.to_string())).delivered()
        };
        assert_eq!(delivered, 2);
    }
}

/// What a batch of two logs lends stays as it is while the blocks that other readers have left are
/// used again.
#[test]
fn lent_events_of_a_set_outlive_their_batch_in_any_order_and_on_any_thread() {
    const MANY: u64 = 2_000;
    let (bus, census) = (Bus::new(), Census::default());
    let mut reader = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Inbox>();
    let mut all = bus.subscriber("all").capacity(usize::MAX).subscribe::<AnyEvent>();
    bus.start();
    let (mut kept, mut next, mut lengths) = (Vec::new(), 0, Vec::new());
    for round in 0..MANY / 100 {
        publish_in_turn(&bus, &census, 100 * round..100 * (round + 1));
        let mut others = 70;
        while let Ok(batch) = reader.try_recv_batch() {
            let lent: Vec<InboxRef<'_>> = batch.collect();
            lengths.push(lent.len());
            // What the other reader leaves is used again by the next events.
            all.try_iter().for_each(drop);
            publish_all(&bus, (0..std::mem::take(&mut others)).map(|_| Text("other".into())));
            thread::scope(|scope| {
                for (place, item) in lent.into_iter().enumerate().rev() {
                    let number = match &item {
                        InboxRef::Counted(event) => event.0,
                        InboxRef::Text(text) if text.0 == "other" => continue,
                        InboxRef::Text(text) => text.0.parse().unwrap(),
                    };
                    match place % 3 {
                        0 => kept.push((number, item.keep())),
                        1 => drop(item),
                        _ => drop(scope.spawn(move || drop(item))),
                    }
                    next += 1;
                }
            });
            all.try_iter().for_each(drop);
        }
    }
    assert_eq!(next, MANY);
    assert!(lengths.iter().any(|length| *length > 40), "{lengths:?}");
    for (number, item) in &kept {
        match item {
            Inbox::Counted(event) => assert_eq!(event.0, *number),
            Inbox::Text(text) => assert_eq!(text.0, number.to_string()),
        }
    }
    drop((reader, all, bus));
    let counted = kept.iter().filter(|(number, _)| number % 2 == 0).count();
    assert_eq!(census.alive(), counted);
    drop(kept);
    assert_eq!(census.alive(), 0);
}

#[test]
fn batch_of_everything_lends_events_in_one_order() {
    let (bus, census) = (Bus::new(), Census::default());
    let mut all = bus.subscriber("all").capacity(200).subscribe::<AnyEvent>();
    let mut set = bus.subscriber("set").capacity(200).subscribe::<Inbox>();
    bus.start();
    publish_in_turn(&bus, &census, 0..200);
    let mut next = 0;
    while let Ok(batch) = all.try_recv_batch() {
        for event in batch {
            assert_eq!((event.sequence(), event.missed()), (next + 1, 0));
            match event.downcast::<Counted>() {
                Ok(counted) => assert_eq!((counted.0, counted.sequence()), (next, next + 1)),
                Err(event) => {
                    assert!(event.is::<Text>() && !event.is::<Counted>());
                    assert_eq!(format!("{event:?}"), format!("Text(\"{next}\")"));
                    assert_eq!(event.keep().event_type(), "text");
                }
            }
            next += 1;
        }
    }
    assert_eq!(next, 200);
    let mut sequences = 0;
    while let Ok(batch) = set.try_recv_batch() {
        for item in batch {
            sequences += 1;
            assert_eq!(item.sequence(), sequences);
            assert_eq!(item.event_type(), ["text", "counted"][sequences as usize % 2]);
        }
    }
    assert_eq!(sequences, 200);
    assert_eq!(census.alive(), 0);
}

#[derive(Debug, Request)]
#[request(response = Number)]
struct Question;

#[derive(Debug, EventSet)]
enum Desk {
    Number(Delivery<Number>),
    Asked(Call<Question>),
}

/// Calls come by a queue, and events by logs.
#[test]
fn batch_of_a_set_keeps_the_order_of_what_comes_from_elsewhere() {
    let bus = Bus::new();
    let mut desk = bus.subscribe::<Desk>("desk");
    bus.start();
    bus.publish(Number(1));
    let mut asked = pin!(bus.request(Question).expect(["desk"]).gather());
    assert!(poll(&mut asked).is_pending());
    publish_all(&bus, (3..5).map(Number));
    let mut seen = Vec::new();
    while let Ok(batch) = desk.try_recv_batch() {
        seen.extend(batch.map(|item| match item {
            DeskRef::Number(number) => number.0,
            DeskRef::Asked(call) => {
                call.respond(Number(0));
                2
            }
        }));
    }
    // The answer, too, is a number.
    assert_eq!(seen, [1, 2, 3, 4, 0]);
    assert!(poll(&mut asked).is_ready());
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
    let drops_oldest = bus.subscriber("oldest").overflow(Overflow::DropOldest);
    let mut oldest = drops_oldest.subscribe::<AnyEvent>();
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.start();
    publish_all(&bus, (0..100).map(Number));
    let lengths = std::iter::from_fn(|| Some(oldest.try_recv_batch().ok()?.count()));
    assert!(lengths.eq([32, 32, 32, 4]));
    let lengths = std::iter::from_fn(|| Some(all.try_recv_batch().ok()?.count()));
    assert!(lengths.eq([64, 36]));
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
        let (Ok(mut lent), Ok(mut any)) = batches else { break };
        assert_eq!((in_hand("log"), in_hand("queue")), (true, true));
        while lent.next().is_some() {
            assert!(in_hand("log"));
        }
        while any.next().is_some() {
            assert!(in_hand("queue"));
        }
        assert_eq!((in_hand("log"), in_hand("queue")), (false, false));
    }
}
