//! Types whose latest event the bus retains for late subscribers.

use std::thread;

use callboard::{AnyEvent, Bus, Delivery, Event, EventSet, Subscription};

use crate::support::{in_time, publish_all};

#[derive(Debug, Event)]
#[event(retain)]
struct Leader(u64);

#[derive(Debug, Event)]
#[event(retain)]
struct Config(u64);

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, EventSet)]
enum State {
    Leader(Delivery<Leader>),
    Config(Delivery<Config>),
    Tick(Delivery<Tick>),
}

/// The retained event of its type.
fn kept(bus: &Bus) -> Option<Delivery<Leader>> {
    late::<Leader>(bus).try_recv().ok()
}

fn late<S: EventSet>(bus: &Bus) -> Subscription<S> {
    bus.subscriber("late").late().with_retained().subscribe()
}

#[test]
fn late_subscriber_begins_with_the_latest() {
    let bus = Bus::new();
    bus.start();
    assert!(kept(&bus).is_none());
    publish_all(&bus, (1..=3).map(Leader));
    let mut leaders = late::<Leader>(&bus);
    bus.publish(Leader(4));
    assert!(leaders.try_iter().map(|leader| leader.0).eq([3, 4]));
    let latest = kept(&bus).unwrap();
    assert_eq!((latest.0, latest.sequence(), latest.missed()), (4, 4, 0));
    assert_eq!(bus.snapshot().event_type("leader").unwrap().retained, Some(4));
}

#[test]
fn who_does_not_ask_for_it_does_not_get_it() {
    let bus = Bus::new();
    bus.start();
    bus.publish(Leader(1));
    assert!(bus.subscriber("late").late().subscribe::<Leader>().is_empty());
}

#[test]
fn several_are_handed_over_in_their_order() {
    let bus = Bus::new();
    bus.start();
    bus.publish(Config(1));
    bus.publish(Leader(2));
    bus.publish(Tick);
    bus.publish(Config(3));
    let order: Vec<u64> = late::<State>(&bus)
        .try_iter()
        .map(|item| match item {
            State::Leader(leader) => leader.0,
            State::Config(config) => config.0,
            State::Tick(_) => 0,
        })
        .collect();
    assert_eq!(order, [2, 3]);
    assert!(late::<AnyEvent>(&bus).try_iter().map(|event| event.sequence()).eq([2, 3]));
    let mut matching = bus.subscriber("p").late().with_retained().subscribe_matching("lead*");
    assert!(matching.try_recv().is_err(), "not a pattern");
    let mut matching = bus.subscriber("p").late().with_retained().subscribe_matching("*");
    assert_eq!(matching.try_iter().count(), 2);
}

#[test]
fn retained_events_may_exceed_the_capacity() {
    let bus = Bus::new();
    bus.start();
    bus.publish(Leader(1));
    bus.publish(Config(2));
    let none = bus.subscriber("none").late().with_retained().capacity(0).subscribe::<State>();
    assert_eq!((none.len(), none.ledger().lost()), (2, 0));
}

#[test]
fn what_waits_for_the_start_is_handed_over_once() {
    let bus = Bus::new();
    bus.publish(Leader(1));
    assert!(kept(&bus).is_none(), "nobody may have seen it yet");
    let mut leaders = late::<Leader>(&bus);
    bus.start();
    assert!(leaders.try_iter().map(|leader| leader.0).eq([1]));
    bus.pause();
    bus.publish(Leader(2));
    let mut in_the_pause = late::<Leader>(&bus);
    bus.start();
    assert!(in_the_pause.try_iter().map(|leader| leader.0).eq([1, 2]));
    assert_eq!(kept(&bus).unwrap().0, 2);
}

#[test]
fn closed_bus_retains_nothing() {
    in_time("closed bus retains nothing", || {
        let bus = Bus::new();
        bus.start();
        bus.publish(Leader(1));
        bus.close();
        assert!(kept(&bus).is_none());
        assert!(late::<Leader>(&bus).blocking_recv().is_none());
    });
}

#[test]
fn latest_is_the_last_in_the_order_of_all() {
    for _ in 0..20 {
        in_time("publishers of a retained type", || {
            let bus = Bus::new();
            let mut all = bus.subscriber("all").capacity(usize::MAX).subscribe::<Leader>();
            bus.start();
            thread::scope(|scope| {
                for publisher in 0..4 {
                    let bus = &bus;
                    scope.spawn(move || {
                        publish_all(bus, (0..50).map(|n| Leader(publisher * 100 + n)));
                    });
                }
            });
            let last = all.try_iter().last().unwrap();
            assert_eq!(kept(&bus).unwrap().0, last.0);
        });
    }
}

#[test]
fn hand_over_is_one_cut() {
    in_time("subscribers that come while a retained type is published", || {
        let bus = Bus::new();
        bus.start();
        bus.publish(Leader(0));
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                publish_all(&bus, (1..5_000).map(Leader));
            });
            while !publishing.is_finished() {
                let mut leaders = bus
                    .subscriber("late")
                    .late()
                    .with_retained()
                    .capacity(50)
                    .subscribe::<Leader>();
                let first = leaders.try_recv().expect("there is always one");
                let rest = leaders.try_iter().take_while(|leader| leader.missed() == 0);
                for (expected, leader) in (first.0 + 1..).zip(rest) {
                    assert_eq!(leader.0, expected, "none twice, and none falls between");
                }
            }
        });
    });
}
