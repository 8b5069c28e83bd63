//! Promise 3: events published before `start` reach every subscriber present at `start`, before
//! anything published after it, in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use callboard::{
    AnyEvent, Bus, Coalesce, Delivery, DropReason, Dropped, Event, EventSet, Phase, Priority,
    Started, TryRecvError,
};

use crate::support::{Log, Rng, in_time, publish_all};

#[derive(Debug, Event)]
struct Config(u64);

#[derive(Debug, Event)]
struct Change(u64);

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<Config>),
    Change(Delivery<Change>),
}

impl Inbox {
    fn number(&self) -> u64 {
        match self {
            Self::Config(config) => config.0,
            Self::Change(change) => change.0,
        }
    }
}

#[test]
fn events_before_start_come_first_and_in_order() {
    let bus = Bus::new();
    let mut early = bus.subscribe::<Inbox>("early");
    assert_eq!(bus.phase(), Phase::Buffering);
    for number in 0..10 {
        let published = match number % 3 {
            0 => bus.publish(Change(number)),
            _ => bus.publish(Config(number)),
        };
        assert!(published.buffered());
        assert_eq!((published.delivered(), published.dropped()), (0, 0));
    }
    let mut in_between = bus.subscribe::<Inbox>("in between");
    assert_eq!(early.try_recv().unwrap_err(), TryRecvError::Empty);

    let started = bus.start();
    assert_eq!((started.replayed, started.dropped), (10, 0));
    assert_eq!(bus.phase(), Phase::Running);
    bus.publish(Config(10));
    for inbox in [&mut early, &mut in_between] {
        assert!(inbox.try_iter().map(|item| item.number()).eq(0..=10));
    }
}

#[test]
fn whoever_left_before_start_is_left_alone() {
    let bus = Bus::new();
    let gone = bus.subscribe::<Config>("gone");
    let mut here = bus.subscribe::<Config>("here");
    bus.publish(Config(0));
    drop(gone);
    bus.start();
    assert_eq!(here.try_recv().unwrap().0, 0);
    assert_eq!(bus.snapshot().event_type("config").unwrap().ledger.offered, 1);
}

#[test]
fn whoever_comes_after_start_has_missed_the_replay() {
    let bus = Bus::new();
    bus.publish(Config(0));
    bus.start();
    let mut warned = bus.subscribe::<Config>("warned");
    let mut late = bus.subscriber("late").late().subscribe::<Config>();
    bus.publish(Config(1));
    assert!(warned.try_iter().map(|config| config.0).eq([1]), "accepted all the same");
    assert!(late.try_iter().map(|config| config.0).eq([1]));
    let snapshot = bus.snapshot();
    assert!(snapshot.subscriber("warned").unwrap().late, "and told of");
    assert!(!snapshot.subscriber("late").unwrap().late, "it meant to");
}

#[test]
fn call_site_is_where_the_subscription_was_opened() {
    let bus = Bus::new();
    let builder = bus.subscriber("subscriber");
    let line = line!() + 1;
    let _subscription = builder.subscribe::<Config>();
    let call_site = bus.snapshot().subscriber("subscriber").unwrap().call_site.clone();
    assert!(call_site.contains(&format!("start.rs:{line}:")), "{call_site}");
}

#[test]
fn overflow_of_the_buffer_is_counted_and_reported() {
    let drops = Log::new();
    let log = drops.clone();
    let bus = Bus::builder()
        .pre_start_capacity(3)
        .on_drop(move |dropped: &Dropped| {
            log.push((
                dropped.event_type(),
                dropped.subscriber().to_owned(),
                dropped.capacity(),
                dropped.reason(),
            ));
        })
        .build()
        .unwrap();
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    for number in 0..5 {
        let published = bus.publish(Config(number));
        assert_eq!((published.buffered(), published.dropped()), (number < 3, (number > 2).into()));
    }
    let expected = ("config", Dropped::BUFFER.to_owned(), 3, DropReason::BufferFull);
    assert_eq!(drops.take(), [expected.clone(), expected]);
    let account = bus.snapshot().event_type("config").unwrap().buffered;
    assert_eq!((account.offered, account.queued), (5, 3));
    assert_eq!(account.dropped(DropReason::BufferFull), 2);

    let started = bus.start();
    assert_eq!((started.replayed(), started.dropped()), (3, 2));
    assert!(inbox.try_iter().map(|item| item.number()).eq(0..3));
    bus.pause();
    bus.publish(Config(5));
    assert_eq!(bus.start().dropped, 0, "each start tells of its own");
    assert!(bus.snapshot().balances());
}

#[test]
fn replay_may_exceed_the_capacity_once() {
    for capacity in [0, 1, 2, 30] {
        let bus = Bus::new();
        let mut inbox = bus.subscriber("inbox").capacity(capacity).subscribe::<Inbox>();
        publish_all(&bus, (0..50).map(Config));
        assert_eq!(bus.start().replayed, 50);
        assert_eq!(inbox.len(), 50);
        assert_eq!(bus.publish(Change(50)).dropped(), 1, "ordinary traffic may not");
        for number in 0..50 {
            assert_eq!(inbox.try_recv().unwrap().number(), number);
            let room = inbox.len() < capacity;
            assert_eq!(bus.publish(Change(number)).dropped(), usize::from(!room), "{capacity}");
            if room {
                break;
            }
        }
        assert_eq!(inbox.ledger().lost(), inbox.ledger().dropped(DropReason::Full));
    }
}

#[test]
fn replay_beyond_capacity_spares_drop_oldest_too() {
    let bus = Bus::new();
    let oldest = callboard::Overflow::DropOldest;
    let mut inbox = bus.subscriber("inbox").capacity(2).overflow(oldest).subscribe::<Config>();
    publish_all(&bus, (0..20).map(Config));
    bus.start();
    bus.publish(Config(20));
    assert_eq!(inbox.ledger().dropped(DropReason::Oldest), 1, "one in, one out");
    let first = inbox.try_recv().unwrap();
    assert_eq!((first.0, first.missed()), (1, 1));
    assert!(inbox.try_iter().map(|config| config.0).eq(2..=20));
}

#[test]
fn starting_twice_replays_once() {
    let bus = Bus::new();
    let inbox = bus.subscribe::<Inbox>("inbox");
    bus.publish(Config(0));
    assert_eq!(bus.start().replayed, 1);
    assert_eq!(bus.start(), Started::default());
    assert_eq!(inbox.len(), 1);
}

#[test]
fn pause_keeps_events_for_the_next_start() {
    let bus = Bus::new();
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    bus.pause();
    assert_eq!(bus.phase(), Phase::Buffering, "it buffers already");
    bus.start();
    bus.publish(Config(0));
    bus.pause();
    assert!(bus.publish(Config(1)).buffered());
    let mut came_in_the_pause = bus.subscriber("late").late().subscribe::<Inbox>();
    bus.publish(Change(2));
    assert!(inbox.try_iter().map(|item| item.number()).eq([0]), "what it holds it may read");
    assert_eq!(bus.start().replayed, 2);
    bus.publish(Config(3));
    assert!(inbox.try_iter().map(|item| item.number()).eq([1, 2, 3]));
    assert!(came_in_the_pause.try_iter().map(|item| item.number()).eq([1, 2, 3]));
}

#[test]
fn priority_given_before_start_holds_after_it() {
    let bus = Bus::new();
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    bus.publish_with(Config(0), Priority::Low);
    bus.publish(Config(1));
    bus.publish_with(Change(2), Priority::High);
    bus.start();
    assert!(inbox.try_iter().map(|item| item.number()).eq([2, 1, 0]));
}

#[test]
fn start_amid_publishers_loses_and_reorders_nothing() {
    for round in 0..20 {
        in_time("starting amid publishers", move || {
            let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
            let mut inbox = bus.subscriber("inbox").capacity(usize::MAX).subscribe::<Inbox>();
            thread::scope(|scope| {
                for publisher in 0..3 {
                    let bus = &bus;
                    scope.spawn(move || {
                        for number in 0..300 {
                            bus.publish(Config(publisher * 1_000 + number));
                        }
                    });
                }
                if round % 2 == 0 {
                    thread::yield_now();
                }
                bus.start();
            });
            bus.close();
            let numbers: Vec<u64> = inbox.iter().map(|item| item.number()).collect();
            for publisher in 0..3 {
                let own = numbers.iter().filter(|number| **number / 1_000 == publisher);
                assert!(own.map(|number| number % 1_000).eq(0..300));
            }
        });
    }
}

#[test]
fn replay_does_not_overtake_what_a_busy_reader_has_not_seen() {
    in_time("a reader of pauses", || {
        let bus = Bus::new();
        let mut changes = bus.subscriber("reader").capacity(usize::MAX).subscribe::<Change>();
        bus.start();
        const ROUNDS: u64 = 8_000;
        let reader = thread::spawn(move || {
            let mut last = 0;
            while last < 2 * ROUNDS {
                match changes.try_recv() {
                    Ok(change) if change.0 > 0 => {
                        assert_eq!(change.0, last + 1, "out of order");
                        last = change.0;
                    }
                    Ok(_) => {}
                    Err(_) => thread::yield_now(),
                }
            }
        });
        for round in 0..ROUNDS {
            bus.publish_with(Change(0), Priority::Low);
            bus.publish(Change(2 * round + 1));
            bus.pause();
            bus.publish(Change(2 * round + 2));
            bus.start();
            if round % 8 == 0 {
                thread::yield_now();
            }
        }
        reader.join().unwrap();
    });
}

#[test]
fn storm_of_starts_and_pauses_loses_nothing() {
    for seed in 30..34 {
        in_time("a storm of starts and pauses", move || {
            let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
            let mut whole = bus.subscriber("whole").capacity(usize::MAX).subscribe::<AnyEvent>();
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                let stormy = [0, 1].map(|n| {
                    let (bus, done) = (&bus, &done);
                    scope.spawn(move || {
                        let mut rng = Rng::new(seed * 10 + n);
                        while !done.load(Ordering::SeqCst) {
                            match rng.below(4) {
                                0 | 1 => drop(bus.start()),
                                2 => bus.pause(),
                                _ => drop(bus.subscriber("visitor").late().subscribe::<Config>()),
                            }
                        }
                    })
                });
                let publishers = [0, 1].map(|publisher| {
                    let bus = &bus;
                    scope.spawn(move || {
                        for number in 0..1_000 {
                            bus.publish(Config(publisher * 10_000 + number));
                        }
                    })
                });
                publishers.into_iter().for_each(|thread| thread.join().unwrap());
                done.store(true, Ordering::SeqCst);
                stormy.into_iter().for_each(|thread| thread.join().unwrap());
            });
            bus.start();
            bus.close();
            let seen: Vec<_> = whole.iter().collect();
            assert!(seen.iter().map(AnyEvent::sequence).eq(1..=2_000));
            assert!(bus.snapshot().balances());
        });
    }
}

#[test]
fn high_water_counts_what_follows_an_overflow_of_the_buffer() {
    let bus = Bus::builder().pre_start_capacity(1).build().unwrap();
    let mut changes = bus.subscribe::<Change>("changes");
    bus.start();
    publish_all(&bus, (0..2).map(Change));
    bus.pause();
    bus.publish(Config(2));
    assert_eq!(bus.publish(Change(3)).dropped(), 1);
    bus.start();
    publish_all(&bus, (4..7).map(Change));
    assert_eq!(changes.try_iter().count(), 5);
    assert_eq!(bus.snapshot().subscriber("changes").unwrap().high_water, 5);
}

#[derive(Debug, Event)]
struct Keyed;

impl Coalesce for Keyed {
    type Key = ();

    fn key(&self) {}
}

/// The events that the full buffer drops need not be newer than all that it keeps.
#[test]
fn what_the_buffer_dropped_is_told_of_where_it_is_missing() {
    let bus = Bus::builder().pre_start_capacity(2).build().unwrap();
    let mut all = bus.subscribe::<AnyEvent>("all");
    let mut changes = bus.subscribe::<Change>("changes");
    // Each newer one replaces the older one; no change but the first finds room.
    for number in 0..200 {
        bus.publish(Keyed);
        assert_eq!(bus.publish(Change(number)).buffered(), number == 0);
    }
    bus.start();
    bus.publish(Change(200));
    let seen: Vec<(u64, u64)> =
        all.try_iter().map(|event| (event.sequence(), event.missed())).collect();
    assert_eq!(seen, [(2, 0), (399, 198), (401, 1)]);
    let seen: Vec<(u64, u64)> =
        changes.try_iter().map(|change| (change.0, change.missed())).collect();
    assert_eq!(seen, [(0, 0), (200, 199)]);
}
