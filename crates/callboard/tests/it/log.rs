//! Promises 2, 4, 5 and 9, where the log of a type is what keeps them: events of every shape, read
//! in every way, by readers that come, go, fall behind and catch up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use callboard::testing::settle_within;
use callboard::{AnyEvent, Bus, Delivery, Event, EventRef, Priority, Subscription};

use crate::support::{Census, PATIENCE, Rng, Token, in_time, poll, publish_all, soon};

/// An event that must be dropped, by publisher and number.
#[derive(Debug, Event)]
struct Note {
    publisher: usize,
    number: u64,
    _token: Token,
}

#[derive(Debug, Event)]
struct Number(u64);

#[derive(Debug, Event)]
#[event(type = "log.empty")]
struct Empty;

#[derive(Debug, Event)]
#[event(type = "log.aligned")]
#[repr(align(128))]
struct Aligned(u8, #[expect(dead_code, reason = "it is counted")] Token);

#[derive(Debug, Event)]
#[event(type = "log.page")]
#[repr(align(4096))]
struct Page(u8);

#[derive(Debug, Event)]
#[event(type = "log.huge")]
struct Huge([u8; 1 << 18]);

#[derive(Debug, Event)]
#[event(type = "log.dropped")]
struct Counted;

static COUNTED: AtomicUsize = AtomicUsize::new(0);

impl Drop for Counted {
    fn drop(&mut self) {
        COUNTED.fetch_add(1, Ordering::SeqCst);
    }
}

/// More than a few blocks of small events.
const MANY: u64 = 1_000;

#[test]
fn received_event_is_shown_as_itself() {
    let bus = Bus::new();
    let mut numbers = bus.subscribe::<Number>("reader");
    bus.start();
    publish_all(&bus, (1..=2).map(Number));
    let batch = numbers.try_recv_batch().unwrap().next().map(|number| format!("{number:?}"));
    assert!(batch.as_ref().is_some_and(|shown| shown.contains("Number(1)")), "{batch:?}");
    let delivery = format!("{:?}", numbers.try_recv().unwrap());
    assert!(delivery.contains("Number(2)"), "{delivery}");
}

#[test]
fn events_of_every_shape_come_as_they_were_sent() {
    // A large event is moved a few times, and without optimisation each move is a copy.
    let roomy = thread::Builder::new().stack_size(1 << 26);
    roomy.spawn(send_every_shape).unwrap().join().unwrap();
}

fn send_every_shape() {
    let bus = Bus::new();
    let census = Census::default();
    let mut empty = bus.subscriber("empty").capacity(usize::MAX).subscribe::<Empty>();
    let mut aligned = bus.subscriber("aligned").capacity(usize::MAX).subscribe::<Aligned>();
    let mut page = bus.subscriber("page").capacity(usize::MAX).subscribe::<Page>();
    let mut huge = bus.subscriber("huge").capacity(usize::MAX).subscribe::<Huge>();
    bus.start();
    for round in 0..3_u8 {
        for byte in 0..100 {
            bus.publish(Empty);
            bus.publish(Aligned(byte, census.token()));
            bus.publish(Page(byte));
        }
        for byte in 0..5 {
            bus.publish(Huge([byte; 1 << 18]));
        }
        assert_eq!(empty.try_iter().count(), 100);
        let kept: Vec<Delivery<Aligned>> = aligned.try_iter().collect();
        assert_eq!(census.alive(), 100);
        assert!(kept.iter().map(|event| event.0).eq(0..100), "round {round}");
        assert!(kept.iter().all(|event| (&raw const **event).addr() % 128 == 0));
        let pages: Vec<Delivery<Page>> = page.try_iter().collect();
        assert!(pages.iter().map(|event| event.0).eq(0..100), "round {round}");
        assert!(pages.iter().all(|event| (&raw const **event).addr() % 4_096 == 0));
        let mut bytes = 0;
        while let Ok(batch) = huge.try_recv_batch() {
            for event in batch {
                assert!(event.0.iter().all(|byte| *byte == bytes));
                bytes += 1;
            }
        }
        assert_eq!(bytes, 5);
    }
    assert_eq!(census.alive(), 0);
}

#[test]
fn value_without_size_is_dropped_once() {
    let bus = Bus::new();
    let readers = || bus.subscriber("reader").capacity(usize::MAX).subscribe::<Counted>();
    let mut readers: Vec<_> = (0..3).map(|_| readers()).collect();
    bus.start();
    publish_all(&bus, (0..MANY).map(|_| Counted));
    let kept: Vec<_> = readers[0].try_iter().collect();
    let clones = kept.clone();
    drop(kept);
    while let Ok(batch) = readers[1].try_recv_batch() {
        batch.for_each(drop);
    }
    drop(readers);
    assert_eq!(COUNTED.load(Ordering::SeqCst), 0);
    drop(clones);
    assert_eq!(COUNTED.load(Ordering::SeqCst) as u64, MANY);
}

#[test]
fn lent_events_outlive_their_batch_in_any_order_and_on_any_thread() {
    let bus = Bus::new();
    let census = Census::default();
    let mut notes = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Note>();
    let mut other = bus.subscriber("other").capacity(usize::MAX).subscribe::<Note>();
    bus.start();
    let token = || census.token();
    publish_all(&bus, (0..MANY).map(|number| Note { publisher: 0, number, _token: token() }));
    let mut kept = Vec::new();
    let mut next = 0;
    while let Ok(batch) = notes.try_recv_batch() {
        let lent: Vec<EventRef<'_, Note>> = batch.collect();
        thread::scope(|scope| {
            for (place, note) in lent.into_iter().enumerate().rev() {
                assert_eq!(note.number, next + place as u64);
                match place % 3 {
                    0 => kept.push(note.keep()),
                    1 => drop(note),
                    _ => drop(scope.spawn(move || drop(note))),
                }
            }
            other.try_iter().take(7).for_each(drop);
        });
        next = kept.iter().map(|note| note.number).max().unwrap_or(0);
        next = bus.snapshot().subscriber("reader").map_or(next, |it| it.ledger.delivered);
    }
    assert_eq!(next, MANY);
    drop((notes, other, bus));
    assert_eq!(census.alive(), kept.len());
    drop(kept);
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_is_forgotten_leaves_the_rest_as_it_was() {
    // What is forgotten stays within reach of a detector of leaks.
    static CENSUS: std::sync::LazyLock<Census> = std::sync::LazyLock::new(Census::default);
    static FORGOTTEN: Mutex<Vec<Delivery<Note>>> = Mutex::new(Vec::new());
    let (bus, census) = (Bus::new(), &*CENSUS);
    let mut notes = bus.subscriber("reader").capacity(50).subscribe::<Note>();
    let mut other = bus.subscriber("other").capacity(usize::MAX).subscribe::<Note>();
    bus.start();
    let mut forgotten = 0;
    for number in 0..MANY {
        bus.publish(Note { publisher: 0, number, _token: census.token() });
        std::mem::forget(notes.recv());
        match number % 10 {
            3 => {
                let _forgotten = std::mem::ManuallyDrop::new(notes.try_recv_batch());
            }
            5 => {
                std::mem::forget(notes.try_recv_batch().unwrap().next());
                forgotten += 1;
            }
            7 => {
                FORGOTTEN.lock().unwrap().push(notes.try_recv().unwrap());
                forgotten += 1;
            }
            _ => drop(notes.try_recv()),
        }
        assert_eq!(other.try_recv().unwrap().number, number);
    }
    let waiting = notes.len();
    drop(notes);
    drop(other);
    assert_eq!(census.alive(), forgotten, "{waiting} were given up");
}

#[test]
fn capacity_is_exact_however_a_reader_falls_behind_and_catches_up() {
    for capacity in [0, 1, 2, 31, 32, 33, 100] {
        let bus = Bus::new();
        let mut rng = Rng::new(capacity as u64 + 1);
        let mut reader = bus.subscriber("reader").capacity(capacity).subscribe::<Number>();
        let mut ahead = bus.subscriber("ahead").capacity(usize::MAX).subscribe::<Number>();
        bus.start();
        let (mut expected, mut lost, mut number) = (Vec::new(), 0, 0);
        for _ in 0..2_000 {
            for _ in 0..rng.below(capacity + 3) {
                number += 1;
                let published = bus.publish(Number(number));
                if expected.len() < capacity {
                    assert_eq!((published.delivered(), published.dropped()), (2, 0));
                    expected.push((number, std::mem::take(&mut lost)));
                } else {
                    assert_eq!((published.delivered(), published.dropped()), (1, 1));
                    lost += 1;
                }
                assert_eq!(reader.len(), expected.len());
                assert_eq!(reader.pending_missed(), lost);
            }
            let took = rng.below(capacity + 3).min(expected.len());
            for (number, missed) in expected.drain(..took) {
                let event = reader.try_recv().unwrap();
                assert_eq!((event.0, event.missed()), (number, missed), "capacity {capacity}");
            }
            if rng.one_in(2) {
                ahead.try_iter().for_each(drop);
            }
        }
        assert!(reader.ledger().balances());
    }
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
            assert_eq!(numbers.try_recv_batch().unwrap().count(), 1);
            let wakes = AtomicUsize::new(0);
            let mut settled = std::pin::pin!(settle_within(&bus, 10 * PATIENCE));
            let wakes = Arc::new(wakes);
            let waker = crate::support::waker_fn({
                let wakes = Arc::clone(&wakes);
                move || {
                    wakes.fetch_add(1, Ordering::SeqCst);
                }
            });
            let pending = crate::support::poll_with(&mut settled, &waker).is_pending();
            assert!(pending, "the reader has an event in hand");
            let end = if park {
                numbers.blocking_recv_batch().is_none()
            } else {
                soon("the end", numbers.recv_batch()).is_none()
            };
            assert!(end);
            assert_eq!(wakes.load(Ordering::SeqCst), 1, "nobody says that the reader is done");
            assert!(poll(&mut settled).is_ready());
        }
    });
}

#[test]
fn reader_at_the_end_of_a_queued_batch_is_not_waited_for() {
    let bus = Bus::new();
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.start();
    bus.publish(Number(1));
    let mut batch = all.try_recv_batch().unwrap();
    drop(batch.next());
    let mut settled = std::pin::pin!(settle_within(&bus, 10 * PATIENCE));
    let (wakes, waker) = crate::support::Wakes::new();
    assert!(crate::support::poll_with(&mut settled, &waker).is_pending());
    assert!(batch.next().is_none());
    assert!(wakes.count() > 0, "nobody says that the reader has asked for the next");
    assert!(poll(&mut settled).is_ready());
}

#[test]
fn replay_does_not_overtake_what_a_busy_reader_has_not_seen() {
    in_time("a reader of pauses", || {
        let bus = Bus::new();
        let mut numbers = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Number>();
        bus.start();
        const ROUNDS: u64 = 8_000;
        let reader = thread::spawn(move || {
            let mut last = 0;
            while last < 2 * ROUNDS {
                match numbers.try_recv() {
                    Ok(number) if number.0 > 0 => {
                        assert_eq!(number.0, last + 1, "out of order");
                        last = number.0;
                    }
                    Ok(_) => {}
                    Err(_) => thread::yield_now(),
                }
            }
        });
        for round in 0..ROUNDS {
            bus.publish_with(Number(0), Priority::Low);
            bus.publish(Number(2 * round + 1));
            bus.pause();
            bus.publish(Number(2 * round + 2));
            bus.start();
            if round % 8 == 0 {
                thread::yield_now();
            }
        }
        reader.join().unwrap();
    });
}

/// How one reader of the storm reads.
fn read(
    notes: &mut Subscription<Note>,
    rng: &mut Rng,
    kept: &mut Vec<Delivery<Note>>,
) -> Vec<(usize, u64, u64)> {
    let mut seen = Vec::new();
    let mut see = |note: &Note, missed: u64| seen.push((note.publisher, note.number, missed));
    match rng.below(4) {
        0 => {
            if let Ok(note) = notes.try_recv() {
                see(&note, note.missed());
                if rng.one_in(4) {
                    kept.push(note);
                }
            }
        }
        1 => {
            for note in notes.try_iter().take(rng.below(80)) {
                see(&note, note.missed());
            }
        }
        2 => {
            if let Ok(batch) = notes.try_recv_batch() {
                for note in batch.take(rng.below(40)) {
                    see(&note, note.missed());
                    if rng.one_in(8) {
                        kept.push(note.keep());
                    }
                }
            }
        }
        _ => {
            if let Ok(note) = notes.recv_timeout(Duration::from_micros(50)) {
                see(&note, note.missed());
            }
        }
    }
    if kept.len() > 30 {
        kept.swap_remove(rng.below(30));
    }
    seen
}

#[test]
fn storm_of_readers_that_come_go_and_fall_behind_loses_and_invents_nothing() {
    const PUBLISHERS: usize = 2;
    const EACH: u64 = 4_000;
    for seed in 0..3 {
        let census = Arc::new(Census::default());
        in_time("the storm", {
            let census = Arc::clone(&census);
            move || {
                let bus = Bus::new();
                bus.start();
                let done = AtomicBool::new(false);
                let begin = Barrier::new(PUBLISHERS + 3);
                thread::scope(|scope| {
                    let readers: Vec<_> = [1, 10, 200]
                        .map(|capacity| {
                            let (bus, done, begin) = (&bus, &done, &begin);
                            scope.spawn(move || {
                                let mut rng = Rng::new(seed * 1_000 + capacity as u64);
                                let open = || {
                                    bus.subscriber("reader")
                                        .late()
                                        .capacity(capacity)
                                        .lossy()
                                        .subscribe::<Note>()
                                };
                                let (mut notes, mut kept) = (open(), Vec::new());
                                let (mut last, mut got, mut missed) =
                                    (BTreeMap::new(), 0_u64, 0_u64);
                                begin.wait();
                                loop {
                                    let ended = done.load(Ordering::SeqCst);
                                    let seen = read(&mut notes, &mut rng, &mut kept);
                                    let nothing = seen.is_empty();
                                    for (publisher, number, lost) in seen {
                                        let before = last.insert(publisher, number);
                                        assert!(
                                            before.is_none_or(|before| before < number),
                                            "seed {seed}: {before:?} then {number}"
                                        );
                                        got += 1;
                                        missed += lost;
                                    }
                                    assert!(notes.len() <= capacity);
                                    if ended && nothing && notes.is_empty() {
                                        break;
                                    }
                                    if rng.one_in(300) {
                                        let ledger = notes.ledger();
                                        assert!(ledger.balances());
                                        assert_eq!(ledger.delivered, got);
                                        notes = open();
                                        (got, missed) = (0, 0);
                                    }
                                    if rng.one_in(20) {
                                        thread::yield_now();
                                    }
                                }
                                let ledger = notes.ledger();
                                assert!(ledger.balances());
                                assert_eq!((ledger.delivered, ledger.queued), (got, 0));
                                assert_eq!(ledger.dropped_total(), missed + notes.pending_missed());
                            })
                        })
                        .into_iter()
                        .collect();
                    let publishers: Vec<_> = (0..PUBLISHERS)
                        .map(|publisher| {
                            let (bus, begin, census) = (&bus, &begin, &census);
                            scope.spawn(move || {
                                begin.wait();
                                for number in 0..EACH {
                                    bus.publish(Note { publisher, number, _token: census.token() });
                                    if number % 64 == 0 {
                                        thread::yield_now();
                                    }
                                }
                            })
                        })
                        .collect();
                    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
                    done.store(true, Ordering::SeqCst);
                    readers.into_iter().for_each(|reader| reader.join().unwrap());
                });
            }
        });
        assert_eq!(census.alive(), 0, "seed {seed}");
    }
}

/// An event that panics when it is dropped.
#[derive(Debug, Event)]
#[event(type = "log.bomb")]
struct Bomb(u64, #[expect(dead_code, reason = "it is counted")] Token);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("expected: an event's destructor panics");
    }
}

fn explodes(code: impl FnOnce()) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(code)).is_err()
}

#[test]
fn events_that_explode_leave_every_account_and_every_other_event_as_they_were() {
    let (bus, census) = (Bus::new(), Census::default());
    let mut bombs = bus.subscriber("reader").capacity(100).subscribe::<Bomb>();
    bus.start();
    for round in 0..20 {
        publish_all(&bus, (0..100).map(|number| Bomb(number, census.token())));
        let mut kept: Vec<Delivery<Bomb>> = Vec::new();
        assert!(explodes(|| {
            for bomb in bombs.try_recv_batch().unwrap() {
                assert_eq!(bomb.0, 0);
            }
        }));
        assert!(explodes(|| drop(bombs.try_recv().map(|bomb| (bomb.clone(), bomb)))));
        kept.extend(bombs.try_iter().take(10));
        assert!(kept.iter().map(|bomb| bomb.0).eq(2..12), "round {round}");
        let ledger = bombs.ledger();
        assert!(ledger.balances());
        assert_eq!((ledger.delivered, ledger.queued), (12, 88));
        assert_eq!(census.alive(), 98);
        assert!(!explodes(|| drop(bombs)), "a subscription contains what it gives up");
        assert_eq!(census.alive(), 10);
        kept.drain(..).for_each(|bomb| assert!(explodes(|| drop(bomb))));
        assert_eq!(census.alive(), 0);
        bombs = bus.subscriber("reader").late().capacity(100).subscribe();
    }
    assert!(bus.snapshot().balances());
}

#[test]
fn nobody_sleeps_through_an_event() {
    in_time("readers that are woken", || {
        const ROUNDS: u64 = 2_000;
        let bus = Bus::new();
        let acknowledged = [(); 3].map(|()| std::sync::atomic::AtomicU64::new(0));
        let readers = [0, 1, 2].map(|_| bus.subscriber("reader").capacity(2).subscribe::<Number>());
        bus.start();
        thread::scope(|scope| {
            for (place, mut numbers) in readers.into_iter().enumerate() {
                let acknowledged = &acknowledged[place];
                scope.spawn(move || {
                    let mut last = 0;
                    while last < ROUNDS {
                        // A future that is polled and dropped, now and then, as `select!` does.
                        if place > 0 && last % 3 == 0 && poll(&mut numbers.recv()).is_ready() {
                            last += 1;
                        } else if place > 1 {
                            last += numbers.blocking_recv_batch().unwrap().count() as u64;
                        } else {
                            last = numbers.blocking_recv().unwrap().0;
                        }
                        acknowledged.store(last, Ordering::Release);
                    }
                });
            }
            for number in 1..=ROUNDS {
                let priority = if number % 7 == 0 { Priority::High } else { Priority::Normal };
                bus.publish_with(Number(number), priority);
                while acknowledged.iter().any(|last| last.load(Ordering::Acquire) < number) {
                    thread::yield_now();
                }
            }
        });
    });
}

#[test]
fn whoever_waits_for_the_drain_is_always_told() {
    for round in 0..100_u64 {
        in_time("the drain", move || {
            let bus = Bus::new();
            let readers = [0, 1].map(|_| bus.subscriber("reader").subscribe::<Number>());
            bus.start();
            publish_all(&bus, (0..40).map(Number));
            let drained = thread::scope(|scope| {
                let mut readers = readers.into_iter();
                let (mut one, mut other) = (readers.next().unwrap(), readers.next().unwrap());
                let reader = scope.spawn(move || {
                    one.iter().for_each(drop);
                    one
                });
                let batches = scope.spawn(move || {
                    while let Some(batch) = other.blocking_recv_batch() {
                        batch.for_each(drop);
                    }
                    other
                });
                if round % 2 == 0 {
                    thread::yield_now();
                }
                // Far beyond our patience: only being told ends it.
                let drained = soon("the drain", bus.close_and_drain(10 * PATIENCE));
                let settled = soon("that all settles", settle_within(&bus, 10 * PATIENCE));
                assert!(settled.is_ok());
                drop((reader.join().unwrap(), batches.join().unwrap()));
                drained
            });
            assert!(drained.is_ok());
        });
    }
}

#[test]
fn subscriber_gets_whatever_is_published_after_it_has_subscribed() {
    in_time("subscribers beside a publisher", || {
        let bus = Bus::new();
        bus.start();
        let published = std::sync::atomic::AtomicU64::new(0);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !done.load(Ordering::SeqCst) {
                    number += 1;
                    bus.publish(Number(number));
                    published.store(number, Ordering::SeqCst);
                }
            });
            for round in 0..200 {
                let guest = bus.subscriber("guest").late().capacity(usize::MAX);
                let mut guest = guest.subscribe::<Number>();
                let all = (round % 5 == 0).then(|| {
                    let all = bus.subscriber("all").late().lossy().capacity(1);
                    all.subscribe::<AnyEvent>()
                });
                let before = published.load(Ordering::SeqCst);
                if round % 7 == 0 {
                    bus.pause();
                    bus.start();
                }
                // One may be under way that was begun before.
                let first = guest.blocking_recv().unwrap().0;
                assert!(first <= before + 2, "{first} is the first, {before} were published");
                let next: Vec<u64> = guest.try_iter().take(5).map(|number| number.0).collect();
                assert!(
                    next.iter().copied().eq((first + 1..).take(next.len())),
                    "{first}, {next:?}"
                );
                drop(all);
            }
            done.store(true, Ordering::SeqCst);
        });
    });
}

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
