//! Handing over the retained event while other threads subscribe, leave, or close the bus.

use loom::thread;

use super::bus::started;
use super::harness::Model;
use super::watched::Latest;
use crate::{Bus, Overflow, Subscription};

fn late(bus: &Bus, overflow: Overflow) -> Subscription<Latest> {
    bus.subscriber("late").late().overflow(overflow).with_retained().subscribe()
}

/// All remaining events.
fn rest(reader: &mut Subscription<Latest>) -> String {
    let seen = reader.try_iter().map(|latest| latest.number().to_string());
    seen.collect::<Vec<_>>().join(" ")
}

#[test]
fn who_comes_while_the_bus_starts_gets_what_was_buffered_once() {
    for (name, overflow) in [
        ("retained.start.log", Overflow::DropNewest),
        ("retained.start.queue", Overflow::DropOldest),
    ] {
        Model::new(name, &["1 2", "2"]).at_least(40).check(move || {
            let bus = Bus::new();
            bus.publish(Latest::new(1));
            let starter = thread::spawn({
                let bus = bus.clone();
                move || {
                    bus.start();
                    bus.publish(Latest::new(2));
                }
            });
            let mut reader = late(&bus, overflow);
            starter.join().unwrap();
            rest(&mut reader)
        });
    }
}

#[test]
fn who_goes_with_a_retained_event_leaves_it_to_others() {
    Model::new("retained.unsubscribe", &["0", "1"]).at_least(660).check(|| {
        let bus = started();
        bus.publish(Latest::new(1));
        let reader = late(&bus, Overflow::DropOldest);
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Latest::new(2)).delivered()
        });
        drop(reader);
        let delivered = publisher.join().unwrap();
        assert_eq!(rest(&mut late(&bus, Overflow::DropNewest)), "2");
        delivered.to_string()
    });
}

#[test]
fn who_comes_while_the_bus_closes_gets_the_retained_event_or_nothing() {
    Model::new("retained.close", &["1", ""]).at_least(3).check(|| {
        let bus = started();
        bus.publish(Latest::new(1));
        let closing = thread::spawn({
            let bus = bus.clone();
            move || bus.close()
        });
        let mut reader = late(&bus, Overflow::DropNewest);
        closing.join().unwrap();
        rest(&mut reader)
    });
}

#[test]
fn who_asks_for_the_retained_event_keeps_it_though_it_is_replaced() {
    Model::new("retained.replaced", &["1", "2"]).at_least(7).check(|| {
        let bus = started();
        bus.publish(Latest::new(1));
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Latest::new(2))
        });
        let latest = bus.retained::<Latest>().expect("there is one");
        publisher.join().unwrap();
        latest.number().to_string()
    });
}
