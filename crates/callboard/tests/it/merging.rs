//! Where events with equal keys meet: in the logs that a subscription reads, and in its queue.

use std::hash::{Hash, Hasher};

use callboard::{
    Bus, Coalesce, Delivery, DropReason, Event, EventSet, Overflow, Priority, Subscription,
};

use crate::support::publish_all;

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

/// Likewise.
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

fn coalescing<S: EventSet>(bus: &Bus, capacity: usize) -> Subscription<S> {
    bus.subscriber("keyed").late().capacity(capacity).overflow(Overflow::Coalesce).subscribe()
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
    assert!(parts.try_iter().map(|part| part.0).eq([1, 2]));
    publish_all(&bus, (1..=100).map(Part));
    assert_eq!((parts.len(), parts.ledger().lost()), (4, 96));
    publish_all(&bus, [Part(4)]);
    assert!(parts.try_iter().map(|part| part.0).eq([1, 2, 3, 4]));
    assert!(parts.ledger().balances());
}
