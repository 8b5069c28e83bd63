//! Where events with equal keys meet: in the logs that a subscription reads, and in its queue.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use callboard::{Bus, Coalesce, Delivery, DropReason, Event, EventSet, Overflow, Priority};

use super::{Load, coalescing};
use crate::support::{lock, publish_all};

/// The latest wins.
#[derive(Debug, Event)]
struct Size(u64);

impl Coalesce for Size {
    type Key = u64;

    fn key(&self) -> u64 {
        self.0
    }
}

#[derive(Debug, EventSet)]
enum Inbox {
    Load(Delivery<Load>),
    Size(Delivery<Size>),
}

/// Adds up what is absorbed, and does something meanwhile.
#[derive(Debug, Event)]
struct Sum {
    of: u64,
    total: u64,
    meanwhile: Mutex<Option<Act>>,
}

struct Act(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Act")
    }
}

impl Coalesce for Sum {
    type Key = u64;

    fn key(&self) -> u64 {
        self.of
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        if let Some(Act(act)) = lock(&self.meanwhile).take() {
            act();
        }
        Some(sum(self.of, self.total + older.total))
    }
}

fn sum(of: u64, total: u64) -> Sum {
    Sum { of, total, meanwhile: Mutex::default() }
}

fn sum_while(of: u64, total: u64, act: impl FnOnce() + Send + 'static) -> Sum {
    Sum { of, total, meanwhile: Mutex::new(Some(Act(Box::new(act)))) }
}

fn load(node: u64, value: u64) -> Load {
    Load { node, value }
}

/// The events of one type that wait are merged in the queue, while those of the other are in their log,
/// and move to the queue later.
#[test]
fn merged_events_of_two_types_keep_their_places() {
    let bus = Bus::new();
    bus.start();
    let mut inbox = coalescing::<Inbox>(&bus, 100);
    bus.publish(load(1, 1));
    publish_all(&bus, [2, 4].map(Size));
    bus.publish(load(1, 2));
    publish_all(&bus, [4, 5].map(Size));
    let read = inbox.try_iter().map(|item| match item {
        Inbox::Load(load) => load.value * 10,
        Inbox::Size(size) => size.0,
    });
    assert_eq!(read.collect::<Vec<_>>(), [2, 20, 4, 5]);
    let snapshot = bus.snapshot();
    assert_eq!(
        (snapshot.subscribers[0].ledger.dropped(DropReason::Coalesced), snapshot.balances()),
        (2, true)
    );
}

#[test]
fn high_water_includes_what_was_merged_before_it_was_read() {
    let bus = Bus::new();
    bus.start();
    let mut loads = coalescing::<Load>(&bus, 100);
    publish_all(&bus, [1, 2, 2].map(|node| load(node, 0)));
    assert_eq!(loads.try_iter().count(), 2);
    assert_eq!(bus.snapshot().subscribers[0].high_water, 2);
}

/// A loss before an event that is merged into a more urgent one is reported by the event behind it,
/// which waits in another log.
#[test]
fn loss_before_an_event_that_leaves_its_lane_stays_there() {
    let bus = Bus::new();
    bus.start();
    let mut inbox = coalescing::<Inbox>(&bus, 3);
    bus.publish(Size(1));
    bus.publish(load(1, 1));
    bus.publish(Size(2));
    assert_eq!(bus.publish(Size(3)).dropped(), 1);
    bus.publish(load(1, 2));
    assert!(matches!(inbox.try_recv(), Ok(Inbox::Size(size)) if size.0 == 1));
    bus.publish(Size(4));
    bus.publish_with(load(1, 3), Priority::High);
    let read = inbox.try_iter().map(|item| match item {
        Inbox::Load(load) => (load.value * 10, load.missed()),
        Inbox::Size(size) => (size.0, size.missed()),
    });
    assert_eq!(read.collect::<Vec<_>>(), [(30, 0), (2, 0), (4, 1)]);
}

#[test]
fn what_waits_beyond_the_capacity_is_absorbed() {
    let bus = Bus::new();
    let mut loads = coalescing::<Load>(&bus, 2);
    publish_all(&bus, (0..10).map(|node| load(node, 0)));
    bus.start();
    publish_all(&bus, (0..20).map(|node| load(node, 1)));
    assert_eq!((loads.len(), loads.ledger().lost()), (10, 10), "ten keys wait, ten are new");
    assert!(loads.try_iter().map(|load| (load.node, load.value)).eq((0..10).map(|node| (node, 1))));
}

#[test]
fn retained_event_that_a_newcomer_begins_with_is_absorbed() {
    #[derive(Debug, Event)]
    #[event(retain)]
    struct Leader(u64);
    impl Coalesce for Leader {
        type Key = ();
        fn key(&self) {}
    }
    let bus = Bus::new();
    bus.start();
    let first = coalescing::<Leader>(&bus, 10);
    publish_all(&bus, [1, 2].map(Leader));
    drop(first);
    bus.publish(Leader(3));
    let newcomer = bus.subscriber("newcomer").late().with_retained().overflow(Overflow::Coalesce);
    let mut newcomer = newcomer.subscribe::<Leader>();
    bus.publish(Leader(4));
    assert!(newcomer.try_iter().map(|leader| leader.0).eq([4]));
}

/// Two keys with one hash are two things: nothing is merged that differs, and the capacity holds, but
/// for the one event that shows it.
#[test]
fn keys_with_one_hash_are_not_merged_and_do_not_exceed_the_capacity() {
    #[derive(Debug, PartialEq, Eq)]
    struct Partial(u64);
    impl Hash for Partial {
        fn hash<H: Hasher>(&self, state: &mut H) {
            0_u8.hash(state);
        }
    }
    #[derive(Debug, Event)]
    struct Part(u64);
    impl Coalesce for Part {
        type Key = Partial;
        fn key(&self) -> Partial {
            Partial(self.0)
        }
    }
    let bus = Bus::new();
    bus.start();
    let mut parts = coalescing::<Part>(&bus, 4);
    publish_all(&bus, [1, 1, 2, 2].map(Part));
    assert!(parts.try_iter().map(|part| part.0).eq([1, 2, 2]), "what differs is not merged");
    publish_all(&bus, [3, 3].map(Part));
    assert!(parts.try_iter().map(|part| part.0).eq([3]), "once it is empty, it merges again");
    publish_all(&bus, (1..=100).map(Part));
    assert_eq!((parts.len(), parts.ledger().lost()), (4, 96));
    publish_all(&bus, [Part(4)]);
    assert!(parts.try_iter().map(|part| part.0).eq([1, 2, 3, 4]));
    assert!(parts.ledger().balances());
}

/// A low event is to be absorbed by a normal one, and that by another. The reader takes the first of
/// the two meanwhile: the other absorbs what it left behind.
#[test]
fn what_a_reader_leaves_behind_in_a_merge_is_absorbed() {
    let bus = Bus::new();
    bus.start();
    let sums = Arc::new(Mutex::new(coalescing::<Sum>(&bus, 2)));
    bus.publish_with(sum(1, 1), Priority::Low);
    let (reader, publisher) = (Arc::clone(&sums), bus.clone());
    bus.publish(sum_while(1, 10, move || {
        publisher.publish(sum_while(1, 100, move || {
            assert_eq!(lock(&reader).try_recv().unwrap().total, 10);
        }));
    }));
    assert_eq!(bus.publish(sum(1, 1_000)).delivered(), 1);
    assert_eq!(bus.publish(sum(2, 7)).delivered(), 1, "one key waits, and two fit");
    assert!(lock(&sums).try_iter().map(|sum| sum.total).eq([1_101, 7]));
    assert!(bus.snapshot().balances());
}

#[test]
fn key_of_what_was_left_behind_is_not_forgotten() {
    let bus = Bus::new();
    bus.start();
    let sums = Arc::new(Mutex::new(coalescing::<Sum>(&bus, 2)));
    bus.publish_with(sum(1, 1), Priority::Low);
    let reader = Arc::clone(&sums);
    let act = move || assert_eq!(lock(&reader).try_recv().unwrap().total, 10);
    bus.publish_with(sum_while(1, 10, act), Priority::High);
    for other in 2..300 {
        bus.publish_with(sum(other, 0), Priority::High);
        assert_eq!(lock(&sums).try_recv().unwrap().of, other);
    }
    bus.publish(sum(1, 100));
    assert!(lock(&sums).try_iter().map(|sum| sum.total).eq([101]));
}
