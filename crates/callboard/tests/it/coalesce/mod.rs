//! Events that may be merged, in queues and while the bus buffers.

mod merging;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use callboard::{
    Bus, Coalesce, Delivery, DropReason, Event, EventSet, Overflow, Priority, Request, Subscription,
};

use crate::support::{Rng, in_time, lock, poll, publish_all};

/// Merges: what is absorbed is added up.
#[derive(Debug, Event)]
struct Changed {
    resource: String,
    times: u64,
}

impl Coalesce for Changed {
    type Key = String;

    fn key(&self) -> String {
        self.resource.clone()
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        Some(changed(&self.resource, self.times + older.times))
    }
}

fn changed(resource: &str, times: u64) -> Changed {
    Changed { resource: resource.into(), times }
}

/// The latest wins.
#[derive(Debug, Event)]
struct Load {
    node: u64,
    value: u64,
}

impl Coalesce for Load {
    type Key = u64;

    fn key(&self) -> u64 {
        self.node
    }
}

#[derive(Debug, Event)]
struct Plain(u64);

#[derive(Debug, EventSet)]
enum Inbox {
    Changed(Delivery<Changed>),
    Load(Delivery<Load>),
    Plain(Delivery<Plain>),
}

fn coalescing<S: EventSet>(bus: &Bus, capacity: usize) -> Subscription<S> {
    bus.subscriber("keyed").late().capacity(capacity).overflow(Overflow::Coalesce).subscribe()
}

fn read(changes: &mut Subscription<Changed>) -> Vec<(String, u64)> {
    changes.try_iter().map(|change| (change.resource.clone(), change.times)).collect()
}

#[test]
fn newer_absorbs_older_and_keeps_its_own_place() {
    let bus = Bus::new();
    bus.start();
    let mut changes = coalescing::<Changed>(&bus, 100);
    publish_all(&bus, ["a", "b", "a", "c", "a", "b"].map(|resource| changed(resource, 1)));
    assert_eq!(changes.len(), 3);
    let expected = [("c", 1), ("a", 3), ("b", 2)].map(|(name, times)| (name.to_owned(), times));
    assert_eq!(read(&mut changes), expected);
    assert_eq!(changes.ledger().dropped(DropReason::Coalesced), 3);
    assert_eq!(changes.ledger().lost(), 0);
    bus.publish(changed("a", 1));
    assert_eq!(read(&mut changes), [("a".to_owned(), 1)], "what was read is not absorbed");
}

#[test]
fn latest_wins_by_default() {
    let bus = Bus::new();
    bus.start();
    let mut loads = coalescing::<Load>(&bus, 2);
    for value in 0..10 {
        bus.publish(Load { node: value % 2, value });
    }
    assert!(loads.try_iter().map(|load| (load.node, load.value)).eq([(0, 8), (1, 9)]));
}

#[test]
fn full_queue_absorbs_but_takes_no_more_keys() {
    let bus = Bus::new();
    bus.start();
    let mut changes = coalescing::<Changed>(&bus, 2);
    bus.publish(changed("a", 1));
    bus.publish(changed("b", 1));
    let published = bus.publish(changed("c", 1));
    assert_eq!((published.delivered(), published.dropped()), (0, 1));
    let published = bus.publish(changed("a", 1));
    assert_eq!((published.delivered(), published.dropped()), (1, 0));
    assert_eq!(changes.ledger().dropped(DropReason::Full), 1);
    let first = changes.try_recv().unwrap();
    assert_eq!((first.resource.as_str(), first.missed()), ("b", 0));
    let second = changes.try_recv().unwrap();
    assert_eq!((second.resource.as_str(), second.times, second.missed()), ("a", 2, 1));
}

#[test]
fn queue_never_holds_more_than_its_capacity() {
    let bus = Bus::new();
    bus.start();
    let changes = coalescing::<Changed>(&bus, 1);
    publish_all(&bus, (0..10).map(|_| changed("a", 1)));
    assert_eq!(changes.len(), 1);
    assert_eq!(bus.snapshot().subscriber("keyed").unwrap().high_water, 1);
}

/// What to do while the next `Watched` is absorbed.
static MEANWHILE: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

#[derive(Debug, Event)]
struct Watched(u64);

impl Coalesce for Watched {
    type Key = u64;

    fn key(&self) -> u64 {
        self.0
    }

    fn absorb(&self, _older: &Self) -> Option<Self> {
        let code = lock(&MEANWHILE).take();
        if let Some(code) = code {
            code();
        }
        None
    }
}

#[test]
fn merge_under_way_takes_no_room_from_another_key() {
    let bus = Bus::new();
    bus.start();
    let watched = Arc::new(Mutex::new(coalescing::<Watched>(&bus, 2)));
    publish_all(&bus, [1, 2].map(Watched));
    let (reader, publisher) = (Arc::clone(&watched), bus.clone());
    let counts = Arc::new(Mutex::new((0, 0)));
    let counted = Arc::clone(&counts);
    *lock(&MEANWHILE) = Some(Box::new(move || {
        let snapshot = publisher.snapshot();
        let keyed = snapshot.subscriber("keyed").unwrap();
        *lock(&counted) = (keyed.queued, keyed.high_water);
        drop(lock(&reader).try_recv());
        publisher.publish(Watched(3));
    }));
    bus.publish(Watched(2));
    assert_eq!(*lock(&counts), (3, 2), "the one that is merged is queued, beyond the capacity");
    assert_eq!(lock(&watched).ledger().lost(), 0, "1 was read, so 3 fits beside 2");
    assert!(lock(&watched).try_iter().map(|watched| watched.0).is_sorted());
}

#[test]
fn what_has_no_key_is_dropped_as_the_newest() {
    let bus = Bus::new();
    bus.start();
    let mut inbox = coalescing::<Inbox>(&bus, 2);
    bus.publish(Plain(0));
    bus.publish(changed("a", 1));
    assert_eq!(bus.publish(Plain(1)).dropped(), 1);
    bus.publish(changed("a", 1));
    let seen: Vec<u64> = inbox
        .try_iter()
        .map(|item| match item {
            Inbox::Plain(plain) => plain.0,
            Inbox::Changed(change) => change.times,
            Inbox::Load(load) => load.value,
        })
        .collect();
    assert_eq!(seen, [0, 2]);
}

#[test]
fn equal_keys_of_two_types_are_two_things() {
    #[derive(Debug, Event)]
    struct Other(u64);
    impl Coalesce for Other {
        type Key = u64;
        fn key(&self) -> u64 {
            self.0
        }
    }
    let bus = Bus::new();
    bus.publish(Load { node: 1, value: 0 });
    bus.publish(Other(1));
    assert_eq!(bus.snapshot().buffer.queued, 2);
}

#[test]
fn events_of_two_priorities_coalesce_into_the_newer_ones_place() {
    let bus = Bus::new();
    bus.start();
    let mut changes = coalescing::<Changed>(&bus, 10);
    bus.publish_with(changed("a", 1), Priority::High);
    bus.publish(changed("b", 1));
    bus.publish_with(changed("a", 1), Priority::Low);
    assert_eq!(read(&mut changes), [("b".to_owned(), 1), ("a".to_owned(), 2)]);
    bus.publish_with(changed("a", 1), Priority::Low);
    bus.publish(changed("b", 1));
    bus.publish_with(changed("a", 1), Priority::High);
    assert_eq!(read(&mut changes), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
}

/// A question whose type coalesces.
#[derive(Debug, Request)]
#[request(response = Answered, coalesce)]
struct Question(u64);

#[derive(Debug, Event)]
struct Answered(u64);

impl Coalesce for Question {
    type Key = ();

    fn key(&self) {}
}

#[test]
fn requests_do_not_coalesce_even_if_their_type_does() {
    let bus = Bus::new();
    let mut heard = coalescing::<Question>(&bus, 10);
    let coalescing = bus.subscriber("oracle").overflow(Overflow::Coalesce);
    let mut asked = coalescing.responder::<Question>();
    bus.start();
    let mut gathers =
        [1, 2].map(|number| bus.request(Question(number)).expect(["oracle"]).gather());
    assert!(gathers.iter_mut().all(|gather| poll(gather).is_pending()));
    assert!(heard.try_iter().map(|question| question.0).eq([1, 2]));
    for call in asked.try_iter() {
        let answer = Answered(call.0);
        call.respond(answer);
    }
    let answers = gathers.map(|mut gather| {
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("both are answered") };
        gathered.responses().map(|(_, answer)| answer.0).collect::<Vec<_>>()
    });
    assert_eq!(answers, [[1], [2]]);
}

#[test]
fn other_policies_do_not_coalesce() {
    let bus = Bus::new();
    bus.start();
    let newest = bus.subscriber("newest").late().subscribe::<Changed>();
    let oldest = bus.subscriber("oldest").late().overflow(Overflow::DropOldest);
    let oldest = oldest.subscribe::<Changed>();
    publish_all(&bus, (0..3).map(|_| changed("a", 1)));
    assert_eq!((newest.len(), oldest.len()), (3, 3));
}

#[test]
fn thousands_of_events_about_few_things_fit_the_start_buffer() {
    let bus = Bus::builder().pre_start_capacity(50).build().unwrap();
    let mut changes = bus.subscribe::<Changed>("all");
    for number in 0..5_000 {
        let published = bus.publish(changed(&format!("r{}", number % 50), 1));
        assert!(published.buffered(), "{number}");
    }
    let buffer = bus.snapshot().buffer;
    assert_eq!((buffer.queued, buffer.overflowed), (50, 0));
    let started = bus.start();
    assert_eq!((started.replayed, started.dropped), (50, 0));
    let seen = read(&mut changes);
    assert!(seen.iter().all(|(_, times)| *times == 100), "none is lost: {seen:?}");
    assert!(bus.snapshot().balances());
}

#[test]
fn thousands_of_things_are_all_kept() {
    let bus = Bus::builder().pre_start_capacity(5_000).build().unwrap();
    let mut loads = coalescing::<Load>(&bus, 1);
    for round in 0..3 {
        for node in 0..5_000 {
            assert!(bus.publish(Load { node, value: node + round }).buffered());
        }
    }
    assert_eq!(bus.start().replayed, 5_000);
    assert!(
        loads.try_iter().map(|load| (load.node, load.value)).eq((0..5_000).map(|n| (n, n + 2)))
    );
}

#[test]
fn what_is_read_leaves_the_others_to_be_absorbed() {
    let bus = Bus::new();
    bus.start();
    let mut loads = coalescing::<Load>(&bus, 1_000);
    publish_all(&bus, (0..1_000).map(|node| Load { node, value: 1 }));
    for read in 1..=1_000_u64 {
        assert_eq!(loads.try_recv().unwrap().node, read - 1);
        if read % 100 == 0 {
            publish_all(&bus, (read..1_000).map(|node| Load { node, value: read }));
            assert_eq!(loads.len() as u64, 1_000 - read);
        }
    }
    assert!(loads.ledger().balances());
}

#[test]
fn pause_coalesces_like_the_start_does() {
    let bus = Bus::builder().pre_start_capacity(2).build().unwrap();
    let mut plain = bus.subscribe::<Changed>("plain");
    let mut keyed = coalescing::<Changed>(&bus, 10);
    bus.start();
    bus.publish(changed("a", 1));
    bus.pause();
    publish_all(&bus, (0..1_000).map(|_| changed("a", 1)));
    bus.publish(changed("b", 1));
    assert_eq!(bus.start().replayed, 2);
    let one = |name: &str, times| (name.to_owned(), times);
    assert_eq!(read(&mut plain), [one("a", 1), one("a", 1_000), one("b", 1)]);
    assert_eq!(read(&mut keyed), [one("a", 1_001), one("b", 1)]);
}

#[test]
fn racing_publishers_and_readers_lose_no_part() {
    for seed in 80..84 {
        in_time("coalescing among threads", move || race(seed));
    }
}

fn race(seed: u64) {
    const EACH: u64 = 1_000;
    let bus = Bus::builder().pre_start_capacity(8).build().unwrap();
    let mut changes = coalescing::<Changed>(&bus, 8);
    let done = AtomicBool::new(false);
    let totals = thread::scope(|scope| {
        let publishers = [0, 1, 2].map(|n| {
            let bus = &bus;
            scope.spawn(move || {
                let mut rng = Rng::new(seed * 10 + n);
                for _ in 0..EACH {
                    bus.publish(changed(&rng.below(8).to_string(), 1));
                    match rng.below(40) {
                        0 => bus.pause(),
                        1 | 2 => drop(bus.start()),
                        _ => {}
                    }
                }
            })
        });
        let reader = scope.spawn(|| {
            let mut totals: BTreeMap<String, u64> = BTreeMap::new();
            loop {
                let last = done.load(Ordering::SeqCst);
                for (resource, times) in read(&mut changes) {
                    *totals.entry(resource).or_default() += times;
                }
                if last {
                    return totals;
                }
            }
        });
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        bus.start();
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    assert_eq!(totals.values().sum::<u64>(), 3 * EACH, "eight keys always fit: {totals:?}");
    assert!(bus.snapshot().balances());
}

/// A merge removes the older event; the next event reports the losses before it.
#[test]
fn what_was_missed_before_a_merged_event_is_told_by_the_next_in_order() {
    let bus = Bus::new();
    let mut all =
        bus.subscriber("all").capacity(1).overflow(Overflow::Coalesce).subscribe_matching(">");
    bus.start();
    publish_all(&bus, [Plain(1), Plain(2)]);
    assert_eq!(all.try_recv().unwrap().sequence(), 1);
    bus.publish(changed("a", 1));
    bus.pause();
    bus.publish_with(changed("a", 1), Priority::High);
    bus.publish(Plain(3));
    bus.start();
    let seen: Vec<(u64, u64)> =
        all.try_iter().map(|event| (event.sequence(), event.missed())).collect();
    assert_eq!(seen, [(4, 1), (5, 0)]);
}
